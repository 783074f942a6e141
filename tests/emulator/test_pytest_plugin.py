"""The fixture `mixpress_emulator`, in pytest processes of their own: the plugin may be installed in this one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[2]
SEND = """
import json
import urllib.request

def send(server, *events, path="/track"):
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, json.dumps(events).encode(), kind)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code

def event(name, **properties):
    return {"event": name, "properties": {"token": "t", "distinct_id": "ada", **properties}}
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest on test code with the plugin loaded once, by its module, and with every warning as an error."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return Run(pytester)


class Run:
    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester

    def __call__(
        self, code: str, *arguments: str, conftest: str = "", before: tuple[str, ...] = ()
    ) -> pytest.RunResult:
        """`before` are options before the one that loads the plugin."""
        self.pytester.makepyfile(sending=SEND)
        self.pytester.makeconftest(dedent(conftest))
        self.pytester.makepyfile(f"import pytest\nfrom sending import event, send\n\n{dedent(code)}")
        options = ("-p", "mixpress.pytest_plugin", "-p", "no:cacheprovider", "-W", "error", "--strict-markers")
        return self.pytester.runpytest_subprocess(*before, *options, *arguments)


def test_a_test_gets_a_running_emulator_that_is_reset_before_it(run: Run) -> None:
    result = run(
        """
        urls = set()

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_one(mixpress_emulator, number):
            assert mixpress_emulator.count() == 0
            assert mixpress_emulator.requests() == mixpress_emulator.refused() == []
            assert not mixpress_emulator.faults.rules
            assert send(mixpress_emulator, event("Signed Up", plan="pro"), {}) == 200
            mixpress_emulator.assert_received("Signed Up", {"plan": "pro"})
            mixpress_emulator.faults = "502=1x"
            urls.add(mixpress_emulator.url)
            assert len(urls) == 1
        """
    )
    result.assert_outcomes(passed=3)


def test_a_failed_test_shows_the_last_requests_and_refused_events(run: Run) -> None:
    result = run(
        """
        def test_it(mixpress_emulator):
            assert send(mixpress_emulator, event("Signed Up", **{"$insert_id": "null"}), event("Login")) == 200
            assert send(mixpress_emulator, path="/trck") == 404
            mixpress_emulator.assert_received("Signed Up", within=0)

        def test_without_it():
            assert False

        def test_passing(mixpress_emulator):
            assert True
        """
    )
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert re.search(r"E +AssertionError: no event \"Signed Up\" was stored within 0 s", text)
    assert "assertions.py" not in text  # the traceback ends at the test's line
    assert text.count("mixpress emulator ----") == 1
    section = text[text.index("mixpress emulator ----") :].splitlines()[1:8]
    assert section[:2] == ["stored: 1 event", "last requests:"]
    assert section[2] == "  request 1: POST /track 200, 2 events: 1 accepted, 1 refused"
    assert section[3].startswith("  request: POST /trck 404, no endpoint POST /trck")
    assert section[4] == "last refused events:"
    assert section[5].startswith("  request 1, event 0: ")


def test_a_report_of_a_stopped_emulator_does_not_end_pytest(run: Run) -> None:
    result = run(
        """
        @pytest.mark.mixpress_emulator(max_depth=3)
        def test_it(mixpress_emulator):
            mixpress_emulator.__exit__(None, None, None)
            assert False
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not known: RuntimeError: the emulator is not running*"])


def test_the_marker_sets_faults_for_a_test_and_starts_a_server_for_other_options(run: Run) -> None:
    result = run(
        """
        pytestmark = pytest.mark.mixpress_emulator(faults="429:3s:2")
        shared = []

        def test_the_faults_of_the_module(mixpress_emulator, mixpress_emulator_session):
            shared.append(mixpress_emulator.url)
            assert mixpress_emulator is mixpress_emulator_session
            assert [send(mixpress_emulator, event("A")) for _ in range(3)] == [429, 429, 200]

        @pytest.mark.mixpress_emulator(faults=None)
        def test_none(mixpress_emulator):
            assert [mixpress_emulator.url] == shared
            assert send(mixpress_emulator, event("A")) == 200

        @pytest.mark.mixpress_emulator(max_body_bytes=50)
        def test_another_server(mixpress_emulator):
            assert mixpress_emulator.url not in shared
            assert [send(mixpress_emulator, event("A")) for _ in range(3)] == [429, 429, 413]

        @pytest.mark.mixpress_emulator(faults="teapot=1x")
        def test_an_unknown_fault(mixpress_emulator): ...

        @pytest.mark.mixpress_emulator(colour="red")
        def test_an_unknown_option(mixpress_emulator): ...

        @pytest.mark.mixpress_emulator("429:3s:2")
        def test_an_option_without_a_name(mixpress_emulator): ...
        """
    )
    result.assert_outcomes(passed=3, errors=3)
    result.stdout.fnmatch_lines(
        [
            "the options of the fixture mixpress_emulator: fault 'teapot=1x'*",
            "the options of the fixture mixpress_emulator:*unexpected keyword argument 'colour'",
            "the marker mixpress_emulator takes options by name, such as faults='429:3s:2'",
        ]
    )


def test_options_of_all_tests_come_from_a_fixture_in_conftest(run: Run) -> None:
    result = run(
        """
        def test_it(mixpress_emulator):
            assert [send(mixpress_emulator, event("A")) for _ in range(2)] == [502, 413]
        """,
        conftest="""
        import pytest

        @pytest.fixture(scope="session")
        def mixpress_emulator_options():
            return {"faults": "502=1x", "max_body_bytes": 50}
        """,
    )
    result.assert_outcomes(passed=1)


def test_each_worker_of_xdist_has_its_server(run: Run) -> None:
    result = run(
        """
        @pytest.mark.parametrize("number", range(8))
        def test_it(mixpress_emulator, number):
            send(mixpress_emulator, event(f"Event {number}"))
            mixpress_emulator.assert_received(f"Event {number}")
            assert mixpress_emulator.count() == 1
        """,
        *("-p", "xdist.plugin", "-n", "2"),
    )
    result.assert_outcomes(passed=8)


def test_a_unittest_uses_the_emulator_with_and_without_pytest(run: Run) -> None:
    result = run(
        """
        import unittest
        from mixpress.emulator import Emulator

        class WithOneServer(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.server = Emulator().__enter__()
                cls.addClassCleanup(cls.server.__exit__, None, None, None)

            def setUp(self):
                self.server.clear()

            def test_one(self):
                send(self.server, event("Signed Up"))
                self.server.assert_received("Signed Up", {"distinct_id": "ada"})

            def test_two(self):
                self.assertEqual(self.server.count(), 0)

        class WithTheFixture(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _emulator(self, mixpress_emulator):
                self.server = mixpress_emulator

            def test_three(self):
                send(self.server, event("Signed Up"))
                self.assertEqual(self.server.count(), 2)
        """
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*mixpress emulator ---*", "stored: 1 event"])


def test_a_missing_extra_is_named(run: Run) -> None:
    result = run(
        "def test_it(mixpress_emulator): ...",
        conftest="import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["the fixture mixpress_emulator: the emulator needs: pip install 'mixpress[[]emulator]'"]
    )


def test_the_marker_and_the_fixtures_are_listed(run: Run) -> None:
    result = run("", "--fixtures", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.mixpress_emulator(*faults='429:3s:2'*"])
    result = run("", "--fixtures")
    result.stdout.fnmatch_lines(["mixpress_emulator -- *", "*A local server of the ingestion API*"])


def test_the_entry_point_loads_the_plugin(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a distribution on the path, as pytest finds those that are installed."""
    section = re.search(r"^\[project\.entry-points\.pytest11\]\n(.+)\n", (ROOT / "pyproject.toml").read_text(), re.M)
    assert section
    info = pytester.mkdir("mixpress-9.dist-info")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{section[1].replace(chr(34), '')}\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mixpress\nVersion: 9\n")
    monkeypatch.setenv("PYTHONPATH", f"{pytester.path}:{ROOT / 'python'}")
    pytester.makepyfile("def test_it(mixpress_emulator):\n    assert mixpress_emulator.count() == 0")
    pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider").assert_outcomes(passed=1)
    blocked = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", "-p", "no:mixpress")
    blocked.assert_outcomes(errors=1)


def test_pytest_without_a_stash_runs_with_the_plugin(run: Run) -> None:
    """As versions before 7.0, which load the plugin too."""
    run.pytester.makepyfile(older="import pytest\ndel pytest.StashKey")
    code = """
        def test_without_it(): ...

        def test_failing(mixpress_emulator):
            send(mixpress_emulator, event("Signed Up"))
            assert False
        """
    result = run(code, before=("-p", "older"))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*mixpress emulator ---*", "stored: 1 event"])


def test_the_plugin_imports_no_server_and_no_core() -> None:
    """It is loaded by every run of pytest, also by those that never use it."""
    code = "\n".join(
        [
            "import sys, pytest",
            "before = set(sys.modules)",
            "import mixpress.pytest_plugin",
            "print(sorted(set(sys.modules) - before))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['mixpress', 'mixpress.pytest_plugin']"

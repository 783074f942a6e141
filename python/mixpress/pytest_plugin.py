"""The pytest plugin: the fixture `mixpress_emulator`, a local server of the ingestion API.

    def test_signing_up_is_tracked(mixpress_emulator):
        sign_up("ada", mixpanel_url=mixpress_emulator.url)  # your code
        mixpress_emulator.assert_received("Signed Up", {"distinct_id": "ada"})

pytest loads it wherever mixpress is installed, so it imports nothing of the emulator before a test needs it.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import pluggy

    from mixpress.emulator import Emulator

FIXTURE = MARKER = "mixpress_emulator"
SECTION = "mixpress emulator"

_USED = "_mixpress_emulator"  # an attribute of tests: pytest before 7.0, which loads the plugin too, has no stash


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(**options): options of the emulator for a test, such as faults='429:3s:2'; see mixpress.emulator",
    )


@pytest.fixture(scope="session")
def mixpress_emulator_options() -> dict[str, Any]:
    """Options of the emulator for all tests, as for `mixpress.emulator.Emulator`. Override it in conftest.py."""
    return {}


@pytest.fixture(scope="session")
def mixpress_emulator_session(mixpress_emulator_options: dict[str, Any]) -> Iterator[Emulator]:
    """The server of all tests, for fixtures of the session that need its `url`. Tests use `mixpress_emulator`."""
    with _make(mixpress_emulator_options) as server:
        yield server


@pytest.fixture
def mixpress_emulator(request: pytest.FixtureRequest, mixpress_emulator_options: dict[str, Any]) -> Iterator[Emulator]:
    """A local server of the ingestion API, without events and requests: a `mixpress.emulator.Emulator`.

    The tests of a session share one server, which starts with the first of them. It is reset before each test and not
    after it, so that what a thread of an earlier test sent late is gone too. With xdist each worker has its own. The
    marker `mixpress_emulator(faults=...)` makes requests of a test fail; with other options a test gets a server of
    its own.
    """
    options = marked_options(request.node)
    with ExitStack() as stack:
        if options.keys() <= {"faults"}:
            server: Emulator = request.getfixturevalue("mixpress_emulator_session")
            with _explained():
                server.faults = options.get("faults", mixpress_emulator_options.get("faults"))
            server.clear()
        else:
            server = stack.enter_context(_make({**mixpress_emulator_options, "port": 0, "db": None, **options}))
        setattr(request.node, _USED, server)
        yield server


def marked_options(node: pytest.Item) -> dict[str, Any]:
    """Return the options in a test's markers; the nearest one wins."""
    options: dict[str, Any] = {}
    for marker in node.iter_markers(MARKER):
        if marker.args:
            pytest.fail(f"the marker {MARKER} takes options by name, such as faults='429:3s:2'", pytrace=False)
        options = {**marker.kwargs, **options}
    return options


def _make(options: dict[str, Any]) -> Emulator:
    """Return an emulator. The test fails if its packages are missing or an option is invalid."""
    try:
        from mixpress.emulator import Emulator  # noqa: PLC0415 - only for tests that use it
    except ImportError as error:
        pytest.fail(f"the fixture {FIXTURE}: {error}", pytrace=False)
    with _explained():
        return Emulator(**options)


@contextmanager
def _explained() -> Iterator[None]:
    """Fail the test with one sentence for an invalid option."""
    try:
        yield
    except (TypeError, ValueError) as error:
        pytest.fail(f"the options of the fixture {FIXTURE}: {error}", pytrace=False)


@pytest.hookimpl(hookwrapper=True)  # `wrapper` would end the tests of those whose pluggy is older than 1.2
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pluggy.Result[pytest.TestReport], None]:
    """Add the emulator's last requests and refused events to the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    server = getattr(item, _USED, None)
    if server is not None and report.failed and call.when != "teardown":  # by then it may be stopped
        report.sections.append((SECTION, _summary_of(server)))


def _summary_of(server: Emulator) -> str:
    from mixpress.emulator.shown import summarize  # noqa: PLC0415 - only for tests that use it

    try:
        return summarize(server.count(), server.requests(), server.refused())
    except Exception as error:  # noqa: BLE001 - it would end pytest, and hide why the test failed
        return f"not known: {type(error).__name__}: {error}"

"""The programs of docs/guides/emulator_recipes.md run as they are on the page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mixpress.emulator import Emulator

pytest_plugins = "pytester"

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "emulator_recipes.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(python|sh|js)\n(.*?)^```", re.M | re.S)
HEADING = re.compile(r"^##+ (.+)$", re.M)
SECONDS = 120

SHOP = """
<!doctype html>
<button>Sign up</button>
<script>
const host = new URLSearchParams(location.search).get("api_host");
document.querySelector("button").addEventListener("click", () => {
  // As the browser SDK does by default: a form with base64 in `data`, to /track/ with a slash.
  const event = {event: "Signed Up", properties: {token: "t", distinct_id: "$device:1", plan: "free",
    $current_url: location.href, mp_lib: "web", $insert_id: "abc", time: Date.now() / 1000}};
  const request = new XMLHttpRequest();
  request.open("POST", `${host}/track/?verbose=1&ip=1&_=${Date.now()}`, true);
  request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
  request.send("data=" + encodeURIComponent(btoa(JSON.stringify([event]))));
});
</script>
"""
BROWSER = f"""
import http.server, os, threading
import pytest
from playwright.sync_api import sync_playwright

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write({SHOP.encode()!r})

    def log_message(self, *arguments): ...

@pytest.fixture
def shop_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever, kwargs={{"poll_interval": 0.01}})
    thread.start()
    yield f"http://localhost:{{server.server_port}}/"
    server.shutdown()
    server.server_close()
    thread.join()

@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()
"""


def recipes(language: str) -> list[tuple[str, str]]:
    """Return the heading and the code of each block in a language."""
    headings = [(found.start(), found[1]) for found in HEADING.finditer(PAGE)]
    return [
        (max(heading for heading in headings if heading[0] < found.start())[1], found[2])
        for found in BLOCK.finditer(PAGE)
        if found[1] == language
    ]


PYTHON = [
    pytest.param(code, id=f"{heading} {number}", marks=[pytest.mark.browser] if "page.goto" in code else [])
    for number, (heading, code) in enumerate(recipes("python"))
]


def run(pytester: pytest.Pytester, code: str) -> pytest.RunResult:
    pytester.makepyfile(test_recipe=code)
    options = ("-p", "mixpress.pytest_plugin", "-p", "no:cacheprovider", "-W", "error", "--strict-markers")
    return pytester.runpytest_subprocess(*options, timeout=SECONDS)


def find_chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("no Chromium on PATH: `apt-get install chromium`, or leave these tests out with -m 'not browser'")
    return found


@pytest.mark.parametrize("code", PYTHON)
def test_the_tests_on_the_page_pass(code: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("NO_PROXY", "*")
    if "page.goto" in code:
        monkeypatch.setenv("CHROMIUM", find_chromium())
        pytester.makeconftest(BROWSER)
    run(pytester, code).assert_outcomes(passed=code.count("def test_"))


def test_the_failure_on_the_page_is_what_a_failure_shows(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    _, code = recipes("python")[0]
    code = code.replace('{"distinct_id": "ada"}, within=5', '{"distinct_id": "ada", "plan": "pro"}, within=0')
    code = code.replace("    event = mixpress", '    sign_up("bob", mixpress_emulator.url)\n    event = mixpress')
    code = code.replace('"event": "Signed Up"', '"event": "Login" if user == "bob" else "Signed Up"')
    result = run(pytester, code)
    result.assert_outcomes(failed=1)
    [shown] = re.findall(r'^    (no event "Signed Up".*?)\n\n', PAGE, re.M | re.S)
    expected = [re.sub(r"\d{13}", "*", line.strip()) for line in shown.replace("within 5 s", "within 0 s").split("\n")]
    text = [re.sub(r"\d{13}", "*", line.removeprefix("E").strip()) for line in result.outlines]
    first = next(number for number, line in enumerate(text) if line.endswith(expected[0]))
    assert text[first + 1 : first + len(expected)] == expected[1:]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_program_for_node_runs(tmp_path: Path) -> None:
    [(_, code)] = recipes("js")
    (tmp_path / "recipe.mjs").write_text(code)
    with Emulator() as server:
        environment = {**os.environ, "MIXPANEL_URL": server.url}
        command = ["node", str(tmp_path / "recipe.mjs")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        assert server.count("Signed Up") == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_commands_for_any_language_run(tmp_path: Path) -> None:
    [(_, code)] = recipes("sh")
    program = tmp_path / "mixpress"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from mixpress.cli import main; main()' \"$@\"\n")
    program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PORT": port, "NO_PROXY": "*"}
    process = subprocess.Popen(
        ["bash", "-e", "-c", code],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        process.wait(SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the emulator of commands that failed
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert output.endswith("stopped; events in memory: 0\n")

"""Run an installed mixpress without any extra, in a clean environment.

It uses only the standard library: to compare results, and as a server to deliver to.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import mixpress
from mixpress.spool import Spool

ACCOUNT = mixpress.ServiceAccount("user", "secret", project_id="1")


def event(number: int, **more: Any) -> dict[str, Any]:
    properties = {"time": 1_700_000_000 + number, "distinct_id": f"u-{number}", "$insert_id": f"i-{number}"}
    return {"event": "Seen", "properties": properties | more}


EVENTS = [event(number, text=text) for number, text in enumerate(("plain", 'a "quote"', "é", "日本", "😀", "\n\t\0"))]
EVENTS += [event(6, nested={"a": [1, -2, 2.5, 1e300, True, None], "b": {}}, big=2**63)]


def check_the_installation(version: str) -> None:
    distribution = importlib.metadata.distribution("mixpress")
    assert distribution.version == mixpress.__version__ == version, (distribution.version, mixpress.__version__)
    folder = Path(mixpress.__file__).parent
    assert Path(sys.prefix) in folder.parents, f"{folder} is not of this environment"
    assert (folder / "py.typed").exists()
    assert (folder / "_core.pyi").exists()
    needed = [line.split(";")[0].strip() for line in distribution.requires or [] if "extra ==" not in line]
    assert [line[:7] for line in needed] == ["urllib3"], needed
    for missing in ("click", "starlette", "orjson"):
        assert importlib.util.find_spec(missing) is None, f"{missing} is installed, so the check would prove nothing"
    assert shutil.which("cargo") is None, "a Rust toolchain is on PATH"


def check_the_encoder() -> None:
    bad, torn = event(7, **{"$insert_id": "null"}), event(8, text="\ud800")
    encoded = mixpress.Encoder(level=9).encode([*EVENTS, bad, torn])
    [batch] = encoded.batches
    torn["properties"]["text"] = "\ufffd"
    assert json.loads(gzip.decompress(batch.body)) == [*EVENTS, torn]
    assert [rejection.rule for rejection in encoded.rejected] == ["insert-id-disallowed"]
    assert [warning.rule for warning in encoded.warnings] == ["invalid-unicode"]
    lines = "\n".join(map(json.dumps, EVENTS))
    [of_text] = mixpress.Encoder().encode_json(lines).batches
    assert json.loads(gzip.decompress(of_text.body)) == EVENTS
    many = [event(number, text="x" * (number % 50)) for number in range(5000)]
    for level in (1, 2, 3):
        batches = mixpress.Encoder(level=level).iter_batches(many)
        assert [found for batch in batches for found in json.loads(gzip.decompress(batch.body))] == many


class Server(BaseHTTPRequestHandler):
    """Accepts requests to /import like the API."""

    taken: list[Any] = []  # noqa: RUF012 -- shared on purpose

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        events = json.loads(gzip.decompress(body))
        Server.taken += events
        reply = json.dumps({"code": 200, "num_records_imported": len(events), "status": "OK"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def check_the_client() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, spool = f"http://127.0.0.1:{server.server_port}", Path(folder) / "events.spool"
        with mixpress.Client(ACCOUNT, base_url=url, spool=spool) as client:
            report = client.import_events(EVENTS)
            assert (report.imported, report.total) == (len(EVENTS), len(EVENTS)), report
            client.track("Tracked", "u-1", {"plan": "pro"})
        with Spool(spool) as left:
            assert left.stats().events == left.stats().batches == 0, left.stats()
        server.shutdown()
    assert [found["event"] for found in Server.taken] == ["Seen"] * len(EVENTS) + ["Tracked"]
    assert Server.taken[: len(EVENTS)] == EVENTS


def check_the_command() -> None:
    command = [str(Path(sys.executable).parent / "mixpress"), "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "mixpress: this command needs `pip install 'mixpress[cli]'`\n"), (
        ended
    )


if __name__ == "__main__":
    check_the_installation(version=sys.argv[1])
    check_the_encoder()
    check_the_client()
    check_the_command()
    print(f"mixpress {mixpress.__version__} works on {sys.implementation.name} {sys.version.split()[0]}")

"""`mixpress emulator export`: the events of a file or of a running emulator, as NDJSON and Parquet."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from mixpress.cli.group import group
from mixpress.emulator import Emulator, stored
from mixpress.emulator import export as exporting
from mixpress.emulator.export import export
from mixpress.emulator.stored import StoredEvent, read_file, read_url

from .sender import NOW, Sender, event

EVENTS = [
    event("Signed Up", insert_id="a", plan="pro", text='é "quoted" \u2028 \\ 😀', nested={"a": [1, None, 2.5, True]}),
    event("Login", insert_id="b", time=NOW - 7200.5),
    event("Login", insert_id=..., distinct_id=..., time=(NOW - 7201) * 1000),
]
STORED = [{"event": each["event"], "properties": each["properties"]} for each in EVENTS]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(group, ["emulator", "export", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """The file of an emulator that has stopped, with `EVENTS`."""
    path = tmp_path / "events.db"
    with Emulator(db=path, now=lambda: NOW) as server:
        fill(server)
    return path


def fill(server: Emulator) -> None:
    sender = Sender(server.url)
    assert sender.post("/import", EVENTS).body == b"1"
    sender.close()
    assert server.events() == STORED


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


class Running(BaseHTTPRequestHandler):
    """Answers GET /_emulator/events as an emulator with `EVENTS` does."""

    events: tuple[dict[str, Any], ...] = ()
    asked: list[dict[str, list[str]]]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.asked.append(query)
        body: Any = {"error": "no such page"}
        if parts.path == "/_emulator/events":
            found = [each for each in self.events if [each["event"]] == query.get("event", [each["event"]])]
            page = [each for each in found if each["id"] > int(query["after"][0])][: int(query["limit"][0])]
            body = {"events": page, "total": len(found), "limit": 100, "offset": 0}
        content = json.dumps(body).encode()
        self.send_response(200 if parts.path == "/_emulator/events" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None: ...


@contextmanager
def running(*events: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """Yield the URL of a server with these events, and the queries that it got."""
    numbered = tuple(
        {"id": number, "endpoint": "/import", "request": 1, "received": 0, **each}
        for number, each in enumerate(events, 1)
    )
    asked: list[dict[str, list[str]]] = []
    handler = type("Handler", (Running,), {"events": numbered, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_file_becomes_ndjson(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    result = run(out, "--db", db)
    assert (result.exit_code, result.stdout) == (0, f"3 events written to {out}\n"), result.output
    assert lines_of(out) == STORED
    assert sorted(each.name for each in tmp_path.iterdir()) == ["events.db", "out.ndjson"]


def test_a_file_becomes_parquet(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert run(out, "--db", db).exit_code == 0
    table = parquet.read_table(out)
    assert table.schema.names == ["event", "time", "distinct_id", "insert_id", "endpoint", "properties"]
    assert str(table.schema.field("time").type) == "timestamp[ms, tz=UTC]"
    columns = table.to_pydict()
    assert columns["event"] == ["Signed Up", "Login", "Login"]
    at = [NOW - 7200, NOW - 7200.5, NOW - 7201]
    assert columns["time"] == [datetime.datetime.fromtimestamp(each, datetime.timezone.utc) for each in at]
    assert columns["distinct_id"] == ["user-1", "user-1", None]
    assert columns["insert_id"] == ["a", "b", None]
    assert columns["endpoint"] == ["/import"] * 3
    assert [json.loads(each) for each in columns["properties"]] == [each["properties"] for each in EVENTS]


def test_what_is_exported_can_be_imported_again(tmp_path: Path) -> None:
    whole = [event("Seen", insert_id=f"id-{number}", distinct_id=f"u-{number}") for number in range(1500)]
    out = tmp_path / "out.ndjson"
    with Emulator(db=tmp_path / "events.db") as one, Emulator() as other:
        sender = Sender(one.url)
        assert sender.post("/import?strict=1", whole).status == 200
        sender.close()
        assert run(out, "--db", tmp_path / "events.db").exit_code == 0
        result = CliRunner().invoke(group, ["import", str(out), "--to", other.url])
        assert result.exit_code == 0, result.output
        assert sorted(map(json.dumps, other.events())) == sorted(map(json.dumps, one.events()))
        assert other.count() == 1500


def test_a_file_is_read_while_an_emulator_writes_it(tmp_path: Path) -> None:
    path, out = tmp_path / "events.db", tmp_path / "out.ndjson"
    with Emulator(db=path, now=lambda: NOW) as server:
        fill(server)
        assert run(out, "--db", path).exit_code == 0
        with read_file(path) as events:
            assert events.total == 3
            server.clear()
            assert sum(map(len, events.pages)) == 3  # as it was when the reading began
    assert len(lines_of(out)) == 3


def test_events_of_some_names_are_selected(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    for names, count in [(["Login"], 2), (["Login", "Signed Up"], 3), (["Other"], 0)]:
        options = [word for name in names for word in ("--event", name)]
        assert run(out, "--db", db, "--force", *options).exit_code == 0
        assert len(lines_of(out)) == count
        with running(*STORED) as (url, _):
            assert run(out, "--url", url, "--force", *options).exit_code == 0
        assert len(lines_of(out)) == count


def test_no_event_is_a_file_too(tmp_path: Path) -> None:
    with running() as (url, _):
        for name in ("out.jsonl", "out.parquet"):
            result = run(tmp_path / name, "--url", url)
            assert (result.exit_code, result.stdout) == (0, f"0 events written to {tmp_path / name}\n")
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert parquet.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_running_emulator_is_read_page_by_page(tmp_path: Path) -> None:
    many = [event("Seen", insert_id=f"id-{number}") for number in range(2500)]
    with running(*many) as (url, asked):
        assert run(tmp_path / "out.ndjson", "--url", f"{url}/").exit_code == 0
    assert lines_of(tmp_path / "out.ndjson") == many
    assert [(query["after"], query["limit"]) for query in asked] == [
        (["0"], ["100"]),
        (["100"], ["200"]),
        (["300"], ["400"]),
        (["700"], ["800"]),
        (["1500"], ["1000"]),
        (["2500"], ["1000"]),
    ]


def test_pages_of_large_events_have_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "PAGE_BYTES", 10_000)
    many = [event("Seen", insert_id=f"id-{number}", text="x" * 1000) for number in range(300)]
    with running(*many) as (url, asked), read_url(url) as events:
        assert max(map(len, events.pages)) == 100
    assert {int(query["limit"][0]) for query in asked[1:]} <= {7, 8, 9}


def test_row_groups_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(exporting, "GROUP_ROWS", 40)
    page = [StoredEvent("/track", "A", b"{}")] * 25
    assert export([page] * 4, tmp_path / "rows.parquet") == 100
    monkeypatch.setattr(exporting, "GROUP_BYTES", 25)
    assert export([page], tmp_path / "bytes.parquet") == 25
    for name, groups in (("rows", 3), ("bytes", 2)):
        assert parquet.ParquetFile(tmp_path / f"{name}.parquet").num_row_groups == groups


def test_a_file_that_exists_is_replaced_only_by_force(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    out.write_text("mine")
    result = run(out, "--db", db)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {out} exists: name another file, or replace it with --force\n"
    assert out.read_text() == "mine"
    assert run(out, "--db", db, "--force").exit_code == 0
    assert len(lines_of(out)) == 3


@pytest.mark.parametrize("error", [RuntimeError("no more"), KeyboardInterrupt()])
def test_an_export_that_fails_leaves_the_file_as_it_was(tmp_path: Path, error: BaseException) -> None:
    def pages() -> Iterator[list[StoredEvent]]:
        yield [StoredEvent("/track", "A", b"{}")]
        raise error

    for name in ("out.ndjson", "out.parquet"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(type(error)):
            export(pages(), tmp_path / name, force=True)
        assert (tmp_path / name).read_text() == "mine"
    assert len(os.listdir(tmp_path)) == 2


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    def pages() -> Iterator[list[StoredEvent]]:
        yield [StoredEvent("/track", "A", b"{}")]
        (tmp_path / "out.ndjson").write_text("mine")

    with pytest.raises(FileExistsError):
        export(pages(), tmp_path / "out.ndjson")
    assert (tmp_path / "out.ndjson").read_text() == "mine"
    assert os.listdir(tmp_path) == ["out.ndjson"]


def test_what_cannot_be_exported_is_one_sentence(db: Path, tmp_path: Path) -> None:
    text, foreign = tmp_path / "text.db", tmp_path / "foreign.db"
    text.write_text("no database " * 100)
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE events (id)")
    connection.close()
    cases: list[tuple[list[object], str]]
    with running() as (url, _):
        cases = [
            (["o.txt", "--db", db], "o.txt must end with .ndjson, .jsonl or .parquet"),
            (["o.ndjson", "--db", tmp_path / "no.db"], "no.db' does not exist"),
            (["o.ndjson", "--db", text], f"Error: cannot read events from {text}: file is not a database\n"),
            (["o.ndjson", "--db", foreign], f"Error: cannot read events from {foreign}: it is not the file of an emu"),
            (["o.ndjson", "--db", db, "--url", url], "--db and --url exclude each other"),
            (["o.ndjson", "--url", f"{url}/x"], 'no emulator answers there: 404, "no such page"'),
            (["o.ndjson", "--url", "http://127.0.0.1:1"], "is an emulator running there? "),
            (
                ["o.ndjson", "--url", "ftp://h"],
                "the emulator's URL must be such as http://127.0.0.1:8400, got 'ftp://h'",
            ),
            (["o.ndjson", "--url", "http://a:canary@h"], "must have no username and no password"),
            ([tmp_path / "no" / "o.ndjson", "--db", db], "no/o.ndjson: No such file or directory\n"),
        ]
        for arguments, words in cases:
            result = run(*arguments)
            assert result.exit_code == 2, result.output
            assert words in result.stderr
            assert "canary" not in result.output
    assert not Path("o.ndjson").exists()


def test_without_pyarrow_parquet_names_its_extra(db: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from mixpress.cli import main; main()"
    command = [sys.executable, "-c", code, "emulator", "export", "--db", str(db), str(tmp_path / "out.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "Error: Parquet needs `pip install 'mixpress[parquet]'`; or export to .ndjson\n"


def test_an_option_of_the_server_before_the_command_is_an_error(tmp_path: Path) -> None:
    arguments = ["emulator", "--db", "events.db", "export", str(tmp_path / "out.ndjson")]
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == 2
    assert "--db before 'export' is an option of the server" in result.stderr
    assert os.listdir(tmp_path) == []


def test_help_teaches_the_formats() -> None:
    result = run("--help")
    for words in [".ndjson", ".parquet", "mixpress import", "--event NAME", "mixpress[parquet]", "Exit status:"]:
        assert words in result.stdout
    assert "export  Write the stored events to a file." in CliRunner().invoke(group, ["emulator", "--help"]).stdout

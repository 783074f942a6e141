"""Files of object stores and web servers are read through fsspec, and no message shows a credential of a URL."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from files.reading import PLAIN, good, read, read_all, write
from mixpress.files import json_reader
from mixpress.files.files import Files
from mixpress.files.remote import find_remote, is_remote, shown
from support.listener import closed_port

pytest.importorskip("fsspec")

LINES = b"".join(good(number) + b"\n" for number in range(50))
SECRET = "s3cr3t"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of a server that speaks S3 on the loopback, with a bucket."""
    boto3 = pytest.importorskip("boto3")
    s3fs = pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        s3fs.S3FileSystem.clear_instance_cache()
        client = boto3.client("s3")
        client.create_bucket(Bucket="history")
        for name, content in {
            "2024/a.ndjson": LINES[: LINES.index(b"\n") + 1],
            "2024/b.ndjson.gz": gzip.compress(LINES),
            "2024/_SUCCESS": b"",
            "2024/.hidden": b"nope",
            "2025/c.json": b"[" + good(9) + b"]",
            "other.pdf": b"%PDF-1.4",
        }.items():
            client.put_object(Bucket="history", Key=name, Body=content)
        yield client
        client.close()
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.usefixtures("s3")
def test_a_file_of_a_bucket_is_read() -> None:
    files = Files(["s3://history/2024/b.ndjson.gz"])
    assert files.size == len(gzip.compress(LINES))
    found = read_all(files, PLAIN)
    assert len(found.originals) == 50
    assert str(found.places[49]) == "s3://history/2024/b.ndjson.gz:50"
    assert not found.damaged


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("url", "names", "count"),
    [
        ("s3://history/2024", ["2024/a.ndjson", "2024/b.ndjson.gz"], 51),
        ("s3://history/2024/", ["2024/a.ndjson", "2024/b.ndjson.gz"], 51),
        ("s3://history/*/*.json", ["2025/c.json"], 1),
        ("s3://history/202?/[ac].*json", ["2024/a.ndjson", "2025/c.json"], 2),
    ],
)
def test_a_folder_and_a_pattern_stand_for_files(url: str, names: list[str], count: int) -> None:
    found = read(url)
    assert sorted({place.file for place in found.places}) == [f"s3://history/{name}" for name in names]
    assert len(found.originals) == count


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("url", ["s3://history/missing", "s3://history/*.gz", "s3://no-such-bucket/a"])
def test_a_missing_file_of_a_bucket_is_named(url: str) -> None:
    with pytest.raises(OSError, match="no such file") as caught:
        Files([url])
    assert caught.value.filename == url


@pytest.mark.usefixtures("s3")
def test_a_remote_file_in_another_format_is_named_when_it_is_opened(tmp_path: Path) -> None:
    files = Files(["s3://history/other.pdf", write(tmp_path / "a", LINES)])
    assert len(read_all(files, PLAIN).originals) == 50
    assert files.unusable
    [message] = files.damaged
    assert message.startswith("s3://history/other.pdf is PDF")


class Web(BaseHTTPRequestHandler):
    """Serves files, in ranges or as a stream; some break off."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {"/a.ndjson": LINES, "/b.gz": gzip.compress(LINES), "/large": LINES * 4000}

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.files.get(path.removeprefix("/stream").removeprefix("/broken"))
        if "denied" in query or body is None:
            self.reply(403 if "denied" in query else 404, b"no")
        elif path.startswith("/stream"):
            self.stream(body)
        elif path.startswith("/broken") and self.command == "GET" and not self.headers["Range"].startswith("bytes=0-"):
            self.reply(500, b"broken")
        else:
            self.ranges(body)

    def ranges(self, body: bytes) -> None:
        wanted = self.headers["Range"]
        if not wanted:
            self.reply(200, body, {"Accept-Ranges": "bytes"})
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1 if last else None]
        self.reply(206, part, {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"})

    def stream(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
        self.close_connection = True

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """The URL of a web server on the loopback."""
    pytest.importorskip("aiohttp")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["a.ndjson", "b.gz", "stream/a.ndjson", "stream/b.gz"])
def test_a_file_of_a_web_server_is_read(web: str, path: str) -> None:
    found = read(f"http://{web}/{path}")
    assert len(found.originals) == 50
    assert str(found.places[49]) == f"http://{web}/{path}:50"
    assert not found.damaged


def test_a_large_file_of_a_web_server_is_read_in_pieces(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "PIECE", 1 << 20)
    for path in ("large", "stream/large"):
        files = Files([f"http://{web}/{path}"])
        assert files.size in (len(Web.files["/large"]), None)
        counts = [piece.count() for piece in files]
        assert (sum(counts), len(counts) > 5) == (200_000, True)


def test_a_remote_file_that_breaks_off_is_damaged(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpress.files.remote.BLOCK", 1 << 20)
    files = Files([f"http://{web}/broken/large?sig={SECRET}"])
    count = sum(piece.count() for piece in files)
    assert 0 < count < 200_000
    [message] = files.damaged
    assert message.startswith(f"cannot read http://{web}/broken/large?... after line {count:,}: ")
    assert SECRET not in message


@pytest.mark.parametrize("path", ["missing", "a.ndjson?denied"])
def test_no_message_shows_a_credential(web: str, path: str) -> None:
    mark = "&" if "?" in path else "?"
    url = f"http://user:{SECRET}@{web}/{path}{mark}X-Amz-Signature={SECRET}&token={SECRET}"
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the message depends on the server
        Files([url])
    chain: list[str] = []
    error: BaseException | None = caught.value
    while error is not None and len(chain) < 9:
        chain.append(f"{error!r} {error}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert web in chain[0]
    assert not any(SECRET in shown_error or "user" in shown_error for shown_error in chain)


def test_what_a_web_server_replied_is_named(web: str) -> None:
    for path, reason in {"a.ndjson?denied": "the server replied 403", "missing": "the server replied 404"}.items():
        with pytest.raises(OSError, match=reason):
            Files([f"http://{web}/{path}"])
    with closed_port() as port, pytest.raises(OSError, match="Cannot connect to host"):
        Files([f"http://127.0.0.1:{port}/a"])


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/a/b.gz", "s3://bucket/a/b.gz"),
        ("https://user:secret@host:8080/a?sig=secret#x", "https://host:8080/a?..."),
        ("https://host/a", "https://host/a"),
        ("https://[bad", "https://..."),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, name: str) -> None:
    assert shown(url) == name


def test_urls_are_told_from_paths() -> None:
    assert is_remote("s3://a/b")
    assert not is_remote("a/b")
    assert not is_remote("C:\\a")


@pytest.mark.parametrize(("module", "url"), [("fsspec", "s3://bucket/a"), ("adlfs", "az://bucket/a")])
def test_a_missing_extra_is_named(module: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{url} needs: pip install 'mixpress\[cloud\]'"):
        Files([url])


def test_an_unknown_kind_of_store_is_refused() -> None:
    with pytest.raises(ValueError, match="nope://bucket/a: Protocol not known: nope"):
        find_remote("nope://bucket/a")

"""The files of the page at `/`, and the headers they come with; tests/browser opens the page itself."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError

import pytest

import mixpress.emulator.page.serve as page
from mixpress.emulator import Emulator

FOLDER = Path(page.__file__).parent
NAMES = (page.INDEX, *page.FILES)
MAX_LINES = 400


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Emulator() as server:
        yield server.url


def get(url: str, **headers: str) -> tuple[int, Message, str]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.headers, reply.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in page.FILES)])
def test_a_file_comes_with_its_type_and_a_policy_without_exceptions(url: str, path: str) -> None:
    status, headers, text = get(url + path)
    assert status == 200
    assert text == (FOLDER / (path.rpartition("/")[2] or page.INDEX)).read_text(encoding="utf-8")
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert not re.search("unsafe|https?:|data:|blob:|[*]", headers["Content-Security-Policy"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}.get(
        path.rpartition(".")[2], "text/html"
    )
    assert headers.get_content_type() == kind


def test_a_file_that_the_browser_has_is_not_sent_again(url: str) -> None:
    tag = get(f"{url}/page/main.js")[1]["ETag"]
    assert get(f"{url}/page/main.js", If_None_Match=tag)[0] == 304
    assert get(f"{url}/page/main.js", If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize(
    "name", ["serve.py", "__init__.py", "..%2fserver.py", "index.html", "", "a/b", "%00", "main.js/"]
)
def test_no_other_name_is_served(url: str, name: str) -> None:
    assert get(f"{url}/page/{name}")[0] == 404


def test_every_file_is_listed_and_none_is_too_long() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.suffix not in {".py", ""}}
    assert files == set(NAMES)
    lengths = {name: len((FOLDER / name).read_text(encoding="utf-8").splitlines()) for name in NAMES}
    assert [name for name, lines in lengths.items() if lines > MAX_LINES] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_refers_to_no_other_server_and_parses_no_text_as_markup(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|style=|\bon\w+=\""
    )
    assert re.findall(forbidden, text) == []
    links = re.findall(r"(?:from |import |src=|href=|url\()[\"']?([^\"'\s)>]+)", text)
    own = {f"/page/{one}" for one in page.FILES} | {"#content"}
    assert [link for link in links if link.startswith(("/", "http", "#", "data", ".")) and link not in own] == []

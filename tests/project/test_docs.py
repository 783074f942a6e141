"""The Python blocks in the README and in docs/ run, and their assertions hold."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from mixpress import Client
from mixpress.transport import Request
from support.clients import ACCOUNT
from support.clocks import FakeClock
from support.events import events

ROOT = Path(__file__).parents[2]
needs_kafka = pytest.mark.skipif(find_spec("confluent_kafka") is None, reason="confluent-kafka has no wheel for it yet")
needs_newer = pytest.mark.skipif(sys.version_info < (3, 11), reason="where and TOML need Python 3.11")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


ELSEWHERE = {"emulator_recipes.md", "orchestrators.md"}
"""The pages whose blocks test_recipes.py and tests/engines run."""


def marks_of(block: str) -> list[pytest.MarkDecorator]:
    kafka = [needs_kafka] if "confluent_kafka" in block else []
    return [*kafka, needs_newer] if "from_toml" in block or "where=" in block else kafka


BLOCKS = [
    pytest.param(block, id=f"{page.name} {number}", marks=marks_of(block))
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.name not in ELSEWHERE
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]


@pytest.fixture(autouse=True)
def _the_log_is_as_it_was() -> Iterator[None]:
    yield
    logging.getLogger("mixpress").setLevel(logging.NOTSET)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_python_block_of_the_docs_runs(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs", "exec"), {"__name__": "docs", "import_everything": import_everything})


def import_everything(url: str) -> None:
    """Import a hundred events in one request. The pages use it as the reader's code."""
    with Client(ACCOUNT, base_url=url, clock=FakeClock()) as client:
        client.import_events(events(100))


@pytest.mark.parametrize("name", ["HttpxTransport", "AiohttpTransport"])
def test_a_transport_of_the_docs_raises_unreachable(name: str) -> None:
    """An import decides by the kind of the error whether to retry."""
    from mixpress.errors import TransportError

    [block] = [
        block for block in BLOCK.findall((ROOT / "docs" / "transports.md").read_text()) if f"class {name}" in block
    ]
    scope: dict[str, Any] = {}
    exec(block, scope)

    async def over_aiohttp() -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.to_thread(scope[name](session).send, request)

    def over_httpx() -> None:
        with httpx.Client(trust_env=False) as http:
            scope[name](http).send(request)

    send = over_httpx if name == "HttpxTransport" else lambda: asyncio.run(over_aiohttp())
    with socket.socket() as bound:  # and not listening, so that no other process can have the port
        bound.bind(("127.0.0.1", 0))
        request = Request(f"http://127.0.0.1:{bound.getsockname()[1]}/import", {}, b"")
        with pytest.raises(TransportError) as caught:
            send()
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize("page", ["README.md", "docs/guides/bulk.md"])
def test_an_import_is_shown_from_its_mapping_to_its_repair(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    for shown in ("mixpress init ", "mixpress check ", "mixpress import ", "--state ", "mixpress replay "):
        assert any(shown in line for line in lines), shown
    for extra in ("cli", "parquet", "cloud"):
        assert f"mixpress[{extra}" in text, extra


def test_the_recipes_of_orchestrators_are_the_files_that_their_tools_run() -> None:
    page = (ROOT / "docs" / "guides" / "orchestrators.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^`examples/(\w+)\.py`:\n\n```python\n(.*?)^```$", page, re.M | re.S))
    assert shown == {name: (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8") for name in shown}
    assert len(shown) == len(BLOCK.findall(page))
    for name in shown:
        tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "engines").glob("test_*.py")]
        assert [text for text in tests if f'"""examples/{name}.py' in text], f"no test runs {name}"


def test_the_python_blocks_of_the_readme_run() -> None:
    from mixpress.emulator import Emulator

    client, track, encoder = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    with Emulator() as server:
        scope: dict[str, object] = {}
        exec(client.replace('region="eu"', f'base_url="{server.url}"'), scope)
        assert [event["event"] for event in server.events()] == ["Signed Up"]
        exec(track.replace('region="eu"', f'base_url="{server.url}"'), scope)
        assert [event["event"] for event in server.events()] == ["Signed Up", "Upgraded"]
        exec(encoder, scope)

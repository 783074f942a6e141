"""The Python in the README, docs/encoder.md and docs/emulator.md runs, and says what it asserts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from client.fakes import ACCOUNT, FakeClock, events
from mixpress import Client

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
BLOCKS = [
    pytest.param(block, id=f"{page.name} {number}")
    for page in [ROOT / "docs" / "encoder.md", ROOT / "docs" / "emulator.md"]
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs", "exec"), {"__name__": "docs", "import_everything": import_everything})


def import_everything(url: str) -> None:
    """A hundred events in one request: what the pages call the reader's code."""
    with Client(ACCOUNT, base_url=url, clock=FakeClock()) as client:
        client.import_events(events(100))


def test_the_readmes_lines_run_against_the_emulator() -> None:
    from mixpress.emulator import Emulator

    client, encoder = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    with Emulator() as server:
        scope: dict[str, object] = {}
        exec(client.replace('region="eu"', f'base_url="{server.url}"'), scope)
        assert [event["event"] for event in server.events()] == ["Signed Up"]
        exec(encoder, scope)

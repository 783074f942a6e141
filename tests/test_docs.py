"""The Python in the README and in the pages of docs/ runs, and says what it asserts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
BLOCKS = [
    pytest.param(block, id=f"{page.name} {number}")
    for page in [ROOT / "docs" / "encoder.md", ROOT / "docs" / "spool.md"]
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs", "exec"), {"__name__": "docs"})


def test_the_readmes_lines_run_against_the_emulator() -> None:
    from mixpress.emulator import Emulator

    client, encoder = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    with Emulator() as server:
        scope: dict[str, object] = {}
        exec(client.replace('region="eu"', f'base_url="{server.url}"'), scope)
        assert [event["event"] for event in server.events()] == ["Signed Up"]
        exec(encoder, scope)

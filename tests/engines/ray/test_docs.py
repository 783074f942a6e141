"""The blocks of docs/ray.md run, one after another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs/ray.md"
BLOCK = re.compile(r"^```py\n(.*?)^```", re.M | re.S)


@pytest.fixture(autouse=True)
def a_task_for_each_block() -> None:
    """Override that of the folder: the page has what users get."""


def test_the_blocks_of_the_page_run() -> None:
    scope: dict[str, Any] = {"__name__": "docs"}
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), scope)
    assert len(blocks) == 2

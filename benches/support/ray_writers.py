"""Datasinks of Ray that are measured: a bare one, that of mixpress, and one of plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ray.data.block import BlockAccessor
from ray.data.datasource import Datasink

from benches.support.plain_writer import write_rows
from benches.support.tasks import measured
from mixpress.ray import MixpressDatasink


class Bare(Datasink):  # type: ignore[misc] # Ray is not in the environment of mypy
    """Takes the blocks as tables of Arrow, and does nothing."""

    def write(self, blocks: Iterable[Any], ctx: Any) -> None:  # noqa: ARG002 - Ray's interface
        with measured():
            for block in blocks:
                BlockAccessor.for_block(block).to_arrow()


class Mixpress(MixpressDatasink):
    """The datasink of mixpress."""

    def write(self, blocks: Iterable[Any], ctx: Any) -> Any:
        with measured():
            return super().write(blocks, ctx)


class Plain(Datasink):  # type: ignore[misc] # as above
    """Takes the rows of the blocks as dicts."""

    def __init__(self, url: str) -> None:
        self._url = url

    def write(self, blocks: Iterable[Any], ctx: Any) -> None:  # noqa: ARG002 - Ray's interface
        rows = (row for block in blocks for row in BlockAccessor.for_block(block).iter_rows(public_row_format=True))
        with measured():
            write_rows(self._url, rows)

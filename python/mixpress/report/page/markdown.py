"""Write a `Page` as Markdown: tables in place of the charts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mixpress.report.page.charts import table_of
from mixpress.report.page.markup import visible

if TYPE_CHECKING:
    from mixpress.report.page.model import Page, Table

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>()#+!|~$&-]")


def render(page: Page) -> str:
    """Return the page as Markdown."""
    parts = [f"# {escaped(page.title)}", f"**{'Passed' if page.ok else 'Failed'}:** {escaped(page.verdict)}"]
    parts.append("\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in page.facts))
    parts.append("\n".join(f"- {figure.value} {escaped(figure.name)}{_note(figure.note)}" for figure in page.figures))
    for section in page.sections:
        parts.append(f"## {escaped(section.heading)}")
        parts.append(escaped(section.text))
        if section.chart is not None:
            parts.append(_table(table_of(section.chart)))
        if section.table is not None:
            parts += [_table(section.table), escaped(section.table.note)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Return a text without any meaning in Markdown or HTML."""
    return _SPECIAL.sub(r"\\\g<0>", visible(text))


def _note(note: str) -> str:
    return f" ({escaped(note)})" if note else ""


def _table(table: Table) -> str:
    head = " | ".join(map(escaped, table.names))
    rule = " | ".join("---:" if place in table.numbers else "---" for place in range(len(table.names)))
    rows = (" | ".join(map(escaped, row)) for row in table.rows)
    return "\n".join(f"| {row} |" for row in (head, rule, *rows))

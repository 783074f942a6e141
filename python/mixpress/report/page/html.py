"""Write a `Page` as one HTML file, without a script and without anything from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpress.report.page.charts import Charts, table_of
from mixpress.report.page.markup import Markup, element, joined
from mixpress.report.page.style import STYLE

if TYPE_CHECKING:
    from mixpress.report.page.model import Figure, Page, Section, Table

OPEN_ROWS = 60
"""Rows of a table that is open at first."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A browser runs no script and loads nothing, even if something in the page asked for it."""


def render(page: Page) -> str:
    """Return the page as HTML."""
    charts = Charts()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", page.title),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        element("header", element("h1", page.title), _verdict(page), _facts(page)),
        element(
            "main",
            element("ul", *map(_figure, page.figures), class_="figures"),
            element("div", *(_section(section, charts) for section in page.sections), class_="sections"),
        ),
        element("footer", element("p", "Written by mixpress.")),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _verdict(page: Page) -> Markup:
    mark = "✓" if page.ok else "✗"
    return element(
        "p",
        element("span", mark, aria_hidden="true", class_="mark"),
        " ",
        page.verdict,
        class_="verdict good" if page.ok else "verdict bad",
    )


def _facts(page: Page) -> Markup:
    pairs = (
        element("div", element("dt", name), element("dd", value)) for name, value in page.facts
    )  # a div groups a name with its value
    return element("dl", *pairs, class_="facts") if page.facts else Markup("")


def _figure(figure: Figure) -> Markup:
    parts = [element("span", figure.value, class_="number"), " ", element("span", figure.name, class_="name")]
    if figure.note:
        parts += [" ", element("small", figure.note)]
    return element("li", *parts, class_=figure.tone)


def _section(section: Section, charts: Charts) -> Markup:
    parts = [element("h2", section.heading)]
    if section.text:
        parts.append(element("p", section.text))
    if section.chart is not None:
        figures = _table(table_of(section.chart), section.heading)
        summary = element("summary", "Figures as a table")
        parts += [charts.draw(section.chart), element("details", summary, figures)]
    if section.table is not None:
        table = _table(section.table, section.heading)
        rows = len(section.table.rows)
        parts.append(table if rows <= OPEN_ROWS else element("details", element("summary", f"{rows:,} rows"), table))
    return element("section", *parts, class_="wide" if section.wide else None)


def _table(table: Table, heading: str) -> Markup:
    kinds = ["number" if place in table.numbers else None for place in range(len(table.names))]
    head = [
        element("th", name, class_=kind, scope="col", role="columnheader")
        for name, kind in zip(table.names, kinds, strict=True)
    ]
    rows = [
        element(
            "tr",
            *(
                element("td", text, class_=kind, data_name=name, role="cell")
                for text, kind, name in zip(row, kinds, table.names, strict=True)
            ),
            role="row",
        )
        for row in table.rows
    ]
    # The roles keep it a table for a screen reader where a phone shows its rows as blocks.
    written = element(
        "table",
        element("thead", element("tr", *head, role="row"), role="rowgroup"),
        element("tbody", *rows, role="rowgroup"),
        role="table",
    )
    # A region that can be scrolled needs a name, and the focus of the keyboard.
    scrolled = element("div", written, class_="scroll", tabindex=0, role="region", aria_label=heading)
    return joined(scrolled, element("p", table.note, class_="note")) if table.note else scrolled

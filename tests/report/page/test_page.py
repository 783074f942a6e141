"""The page as text: escaped, without anything from elsewhere, with a title, a text and a table for each chart."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.report.history import MAX_SAMPLES, ImportHistory
from mixpress.report.measures import day_of, largest_size, size_class
from mixpress.report.page import html, markdown
from mixpress.report.page.charts import Charts, short, steps, table_of
from mixpress.report.page.import_page import import_json, import_page
from mixpress.report.page.markup import element, visible
from mixpress.report.page.model import Columns, Line, Page, Rows, Section, Span, Table
from mixpress.report.page.parts import MAX_COLUMNS, events_by_day, sizes
from mixpress.report.report import Progress, Report
from mixpress.wording import in_words
from support.clocks import FakeClock

from .pages import HOSTILE, history, hostile_page

TEXTS = st.text(st.characters(), max_size=40) | st.sampled_from(HOSTILE)


class Reader(HTMLParser):
    """Collects elements, texts, and those elements that are not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_well_formed_and_has_no_script_and_no_link() -> None:
    page = html.render(hostile_page())
    read = Reader(page)
    assert read.open == []
    assert {"script", "img", "link", "a", "iframe", "object", "form", "base"} & read.tags.keys() == set()
    assert [name for _, name, _ in read.attributes if name.startswith("on") or name in {"src", "href", "style"}] == []
    assert "default-src &#x27;none&#x27;" in page
    assert not re.search(r"url\(|@import", page)
    page.encode("utf-8")


def test_every_hostile_text_is_there_as_text() -> None:
    read = Reader(html.render(hostile_page()))
    together = "".join(read.texts)
    assert HOSTILE[0] in together
    assert "\\x00\\x1b[2J\\u202eabc" in together
    assert "\\ud83d" in together
    assert "\x1b" not in together


def test_each_chart_has_a_title_a_text_and_a_table() -> None:
    page = hostile_page()
    charts = [section.chart for section in page.sections if section.chart is not None]
    read = Reader(html.render(page))
    assert read.tags["svg"] == len(charts) == 5
    ids = [value for _, name, value in read.attributes if name == "id"]
    named = [value for tag, name, value in read.attributes if tag == "svg" and name == "aria-labelledby" and value]
    assert sorted(" ".join(named).split()) == sorted(filter(None, ids))
    assert read.tags["details"] == len(charts)
    assert {type(chart) for chart in charts} == {Columns, Rows, Line}


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), TEXTS)
def test_any_texts_give_a_page_that_is_well_formed(rows: list[tuple[str, str]], text: str) -> None:
    section = Section(text, text, Rows(text, text, [(one, 1.0, two) for one, two in rows]), Table(("a", text), rows))
    page = Page(text, False, text, [(text, text)], sections=[section])
    assert Reader(html.render(page)).open == []
    markdown.render(page).encode("utf-8")


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_a_table_of_markdown_keeps_its_columns(rows: list[tuple[str, str]]) -> None:
    page = Page("a", True, "b", sections=[Section("c", table=Table(("x", "y"), rows))])
    lines = [line for line in markdown.render(page).splitlines() if line.startswith("|")]
    assert len(lines) == len(rows) + 2
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {3}


def test_markdown_has_the_figures_of_each_chart() -> None:
    text = markdown.render(hostile_page())
    assert text.startswith("# Import\n\n**Failed:**")
    assert "<script" not in text.replace("\\<", "")
    assert "| Events a day | Count |" in text


VALUES = st.floats(0, 1e12)


@given(st.lists(VALUES, max_size=100))
def test_no_bar_leaves_its_chart(values: list[float]) -> None:
    drawn = Charts().draw(Columns("a", "b", [(str(place), value) for place, value in enumerate(values)]))
    bars = re.findall(r'class="bar" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', drawn)
    assert len(bars) == len(values)
    for x, y, width, height in bars:
        assert float(x) >= 40
        assert float(x) + float(width) <= 400.1
        assert float(y) >= 0
        assert float(y) + float(height) <= 162.1


@given(st.floats(0, 1e14))
def test_an_axis_has_few_round_values_up_to_the_highest(most: float) -> None:
    axis = steps(most)
    assert axis[0] == 0
    assert axis[-1] >= most
    assert 2 <= len(axis) <= 6
    assert all(len(short(value)) <= 5 for value in axis)


@given(st.dictionaries(st.integers(-10, 50_000), st.integers(1, 1000), max_size=30))
def test_days_are_put_together_and_none_is_lost(days: dict[int, int]) -> None:
    section = events_by_day(days)
    inside = {day: count for day, count in days.items() if 0 <= day < 40_000}
    if not inside:
        assert section.chart is None
        return
    assert isinstance(section.chart, Columns)
    assert len(section.chart.bars) <= MAX_COLUMNS
    assert sum(value for _, value in section.chart.bars) == sum(inside.values())
    assert section.chart.bars[0][0] == day_of(min(inside))
    assert (section.heading == "Events a day") == (max(inside) - min(inside) < MAX_COLUMNS)


def test_classes_of_sizes() -> None:
    assert [size_class(size) for size in (1, 64, 65, 128, 129, 1 << 20)] == [0, 0, 1, 1, 2, 14]
    assert all(size_class(largest_size(number)) == number for number in range(15))
    chart = sizes({1: 5, 3: 2}).chart
    assert isinstance(chart, Columns)
    assert chart.bars == [("128 B", 5), ("256 B", 0), ("512 B", 2)]
    last = sizes({3: 1, 14: 1}).chart
    assert isinstance(last, Columns)
    assert [name for name, _ in last.bars[1:3]] == ["1 KiB", "2 KiB"]
    assert last.bars[-1][0] == "1 MiB"


def test_a_history_keeps_its_samples_bounded_and_the_last_state() -> None:
    clock = FakeClock()
    made = ImportHistory(clock)
    for number in range(1, 20_001):
        clock.now += 0.3
        made.add(Progress(number, number, 0, 0, 0, "", done=number, rate_wait=float(number % 2)))
    made.end()
    assert len(made.samples) <= MAX_SAMPLES + 1
    assert made.samples[-1].events == 20_000
    assert made.samples[-1].rate_waited == pytest.approx(3000)
    assert [one.seconds for one in made.samples] == sorted(one.seconds for one in made.samples)
    assert made.samples[-1].retry_waited == 0


def test_a_history_counts_days_and_sizes_of_events() -> None:
    made = history(days=3)
    assert sorted(made.days.values()) == [5, 5, 5, 6] or sum(made.days.values()) == 21
    assert sum(made.sizes.values()) == 21
    made.add_events([])
    assert sum(made.sizes.values()) == 21


@pytest.mark.parametrize("report", [Report(0, 0), Report(3, 3, elapsed=0.01, dry_run=True, bytes_raw=100)])
def test_a_short_import_has_a_page_too(report: Report) -> None:
    empty = ImportHistory(FakeClock())
    empty.end()
    page = import_page(report, empty)
    assert page.ok
    assert Reader(html.render(page)).open == []
    assert import_json(report, empty)["total"] == report.total


def test_a_wait_is_drawn_where_it_was() -> None:
    [line] = [one.chart for one in hostile_page().sections if isinstance(one.chart, Line)]
    lanes = dict(line.lanes)
    waited = [span for span in lanes["waiting for a retry"] if span.share > 0]
    assert 20 <= waited[0].start < waited[-1].end <= 30
    assert all(isinstance(span, Span) and span.share <= 1.001 for spans in lanes.values() for span in spans)
    assert table_of(line).numbers == {0, 1}


def test_control_characters_are_spelled_out() -> None:
    assert visible("a\x1b[2J\n\u202e\u00fc") == "a\\x1b[2J\\n\\u202e\u00fc"
    assert visible("plain") == "plain"


def test_the_name_of_an_attribute_is_checked() -> None:
    assert element("rect", stroke_width=2) == '<rect stroke-width="2"></rect>'
    with pytest.raises(ValueError, match="not the name of an attribute"):
        element("rect", **{"x onload": 1})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (61, "1 min 1 s"),
        (119.8, "2 min 0 s"),
        (3599.7, "1 h 0 min"),
        (7322, "2 h 2 min"),
    ],
)
def test_a_duration_in_words(seconds: float, text: str) -> None:
    assert in_words(seconds) == text

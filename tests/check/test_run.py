from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import Encoder
from mixpress.check import property_types
from mixpress.check.ids import suspicion
from mixpress.check.report import HOT, CheckReport
from mixpress.check.run import check_pieces
from mixpress.files.files import Files
from mixpress.files.mapper import mapper_of
from mixpress.files.mapping import Mapping
from mixpress.report.measures import day_of
from mixpress.report.report import Progress

from .checking import checked, event, write


def kinds(findings: Any) -> dict[str, int]:
    return {kind: finding.count for kind, finding in findings}


def test_valid_events_pass(tmp_path: Path) -> None:
    report = checked(write(tmp_path / "a", (event(number=number) for number in range(5000))))
    assert (report.events, report.passed, report.rejected, report.requests) == (5000, 5000, 0, 3)
    assert report.failures() == []
    assert report.failures(["duplicates", "types", "ids", "cuts", "warnings", "hot-ids", "ignored"]) == []
    assert report.raw_bytes > report.gzipped_bytes > 0


def test_each_broken_rule_has_its_count_and_three_places(tmp_path: Path) -> None:
    bad = event("Seen", 0, distinct_id="null", **{"$insert_id": "a b"})
    first = write(tmp_path / "a", [event(), bad, b"{broken", b"", event(time=None), bad])
    second = write(tmp_path / "b", [bad, bad])
    report = checked(first, second)
    assert kinds(report.rules) == {
        "distinct-id-disallowed": 4, "insert-id-charset": 4, "invalid-json": 1, "time-missing": 1
    }  # fmt: skip
    assert kinds(report.first_rules) == {"distinct-id-disallowed": 4, "invalid-json": 1, "time-missing": 1}
    assert sum(kinds(report.first_rules).values()) == report.rejected == 6
    places = [str(example.place) for example in report.rules.by_kind["distinct-id-disallowed"].examples]
    assert places == [f"{first}:2", f"{first}:6", f"{second}:1"]
    [broken] = report.rules.by_kind["invalid-json"].examples
    assert (str(broken.place), broken.message[:18]) == (f"{first}:3", "line 3, column 2 (")
    assert report.failures() == ["rejected"]
    assert list(report.files) == [first, second]


def test_what_would_be_cut_is_counted_by_its_path_with_the_advice(tmp_path: Path) -> None:
    url = "https://shop.example/?" + "&".join(f"a{number}=b" for number in range(100))
    report = checked(
        write(tmp_path / "a", [event(note="x " * 200), event(url=url), event(items=["y " * 130, "z " * 140])])
    )
    cuts = {path: (cut.count, cut.longest, cut.usual) for path, cut in report.cuts}
    assert cuts == {
        "properties.items[]": (2, 280, "text"), "properties.note": (1, 400, "text"),
        "properties.url": (1, len(url), "url"),
    }  # fmt: skip
    assert report.failures() == []
    assert report.failures(["cuts"]) == ["cuts"]
    assert "--long-url parse" in json.dumps(report.as_dict())


def test_duplicates_have_the_same_name_time_user_and_insert_id(tmp_path: Path) -> None:
    same_time = event(number=1, time=1_700_000_000_000)
    others = [event("Other", 1), event(number=1, time=1_700_000_001), event(number=1, distinct_id="u-2")]
    path = write(tmp_path / "a", [event(number=1), *others, event(number=1, plan="pro"), same_time])
    report = checked(path)
    assert report.duplicates == 2
    examples = report.content.duplicates.by_kind["duplicate"].examples
    assert [str(example.place) for example in examples] == [f"{path}:5", f"{path}:6"]


def test_properties_with_values_of_several_types(tmp_path: Path) -> None:
    values: list[object] = [1, 2.5, None, "3", True, [1], {"a": 1}]
    path = write(tmp_path / "a", [event(price=value, plan="pro", number=n) for n, value in enumerate(values)])
    [(name, found)] = checked(path).content.types.conflicts()
    assert name == "price"
    assert kinds(found) == {"number": 2, "text": 1, "boolean": 1, "list": 1, "object": 1}
    assert {kind: str(one.examples[0].place) for kind, one in found}["text"] == f"{path}:4"


def test_types_are_right_when_shapes_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(property_types, "MAX_HELD", 10)
    monkeypatch.setattr(property_types, "MAX_PROPERTIES", 20)
    events = [event(number=n, **{f"p{n}": n, "price": str(n) if n % 3 else n}) for n in range(3000)]
    types = checked(write(tmp_path / "a", events)).content.types
    assert [(name, kinds(found)) for name, found in types.conflicts()] == [("price", {"text": 2000, "number": 1000})]
    assert types.left_out
    assert types.names == 20


def test_ids_that_look_wrong_and_events_that_the_server_ignores(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a",
        [event(distinct_id="jane@example.com"), event(distinct_id="12.0", **{"$ignore": True}), event(note="$ignore")],
    )
    report = checked(path)
    assert kinds(report.content.ids) == {"test-address": 1, "number-as-float": 1}
    ignored = report.content.ignored.of("$ignore")
    assert (ignored.count, str(ignored.examples[0].place)) == (1, f"{path}:2")
    assert report.failures(["ids", "ignored"]) == ["ids", "ignored"]


def test_a_user_with_too_many_events_on_a_day_is_hot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpress.check.report.HOT", 3)
    day = 86_400
    events = [event(number=n, time=1_700_006_400 + n * day // 4, distinct_id="hot") for n in range(9)]
    report = checked(write(tmp_path / "a", [*events, *(event(number=n, distinct_id=f"u-{n}") for n in range(9))]))
    assert HOT == 200_000
    assert report.hot_users() == [("2023-11-15", "hot", 4), ("2023-11-16", "hot", 4)]
    assert report.failures(["hot-ids"]) == ["hot-ids"]


def test_records_that_a_filter_leaves_out_and_rows_that_are_no_event(tmp_path: Path) -> None:
    rows = [{"name": "a", "when": "2024-01-01"}, {"name": "b", "when": "never"}, {"name": "c", "when": "2023-01-01"}]
    mapping = Mapping(event_column="name", time_column="when", insert_id_from=("name",), since="2024-01-01")
    path = write(tmp_path / "a", [{**row, "distinct_id": "u-1", "$insert_id": "i"} for row in rows])
    report = checked(path, mapping=mapping)
    assert (report.passed, report.rejected, report.left_out) == (1, 1, 1)
    [(rule, finding)] = report.rules
    assert (rule, str(finding.examples[0].place)) == ("unreadable-time", f"{path}:2")


def test_a_damaged_file_fails_the_check(tmp_path: Path) -> None:
    import gzip

    text = gzip.compress(b"".join(json.dumps(event(number=n)).encode() + b"\n" for n in range(5000)))
    (tmp_path / "a.gz").write_bytes(text[:-40])
    report = checked(str(tmp_path / "a.gz"))
    assert report.failures() == ["damaged"]
    assert len(report.as_dict()["damaged"]) == 1


def test_an_empty_file(tmp_path: Path) -> None:
    report = checked(write(tmp_path / "a", []))
    assert (report.events, report.failures(), report.seconds_to_send) == (0, [], 0)
    assert json.dumps(report.as_dict())


def test_the_time_of_an_import_follows_the_rate_limit() -> None:
    assert CheckReport(passed=1_800_000).seconds_to_send == 60
    assert CheckReport(passed=1, raw_bytes=4_000_000_000).seconds_to_send == 120


def test_a_day_that_no_calendar_has() -> None:
    assert day_of(0) == "1970-01-01"
    assert day_of(10**12) == "day 1000000000000"


def test_a_check_that_is_stopped_says_what_it_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a", (event(number=number, note="x" * 200) for number in range(60_000)))
    source = Files([path])
    report = check_pieces(
        source, Encoder(explain=True), mapper_of(None), on_progress=lambda _: source.stop("stopped by Ctrl-C")
    )
    assert 0 < report.events < 60_000
    assert report.stopped == "stopped by Ctrl-C"
    assert report.failures() == ["stopped"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_is_checked_as_text_is(suffix: str, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import csv, parquet

    users = ["u-1", "null", "12.0", "u-1"]
    table = pyarrow.table({"what": ["a"] * 4, "at": [1_700_000_000] * 4, "who": users, "id": ["i", "j", "k", "i"]})
    path = tmp_path / f"events{suffix}"
    write_table = csv.write_csv if suffix == ".csv" else parquet.write_table
    write_table(table, path)
    columns = Mapping(event_column="what", time_column="at", distinct_id_column="who", insert_id_column="id")
    report = checked(str(path), mapping=columns)
    assert (report.passed, report.rejected, report.duplicates) == (3, 1, 1)
    place = report.rules.by_kind["distinct-id-disallowed"].examples[0].place
    assert str(place) == (f"{path}:3" if suffix == ".csv" else f"{path}: row 2")
    assert kinds(report.content.ids) == {"number-as-float": 1}


def test_progress_counts_events_and_bytes(tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = write(tmp_path / "a", [event(), event(time=None)])
    check_pieces(Files([path]), Encoder(explain=True), mapper_of(None), on_progress=seen.append)
    assert (seen[-1].total, seen[-1].rejected) == (2, 1)
    assert seen[-1].done == seen[-1].size == Path(path).stat().st_size


TEXTS = st.sampled_from(["a", "b", "jane@example.com", "12.0", "x" * 300, "\x1b[2J", "</script>", "Ü\U0001f600"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.lists(TEXTS, max_size=3)
)
PROPERTIES = st.fixed_dictionaries(
    {
        "time": st.integers(1_700_000_000, 1_700_300_000),
        "distinct_id": TEXTS,
        "$insert_id": st.sampled_from(["i", "j"]),
    },
    optional={"a": VALUES, "b": VALUES, "$ignore": st.booleans()},
)


@given(st.lists(st.builds(lambda name, found: {"event": name, "properties": found}, TEXTS, PROPERTIES), max_size=30))
def test_the_counts_are_those_of_a_plain_loop(tmp_path_factory: pytest.TempPathFactory, events: list[Any]) -> None:
    report = checked(write(tmp_path_factory.mktemp("check") / "a", events))
    found = [one["properties"] for one in events]
    assert report.passed == len(events)
    assert report.content.names.counts == Counter(one["event"][:255] for one in events)
    assert report.content.days.counts == Counter(one["time"] // 86_400 for one in found)
    assert report.content.ignored.of("$ignore").count == sum("$ignore" in one for one in found)
    keys = [(one["event"], p["time"], p["distinct_id"], p["$insert_id"]) for one, p in zip(events, found, strict=True)]
    assert report.duplicates == len(keys) - len(set(keys))
    types = {(name, property_types.WORDS[type(one[name])]) for one in found for name in one if one[name] is not None}
    several = {name for name, _ in types if sum(other == name for other, _ in types) > 1}
    assert {name for name, _ in report.content.types.conflicts()} == several
    assert sum(report.content.sizes.values()) == len(events)
    assert sum(kinds(report.content.ids).values()) == sum(
        suspicion(one["distinct_id"][:255]) is not None for one in found
    )

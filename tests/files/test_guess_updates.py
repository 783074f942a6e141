"""The mapping of updates that is guessed for some records, and what it makes of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mixpress import Mapping
from mixpress.files.guess_updates import guess_updates
from mixpress.files.mapper import mapper_of
from mixpress.files.proposal import proposal


def rows(name: str, *more: str) -> list[dict[str, Any]]:
    return [{"plan": "pro", **dict.fromkeys(more, number), name: f"id-{number}"} for number in range(10)]


@pytest.mark.parametrize(
    ("records", "group_key", "column"),
    [
        (rows("user_id"), None, "user_id"),
        (rows("User ID", "id"), None, "User ID"),
        (rows("id"), None, "id"),
        (rows("company_id", "account_id"), "company", "company_id"),
        (rows("account_id"), "company", "account_id"),
        (rows("Team", "id"), "team", "Team"),
        (rows("login", "plan"), None, "plan"),  # the first one whose values are all different
    ],
)
def test_the_column_of_the_id_is_found(records: list[Any], group_key: str | None, column: str) -> None:
    found = guess_updates(records, group_key)
    mapping = found.mapping
    assert column in (mapping.distinct_id_column, mapping.group_id_column)
    assert (mapping.profiles, mapping.groups, mapping.operation) == (group_key is None, group_key, "set")
    assert column not in [one.name for one in found.columns]


def test_a_column_that_has_no_ids_is_passed_over() -> None:
    records = [{"user": {"plan": "pro"}, "email": f"{number}@example.com"} for number in range(3)]
    assert guess_updates(records).mapping.distinct_id_column == "email"


def test_nothing_that_repeats_is_taken_for_an_id_without_its_name() -> None:
    found = guess_updates([{"plan": "pro"}, {"plan": "pro"}])
    assert found.mapping == Mapping(profiles=True)
    assert found.reasons["distinct_id_column"][-1] == 'distinct_id_column = "plan"'


def test_ids_that_the_api_disallows_are_named() -> None:
    found = guess_updates([{"user_id": "null"}, {"user_id": "u"}])
    assert "The API disallows ids such as 'null'" in found.reasons["distinct_id_column"][1]


def test_updates_of_the_api_need_no_mapping() -> None:
    found = guess_updates([{"$distinct_id": "u", "$add": {"n": 1}}, {"$distinct_id": "u", "$unset": ["a"]}])
    assert found.mapping == Mapping(profiles=True)
    assert "they are sent as they are" in found.reasons["profiles"][1]


def test_a_column_that_counts_the_rows_is_dropped() -> None:
    records = [{"": str(number), "user_id": f"u{number % 2}"} for number in range(4)]
    assert guess_updates(records).mapping.drop == ("",)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML needs Python 3.11")
@pytest.mark.parametrize("group_key", [None, 'com"pany'])
def test_the_written_file_makes_updates_of_the_records(group_key: str | None, tmp_path: Path) -> None:
    records = rows("company_id" if group_key else "user_id")
    path = tmp_path / "a.toml"
    path.write_text(proposal(guess_updates(records, group_key), ["a.csv"], len(records), "a.toml"))
    mapping = Mapping.from_toml(path)
    [first, *_] = mapper_of(mapping).rows(records).events
    assert first == {"$group_id" if group_key else "$distinct_id": "id-0", "$set": {"plan": "pro"}}
    assert "# To add a property to each update:" in path.read_text()

"""The tables and lists in docs/other_clients.md agree with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mixpress.compat.amplitude import GROUP_OPERATIONS, USER_OPERATIONS
from mixpress.files.vendors import amplitude, posthog, segment, values

PAGE = (Path(__file__).parents[2] / "docs" / "other_clients.md").read_text(encoding="utf-8")
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in re.split(r"^## ", PAGE, flags=re.M))}
ROW = re.compile(r"^\| `([^`]+)` \| (`[^`]+`|left out) \|(?: (`[^`]+`|left out) \|)?$", re.M)

TABLES = [
    ("Segment", {f"context.{'.'.join(path)}": name for name, path in segment.CONTEXT.items()}),
    ("PostHog", posthog.RENAMED),
    ("Amplitude", {name: own for name, own in amplitude.FIELDS.items() if name != own} | USER_OPERATIONS),
]


@pytest.mark.parametrize(("section", "names"), TABLES, ids=["Segment", "PostHog", "Amplitude"])
def test_each_table_lists_the_names_of_the_code(section: str, names: Mapping[str, str]) -> None:
    rows = {theirs: ours.strip("`") for theirs, ours, _ in ROW.findall(SECTIONS[section])}
    elsewhere = {"$clearAll", "country"} | {f"context.{name}" for name in ("location.country", "library.name")}
    assert {theirs: ours for theirs, ours in rows.items() if theirs not in elsewhere} == dict(names)


def test_the_table_lists_the_group_operations_of_the_code() -> None:
    listed = {theirs: of_group.strip("`") for theirs, _, of_group in ROW.findall(SECTIONS["Amplitude"]) if of_group}
    expected = {name: GROUP_OPERATIONS.get(name, "left out") for name in USER_OPERATIONS}
    assert listed == expected | {"$clearAll": "left out"}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("PostHog", [*posthog.DROPPED, *posthog.DROPPED_PREFIXES, *posthog.NO_EVENTS]),
        ("Amplitude", [name for name, own in amplitude.FIELDS.items() if name == own]),
        ("Amplitude", [*amplitude.REVENUE]),
        ("Profiles", [*values.PERSON, *values.PERSON.values()]),
    ],
)
def test_each_name_of_a_list_is_on_the_page(section: str, words: list[str]) -> None:
    assert [word for word in words if f"`{word}`" not in SECTIONS[section]] == []


def test_each_call_of_mixpanel_utils_for_profiles_has_a_row() -> None:
    """The names are those of its class `MixpanelUtils` in 3.0."""
    people = "set set_once unset add append union remove delete operation change_property_name"
    names = [f"people_{name}" for name in people.split()]
    names += ["people_revenue_property_from_transactions", "import_people", "import_groups", "define_group_context"]
    names += ["group_set", "group_delete", "group_operation", "deduplicate_people", "event_counts_to_people"]
    rows = [line.split(" | ")[0] for line in SECTIONS["From mixpanel-utils"].splitlines() if line.startswith("| `")]
    assert [name for name in names if not any(re.search(rf"`{name}[(`]", row) for row in rows)] == []


def test_the_adapters_do_not_need_the_libraries() -> None:
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['amplitude', 'posthog', 'segment']))\n"
        "from mixpress.compat import amplitude, posthog, segment\n"
        "print(amplitude.event_from({'event_type': 'Seen'})['event'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Seen\n"

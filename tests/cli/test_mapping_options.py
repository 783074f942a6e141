"""Messages about the fields of a mapping, with the names of their options."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .importing import event, ndjson, run, write

NEEDS_CEL = pytest.mark.skipif(sys.version_info < (3, 11), reason="where needs Python 3.11")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--event", "A", "--event-column", "b"], "--event is 'A' and --event-column is 'b': give one of them"),
        (["--event", " "], "--event must be a text that is not blank, got ' '"),
        (
            ["--time-zone", "Europe/Berlin", "--time-offset", "1"],
            "--time-zone is 'Europe/Berlin' and --time-offset is 1.0: give one of them",
        ),
        (
            ["--since", "2024-02-01", "--until", "2024-01-01"],
            "--since '2024-02-01' must be before --until '2024-01-01'",
        ),
        (
            ["--drop", "event_column", "--keep", "event_column"],
            "--drop has 'event_column', as --keep has: give it once",
        ),
        (["--drop", "a", "--rename", "a=b"], "--drop has 'a', as --rename has: give it once"),
        (
            ["--rename", "a=distinct_id"],
            "--rename can't make 'a' the field 'distinct_id': use --distinct-id-column 'a'",
        ),
        (["--set", "time=1"], "--set can't give every event the same time: use --time-column"),
        (["--insert-id-from", "a", "--drop", "a"], "--insert-id-from has 'a', which --drop removes: keep it, or use"),
        (
            ["--insert-id-from", "a", "--keep", "b"],
            "--insert-id-from has 'a', which --keep leaves out: add it to --keep",
        ),
        (
            ["--insert-id-from", "a.b"],
            "--insert-id-from has 'a.b', which may be within an object: make it a property, such as 'b', by --rename",
        ),
        pytest.param(
            ["--where", "keep(event_column)"], "--where: 'keep(event_column)' has an unknown", marks=NEEDS_CEL
        ),
    ],
)
def test_every_field_in_a_message_is_named_by_its_option(tmp_path: Path, arguments: list[str], says: str) -> None:
    for command in ("import", "check", "replay"):
        result = run(write(tmp_path / "a", ndjson(event(0))), *arguments, command=command)
        assert result.exit_code == 2
        assert says in result.stderr


def test_a_message_about_a_file_names_its_keys(tmp_path: Path) -> None:
    config = write(tmp_path / "c.toml", b'event = "A"\nevent_column = "b"\n')
    result = run(write(tmp_path / "a", ndjson(event(0))), "--config", config, command="check")
    assert result.exit_code == 2
    assert f"{config}: event is 'A' and event_column is 'b': give one of them" in result.stderr

"""`mixpress init` looks at files and writes a mapping."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mixpress import Mapping
from mixpress.cli.group import group
from mixpress.emulator import Emulator
from support.orders import ORDERS

from .importing import NOTHING

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is newer")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("orders.ndjson").write_text("".join(json.dumps(row) + "\n" for row in ORDERS), encoding="utf-8")


def init(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["init", *arguments])


@needs_toml
def test_a_mapping_is_written_and_the_next_step_is_said() -> None:
    done = init("orders.ndjson")
    assert done.exit_code == 0, done.output
    assert Mapping.from_toml("mixpress.toml").time_column == "ts"
    assert done.output.splitlines() == [
        "mixpress.toml has a mapping, guessed from 28 records:",
        "  event_column = action",
        "  time_column = ts",
        "  distinct_id_column = user_id",
        "  insert_id_column = order_id",
        "Check it, then: mixpress check orders.ndjson --config mixpress.toml",
    ]


def test_a_file_that_exists_is_replaced_only_if_told_so() -> None:
    Path("mixpress.toml").write_text("mine", encoding="utf-8")
    done = init("orders.ndjson")
    assert done.exit_code == 2
    assert "mixpress.toml exists: --force replaces it, --output names another file" in done.output
    assert Path("mixpress.toml").read_text(encoding="utf-8") == "mine"
    assert init("orders.ndjson", "--force").exit_code == 0
    assert init("orders.ndjson", "-o", "other.toml").exit_code == 0
    assert Path("other.toml").read_text(encoding="utf-8").startswith("# A mapping of orders.ndjson, guessed from its")


def test_it_can_be_printed() -> None:
    done = init("orders.ndjson", "--output", "-")
    assert 'time_column = "ts"\n' in done.output
    assert not Path("mixpress.toml").exists()


def test_several_files_are_looked_at() -> None:
    Path("more.ndjson").write_text('{"when": 1}\n', encoding="utf-8")
    assert "29 records" in init("orders.ndjson", "more.ndjson").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.ndjson"], "cannot read none.ndjson: No such file or directory"),
        (["empty.ndjson"], "empty.ndjson: there are no records to look at"),
        (["orders.ndjson", "-o", "none/a.toml"], "cannot write none/a.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], message: str) -> None:
    Path("empty.ndjson").touch()
    done = init(*arguments)
    assert done.exit_code == 2
    assert message in done.output


@needs_toml
@pytest.mark.parametrize(("options", "column"), [(["--profiles"], "user_id"), (["--groups", "company"], "company_id")])
def test_a_mapping_of_updates_is_written_that_an_import_takes(options: list[str], column: str) -> None:
    Path("a.csv").write_text(f"plan,{column}\npro,u\nfree,v\n", encoding="utf-8")
    done = init("a.csv", *options)
    assert done.exit_code == 0, done.output
    assert f"{column}" in done.output
    with Emulator() as server:
        arguments = ["import", "a.csv", "--config", "mixpress.toml", "--to", server.url]
        imported = CliRunner().invoke(group, arguments, env=NOTHING)
        assert imported.exit_code == 0, imported.output
        found = server.profile("v") if options == ["--profiles"] else server.group("company", "v")
    assert found == {"plan": "free"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--profiles", "--groups", "company"], "--profiles and --groups 'company' are for different endpoints"),
        (["--groups", " "], "--groups must be a key that is not blank, got ' '"),
    ],
)
def test_options_of_updates_that_do_not_fit_are_refused(options: list[str], message: str) -> None:
    done = init("orders.ndjson", *options)
    assert (done.exit_code, message in done.output) == (2, True)

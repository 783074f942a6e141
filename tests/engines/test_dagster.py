"""examples/dagster_asset.py, run by Dagster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import dagster_asset
from engines.orders import COUNTS, DAY, ROWS, held, orders, write
from mixpress.emulator import Emulator


@pytest.fixture(autouse=True)
def folder(account: dict[str, str], tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def materialize(server: Emulator, folder: Path) -> Any:
    resources = {"orders": dagster_asset.Orders(folder=str(folder), base_url=server.url)}
    return dg.materialize([dagster_asset.orders_in_mixpanel], resources=resources, partition_key=DAY)


def metadata(result: Any) -> dict[str, object]:
    [made] = result.asset_materializations_for_node("orders_in_mixpanel")
    return {name: value.value for name, value in made.metadata.items()}


def test_the_asset_has_the_counts_of_its_report(emulator: Emulator, folder: Path) -> None:
    shown = metadata(materialize(emulator, folder))
    assert shown.pop("seconds")
    assert shown == {**COUNTS, "undelivered": 0}
    assert held(emulator) == orders()


def test_a_second_materialization_adds_nothing(emulator: Emulator, folder: Path) -> None:
    for _ in range(2):
        assert metadata(materialize(emulator, folder))["imported"] == ROWS
    assert held(emulator) == orders()


def test_a_run_with_undelivered_events_is_repeated_and_adds_only_these(
    one_fails: Emulator, folder: Path, capfd: pytest.CaptureFixture[str], account: dict[str, str]
) -> None:
    result = materialize(one_fails, folder)
    kinds = [event.event_type for event in result.all_events]
    assert kinds.count(dg.DagsterEventType.STEP_RESTARTED) == 1
    assert metadata(result)["imported"] == ROWS
    assert held(one_fails) == orders()
    assert account["MIXPRESS_SECRET"] not in "".join(capfd.readouterr()) + repr(result.all_events)


def test_undelivered_events_are_a_failure_that_names_the_reason(all_fail: Emulator, folder: Path) -> None:
    context = dg.build_asset_context(partition_key=DAY)
    resource = dagster_asset.Orders(folder=str(folder), base_url=all_fail.url)
    with pytest.raises(dg.Failure) as caught:
        dagster_asset.orders_in_mixpanel(context, orders=resource)
    assert str(caught.value.description).startswith(f"{ROWS} of {ROWS} events are undelivered: 402")
    assert caught.value.metadata["undelivered"].value == ROWS


def test_without_credentials_the_run_fails_at_once(
    emulator: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MIXPRESS_SERVICE_ACCOUNT", "MIXPRESS_SECRET", "MIXPRESS_PROJECT_ID"):
        monkeypatch.delenv(name)
    with pytest.raises(dg.Failure, match="the environment has no MIXPRESS_SERVICE_ACCOUNT"):
        materialize(emulator, folder)


def test_the_definitions_can_be_loaded(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("ORDERS", str(folder))
    dg.Definitions.validate_loadable(dagster_asset.defs)

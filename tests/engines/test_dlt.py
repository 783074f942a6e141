"""examples/dlt_destination.py, as the destination of a real pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

import dlt_destination
from engines.orders import held, orders
from mixpress.emulator import Emulator


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, account: dict[str, str]) -> Path:
    """A folder for dlt's state, and the credentials where dlt looks for secrets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))
    for name in ("SERVICE_ACCOUNT", "SECRET", "PROJECT_ID"):
        monkeypatch.setenv(f"DESTINATION__MIXPANEL__{name}", account[f"MIXPRESS_{name}"])
    return tmp_path


def run(server: Emulator, monkeypatch: pytest.MonkeyPatch, table: str = "orders") -> Any:
    monkeypatch.setenv("DESTINATION__MIXPANEL__BASE_URL", server.url)
    pipeline = dlt.pipeline("orders_to_mixpanel", destination=dlt_destination.mixpanel)
    return pipeline.run(orders(), table_name=table)


def test_the_rows_of_a_pipeline_arrive(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    info = run(emulator, monkeypatch)
    assert not info.has_failed_jobs
    assert held(emulator) == orders()


def test_a_second_run_adds_nothing(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        run(emulator, monkeypatch)
    assert held(emulator) == orders()


def test_a_job_with_undelivered_events_is_repeated_and_adds_only_these(
    one_fails: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    account: dict[str, str],
    project: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert not run(one_fails, monkeypatch).has_failed_jobs
    assert held(one_fails) == orders()
    assert [request.status for request in one_fails.requests()].count(402) == 1
    written = b"".join(path.read_bytes() for path in project.rglob("*") if path.is_file())
    assert account["MIXPRESS_SECRET"].encode() not in written
    assert account["MIXPRESS_SECRET"] not in "".join(capfd.readouterr())


def test_a_table_without_a_mapping_ends_the_load(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PipelineStepFailed, match="the table refunds has no mapping: add it to MAPPINGS"):
        run(emulator, monkeypatch, "refunds")


def test_refused_credentials_end_the_load_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(credentials=[("another", "secret")]) as server:
        with pytest.raises(PipelineStepFailed, match="401"):
            run(server, monkeypatch)
        assert [request.status for request in server.requests()].count(401) <= 2

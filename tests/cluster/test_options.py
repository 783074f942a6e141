"""Options as text, which come back as the same job."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from mixpress import Lease, Mapping, RateLimit
from mixpress.cluster.job import NAMES, SECRETS, WriteJob
from mixpress.cluster.options import job_of_texts, texts_of_job

CANARY = "canary-4e1f9c"

JOBS: list[dict[str, Any]] = [
    {},
    {"base_url": "http://127.0.0.1:8400", "credentials": "file:/etc/mixpress.env", "dead_letter": "/shared/failed"},
    {"region": "eu", "report": "s3://bucket/report.json", "endpoint": "track", "strict": False, "ip": True},
    {"concurrency": 2, "attempts": 3, "retry_unsafe": True, "profiles": True, "operation": "add"},
    {"identity": "simplified", "limits": "observed", "long_url": "parse", "long_json": "flatten", "long_text": "drop"},
    {"event": "Order", "time_column": "at", "time_zone": "Europe/Berlin", "sample": 0.25},
    {"time_offset": -8.0},
    {"insert_id_from": ["a,b", "c"], "drop": ["x"], "rename": {"y": "Y"}, "set": {"n": 1, "t": [True]}},
    {"keep": ["y", "z"]},
    {"groups": "company", "group_id_column": "name"},
    {"since": "2026-01-01", "until": "2026-02-01", "where": "amount > 3"},
    {"rate_limit": None},
    {"rate_limit": RateLimit(events=1000.0)},
    {"rate_limit": RateLimit(events=1000, bytes=5_000_000, seconds=10)},
]


@pytest.mark.parametrize("options", JOBS)
def test_a_job_is_the_same_after_its_options_were_texts(options: dict[str, Any]) -> None:
    job = WriteJob.of(**options)
    texts = texts_of_job(job)
    assert all(isinstance(text, str) for text in texts.values())
    assert job_of_texts(texts) == job


def test_every_option_is_covered_by_these_jobs() -> None:
    named = {name for options in JOBS for name in options}
    left = {"event_column", "distinct_id_column", "insert_id_column", "time_format", "placeholder_ids", "source"}
    assert named | left == {*NAMES}
    assert {one.name for one in (*fields(WriteJob), *fields(Mapping))} - {*NAMES} == {"mapping"}


@pytest.mark.parametrize(
    "lease",
    [Lease("driver:7400"), Lease("[::1]:7400", fallback=RateLimit(events=500, bytes=1e6))],
    ids=["bare", "fallback"],
)
def test_a_lease_keeps_its_address_and_fallback(lease: Lease) -> None:
    found = job_of_texts(texts_of_job(WriteJob.of(rate_limit=lease))).rate_limit
    assert isinstance(found, Lease)
    assert (found.address, found.fallback) == (lease.address, lease.fallback)


def test_a_lease_with_a_secret_is_no_text() -> None:
    with pytest.raises(TypeError, match="MIXPRESS_LEASE_SECRET") as caught:
        texts_of_job(WriteJob.of(rate_limit=Lease("driver:7400", secret=CANARY)))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("drop", "a, b,", ("a", "b")),
        ("drop", '["a, b"]', ("a, b",)),
        ("rename", '{"a": "b"}', {"a": "b"}),
        ("profiles", "TRUE", True),
        ("sample", "0.5", 0.5),
        ("from", "amplitude", "amplitude"),
    ],
)
def test_texts_that_people_write_are_understood(name: str, text: str, value: object) -> None:
    mapping = job_of_texts({name: text}).mapping
    assert getattr(mapping, "source" if name == "from" else name) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rename", "a:b", 'rename must be JSON such as {"name": "value"}, got \'a:b\''),
        ("rename", "[1]", "rename must be JSON such as"),
        ("keep", "[a]", 'keep must be JSON such as ["a", "b"]'),
        ("strict", "1", "strict must be true or false, got '1'"),
        ("attempts", "ten", "attempts must be a number, got 'ten'"),
        ("rate_limit", "fast", "rate_limit must be documented, none, lease:HOST:PORT, or JSON"),
        ("rate_limit", '{"rows": 3}', "rate_limit must be documented"),
        ("rate_limit", '{"events": "x"}', "rate_limit must be documented, none, lease:HOST:PORT, or JSON"),
        ("rate_limit", '{"events": true}', "rate_limit must be documented"),
        ("rate_limit", "true", "rate_limit must be documented"),
        ("rate_limit", "lease:driver", 'address must be "host:port"'),
        ("endpoint", "engage", 'endpoint must be "import" or "track", got \'engage\''),
        ("limits", "real", 'limits must be "documented" or "observed", got \'real\''),
        ("concurrency", "0", "concurrency must be an integer >= 1, got 0"),
        ("report", "s3://key:secret@bucket/x", "report must be a path, or a URL without user, password and query"),
        ("dead_letter", "https://host/x?sig=1", "dead_letter must be a path"),
        ("dead_letter", "dbfs:/failed", 'dead_letter must be an absolute path, or a URL of fsspec with "://", got one'),
        ("dead_letter", "failed", "got 'failed': workers have other folders than this process"),
        ("dead_letter", "file:failed", "got one that starts with 'file:'"),
        ("dead_letter", "file://node-1/failed", "got 'file://node-1/failed': a host is not possible"),
        ("dead_letter", "", "dead_letter must be an absolute path, or a URL of fsspec with \"://\", got ''"),
        ("report", "", "report must be a path, or a URL of fsspec with \"://\", got ''"),
        ("report", "dbfs:/report.json", 'report must be a path, or a URL of fsspec with "://", got one that starts'),
    ],
)
def test_a_wrong_text_is_named_with_what_is_allowed(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its message is compared below
        job_of_texts({name: text})
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("strict", value) for value in ("no", 1, None)),
        *(("ip", value) for value in ("false", 0)),
        ("retry_unsafe", "false"),
        *((name, value) for name in ("concurrency", "attempts") for value in (True, 2.0, "2")),
        ("dead_letter", 5),
        ("report", b"/report.json"),
    ],
)
def test_a_value_of_another_type_is_named(name: str, value: Any) -> None:
    with pytest.raises(
        TypeError, match=rf"^{name} must be (True or False|an integer >= 1|a path or a URL), got "
    ) as caught:
        WriteJob.of(**{name: value})
    assert str(caught.value).endswith(repr(value))


def test_credentials_of_another_type_are_not_shown() -> None:
    with pytest.raises(ValueError, match='credentials must be "environment" or "file:PATH"') as caught:
        WriteJob.of(credentials=[CANARY])
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("name", ["dead_letter", "report"])
@pytest.mark.parametrize(
    "given", ["/x/y", "file:/x/y", "file:///x/y", "file://localhost/x/y", PurePosixPath("/x/y")], ids=str
)
def test_an_absolute_path_is_understood_as_engines_print_it(name: str, given: Any) -> None:
    assert getattr(WriteJob.of(**{name: given}), name) == "/x/y"


def test_a_relative_report_is_in_the_folder_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    job = WriteJob.of(report="out/report.json")
    assert job.report == str(tmp_path / "out" / "report.json")
    assert job_of_texts(texts_of_job(job)) == job


def test_the_documented_limit_has_a_name() -> None:
    assert WriteJob.of(rate_limit="documented").rate_limit == RateLimit.documented()


@pytest.mark.parametrize("name", [*SECRETS, "colour", "mapping"])
def test_an_unknown_option_is_named_without_its_value(name: str) -> None:
    with pytest.raises(TypeError, match=f"'{name}' is no option") as caught:
        job_of_texts({name: CANARY})
    assert CANARY not in str(caught.value)
    assert ("would be in its plan" in str(caught.value)) == (name in SECRETS)


def test_a_limit_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"rate_limit must be a RateLimit, a Lease, .* got 5"):
        WriteJob.of(rate_limit=5)

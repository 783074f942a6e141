"""Options as text, which come back as the same job."""

from __future__ import annotations

from dataclasses import fields
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
        ("rate_limit", "lease:driver", 'address must be "host:port"'),
        ("endpoint", "engage", 'endpoint must be "import" or "track", got \'engage\''),
        ("limits", "real", 'limits must be "documented" or "observed", got \'real\''),
        ("concurrency", "0", "concurrency must be an integer >= 1, got 0"),
        ("report", "s3://key:secret@bucket/x", "report must be a path, or a URL without user, password and query"),
        ("dead_letter", "https://host/x?sig=1", "dead_letter must be a path"),
    ],
)
def test_a_wrong_text_is_named_with_what_is_allowed(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its message is compared below
        job_of_texts({name: text})
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", [*SECRETS, "colour", "mapping"])
def test_an_unknown_option_is_named_without_its_value(name: str) -> None:
    with pytest.raises(TypeError, match=f"'{name}' is no option") as caught:
        job_of_texts({name: CANARY})
    assert CANARY not in str(caught.value)
    assert ("would be in its plan" in str(caught.value)) == (name in SECRETS)


def test_a_limit_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="rate_limit must be a RateLimit, a Lease or None, got 5"):
        WriteJob.of(rate_limit=5)

"""Options as text: Spark passes them between its processes, and gives no other type to a data source."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from mixpress.cluster.checks import check_secret
from mixpress.cluster.job import WriteJob, check_names
from mixpress.send.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Mapping as Members

    from mixpress.lease import Lease

LEASE = "lease:"
LISTS = ("insert_id_from", "drop", "keep")
OBJECTS = ("rename", "set")
FLAGS = ("strict", "ip", "retry_unsafe", "profiles")
NUMBERS: dict[str, type] = {"concurrency": int, "attempts": int, "time_offset": float, "sample": float}


def job_of_texts(options: Members[str, str]) -> WriteJob:
    """Return the job of options as text.

    Lists are names with commas, or JSON; objects are JSON; flags are `true` and `false`. `rate_limit` is `documented`,
    `none`, `lease:HOST:PORT`, or JSON such as `{"events": 600000, "bytes": 500000000}`; with the member `lease` these
    are the fallback of a lease. Raises `TypeError` or `ValueError`.
    """
    given = {"source" if name == "from" else name: text for name, text in options.items()}
    check_names(given)
    return WriteJob.of(**{name: _value(name, text) for name, text in given.items()})


def texts_of_job(job: WriteJob) -> dict[str, str]:
    """Return the options of a job as text, those that differ from the defaults. Raises `TypeError` for a lease with a
    secret.
    """
    values = {one.name: getattr(job, one.name) for one in fields(job) if one.name != "mapping"}
    changed = {
        one.name: values[one.name] for one in fields(job) if one.name in values and values[one.name] != _default(one)
    }
    changed.update(job.mapping.changed())
    return {name: _text(name, value) for name, value in changed.items()}


def _default(one: Any) -> Any:
    return one.default if one.default is not MISSING else one.default_factory()


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return _json(name, text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    if name in OBJECTS:
        return _json(name, text)
    if name in FLAGS:
        return _flag(name, text)
    if name in NUMBERS:
        return _number(name, text)
    return _rate_limit(text) if name == "rate_limit" else text


def _json(name: str, text: str) -> Any:
    example = '["a", "b"]' if name in LISTS else '{"name": "value"}'
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list if name in LISTS else dict):
        raise ValueError(f"{name} must be JSON such as {example}, got {text!r}")
    return found


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{name} must be true or false, got {text!r}")
    return text.lower() == "true"


def _number(name: str, text: str) -> float:
    try:
        number: float = NUMBERS[name](text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text!r}") from None
    return number


def _rate_limit(text: str) -> Any:
    if text.startswith(LEASE):
        return _lease(text.removeprefix(LEASE))
    if text in ("documented", "none"):
        return RateLimit.documented() if text == "documented" else None
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    address = members.pop("lease", None) if isinstance(members, dict) else None
    if not isinstance(members, dict) or not all(map(_is_of_limit, members.items())):
        raise ValueError(
            'rate_limit must be documented, none, lease:HOST:PORT, or JSON such as {"events": 600000, "bytes": '
            f"500000000}}, got {text!r}"
        )
    return RateLimit(**members) if address is None else _lease(address, RateLimit(**members))


def _is_of_limit(member: tuple[str, object]) -> bool:
    name, value = member
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and name in [one.name for one in fields(RateLimit)]


def _lease(address: str, fallback: RateLimit | None = None) -> Lease:
    from mixpress.lease import Lease  # noqa: PLC0415 - most jobs have none

    return Lease(address, fallback=fallback)


def _text(name: str, value: Any) -> str:
    if name == "rate_limit":
        return _rate_limit_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if name in LISTS or name in OBJECTS else str(value)


def _rate_limit_text(limit: Any) -> str:
    if limit is None:
        return "none"
    if isinstance(limit, RateLimit):
        return json.dumps(_finite(limit))
    check_secret(limit)
    if limit.fallback is None:
        return f"{LEASE}{limit.address}"
    return json.dumps({"lease": limit.address, **_finite(limit.fallback)})


def _finite(limit: RateLimit) -> dict[str, float]:
    return {name: value for name, value in asdict(limit).items() if value != math.inf}

"""The core and the reference beside each other: encoders from the same options, and results as comparable tuples."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import Any, NamedTuple

import mixpress
import reference
from reference import Options

CONVERTED = ("profile", "limits", "rules", "now")  # options that the core takes in another form

_numbers = itertools.count()


class Outcome(NamedTuple):
    """The result of encoding, without the messages."""

    batches: list[tuple[bytes, list[int], int]]
    rejected: list[tuple[int, str | None, str, str]]
    truncated: list[tuple[int, str, int, str]]
    warnings: list[tuple[int, str | None, str, str]]


def core_limits(options: Options) -> mixpress.Limits:
    if not (options.limits or options.rules):
        return mixpress.Limits.observed() if options.profile == "observed" else mixpress.Limits.documented()
    numbers, actions = reference.PROFILES[options.profile]
    return mixpress.Limits(**{**numbers, **options.limits}, rules={**actions, **options.rules})


def core_encoder(options: Options, **named: Any) -> mixpress.Encoder:
    """Return the core's encoder for the same options. Defaults are not passed, so that the core's own are tested."""
    chosen = {field.name: getattr(options, field.name) for field in fields(Options) if field.name not in CONVERTED}
    arguments: dict[str, Any] = {name: value for name, value in chosen.items() if value != getattr(Options, name)}
    now = options.now / 1000
    arguments |= {"limits": core_limits(options), "compression": None, "now": lambda: now}
    return mixpress.Encoder(**(arguments | named))


def unshared(options: Options) -> Options:
    """Return options with a token that no encoder had, so that no other left one with them what it knows of types."""
    return replace(options, token=f"{options.token or 'token'}-{next(_numbers)}")


def outcome_of_core(encoded: mixpress.Encoded) -> Outcome:
    def found(finding: mixpress.Finding) -> tuple[int, str | None, str, str]:
        assert finding.message
        return finding.index, finding.insert_id, finding.field, finding.rule

    for batch in encoded.batches:
        assert len(batch) == batch.count == len(batch.indexes)
    return Outcome(
        [(batch.body, list(batch.indexes), batch.raw_size) for batch in encoded.batches],
        [found(finding) for rejection in encoded.rejected for finding in rejection.findings],
        [(cut.index, cut.path, cut.length, cut.advice) for cut in encoded.truncated],
        [found(warning) for warning in encoded.warnings],
    )


def outcome_of_reference(encoded: reference.Encoded) -> Outcome:
    return Outcome(
        [(batch.body, list(batch.indexes), len(batch.body)) for batch in encoded.batches],
        [(broken.index, broken.insert_id, broken.field, broken.rule) for broken in encoded.rejected],
        [(cut.index, cut.path, cut.length, cut.advice) for cut in encoded.truncated],
        [(broken.index, broken.insert_id, broken.field, broken.rule) for broken in encoded.warnings],
    )

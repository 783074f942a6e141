"""The core and the reference side by side: made from the same options, and their results as the same plain tuples."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

import mixpress
import reference
from reference import Options

OWN_WAY = ("profile", "limits", "rules", "now")  # options that the core is given otherwise


class Account(NamedTuple):
    """What became of events: all that an encoder says, but for the sentences."""

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
    """The core's encoder for the same options. Those that are the default are left to be the core's default."""
    chosen = {field.name: getattr(options, field.name) for field in fields(Options) if field.name not in OWN_WAY}
    arguments: dict[str, Any] = {name: value for name, value in chosen.items() if value != getattr(Options, name)}
    now = options.now / 1000
    arguments |= {"limits": core_limits(options), "compression": None, "now": lambda: now}
    return mixpress.Encoder(**(arguments | named))


def account_of_core(encoded: mixpress.Encoded) -> Account:
    def found(finding: mixpress.Finding) -> tuple[int, str | None, str, str]:
        assert finding.message
        return finding.index, finding.insert_id, finding.field, finding.rule

    for batch in encoded.batches:
        assert len(batch) == batch.count == len(batch.indexes)
    return Account(
        [(batch.body, list(batch.indexes), batch.raw_size) for batch in encoded.batches],
        [found(finding) for rejection in encoded.rejected for finding in rejection.findings],
        [(cut.index, cut.path, cut.length, cut.advice) for cut in encoded.truncated],
        [found(warning) for warning in encoded.warnings],
    )


def account_of_reference(encoded: reference.Encoded) -> Account:
    return Account(
        [(batch.body, list(batch.indexes), len(batch.body)) for batch in encoded.batches],
        [(broken.index, broken.insert_id, broken.field, broken.rule) for broken in encoded.rejected],
        [(cut.index, cut.path, cut.length, cut.advice) for cut in encoded.truncated],
        [(broken.index, broken.insert_id, broken.field, broken.rule) for broken in encoded.warnings],
    )

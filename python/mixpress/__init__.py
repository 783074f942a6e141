"""Validate, gzip and deliver Mixpanel events, with a verdict for every event.

event -> validate -> truncate -> serialize -> batch -> gzip -> send -> retry -> report
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpress._core import (
        Batch,
        BatchIterator,
        Builder,
        Encoded,
        Encoder,
        Finding,
        Limits,
        Rejection,
        Rejections,
        Rule,
        Tallies,
        Truncation,
        __version__,
        derive_insert_id,
        encode,
        rules,
    )
    from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client
    from mixpress.client.lookup_tables import LookupReplacement
    from mixpress.errors import (
        AuthError,
        ClientClosed,
        DeadLetterError,
        EngineError,
        ImportInterrupted,
        LookupProblem,
        LookupTableError,
        MixpressError,
        QueueFull,
        SpoolError,
        StateError,
        TaskUndelivered,
        TransportError,
    )
    from mixpress.files.mapping import Mapping
    from mixpress.lease.lease import Lease
    from mixpress.lease.server import LeaseServer
    from mixpress.lookup.reply import LookupTable
    from mixpress.report.report import Failure, Report
    from mixpress.report.stats import Stats
    from mixpress.retry import RetryPolicy
    from mixpress.send.rate_limit import RateLimit

__all__ = [
    "AsyncClient",
    "AuthError",
    "Batch",
    "BatchIterator",
    "Builder",
    "Client",
    "ClientClosed",
    "DeadLetterError",
    "Encoded",
    "Encoder",
    "EngineError",
    "Failure",
    "Finding",
    "ImportInterrupted",
    "Lease",
    "LeaseServer",
    "Limits",
    "LookupProblem",
    "LookupReplacement",
    "LookupTable",
    "LookupTableError",
    "Mapping",
    "MixpressError",
    "ProjectSecret",
    "ProjectToken",
    "QueueFull",
    "RateLimit",
    "Rejection",
    "Rejections",
    "Report",
    "RetryPolicy",
    "Rule",
    "ServiceAccount",
    "SpoolError",
    "StateError",
    "Stats",
    "Tallies",
    "TaskUndelivered",
    "TransportError",
    "Truncation",
    "__version__",
    "derive_insert_id",
    "encode",
    "rules",
]

# Each name is imported on first use: a program that only encodes does not load the client, and pytest, which loads
# `mixpress.pytest_plugin` wherever mixpress is installed, does not load the core.
_MODULES = {
    "AsyncClient": "client.async_client",
    "AuthError": "errors",
    "Batch": "_core",
    "BatchIterator": "_core",
    "Builder": "_core",
    "Client": "client.client",
    "ClientClosed": "errors",
    "DeadLetterError": "errors",
    "Encoded": "_core",
    "Encoder": "_core",
    "EngineError": "errors",
    "Failure": "report.report",
    "Finding": "_core",
    "ImportInterrupted": "errors",
    "Lease": "lease.lease",
    "LeaseServer": "lease.server",
    "Limits": "_core",
    "LookupProblem": "errors",
    "LookupReplacement": "client.lookup_tables",
    "LookupTable": "lookup.reply",
    "LookupTableError": "errors",
    "Mapping": "files.mapping",
    "MixpressError": "errors",
    "ProjectSecret": "auth",
    "ProjectToken": "auth",
    "QueueFull": "errors",
    "RateLimit": "send.rate_limit",
    "Rejection": "_core",
    "Rejections": "_core",
    "Report": "report.report",
    "RetryPolicy": "retry",
    "Rule": "_core",
    "ServiceAccount": "auth",
    "SpoolError": "errors",
    "StateError": "errors",
    "Stats": "report.stats",
    "Tallies": "_core",
    "TaskUndelivered": "errors",
    "TransportError": "errors",
    "Truncation": "_core",
    "__version__": "_core",
    "derive_insert_id": "_core",
    "encode": "_core",
    "rules": "_core",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'mixpress' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazy

    value = globals()[name] = getattr(import_module(f"mixpress.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Mixpanel events: validated, gzipped and delivered, with a verdict for every one.

event -> validate -> truncate -> serialize -> batch -> gzip -> send -> retry -> report
"""

from typing import TYPE_CHECKING, Any

from mixpress._core import (
    Batch,
    BatchIterator,
    Builder,
    Encoded,
    Encoder,
    Finding,
    Limits,
    Rejection,
    Rule,
    Truncation,
    __version__,
    derive_insert_id,
    rules,
)

if TYPE_CHECKING:
    from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
    from mixpress.client import Client
    from mixpress.errors import AuthError, DeadLetterError, ImportInterrupted, MixpressError, SpoolError, TransportError
    from mixpress.report import Failure, Report
    from mixpress.retry import RetryPolicy

__all__ = [
    "AuthError",
    "Batch",
    "BatchIterator",
    "Builder",
    "Client",
    "DeadLetterError",
    "Encoded",
    "Encoder",
    "Failure",
    "Finding",
    "ImportInterrupted",
    "Limits",
    "MixpressError",
    "ProjectSecret",
    "ProjectToken",
    "Rejection",
    "Report",
    "RetryPolicy",
    "Rule",
    "ServiceAccount",
    "SpoolError",
    "TransportError",
    "Truncation",
    "__version__",
    "derive_insert_id",
    "rules",
]

# Who embeds the encoder alone pays nothing for the client: it is imported when it is asked for.
_MODULES = {
    "AuthError": "errors",
    "Client": "client",
    "DeadLetterError": "errors",
    "Failure": "report",
    "ImportInterrupted": "errors",
    "MixpressError": "errors",
    "ProjectSecret": "auth",
    "ProjectToken": "auth",
    "Report": "report",
    "RetryPolicy": "retry",
    "ServiceAccount": "auth",
    "SpoolError": "errors",
    "TransportError": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'mixpress' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- as late as the rest

    return getattr(import_module(f"mixpress.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

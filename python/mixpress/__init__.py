"""Mixpanel events: validated, gzipped and delivered, with a verdict for every one.

event -> validate -> truncate -> serialize -> batch -> gzip -> send -> retry -> report
"""

from mixpress._core import (
    Batch,
    BatchIterator,
    Builder,
    Encoded,
    Encoder,
    Finding,
    Limits,
    Rejection,
    Truncation,
    __version__,
)

__all__ = [
    "Batch",
    "BatchIterator",
    "Builder",
    "Encoded",
    "Encoder",
    "Finding",
    "Limits",
    "Rejection",
    "Truncation",
    "__version__",
]

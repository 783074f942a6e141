"""Write DataFrames of Spark: `MixpressDataSource`, the format `mixpress` of batches and streams, and `write`, which
returns the report.

Needs PySpark 4.0 or newer, for streams 4.1: `pip install 'mixpress[spark]'`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpress.spark.data_frame import write
    from mixpress.spark.data_source import MixpressDataSource

__all__ = ["MixpressDataSource", "write"]

_MODULES = {"MixpressDataSource": "data_source", "write": "data_frame"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'mixpress.spark' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazy: PySpark is an extra

    value = globals()[name] = getattr(import_module(f"mixpress.spark.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

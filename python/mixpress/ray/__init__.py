"""Write datasets of Ray: `dataset.write_datasink(MixpressDatasink(...))`.

Needs Ray 2.44 or newer: `pip install 'mixpress[ray]'`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpress.ray.datasink import MixpressDatasink

__all__ = ["MixpressDatasink"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mixpress.ray' has no attribute {name!r}")
    from mixpress.ray.datasink import MixpressDatasink  # noqa: PLC0415 - lazy: Ray is an extra

    globals()[name] = MixpressDatasink
    return MixpressDatasink


def __dir__() -> list[str]:
    return sorted(__all__)

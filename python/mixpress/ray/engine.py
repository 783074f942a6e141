"""What is used of Ray, and where its nodes are."""

from __future__ import annotations

from typing import Any

try:
    import ray
    from ray.data.block import BlockAccessor
    from ray.data.datasource import Datasink
except ImportError as error:
    raise ImportError("mixpress.ray needs Ray Data 2.44 or newer: pip install 'mixpress[ray]'") from error

LOOPBACK = "127.0.0.1"

__all__ = ["Datasink", "driver_host", "table_of"]


def table_of(block: Any) -> Any:
    """Return a block as a table of Arrow; one of Arrow is not copied."""
    return BlockAccessor.for_block(block).to_arrow()


def driver_host() -> str:
    """Return the address by which the nodes reach this process: loopback if all of them are this machine."""
    own: str = ray.util.get_node_ip_address()
    addresses = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    return LOOPBACK if addresses <= {own} else own

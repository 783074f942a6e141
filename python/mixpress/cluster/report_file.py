"""Write the report of a job as a JSON file: on this machine, or in a store that fsspec reaches."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

from mixpress.cluster.storage import put, reason_of, shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping


def write_report(path: str, members: Mapping[str, object]) -> None:
    """Write members as a JSON object. A file of this name is replaced, and a reader sees no part of it.

    Raises `OSError` that names the path, without what may be a credential in it.
    """
    try:
        with tempfile.NamedTemporaryFile(prefix="mixpress-") as file:
            file.write(json.dumps(members, indent=2).encode())
            file.flush()
            put(file.name, path)
    except Exception as error:  # noqa: BLE001 - each store has its own
        raise OSError(f"the report can't be written to {shown_path(path)}: {reason_of(error)}") from None

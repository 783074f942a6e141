"""The methods of `AsyncClient` that import take what those of `Client` take: each has its signature, for editors."""

from __future__ import annotations

import inspect

import pytest

from mixpress import AsyncClient, Client


@pytest.mark.parametrize("name", ["import_files", "import_table"])
def test_both_clients_import_with_the_same_arguments(name: str) -> None:
    sync, other = (inspect.signature(getattr(kind, name)) for kind in (Client, AsyncClient))
    assert list(sync.parameters.values()) == list(other.parameters.values())
    assert sync.return_annotation == other.return_annotation

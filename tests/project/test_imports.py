"""Imports go downwards, in layers, without rings. Imports within functions and for type checking alone count too."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = "mixpress"
REPOSITORY = Path(__file__).parents[2]

# A module may import modules of its own package, and of the packages and top-level modules in the layers below.
LAYERS: list[set[str]] = [
    {"adapters", "cli", "compat", "pytest_plugin", "ray", "spark"},
    {ROOT},  # the lazy names of `mixpress`
    {"check", "cluster"},
    {"client"},
    {"lookup"},
    {"files"},
    {"lease", "queues"},
    {"send"},
    {"retry", "spool"},
    {"reply"},
    {"dead_letter", "transport"},
    {"errors"},
    {"auth", "log", "plans", "report", "resolving"},
    {"address", "batch", "emulator", "otel", "process", "snapshot"},
    {"article", "clock", "flag", "wording"},
]

LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}

Import = tuple[str, str]


@pytest.fixture(scope="module")
def modules() -> grimp.ImportGraph:
    return grimp.build_graph(ROOT, exclude_type_checking_imports=False, cache_dir=None)


def part(module: str) -> str:
    """Return the package, or top-level module, that a module belongs to."""
    return module.split(".")[1] if "." in module else module


def imports(graph: grimp.ImportGraph) -> Iterator[Import]:
    for module in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            yield module, imported


def wrong_ways(graph: grimp.ImportGraph) -> list[Import]:
    """Return the imports that go upwards, or sideways between two parts of one layer."""
    pairs = ((one, other) for one, other in imports(graph) if part(one) != part(other))
    return [(one, other) for one, other in pairs if LEVEL[part(one)] >= LEVEL[part(other)]]


def ring(graph: grimp.ImportGraph) -> set[str]:
    """Return the modules in rings, and those between two rings."""
    left = set(graph.modules)
    while ends := {module for module in left if is_end(graph, module, left)}:
        left -= ends
    return left


def is_end(graph: grimp.ImportGraph, module: str, left: set[str]) -> bool:
    imported = graph.find_modules_directly_imported_by(module)
    importing = graph.find_modules_that_directly_import(module)
    return not (imported & left and importing & left)


def foreign(folder: Path, package: str) -> list[str]:
    """Return what the files of a folder import of mixpress, the compiled core included, other than `package`."""
    return [
        f"{path.name}: {name}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_names(node)
        if f"{name}.".startswith(("..", f"{ROOT}.")) and not f"{name}.".startswith(f"{package}.")
    ]


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return ["." * node.level + (node.module or "")] if isinstance(node, ast.ImportFrom) else []


def test_every_package_and_module_has_a_layer(modules: grimp.ImportGraph) -> None:
    assert {part(module) for module in modules.modules} == LEVEL.keys()
    assert sum(map(len, LAYERS)) == len(LEVEL)


def test_imports_go_downwards(modules: grimp.ImportGraph) -> None:
    assert wrong_ways(modules) == []


def test_no_modules_import_each_other_in_a_ring(modules: grimp.ImportGraph) -> None:
    assert ring(modules) == set()


def test_the_emulator_and_the_reference_share_no_code_with_the_core() -> None:
    assert foreign(REPOSITORY / "python/mixpress/emulator", "mixpress.emulator") == []
    assert foreign(REPOSITORY / "tests/reference", "reference") == []


@pytest.mark.parametrize(
    "line",
    ["from mixpress._core import encode", "import mixpress", "from mixpress import Limits", "from .. import errors"],
)
def test_shared_code_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"import json\n\ndef lazy():\n    {line}\n")
    assert len(foreign(tmp_path, "mixpress.emulator")) == 1


@pytest.mark.parametrize(
    "added",
    [
        ("mixpress.errors", "mixpress.client.client"),
        ("mixpress.send.workers", "mixpress.queues.memory"),
        ("mixpress.dead_letter", "mixpress.transport.interface"),
        ("mixpress.emulator.store", "mixpress.adapters.kafka"),
    ],
)
def test_a_wrong_import_is_found(modules: grimp.ImportGraph, added: Import) -> None:
    changed = copy.deepcopy(modules)
    changed.add_import(importer=added[0], imported=added[1])
    assert wrong_ways(changed) == [added]


def test_a_ring_within_a_package_is_found(modules: grimp.ImportGraph) -> None:
    changed = copy.deepcopy(modules)
    changed.add_import(importer="mixpress.send.job", imported="mixpress.send.sender")
    assert {"mixpress.send.job", "mixpress.send.sender"} <= ring(changed)

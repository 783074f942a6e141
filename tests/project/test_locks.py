"""The locks of requirements/ fit pyproject.toml, the workflows use the locked maturin, and every package has a hash."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
ALWAYS: list[str] = PROJECT["project"]["dependencies"]
RENEW = "run `make lock UPGRADE=`"


def group(name: str) -> Iterator[str]:
    for entry in PROJECT["dependency-groups"][name]:
        yield from group(entry["include-group"]) if isinstance(entry, dict) else [entry]


def extras(*names: str) -> list[str]:
    return ALWAYS + [requirement for name in names for requirement in EXTRAS[name]]


ENGINES = {"ray", "spark"}
"""The extras that engines.lock has and no other: they are large, and Spark needs Java."""

LOWEST_EXTRAS = sorted(EXTRAS.keys() - {"cloud"} - ENGINES)
"""Without `cloud`: botocore refuses urllib3 2.2.0 alone, which is the lowest that mixpress allows."""

# What requirements/lock compiles each of them from.
SOURCES = {
    "dev": [*extras(*EXTRAS.keys() - ENGINES), *group("dev")],
    "demo": [*extras("cli", "emulator", "parquet"), *group("demo")],
    "engines": [*extras("emulator", "parquet", *ENGINES), *group("engines")],
    "lowest": [*extras(*LOWEST_EXTRAS), *group("delivery-tests")],
    **{name: [*ALWAYS, *group(name)] for name in ("audit", "bench", "interpreters", "lock", "loss", "wheels")},
}


def packages(name: str) -> dict[str, list[tuple[Version, str]]]:
    """Return the versions of each package in a lock, each with the text of its entry: hashes, and what asks for it."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^([\w.-]+)==([^ ;]+)(.*\n(?: +.*\n)*)", text, re.M)
    found: dict[str, list[tuple[Version, str]]] = {}
    for package, version, entry in entries:
        found.setdefault(canonicalize_name(package), []).append((Version(version), entry))
    return found


def test_every_lock_is_compiled_from_something() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*.lock")} == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_lock_fits_the_project(name: str) -> None:
    locked, asked = packages(name), [Requirement(text) for text in SOURCES[name]]
    for requirement in asked:
        versions = [version for version, _ in locked.get(canonicalize_name(requirement.name), [])]
        assert versions, f"{name}.lock lacks {requirement}: {RENEW}"
        assert all(version in requirement.specifier for version in versions), f"{name}.lock, {requirement}: {RENEW}"
    direct = {
        package for package, entries in locked.items() if "(pyproject.toml" in "".join(text for _, text in entries)
    }
    assert direct == {canonicalize_name(requirement.name) for requirement in asked}, f"{name}.lock: {RENEW}"


@pytest.mark.parametrize("name", SOURCES)
def test_a_lock_has_a_hash_for_every_package(name: str) -> None:
    assert all("--hash=sha256:" in entry for entries in packages(name).values() for _, entry in entries)


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - {"engines", "lowest"}))
def test_the_locks_of_one_environment_agree(name: str) -> None:
    dev = packages("dev")
    for package, entries in packages(name).items():
        if package in dev:
            assert {version for version, _ in entries} <= {version for version, _ in dev[package]}, package


def test_the_lowest_versions_are_those_that_the_project_allows() -> None:
    locked = packages("lowest")
    for requirement in map(Requirement, extras(*LOWEST_EXTRAS)):
        [specifier] = requirement.specifier
        assert specifier.operator == ">="
        [(version, _)] = locked[canonicalize_name(requirement.name)]
        assert version == Version(specifier.version), f"{requirement}: {RENEW}"


def test_the_workflows_build_with_the_locked_maturin() -> None:
    text = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
    [(version, _)] = packages("demo")["maturin"]
    assert {Version(found) for found in re.findall(r"maturin-version: v(.+)", text)} == {version}

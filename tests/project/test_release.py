"""A release has one version everywhere, a public surface that changes deliberately, and all licences."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import mixpress
from project.public_names import STORED, lines

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_cargo_everywhere() -> None:
    [version] = re.findall(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)
    assert mixpress.__version__ == importlib.metadata.version("mixpress") == version
    assert "version" not in re.findall(r"^(\w+) =", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    locked = re.search(r'name = "mixpress"\nversion = "(.+)"', (ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    assert locked is not None
    assert locked[1] == version


def test_the_public_names_are_those_stored() -> None:
    stored, now = set(STORED.read_text(encoding="utf-8").splitlines()), set(lines())
    gone, new = sorted(stored - now), sorted(now - stored)
    assert (gone, new) == ([], []), (
        f"The public surface has changed.\n  gone or changed: {gone}\n  new: {new}\n"
        "What is gone or changed breaks programs: it takes a new major version (until 1.0, a new minor one) and a "
        "sentence in CHANGELOG.md. What is only new takes a new minor version.\n"
        "If it is meant: make names"
    )


def test_the_encoder_alone_imports_no_http_client() -> None:
    program = "import sys, mixpress; mixpress.Encoder().encode([]); sys.exit('urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_docs_list_every_dependency() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "docs" / "installing.md").read_text(encoding="utf-8"), re.M)
    listed = {(name.split()[0], extra) for names, extra in rows for name in names.split(", ")}
    needed = set()
    for line in importlib.metadata.requires("mixpress") or []:
        [name], extra = re.findall(r"^[\w-]+", line), re.search(r"extra == ['\"](\w+)", line)
        needed.add((name, f"`[{extra[1]}]`" if extra else "always"))
    assert ("urllib3", "always") in needed
    assert not needed - listed


def test_the_licences_of_all_linked_crates_are_listed() -> None:
    command = ["cargo", "tree", "--offline", "--features", "python", "--edges", "normal,no-proc-macro"]
    tree = subprocess.run(
        [*command, "--prefix", "none", "--format", "{p}"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    linked = {(name, version) for name, version in re.findall(r"^([\w-]+) v([\w.+-]+)", tree, re.M)}
    text = (ROOT / "THIRD_PARTY.txt").read_text(encoding="utf-8")
    listed = set(re.findall(r"^  ([\w-]+) ([\w.+-]+)$", text, re.M))
    assert len(linked) > 10
    assert not linked - listed, "make licences"
    assert "Eric Biggers" in text, "libdeflate's own licence"

"""Check the contents of a wheel and an sdist, and the platform tag of a wheel."""

from __future__ import annotations

import email
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

MAX_BYTES = 3_000_000
IN_PACKAGE = ("mixpress/__init__.py", "mixpress/_core.pyi", "mixpress/py.typed")
IN_DIST_INFO = ("licenses/LICENSE", "licenses/THIRD_PARTY.txt", "METADATA", "entry_points.txt")
IN_SDIST = (
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "THIRD_PARTY.txt",
    "pyproject.toml",
    "src/lib.rs",
)
CORE = re.compile(r"mixpress/_core\.[\w.-]*so$")


def check_wheel(wheel: Path, version: str) -> None:
    size = wheel.stat().st_size
    assert size < MAX_BYTES, f"{wheel.name} has {size} bytes: at most {MAX_BYTES}"
    info = f"mixpress-{version}.dist-info/"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        missing = {*IN_PACKAGE, *(info + name for name in IN_DIST_INFO)} - set(names)
        assert not missing, f"{wheel.name} lacks {missing}"
        assert len([name for name in names if CORE.match(name)]) == 1, f"{wheel.name} has not one core"
        strangers = [name for name in names if not name.startswith(("mixpress/", info))]
        assert not strangers, f"{wheel.name} has {strangers}"
        check_metadata(archive.read(info + "METADATA").decode(), version)
        check_bill_of_materials([json.loads(archive.read(name)) for name in names if name.startswith(info + "sboms/")])
    check_tag(wheel)


def check_metadata(text: str, version: str) -> None:
    metadata = email.message_from_string(text)
    assert metadata["Version"] == version
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "THIRD_PARTY.txt"], metadata.get_all("License-File")


def check_bill_of_materials(bills: list[dict[str, object]]) -> None:
    """Check the list of linked crates, which maturin writes as CycloneDX."""
    [bill] = bills
    components = bill["components"]
    assert isinstance(components, list)
    assert bill["bomFormat"] == "CycloneDX"
    linked = {component["name"] for component in components}
    assert linked >= {"libdeflate-sys", "pyo3", "simdutf8"}, linked


def check_tag(wheel: Path) -> None:
    """Check the platform tag in the name, and by the symbols that the core needs from glibc."""
    assert wheel.name.endswith("manylinux_2_17_x86_64.whl"), wheel.name
    auditwheel = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    shown = " ".join(subprocess.run(auditwheel, check=True, capture_output=True, text=True).stdout.split())
    assert 'consistent with the following platform tag: "manylinux_2_17_x86_64"' in shown, shown


def check_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    missing = {*IN_SDIST, *(f"python/{name}" for name in IN_PACKAGE)} - names
    assert not missing, f"{sdist.name} lacks {missing}"
    strangers = {name for name in names if name.startswith((".venv", "target", "dist"))}
    assert not strangers, f"{sdist.name} has {strangers}"

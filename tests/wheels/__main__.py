"""Builds wheels and an sdist into dist/, looks into each, and tries each in a clean environment: `make wheel`.

    PYTHONPATH=tests python -m wheels 3.10 3.11 3.12 3.13 abi3 sdist

Each is built by zig's C compiler and linker against the glibc of manylinux2014, older than that of the machine; one
after another in the same folder, so all but the binding is compiled once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wheels.contents import check_sdist, check_wheel

ROOT = Path(__file__).parent.parent.parent
DIST = ROOT / "dist"
SMOKE = Path(__file__).with_name("smoke.py")
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
[VERSION] = re.findall(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)


def main(kinds: list[str]) -> None:
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob(f"mixpress-{VERSION}*"):
        old.unlink()
    for kind in kinds:
        if kind == "sdist":
            sdist = build("sdist")
            check_sdist(sdist)
            try_out(sdist, Path(sys.executable), [Path(shutil.which("cargo") or "cargo").parent])
        elif kind == "abi3":
            wheel = build("build", *ZIG, "--features", "abi3", "-i", str(interpreter(VERSIONS[0])))
            check_wheel(wheel, VERSION)
            for version in (VERSIONS[0], VERSIONS[-1]):
                try_out(wheel, interpreter(version))
        else:
            wheel = build("build", *ZIG, "-i", str(interpreter(kind)))
            check_wheel(wheel, VERSION)
            try_out(wheel, interpreter(kind))


ZIG = ("--release", "--locked", "--zig", "--compatibility", "manylinux2014")


def interpreter(version: str) -> Path:
    """That of pyenv, or of PATH."""
    roots = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = sorted(roots.glob(f"{version}.*/bin/python"))
    on_path = shutil.which(f"python{version}")
    if not found and not on_path:
        sys.exit(f"no Python {version}: install it, or leave it out: make wheel WHEELS=...")
    return found[-1] if found else Path(str(on_path))


def build(*command: str) -> Path:
    """Run maturin, whose zig and Python are those of this environment, and give what it made."""
    here = Path(sys.executable).parent
    environment = os.environ | {"VIRTUAL_ENV": str(here.parent), "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    before = set(DIST.iterdir())
    ran = subprocess.run(
        [here / "maturin", *command, "--out", DIST],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        sys.exit(ran.stdout + ran.stderr)
    [made] = set(DIST.iterdir()) - before
    return made


def try_out(package: Path, python: Path, tools: list[Path] | None = None) -> None:
    """Install a package in a clean environment, with `tools` on PATH to build it, and run `smoke.py` without them."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        bin_ = Path(folder, "bin")
        path = [str(bin_), "/usr/bin", "/bin"]
        kept = {
            name: value for name, value in os.environ.items() if re.match(r"PIP_|SSL_|REQUESTS_|HOME$|LANG$|CI$", name)
        }
        building = kept | {"PATH": os.pathsep.join([*map(str, tools or []), *path])}
        install = [str(bin_ / "pip"), "install", "--quiet", "--disable-pip-version-check", str(package)]
        subprocess.run(install, cwd=folder, env=building, check=True)
        trying = kept | {"PATH": os.pathsep.join(path)}
        subprocess.run(
            [str(bin_ / "python"), "-I", "-W", "error", str(SMOKE), VERSION], cwd=folder, env=trying, check=True
        )
    print(f"  {package.name}")


if __name__ == "__main__":
    main(sys.argv[1:])

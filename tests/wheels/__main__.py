"""Build wheels and an sdist into dist/, check the contents of each, and run each in a clean environment: `make wheel`.

    PYTHONPATH=tests python -m wheels 3.10 3.11 3.12 3.13 3.14 3.15 abi3 sdist

zig's C compiler and linker build them against the glibc of manylinux2014. They share a build folder, so that everything
but the binding is compiled only once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from subprocess import PIPE

from old_cpu.core import make_package
from wheels.contents import check_sdist, check_wheel

ROOT = Path(__file__).parent.parent.parent
DIST = ROOT / "dist"
SMOKE = Path(__file__).with_name("smoke.py")
# The environment variables that pip and Python may need.
KEPT = re.compile(r"PIP_|SSL_|REQUESTS_|HOME$|LANG$|CI$")
ENCODE = ROOT / "tests" / "old_cpu" / "encode.py"
TESTS = tuple(
    f"tests/encoder/{name}.py"
    for name in ("test_rules_cases", "test_python_values", "test_walk_hooks", "test_against_reference")
)
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
STABLE_FROM = "3.11"  # the stable ABI of 3.10 has no buffer protocol
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
            wheel = build("build", *ZIG, "--features", "abi3", "-i", str(interpreter(STABLE_FROM)))
            check_wheel(wheel, VERSION)
            for version in (STABLE_FROM, VERSIONS[-1]):
                try_out(wheel, interpreter(version))
            run_encoder_tests(wheel)
        else:
            wheel = build("build", *ZIG, "-i", str(interpreter(kind)))
            check_wheel(wheel, VERSION)
            try_out(wheel, interpreter(kind))


ZIG = ("--release", "--locked", "--zig", "--compatibility", "manylinux2014")


def interpreter(version: str) -> Path:
    """Return the Python of that version, of `make interpreters`, of pyenv or on PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    folders = (ROOT / ".interpreters", pyenv)
    found = [python for folder in folders for python in sorted(folder.glob(f"{version}.*/bin/python"))]
    on_path = shutil.which(f"python{version}")
    if not found and not on_path:
        sys.exit(f"no Python {version}: try `make interpreters`, or leave it out: make wheel WHEELS=...")
    return found[-1] if found else Path(str(on_path))


def build(*command: str) -> Path:
    """Run maturin with the zig and the Python of this environment, and return the file that it made."""
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


def run_encoder_tests(wheel: Path) -> None:
    """Run tests of the encoder with an abi3 wheel, which reads objects by code that no other build has."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        environment = os.environ | {"PYTHONPATH": folder}
        where = [sys.executable, "-c", "from mixpress import _core; print(_core.__file__)"]
        core = subprocess.run(where, env=environment, check=True, stdout=PIPE, text=True).stdout
        assert core.startswith(folder), f"the tests would import {core}"
        subprocess.run([sys.executable, "-m", "pytest", *TESTS], cwd=ROOT, env=environment, check=True)


def try_out(package: Path, python: Path, tools: list[Path] | None = None) -> None:
    """Install a package in a clean environment, with `tools` on PATH, and run it there without them."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        path = [str(Path(folder, "bin")), "/usr/bin", "/bin"]
        kept = {name: value for name, value in os.environ.items() if KEPT.match(name)}

        def run(words: list[str], **more: str) -> str:
            environment = kept | {"PATH": os.pathsep.join(path)} | more
            return subprocess.run(words, cwd=folder, env=environment, check=True, stdout=PIPE, text=True).stdout

        with_tools = os.pathsep.join([*map(str, tools or []), *path])
        run([f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", str(package)], PATH=with_tools)
        print(run([f"{folder}/bin/python", "-I", "-W", "error", str(SMOKE), VERSION]), end="")
        [installed] = Path(folder).glob("lib/python*/site-packages/mixpress")
        _, old = make_package(Path(folder, "old"), installed)
        encode = [f"{folder}/bin/python", str(ENCODE)]
        digests = {run(encode).split()[-1], run(encode, CLAIMS="nothing", **old).split()[-1]}
        assert len(digests) == 1, "it encodes to other bytes on an old processor"
    print(f"  {package.name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

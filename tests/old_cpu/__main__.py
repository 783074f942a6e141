"""Run the encoder's tests on an old processor, and `encode.py` under emulated ones: `make old-cpu`.

The tests run with the patched core of `core.py`. If qemu-x86_64 is on PATH (Debian: qemu-user), it then runs Python and
the unpatched core as on a Nehalem (no AVX) and on a Haswell (AVX2, no AVX-512).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from old_cpu.core import make_package

TESTS = ("tests/encoder",)
PROGRAM = Path(__file__).with_name("encode.py")
EMULATED = ("Nehalem", "Haswell")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        changed, environment = make_package(Path(folder))
        print(f"{changed.later} instructions are illegal now, {changed.cpuid} CPUID instructions are intercepted")
        tests = [sys.executable, "-m", "pytest", *TESTS]
        subprocess.run(tests, env=os.environ | environment | {"CLAIMS": "nothing"}, check=True)
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        sys.exit("the tests have passed; for a whole emulated processor too: apt-get install qemu-user")
    digests = {digest([])}
    digests |= {digest([qemu, "-cpu", processor]) for processor in EMULATED}
    assert len(digests) == 1, f"other bytes on another processor: {digests}"
    print(f"the same bytes here and on an emulated {' and '.join(EMULATED)}")


def digest(under: list[str]) -> str:
    command = [*under, sys.executable, str(PROGRAM)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[1]


if __name__ == "__main__":
    main()

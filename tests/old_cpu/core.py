"""Make a copy of mixpress whose core runs as on one of the first x86-64 processors, with SSE2 and nothing newer.

In the copy of the core, each newer instruction is replaced by an illegal one, which ends the process if it is reached.
CPUID is replaced by a breakpoint, whose handler (`cpuid.c`) answers like such a processor. The rest of the machine code
is unchanged and runs at full speed. It needs objdump (binutils) and a C compiler.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import mixpress
from mixpress import _core

PACKAGE = Path(mixpress.__file__).parent
CPUID, XGETBV = b"\x0f\xa2", b"\x0f\x01\xd0"
ILLEGAL = b"\x0f\x0b"
CPUID_BREAKPOINT, XGETBV_BREAKPOINT = b"\xcc\x90", b"\xcc\x66\x90"  # with different no-ops, to distinguish them
PREFIXES = b"\x66\xf2\xf3\x2e\x36\x3e\x26\x64\x65\x67\xf0"
VEX = b"\xc4\xc5\x62"  # AVX, AVX2, FMA, BMI, AVX-512
LATER_MAPS = (b"\x0f\x38", b"\x0f\x3a")  # SSSE3, SSE4, CRC32, AES, SHA
LATER = re.compile(r"popcnt|lzcnt|mov(ddup|s[hl]dup)|lddqu|h(add|sub)p[sd]|addsubp[sd]|cmpxchg16b|fisttp")
INSTRUCTION = re.compile(rb"^ *([0-9a-f]+):\t([0-9a-f ]+)\t *(\w+)", re.M)


class Instruction(NamedTuple):
    """A machine instruction of the core."""

    at: int
    """Its offset in the file."""
    code: bytes
    name: str

    @property
    def is_later(self) -> bool:
        """Whether the first x86-64 processors lack it. (They run TZCNT as BSF, which compilers take into account.)"""
        code = self.code.lstrip(PREFIXES)
        if code[:1] in [bytes([byte]) for byte in VEX]:
            return True
        if code and code[0] & 0xF0 == 0x40:  # REX
            code = code[1:]
        return code.startswith(LATER_MAPS) or LATER.match(self.name) is not None


def instructions(library: Path) -> list[Instruction]:
    """Return the instructions in the library's `.text` section."""
    sections = subprocess.run(["objdump", "-h", library], check=True, capture_output=True, text=True).stdout
    [(address, offset)] = re.findall(r" \.text +\w+ +(\w+) +\w+ +(\w+)", sections)
    move = int(offset, 16) - int(address, 16)
    command = ["objdump", "-d", "-j", ".text", "--insn-width=16", str(library)]
    listing = subprocess.run(command, check=True, capture_output=True).stdout
    return [
        Instruction(int(at, 16) + move, bytes.fromhex(code.decode()), name.decode())
        for at, code, name in INSTRUCTION.findall(listing)
    ]


class Changed(NamedTuple):
    """The number of replaced instructions of each kind."""

    cpuid: int
    later: int


def make_old(library: Path, copy: Path) -> Changed:
    """Write a copy of the library with the instructions replaced."""
    text = bytearray(library.read_bytes())
    cpuid = later = 0
    for at, code, _ in (found := instructions(library)):
        if bytes(text[at : at + len(code)]) != code:
            raise ValueError(f"{library} has other bytes at {at} than its disassembly")
    for instruction in found:
        at, code = instruction.at, instruction.code
        if code == CPUID:
            text[at : at + 2] = CPUID_BREAKPOINT
            cpuid += 1
        elif code == XGETBV:
            text[at : at + 3] = XGETBV_BREAKPOINT
        elif instruction.is_later:
            text[at : at + 2] = ILLEGAL
            later += 1
    copy.write_bytes(text)
    return Changed(cpuid, later)


def make_package(folder: Path, package: Path = PACKAGE) -> tuple[Changed, dict[str, str]]:
    """Make the copy of mixpress in a folder, and return the environment variables for a Python that imports it."""
    # A folder of sources can have a core for each version of Python, an installed package has one.
    core = Path(_core.__file__) if package == PACKAGE else next(package.glob("_core.*so"))
    shutil.copytree(package, folder / "mixpress", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    changed = make_old(core, folder / "mixpress" / core.name)
    answers = folder / "cpuid.so"
    source = Path(__file__).with_name("cpuid.c")
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", answers, source], check=True)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return changed, {"PYTHONPATH": path, "LD_PRELOAD": str(answers)}

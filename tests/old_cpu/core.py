"""A copy of mixpress whose core meets an old processor: one of x86-64's first, with SSE2 and nothing since.

In the copy of the core each instruction that came later is an illegal one, which ends the process if it is reached;
CPUID is a breakpoint, whose handler (`cpuid.c`) answers as such a processor does. What is left is the core's own
machine code, at its speed. The disassembler is binutils'; the C compiler is the one that the core is built with.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import mixpress

PACKAGE = Path(mixpress.__file__).parent
CPUID, XGETBV = b"\x0f\xa2", b"\x0f\x01\xd0"
ILLEGAL = b"\x0f\x0b"
CPUID_BREAKPOINT, XGETBV_BREAKPOINT = b"\xcc\x90", b"\xcc\x66\x90"  # and a no-op, by which they are told apart
PREFIXES = b"\x66\xf2\xf3\x2e\x36\x3e\x26\x64\x65\x67\xf0"
VEX = b"\xc4\xc5\x62"  # AVX, AVX2, FMA, BMI, AVX-512
LATER_MAPS = (b"\x0f\x38", b"\x0f\x3a")  # SSSE3, SSE4, CRC32, AES, SHA
LATER = re.compile(r"popcnt|lzcnt|mov(ddup|s[hl]dup)|lddqu|h(add|sub)p[sd]|addsubp[sd]|cmpxchg16b|fisttp")
INSTRUCTION = re.compile(rb"^ *([0-9a-f]+):\t([0-9a-f ]+)\t *(\w+)", re.M)


class Instruction(NamedTuple):
    """One of the core's."""

    at: int
    """Its place in the file."""
    code: bytes
    name: str

    @property
    def is_later(self) -> bool:
        """Whether the first x86-64 processors lack it. (TZCNT is none: there it is BSF, and compilers mind that.)"""
        code = self.code.lstrip(PREFIXES)
        if code[:1] in [bytes([byte]) for byte in VEX]:
            return True
        if code and code[0] & 0xF0 == 0x40:  # REX
            code = code[1:]
        return code.startswith(LATER_MAPS) or LATER.match(self.name) is not None


def instructions(library: Path) -> list[Instruction]:
    """Those of the library's text."""
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
    """How many instructions of each kind were replaced."""

    cpuid: int
    later: int


def make_old(library: Path, copy: Path) -> Changed:
    """Copy the library for an old processor."""
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
    """Make the copy of mixpress in a folder. Gives with it the environment in which a Python imports it."""
    [core] = package.glob("_core.*so")
    shutil.copytree(package, folder / "mixpress", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    changed = make_old(core, folder / "mixpress" / core.name)
    answers = folder / "cpuid.so"
    source = Path(__file__).with_name("cpuid.c")
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", answers, source], check=True)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return changed, {"PYTHONPATH": path, "LD_PRELOAD": str(answers)}

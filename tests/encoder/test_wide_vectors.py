"""The loops of the walk are compiled for wide vectors whole: what is not inlined into `Vectors::run` is slower by far.

Code that is compiled without the wide instructions can't have them inlined: each becomes a call of a function of its
own, and that function is in the core then. So the names of the core's functions tell, whatever the processor. A name is
found by its text in the file, in each way that Rust writes names.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest

from mixpress import _core

CORE = Path(_core.__file__ or "").read_bytes()
# A function of the standard library for one instruction, of a set that not every processor has.
INSTRUCTION = re.compile(rb"9core_arch3x86[0-9]+(?:avx|bmi|sse[34]|ssse|abm)\w+")
COMPILED_FOR_THEM = b"compiled_for_it"

pytestmark = [
    pytest.mark.skipif(
        platform.machine().lower() not in ("x86_64", "amd64"), reason="only x86-64 has wide vectors here"
    ),
    pytest.mark.skipif(_core.__debug_build__ or b"__asan_" in CORE, reason="such a build inlines less"),
]


def test_no_wide_instruction_is_a_call() -> None:
    assert COMPILED_FOR_THEM in CORE, "a core for wheels has no names of functions: `make test` builds one that has"
    called = sorted({match.group().decode() for match in INSTRUCTION.finditer(CORE)})
    assert not called, "something that uses `Vectors` is not inlined into `Vectors::run`: see src/vectors/mod.rs"


@pytest.mark.parametrize(
    "name",
    [
        b"_RNvNtNtNtCsgEmfK2I1SDS_4core9core_arch3x868avx512bw22__mm256_mask_loadu_epi8",
        b"_RNvNtNtNtCsgEmfK2I1SDS_4core9core_arch3x864bmi29__bzhi_u32",
        b"_ZN4core9core_arch3x863avx17_mm256_set1_epi8E",
    ],
)
def test_the_name_of_an_instruction_is_recognised(name: bytes) -> None:
    assert INSTRUCTION.search(name)


def test_the_name_of_an_instruction_of_every_processor_is_not() -> None:
    assert not INSTRUCTION.search(b"_RNvNtNtNtCsgEmfK2I1SDS_4core9core_arch3x865xsave7__xgetbv")

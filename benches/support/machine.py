"""Describe the processor, by `lscpu`: in a line, and as the head of a table of figures."""

from __future__ import annotations

import platform
import subprocess
from functools import cache

FLAGS = "popcnt abm bmi1 bmi2 avx2 avx512bw avx512vl avx512_vbmi2 pclmulqdq vpclmulqdq fsrm"
"""What the core, libdeflate, isal and zlib-ng choose their code by. `abm` has lzcnt."""
CACHES = ("L1d cache", "L1i cache", "L2 cache", "L3 cache")


@cache
def _lscpu() -> dict[str, str]:
    """Return the fields of `lscpu`; none if there is no such command."""
    try:
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}


def processor() -> str:
    """Return the processor's name, family and model."""
    found = _lscpu()
    if not found:
        return platform.processor() or "an unknown processor"
    name, family, model = (found.get(field, "?") for field in ("Model name", "CPU family", "Model"))
    return f"{name}, family {family}, model {model}"


def head() -> str:
    """Return the head of a table in Markdown: the processor, its cores, the flags that matter and the caches."""
    found = _lscpu()
    has = set(found.get("Flags", "").split())
    with_, without = ([flag for flag in FLAGS.split() if (flag in has) is wanted] for wanted in (True, False))
    cores = f"{found.get('CPU(s)', '?')} CPUs, {found.get('Thread(s) per core', '?')} threads a core"
    host = f"virtual ({found['Hypervisor vendor']})" if "Hypervisor vendor" in found else "no hypervisor"
    caches = ", ".join(f"{name.removesuffix(' cache')} {found[name]}" for name in CACHES if name in found)
    lines = [
        f"**{processor()}, stepping {found.get('Stepping', '?')}**; {cores}; {host}. {caches or 'Caches unknown'}.",
        f"Flags: {' '.join(with_) or 'none'}; not: {' '.join(without) or 'none'}.",
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}.",
    ]
    return "\n".join(lines)

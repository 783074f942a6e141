"""The patched core needs x86-64, for its CPUID, and Linux, for its signal handler."""

from __future__ import annotations

import platform
import sys

collect_ignore = [] if (sys.platform, platform.machine()) == ("linux", "x86_64") else ["test_old_cpu.py"]

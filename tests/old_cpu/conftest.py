"""What is asked of a processor is asked in another way on others than x86-64, and an old one is made for Linux."""

from __future__ import annotations

import platform
import sys

collect_ignore = [] if (sys.platform, platform.machine()) == ("linux", "x86_64") else ["test_old_cpu.py"]

"""The command `mixpress`.

Each command lives in a module of its own, loaded when it is asked for, so that one whose extra is not installed does
not keep the others from working.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run `mixpress` with the arguments of the process, and exit: 0, 1, 2 or 3 as `mixpress --help` says."""
    try:
        from mixpress.cli.group import group  # noqa: PLC0415 - click may be missing
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write("mixpress: this command needs `pip install 'mixpress[cli]'`\n")
        sys.exit(2)
    group(prog_name="mixpress")

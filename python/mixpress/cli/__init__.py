"""The command `mixpress`.

Each command is a module that is imported when the command is called, so that the others work without its extra.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run `mixpress` with the process's arguments, and exit with status 0, 1, 2 or 3; see `mixpress --help`."""
    try:
        from mixpress.cli.group import group  # noqa: PLC0415 - click may be missing
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write("mixpress: this command needs `pip install 'mixpress[cli]'`\n")
        sys.exit(2)
    from mixpress.cli.output import lasting_output  # noqa: PLC0415 - not needed where click is missing

    with lasting_output():
        group(prog_name="mixpress")

"""Open the files that a command reads, and say in one line why they can't be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mixpress.cli.group import CannotRun
from mixpress.files.files import Files
from mixpress.files.formats import OtherFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.files.formats import Format


def open_files(files: Sequence[str], format: Format | None) -> Files:
    """Return the input, after checking that every file can be read.

    Raises `CannotRun` if one can't be, or is of another kind, and `click.UsageError` if the names make no sense.
    """
    if files.count("-") > 1:
        raise click.UsageError("the standard input (-) can be read only once")
    try:
        return Files(files, format)
    except OSError as error:
        raise CannotRun(f"cannot read {error.filename}: {error.strerror}") from error
    except (ImportError, OtherFormat) as error:
        raise CannotRun(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error

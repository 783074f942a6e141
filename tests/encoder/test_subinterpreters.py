"""Importing a name of the core in a subinterpreter raises an ImportError that says why."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT = """
try:
    from mixpress import encode
except ImportError as error:
    print("refused:", error)
else:
    print("imported")
"""
# The private module for subinterpreters depends on the version of Python.
PROGRAM = f"""
import sys
if sys.version_info >= (3, 13):
    import _interpreters
    interpreter = _interpreters.create("legacy")
    _interpreters.exec(interpreter, {IMPORT!r})
else:
    import _xxsubinterpreters
    interpreter = _xxsubinterpreters.create(isolated=False)
    _xxsubinterpreters.run_string(interpreter, {IMPORT!r})
"""


def import_in_a_subinterpreter(before: str, program: str = PROGRAM) -> str:
    command = [sys.executable, "-W", "ignore", "-c", before + program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


# An interpreter of this module has a separate lock. CPython refuses the core there before any code of it runs.
PUBLIC = f"""
from concurrent import interpreters
interpreter = interpreters.create()
interpreter.exec({IMPORT!r})
interpreter.close()
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in Python 3.14")
@pytest.mark.parametrize("before", ["", "from mixpress import encode\n"])
def test_an_isolated_interpreter_is_refused(before: str) -> None:
    printed = import_in_a_subinterpreter(before, PUBLIC)
    assert printed == "refused: module mixpress._core does not support loading in subinterpreters\n"


def test_a_subinterpreter_is_refused() -> None:
    assert "refused: mixpress can't be used in a subinterpreter" in import_in_a_subinterpreter("")


def test_a_subinterpreter_is_refused_after_the_main_interpreter_imported_the_module() -> None:
    assert "refused: " in import_in_a_subinterpreter("from mixpress import encode\n")

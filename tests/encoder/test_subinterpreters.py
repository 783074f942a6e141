"""Importing mixpress in a subinterpreter raises an ImportError that says why."""

from __future__ import annotations

import subprocess
import sys

IMPORT = """
try:
    import mixpress
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


def import_in_a_subinterpreter(before: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", before + PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_subinterpreter_is_refused() -> None:
    assert "refused: mixpress can't be used in a subinterpreter" in import_in_a_subinterpreter("")


def test_a_subinterpreter_is_refused_after_the_main_interpreter_imported_the_module() -> None:
    assert "refused: " in import_in_a_subinterpreter("import mixpress\n")

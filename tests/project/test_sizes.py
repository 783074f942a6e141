"""The sizes of files and functions: a file fits a thought, a function fits a screen."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("python", "src", "tests", "benches", "examples", "fuzz")
BUILT = ("target", "corpus", "artifacts")
MAX_FILE = 400
MAX_FUNCTION = 60
REASON = re.compile(r"Over 400 lines: \w+")
"""A longer file says this, and why, in its first ten lines."""


def sources(suffix: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            if not set(path.relative_to(ROOT).parts) & set(BUILT):
                yield path


def functions_of_python(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def functions_of_rust(text: str) -> Iterator[tuple[str, int]]:
    """By rustfmt's layout: a function ends at the first closing brace with the indentation of its first line."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        found = re.match(r"( *)(?:pub(?:\([a-z ]+\))? )?(?:const |unsafe |extern \"C\" )*fn (\w+)", line)
        if found and not line.rstrip().endswith(("}", ";")):
            end = next((at for at in range(start, len(lines)) if re.match(found[1] + r"\S*[};]$", lines[at])), start)
            yield found[2], end - start + 1


@pytest.mark.parametrize("suffix", [".py", ".pyi", ".rs"])
def test_a_long_file_gives_its_reason(suffix: str) -> None:
    files = list(sources(suffix))
    assert files
    lines = {path.relative_to(ROOT): path.read_text(encoding="utf-8").splitlines() for path in files}
    long = [path for path in lines if len(lines[path]) > MAX_FILE]
    assert [str(path) for path in long if not REASON.search("\n".join(lines[path][:10]))] == []


@pytest.mark.parametrize(("suffix", "functions_of"), [(".py", functions_of_python), (".rs", functions_of_rust)])
def test_every_function_fits_a_screen(suffix: str, functions_of: Callable[[str], Iterator[tuple[str, int]]]) -> None:
    long, count = [], 0
    for path in sources(suffix):
        for name, lines in functions_of(path.read_text(encoding="utf-8")):
            count += 1
            if lines > MAX_FUNCTION:
                long.append(f"{path.relative_to(ROOT)}: {name} has {lines} lines")
    assert count > 500
    assert long == []


def test_a_long_function_is_noticed() -> None:
    body = "    pass\n" * MAX_FUNCTION
    assert dict(functions_of_python(f"def long():\n{body}"))["long"] > MAX_FUNCTION
    rust = "impl Thing {\n    pub fn long(&self) {\n" + "        step();\n" * MAX_FUNCTION + "    }\n}\n"
    assert dict(functions_of_rust(rust))["long"] > MAX_FUNCTION

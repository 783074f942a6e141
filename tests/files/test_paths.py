"""A name stands for a file, for the files of a directory, or for those that match a pattern."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from files.reading import good, read
from mixpress.files.files import Files
from mixpress.files.paths import find_local


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ["b.ndjson", "a.ndjson", "deep/c.ndjson", "deep/er/d.txt", ".hidden", ".git/config", "deep/.x", "_SUCCESS"]
    names += ["_temporary/0/e.ndjson"]
    for number, name in enumerate(names):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(good(number))
    return tmp_path / "data"


def found(path: Path | str, folder: Path) -> list[str]:
    return [os.path.relpath(name, folder).replace(os.sep, "/") for name in find_local(str(path))]


def test_a_directory_stands_for_all_files_in_it_without_hidden_ones(folder: Path) -> None:
    assert found(folder, folder) == ["a.ndjson", "b.ndjson", "deep/c.ndjson", "deep/er/d.txt"]
    assert [place.file for place in read(str(folder)).places] == find_local(str(folder))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.ndjson", ["a.ndjson", "b.ndjson"]),
        ("[b-z].ndjson", ["b.ndjson"]),
        ("?.ndjson", ["a.ndjson", "b.ndjson"]),
        ("**/*.ndjson", ["_temporary/0/e.ndjson", "a.ndjson", "b.ndjson", "deep/c.ndjson"]),
        ("d*", ["deep/c.ndjson", "deep/er/d.txt"]),
    ],
)
def test_a_pattern_stands_for_what_matches(pattern: str, names: list[str], folder: Path) -> None:
    assert found(folder / pattern, folder) == names


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "a[1].ndjson"
    path.write_bytes(good(1))
    assert find_local(str(path)) == [str(path)]


def test_a_pattern_without_a_match_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file matches") as caught:
        Files([str(tmp_path / "*.gz")])
    assert caught.value.filename == str(tmp_path / "*.gz")


def test_a_directory_without_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="the directory has no files"):
        Files([str(tmp_path)])


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user whom permissions hold")
def test_a_directory_that_cannot_be_listed_raises(folder: Path) -> None:
    (folder / "deep").chmod(0)
    try:
        with pytest.raises(PermissionError):
            Files([str(folder)])
    finally:
        (folder / "deep").chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_links_to_files_are_followed_and_those_to_directories_are_not(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "a.ndjson")
    (folder / "loop").symlink_to(folder)
    assert found(folder, folder) == ["a.ndjson", "b.ndjson", "deep/c.ndjson", "deep/er/d.txt", "link"]

"""The dead letter of a task gets its name when the task has ended, and replaces that of an earlier attempt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest

from mixpress.cluster.dead_letters import TaskDeadLetter
from mixpress.errors import DeadLetterError

NAME = "part-00001.ndjson"


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def publish(folder: str, text: str) -> str:
    with TaskDeadLetter(folder, NAME) as letter:
        Path(letter.path).write_text(text)
        letter.publish()
        return letter.path


def listed(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_file_is_in_the_folder_once_it_is_published(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    made = publish(f"{folder}/", "a\n")
    assert listed(folder) == {NAME: "a\n"}
    assert not Path(made).exists()


def test_a_repeated_task_replaces_its_file(tmp_path: Path) -> None:
    publish(str(tmp_path), "first\n")
    publish(str(tmp_path), "second\n")
    assert listed(tmp_path) == {NAME: "second\n"}


def test_an_attempt_without_failures_removes_the_file_of_an_earlier_one(tmp_path: Path) -> None:
    publish(str(tmp_path), "first\n")
    publish(str(tmp_path), "")
    assert listed(tmp_path) == {}


def test_a_folder_without_failures_is_empty(tmp_path: Path) -> None:
    publish(str(tmp_path / "new"), "")
    assert listed(tmp_path / "new") == {}


def test_attempts_that_publish_at_once_do_not_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.replace

    def publish_another(source: str, target: str) -> None:
        """Publish another attempt when the first one is about to rename its file."""
        monkeypatch.setattr("os.replace", rename)
        publish(str(tmp_path), "second\n")
        assert listed(tmp_path) == {NAME: "second\n", os.path.basename(source): "first\n"}
        rename(source, target)

    monkeypatch.setattr("os.replace", publish_another)
    publish(str(tmp_path), "first\n")
    assert listed(tmp_path) == {NAME: "first\n"}


def test_an_attempt_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with TaskDeadLetter(str(tmp_path), NAME) as letter:
        made = Path(letter.path)
        made.write_text("a\n")
    assert listed(tmp_path) == {}
    assert not made.parent.exists()


def test_a_folder_that_is_a_file_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeadLetterError, match=r"file/part-00001.ndjson: .*that every worker can write to"):
        publish(str(tmp_path / "file"), "a\n")


@pytest.mark.parametrize("folder", ["{}/file/failed", "nostore://bucket/failed"])
def test_a_folder_that_cannot_be_written_to_is_an_error_at_once(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeadLetterError, match="that every worker can write to"):
        TaskDeadLetter(folder.format(tmp_path), NAME).__enter__()


def test_the_path_is_that_of_an_open_dead_letter_alone(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside its with statement"):
        _ = TaskDeadLetter(str(tmp_path), NAME).path


def test_a_store_has_the_file_once_it_is_published(memory: Any) -> None:
    publish("memory://bucket/failed", "a\n")
    assert memory.cat("/bucket/failed/" + NAME) == b"a\n"


def test_a_store_keeps_the_file_of_the_last_attempt(memory: Any) -> None:
    publish("memory://bucket/failed", "first\n")
    publish("memory://bucket/failed", "second\n")
    assert memory.cat("/bucket/failed/" + NAME) == b"second\n"
    publish("memory://bucket/failed", "")
    assert not memory.exists("/bucket/failed/" + NAME)


def test_an_error_of_a_store_shows_no_credentials() -> None:
    with pytest.raises(DeadLetterError) as caught:
        publish("nostore://user:hidden@bucket/failed", "a\n")
    assert "hidden" not in str(caught.value)

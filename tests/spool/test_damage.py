"""Damage: a damaged row is quarantined and the rest is delivered; a damaged file is an error that says why."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mixpress.errors import SpoolError
from mixpress.spool import Spool
from mixpress.spool.schema import VERSION
from mixpress.spool.show import show
from support.clocks import START

from .makers import change, everything, numbers_of, spool, text, texts

OLDER = Path(__file__).with_name("v0.spool")

# Rows


@pytest.mark.parametrize("body", [b'{"cut in the mid', b"[1]", b"", b"{not json}", "text", 17, b"{" * 100_000 + b"}"])
def test_a_damaged_event_is_quarantined_and_does_not_hold_back_the_others(tmp_path: Path, body: object) -> None:
    path = tmp_path / "a"
    with spool(path) as queue:
        queue.append_many(texts(3))
    change(path, "UPDATE events SET body = ? WHERE number = 1", body)
    with spool(path) as queue:
        batch = queue.take()
        assert batch is not None
        assert numbers_of(batch.events()) == [0, 2]
        assert queue.take() is None
        stats = queue.stats()
        assert stats.quarantined == 1
        [reason] = stats.quarantine_reasons
        assert reason.startswith("it is no")


def test_a_file_with_every_row_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with spool(path, max_events=2) as queue:
        queue.append_many(texts(5))
        queue.pack()
    change(path, "UPDATE events SET body = x'00'")
    change(path, "UPDATE batches SET body = x'00'")
    with spool(path, max_events=2) as queue:
        assert queue.take() is None
        assert queue.stats().quarantined == 4


def test_an_own_event_that_is_damaged_is_quarantined(tmp_path: Path) -> None:
    with spool(tmp_path / "a") as queue:
        queue.append(b"no object")
        assert queue.pack() is None
        assert queue.waiting == (0, 0)
        queue.append(b"no object")
        queue.append(text(1))
        batch = queue.pack()
        assert batch is not None
        assert list(batch.indexes) == [2]
        assert queue.stats().quarantined == 2


@pytest.mark.parametrize(
    "damage",
    [
        "body = x'1f8b'",
        "body = 'text'",
        "body = 5",
        "raw_size = raw_size + 1",
        "raw_size = 9223372036854775807",
        "count = 3",
        "count = 'many'",
        "sizes = x'0102'",
        "indexes = x''",
        "layout = 'xml'",
        "layout = 'form'",
        "gzip = 0",
    ],
)
def test_a_damaged_batch_is_quarantined_and_does_not_hold_back_the_others(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a"
    with spool(path, max_events=2) as queue:
        queue.append_many(texts(6))
        for _ in range(3):
            queue.pack()
    change(path, f"UPDATE batches SET {damage} WHERE id = 2")
    assert everything(path) == [0, 1, 4, 5]
    assert show(path, START).quarantined == 1


# Files


def error_of(work: Callable[[], object]) -> SpoolError:
    with pytest.raises(SpoolError) as caught:
        work()
    return caught.value


def opening(path: Path) -> SpoolError:
    error = error_of(lambda: Spool(path))
    assert str(path) in str(error)
    assert error.path == str(path)
    return error


def test_a_file_that_is_not_a_database_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"not a database, but long enough for the header of one; " * 100)
    assert opening(path).kind == "corrupt"
    assert path.read_bytes().startswith(b"not a database")


def test_a_database_that_is_not_a_spool(tmp_path: Path) -> None:
    path = tmp_path / "a"
    change(path, "CREATE TABLE other (value)")
    error = opening(path)
    assert error.kind == "corrupt"
    assert "a database, but not a spool" in str(error)


def test_a_file_with_damaged_pages(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with spool(path) as queue:
        queue.append_many(texts(200))
    content = path.read_bytes()
    path.write_bytes(content[:2048] + b"\xa5" * (len(content) - 2048))
    assert error_of(lambda: everything(path)).kind == "corrupt"


def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "a"
    spool(path).close()
    change(path, f"PRAGMA user_version = {VERSION + 1}")
    error = opening(path)
    assert error.kind == "version"
    assert "or a newer one" in str(error)
    assert error_of(lambda: show(path, START)).kind == "version"


def test_a_file_of_an_older_version_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "a"
    shutil.copy(OLDER, path)
    assert error_of(lambda: show(path, START)).kind == "version"
    assert everything(path) == [0, 1, 2, 3, 4]
    stats = show(path, START)
    assert (stats.pending, stats.attempts) == (5, 2)


def test_a_path_that_cannot_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, says in {
        ".": f"is a folder; name a file in it, such as {tmp_path}/events.spool",
        "missing/a": f"as its folder {tmp_path}/missing does not exist; create it",
        "file/a": f"as {tmp_path}/file is not a folder; name another file",
    }.items():
        error = opening(tmp_path / name)
        assert error.kind == "unopened"
        assert says in str(error)
    assert tmp_path.stat().st_mode & 0o700 == 0o700


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is simulated, since the user who runs the tests may be root."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mixpress.spool.connect.os.open", refuse)
    error = opening(tmp_path / "a")
    assert error.kind == "unopened"
    assert "must be readable and writable for this user" in str(error)


def test_an_empty_file_becomes_a_spool(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    assert error_of(lambda: show(path, START)).kind == "version"
    with spool(path) as queue:
        queue.append(text())
    assert everything(path) == [0]


def test_a_full_disk_loses_no_accepted_event(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with spool(path) as queue:
        connections = queue._session.connections
        assert connections is not None
        connections.writer.execute("PRAGMA max_page_count = 60")
        accepted: list[int] = []

        def fill() -> None:
            while True:
                accepted.append(queue.append(text(len(accepted), padding="x" * 200)))

        assert error_of(fill).kind == "full"
        assert error_of(lambda: queue.append_many(texts(500))).kind == "full"
        connections.writer.execute("PRAGMA max_page_count = 6000")
        assert queue.append(text(len(accepted))) == len(accepted)
    assert everything(path) == [*accepted, len(accepted)]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mount is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_file_system_loses_no_accepted_event(tiny_disk: Path) -> None:
    path, ballast = tiny_disk / "a", tiny_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    queue = spool(path)
    accepted: list[int] = []

    def fill() -> None:
        while True:
            accepted.append(queue.append(text(len(accepted))))

    assert error_of(fill).kind == "full"
    ballast.unlink()
    assert queue.append(text(len(accepted))) == len(accepted)
    queue.close()
    assert everything(path) == [*accepted, len(accepted)]


def test_a_read_only_file_system(tiny_disk: Path) -> None:
    path = tiny_disk / "a"
    with spool(path) as queue:
        queue.append_many(texts(3))
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert opening(path).kind == "read-only"
    assert opening(tiny_disk / "new").kind == "read-only"
    assert show(path, START).pending == 3


def test_a_read_only_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    spool(path).close()
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        if os.access(path, os.W_OK):  # root may write to it
            spool(path).close()
        else:
            assert opening(path).kind == "read-only"
    finally:
        tmp_path.chmod(0o700)


def test_an_error_can_be_pickled() -> None:
    error = SpoolError("says", "/path", "full")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.kind) == ("says", "/path", "full")

"""State files that an import can't use: what it says, and that nothing is sent."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpress.auth import ProjectToken, ServiceAccount
from mixpress.errors import StateError
from mixpress.files import json_reader
from mixpress.transport import Request, Response
from support.events import encoder, small_batches
from support.replies import ok
from support.server import FakeServer

from .resuming import LINE, counts, names, numbered, run, write


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut pieces of 10 events."""
    monkeypatch.setattr(json_reader, "PIECE", 10 * LINE)


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


def failing(path: Path, **settings: Any) -> StateError:
    server = FakeServer()
    with pytest.raises(StateError) as caught:
        run(path, server, **settings)
    assert server.requests == []
    assert str(caught.value.path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"auth": ServiceAccount("user", "a-well-kept-secret", project_id="18")},
            "its destination is project 17 at http",
        ),
        ({"auth": ProjectToken("a-well-kept-secret")}, "its destination is project 17"),
        ({"encoder": small_batches(4)}, "its encoder is Limits("),
        ({"encoder": encoder(insert_id="derive")}, "its encoder"),
        ({"encoder": encoder(on_long_url="parse")}, "its encoder"),
        ({"encoder": encoder(on_long_json="flatten")}, "its encoder"),
        ({"encoder": encoder(on_long_text="drop")}, "its encoder"),
    ],
)
def test_a_state_of_another_import_is_refused(tmp_path: Path, settings: Any, says: str) -> None:
    path = write(tmp_path / "a", numbered(5))
    run(path, FakeServer(), **{} if "limits" in says.lower() else {"encoder": encoder()} if "encoder" in says else {})
    error = failing(path, **settings)
    assert error.kind == "other-import"
    assert says in str(error)
    assert "a-well-kept-secret" not in str(error)
    assert b"a-well-kept-secret" not in path.with_suffix(".state").read_bytes()


def test_another_account_of_the_project_may_continue(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(5))
    run(path, FakeServer())
    auth = ServiceAccount("other", "another-secret", project_id="17")
    assert counts(run(path, FakeServer(), auth=auth)) == (0, 5)


@pytest.mark.parametrize(("version", "says"), [(0, "older mixpress"), (99, "newer mixpress")])
def test_a_state_of_another_version_is_refused(tmp_path: Path, version: int, says: str) -> None:
    path = write(tmp_path / "a", numbered(5))
    run(path, FakeServer())
    with sqlite3.connect(path.with_suffix(".state")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    error = failing(path)
    assert error.kind == "version"
    assert says in str(error)


@pytest.mark.parametrize("content", [b"no database, but a text that is longer than a header of SQLite is" * 99, b"x"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a", numbered(5))
    path.with_suffix(".state").write_bytes(content)
    assert failing(path).kind == "corrupt"
    assert path.with_suffix(".state").read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(5))
    with sqlite3.connect(path.with_suffix(".state")) as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    assert failing(path).kind == "corrupt"


def test_a_state_in_use_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(5))
    used: list[StateError] = []

    def use(_request: Request) -> Response:
        used.append(failing(path))
        return ok()

    assert run(path, FakeServer(use)).imported == 5
    assert {error.kind for error in used} == {"busy"}
    assert "in use by another import" in str(used[0])


def test_a_folder_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a", numbered(5))
    assert "is a folder" in str(failing(path, state=tmp_path))
    assert failing(path, state=tmp_path / "missing" / "state").kind == "unopened"


def test_a_read_only_state_is_refused(tiny_disk: Path) -> None:
    path = write(tiny_disk / "a", numbered(5))
    run(path, FakeServer())
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert failing(path).kind == "read-only"
    assert failing(path, state=tiny_disk / "new").kind == "read-only"


def test_a_disk_that_fills_ends_the_import_which_then_goes_on(tiny_disk: Path, tmp_path: Path) -> None:
    given = numbered(3000)
    path, server = write(tmp_path / "a", given), FakeServer()
    state, ballast = tiny_disk / "state", tiny_disk / "ballast"
    ballast.write_bytes(bytes(900_000))
    with pytest.raises(StateError, match="no room on its disk") as caught:
        run(path, server, state=state)
    report = caught.value.report
    assert caught.value.kind == "full"
    assert report is not None
    assert 0 < report.imported < 3000
    ballast.unlink()
    later = run(path, server, state=state)
    assert later.earlier > 0
    assert set(server.imported) == names(given)
    assert len(server.imported) <= 3000 + 3 * 3

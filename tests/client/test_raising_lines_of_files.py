"""KeyboardInterrupt at one line of mixpress after another, while it imports a file with a state."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from support.server import FakeServer

from .test_raising_lines import SECONDS, STRIDE, Raiser, client, each_line, events, within


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_import_of_a_file_can_go_on(tmp_path: Path) -> None:
    """The interrupt may come before an event's verdict is recorded: then it is sent again, and none is left out."""
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in events()))
    state = tmp_path / "state"

    def test(raiser: Raiser) -> bool:
        for old in tmp_path.glob("state*"):
            old.unlink()
        server = FakeServer()
        made = client(server)
        interrupted = raiser.run(lambda: made.import_files(path, state=state))
        within(SECONDS, made.close)
        gc.collect()
        following = client(server)
        report = within(SECONDS, lambda: following.import_files(path, state=state))
        within(SECONDS, following.close)
        assert report.total + report.earlier == 7, raiser.where
        assert report.undelivered == 0
        assert {"i1", "i2", "i4", "i5"} == set(server.imported), raiser.where
        return interrupted

    each_line(test, 7 if STRIDE == 1 else 31)  # an import of a file has thousands of lines, and takes two runs for each

"""`EncodingThreads`: their end."""

from __future__ import annotations

import json
from pathlib import Path

from mixpress import Encoder
from mixpress.client.encoding import Encoding, EncodingThreads
from mixpress.files.files import Files
from mixpress.files.mapper import mapper_of
from support.events import events


def test_the_threads_end_with_their_object_if_an_interrupt_kept_them_from_being_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in events(3)))
    [piece] = Files([str(path)])
    threads = EncodingThreads(Encoder(), mapper_of(None))
    started = threads._threads
    for _ in range(3):
        encoding = Encoding(piece)
        threads.start(encoding)
        assert encoding.done.wait(20)
        assert encoding.error is None
    assert started
    del threads
    for thread in started:
        thread.join(20)
        assert not thread.is_alive()

"""A spool knows the project of its events, stores no credentials, and is not sent to another project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixpress.auth import ProjectToken, ServiceAccount
from mixpress.client.drain_run import drain_spool
from mixpress.errors import MixpressError, SpoolError
from mixpress.spool import Destination, Spool
from support.canary import AUTHS, assert_silent
from support.clients import client
from support.replies import busy, refusing
from support.server import FakeServer

from .makers import spool, text, texts

URL = "https://api.mixpanel.com/import"


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
@pytest.mark.parametrize("reply", [busy(), refusing(0)], ids=["busy", "refusing"])
def test_the_files_have_no_credentials(auth: Any, reply: Any, tmp_path: Path) -> None:
    destination = Destination.of(URL, auth)
    with Spool(tmp_path / "a", destination=destination) as queue:
        queue.append_many(texts(3))
        batch = queue.pack()
        assert batch is not None
        queue.release()
        with client(FakeServer(reply), auth=auth) as sending:
            drain_spool(sending.engine, queue)
        queue.append(text(9))
        shown = [repr(queue), repr(destination), repr(batch), repr(queue.stats())]
        content = b"".join(name.read_bytes() for name in tmp_path.iterdir())
    content += (tmp_path / "a").read_bytes()
    assert b"event-9" in content
    assert_silent(*shown, content)


def open_for(path: Path, auth: Any, url: str = URL, **settings: Any) -> Spool:
    return spool(path, destination=Destination.of(url, auth), **settings)


def test_another_account_of_the_project_may_deliver(tmp_path: Path) -> None:
    with open_for(tmp_path / "a", ServiceAccount("user", "secret", project_id="17")) as queue:
        queue.append(text())
    with open_for(tmp_path / "a", ServiceAccount("other", "new", project_id="17")) as queue:
        assert queue.take() is not None


@pytest.mark.parametrize(
    ("auth", "url", "says"),
    [
        (ServiceAccount("user", "secret", project_id="18"), URL, "another project of https://api.mixpanel.com/import"),
        (ProjectToken("17"), URL, "another project"),
        (
            ServiceAccount("user", "secret", project_id="17"),
            "https://api-eu.mixpanel.com/import",
            "are for https://api.mixpanel.com/import, not https://api-eu.mixpanel.com/import",
        ),
    ],
)
def test_events_of_another_project_are_not_delivered(tmp_path: Path, auth: Any, url: str, says: str) -> None:
    path = tmp_path / "a"
    with open_for(path, ServiceAccount("user", "secret", project_id="17")) as queue:
        queue.append(text())
    with pytest.raises(SpoolError, match=says) as caught:
        open_for(path, auth, url)
    assert isinstance(caught.value, MixpressError)
    assert caught.value.kind == "destination"
    with open_for(path, auth, url, force=True) as queue:
        assert queue.take() is not None
    open_for(path, auth, url).close()


def test_a_file_in_use_is_not_bound_to_another_project(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with open_for(path, ProjectToken("one")), pytest.raises(SpoolError, match="another project"):
        open_for(path, ProjectToken("other"))
    open_for(path, ProjectToken("other")).close()  # it is empty

"""Transports with the same TLS settings share one context, and one that speaks plain http makes none."""

from __future__ import annotations

import gc
import json
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from mixpress.compat.mixpanel import BufferedConsumer
from mixpress.transport import Urllib3Transport, tls
from support.listener import OK, Behave, Listener, post, replying


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[ssl.SSLContext]:
    """The contexts that are made from now on; none of an earlier test is left."""
    gc.collect()
    monkeypatch.setattr(tls, "_contexts", type(tls._contexts)())
    found: list[ssl.SSLContext] = []
    real = ssl.create_default_context

    def make(**options: Any) -> ssl.SSLContext:
        found.append(real(**options))
        return found[-1]

    monkeypatch.setattr(ssl, "create_default_context", make)
    return found


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


def test_a_transport_makes_no_context_for_plain_http(
    listen: Callable[[Behave], Listener], made: list[ssl.SSLContext]
) -> None:
    listener = listen(replying(OK))
    with Urllib3Transport() as transport:
        assert transport.send(post(listener.url())).status == 200
    assert made == []


def test_transports_with_the_same_settings_share_a_context(made: list[ssl.SSLContext]) -> None:
    transports = [Urllib3Transport(connections) for connections in (1, 2, 3)]
    assert len({id(transport._tls.context()) for transport in transports}) == len(made) == 1


def test_transports_with_the_same_files_share_a_context(
    made: list[ssl.SSLContext], authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = authority.issue_cert("me@x.test")
    client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "me.pem")
    monkeypatch.chdir(tmp_path)
    names: list[Any] = [tmp_path / "ca.pem", str(tmp_path / "ca.pem"), "ca.pem"]
    kept = [Urllib3Transport(ca_bundle=name, client_cert=tmp_path / "me.pem") for name in names]
    assert len(made) == 1
    kept.append(Urllib3Transport(ca_bundle=tmp_path / "ca.pem"))
    kept.append(Urllib3Transport(client_cert=tmp_path / "me.pem"))
    assert len(made) == 3
    assert len({id(transport._tls.context()) for transport in kept}) == 3


def test_a_renewed_file_gets_its_own_context(made: list[ssl.SSLContext], authority: trustme.CA, tmp_path: Path) -> None:
    before = Urllib3Transport(ca_bundle=tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "new.pem")
    os.replace(tmp_path / "new.pem", tmp_path / "ca.pem")
    assert Urllib3Transport(ca_bundle=tmp_path / "ca.pem")._tls.context() is not before._tls.context()
    assert len(made) == 2


def test_other_authorities_in_the_environment_are_another_setting(
    made: list[ssl.SSLContext], authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Urllib3Transport()
    before._tls.context()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert Urllib3Transport()._tls.context() is not before._tls.context()
    assert len(made) == 2


def test_a_context_without_a_transport_is_freed(made: list[ssl.SSLContext]) -> None:
    transport = Urllib3Transport()
    transport._tls.context()
    made.clear()
    del transport
    gc.collect()
    assert len(tls._contexts) == 0


def test_a_consumer_of_many_projects_makes_no_context_for_plain_http(
    listen: Callable[[Behave], Listener], made: list[ssl.SSLContext]
) -> None:
    listener = listen(replying(OK, times=100))
    consumer = BufferedConsumer(events_url=f"http://127.0.0.1:{listener.port}/track", fast=True)
    for number in range(20):
        message = {"event": "Seen", "properties": {"token": f"token-{number}", "distinct_id": "u"}}
        consumer.send("events", json.dumps(message))
    consumer.close()
    assert made == []

"""TLS against a local authority: which certificates a transport trusts, and the errors for others."""

from __future__ import annotations

import datetime
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from mixpress.transport import Urllib3Transport
from support.listener import OK, Behave, Listener, failure, kind, post, read_request

Serve = Callable[..., Listener]

AUTHORITY = trustme.CA()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def serve(listen: Callable[[Behave], Listener]) -> Serve:
    """A server with a certificate for these names; with `wants` it requires a client certificate of that authority."""

    def start(*names: str, wants: trustme.CA | None = None, **options: Any) -> Listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(*(names or ("127.0.0.1",)), **options).configure_cert(context)
        if wants:
            context.verify_mode = ssl.CERT_REQUIRED
            wants.configure_trust(context)

        def answer(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secure:
                read_request(secure)
                secure.sendall(OK)

        return listen(answer)

    return start


def test_a_certificate_of_the_given_authority_is_trusted(serve: Serve, bundle: Path) -> None:
    with Urllib3Transport(ca_bundle=bundle) as transport:
        assert transport.send(post(serve().url("https"))).status == 200


def test_a_certificate_of_an_unknown_authority_is_not_trusted(serve: Serve, transport: Urllib3Transport) -> None:
    error = failure(transport, serve().url("https"))
    assert (error.kind, error.retryable) == ("certificate", False)
    assert "is not trusted: unable to get local issuer certificate" in str(error)
    assert "Urllib3Transport(ca_bundle=...)" in str(error)


def test_with_a_bundle_no_other_authority_is_trusted(serve: Serve, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    with Urllib3Transport(ca_bundle=tmp_path / "other.pem") as transport:
        assert kind(transport, serve().url("https"), "pass its certificate") == "certificate"


def test_a_certificate_for_another_host_is_not_trusted(serve: Serve, bundle: Path) -> None:
    with Urllib3Transport(ca_bundle=bundle) as transport:
        says = "check the host in the URL"
        assert kind(transport, serve("api.example").url("https"), says) == "certificate"
        error = failure(transport, serve("api.example").url("https", "localhost"))
        assert "Hostname mismatch" in str(error)


@pytest.mark.parametrize(
    ("days", "says"), [((-9, -1), "certificate has expired; the server needs a new one"), ((1, 9), "check the clock")]
)
def test_an_expired_or_future_certificate_is_not_trusted(
    serve: Serve, bundle: Path, days: tuple[int, int], says: str
) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = (now + datetime.timedelta(days=many) for many in days)
    with Urllib3Transport(ca_bundle=bundle) as transport:
        url = serve("127.0.0.1", not_before=start, not_after=end).url("https")
        assert kind(transport, url, says) == "certificate"


def test_a_client_certificate_is_sent_from_one_or_two_files(serve: Serve, bundle: Path, tmp_path: Path) -> None:
    mine = AUTHORITY.issue_cert("client@example.com")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    url = serve(wants=AUTHORITY).url("https")
    for files in (tmp_path / "both.pem", (tmp_path / "cert.pem", str(tmp_path / "key.pem"))):
        with Urllib3Transport(ca_bundle=bundle, client_cert=files) as transport:
            assert transport.send(post(url)).status == 200


def test_a_missing_client_certificate_is_an_error(serve: Serve, bundle: Path) -> None:
    with Urllib3Transport(ca_bundle=bundle) as transport:
        error = failure(transport, serve(wants=AUTHORITY).url("https"))
    # With TLS 1.3 the server may hang up before its alert is read.
    assert error.kind in {"tls", "reset"}
    assert error.kind == "reset" or "Urllib3Transport(client_cert=...)" in str(error)


@pytest.mark.parametrize("trust", ["system", "openssl"])
def test_the_certificate_store_of_the_system_is_trusted(
    serve: Serve, bundle: Path, trust: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trust == "system" and sys.platform != "linux":
        pytest.skip("the store of this system has nothing to do with SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with Urllib3Transport(trust=trust) as transport:
        assert transport.send(post(serve().url("https"))).status == 200


def test_the_store_of_the_system_does_not_trust_an_unknown_authority(serve: Serve) -> None:
    with Urllib3Transport(trust="system") as transport:
        assert kind(transport, serve().url("https")) == "certificate"


def test_a_missing_extra_is_named_in_the_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "truststore", None)
    with pytest.raises(ImportError, match=r"needs `pip install 'mixpress\[truststore\]'`"):
        Urllib3Transport(trust="system")


def test_https_to_a_plain_http_server_suggests_http(
    listen: Callable[[Behave], Listener], transport: Urllib3Transport, bundle: Path
) -> None:
    listener = listen(lambda connection: connection.sendall(b"HTTP/1.1 400 No\r\n\r\n"))
    assert kind(transport, listener.url("https"), "is its URL http:// instead of https://?") == "tls"


def test_an_invalid_certificate_file_is_an_error(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no certificate")
    AUTHORITY.private_key_pem.write_to_path(tmp_path / "key.pem")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ca_bundle": tmp_path / "missing"}, "missing' can't be read: No such file or directory"),
        ({"ca_bundle": tmp_path / "text"}, "text' has no certificate in PEM format"),
        ({"client_cert": tmp_path / "missing"}, "missing' can't be read: No such file or directory"),
        ({"client_cert": tmp_path / "text"}, "must contain a certificate and its key"),
        ({"client_cert": (bundle, tmp_path / "text")}, "must contain a certificate and its key"),
        ({"ca_bundle": bundle, "trust": "system"}, "pass one of them"),
    ]
    for options, says in cases:
        with pytest.raises(ValueError, match=says):
            Urllib3Transport(**options)


def test_an_encrypted_key_is_an_error_instead_of_a_prompt(tmp_path: Path) -> None:
    mine = AUTHORITY.issue_cert("client@example.com")
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (tmp_path / "locked.pem").write_bytes(locked + mine.cert_chain_pems[0].bytes())
    with pytest.raises(ValueError, match="the key is encrypted"):
        Urllib3Transport(client_cert=tmp_path / "locked.pem")

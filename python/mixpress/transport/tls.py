"""The TLS context of a transport, created once and never changed."""

from __future__ import annotations

import os
import ssl
from typing import Literal, NoReturn

Trust = Literal["openssl", "system"]
CertificateFiles = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]


def make_context(
    ca_bundle: str | os.PathLike[str] | None, client_cert: CertificateFiles | None, trust: Trust
) -> ssl.SSLContext:
    """Return the context for the options of `Urllib3Transport`. Raise `ValueError` where a file can't be used."""
    if trust not in ("openssl", "system"):
        raise ValueError(f'trust must be "openssl" or "system", got {trust!r}')
    if ca_bundle is not None:
        if trust == "system":
            raise ValueError('ca_bundle and trust="system" exclude each other; pass one of them')
        context = _trusting(ca_bundle)
    else:
        context = _system_context() if trust == "system" else ssl.create_default_context()
    if client_cert is not None:
        _load_client_cert(context, client_cert)
    return context


def _trusting(ca_bundle: str | os.PathLike[str]) -> ssl.SSLContext:
    """Return a context that trusts the authorities in that file or folder, and no others."""
    path = os.fspath(ca_bundle)
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise ValueError(f"ca_bundle: {path!r} has no certificate in PEM format") from error
    except OSError as error:
        raise ValueError(f"ca_bundle: {path!r} can't be read: {error.strerror}") from error


def _system_context() -> ssl.SSLContext:
    """Return a context that verifies with the operating system's store, with authorities added by its administrator."""
    try:
        import truststore  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError as error:
        raise ImportError("trust=\"system\" needs `pip install 'mixpress[truststore]'`") from error
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _load_client_cert(context: ssl.SSLContext, client_cert: CertificateFiles) -> None:
    cert, key = client_cert if isinstance(client_cert, tuple) else (client_cert, None)
    names = " and ".join(repr(os.fspath(path)) for path in (cert, key) if path is not None)
    try:
        context.load_cert_chain(cert, key, password=_refuse_to_ask)
    except ssl.SSLError as error:
        raise ValueError(f"client_cert: {names} must contain a certificate and its key in PEM format") from error
    except OSError as error:
        raise ValueError(f"client_cert: {names} can't be read: {error.strerror}") from error


def _refuse_to_ask() -> NoReturn:
    """Raise instead of the passphrase prompt that OpenSSL would show on the terminal."""
    raise ValueError("client_cert: the key is encrypted; use a key without a passphrase, in a file of mode 0600")

"""The TLS contexts of transports: one for each set of settings, never changed, and created when TLS is first used."""

from __future__ import annotations

import os
import ssl
from types import ModuleType
from typing import Literal, NoReturn
from weakref import WeakValueDictionary

Trust = Literal["openssl", "system"]
CertificateFiles = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]


_contexts: WeakValueDictionary[tuple[object, ...], ssl.SSLContext] = WeakValueDictionary()


class TlsSettings:
    """The options of `Urllib3Transport` for TLS. Raise `ValueError` where a file can't be used.

    Transports with equal settings share a context, as each has its own copy of all authorities.
    """

    def __init__(
        self, ca_bundle: str | os.PathLike[str] | None, client_cert: CertificateFiles | None, trust: Trust
    ) -> None:
        if trust not in ("openssl", "system"):
            raise ValueError(f'trust must be "openssl" or "system", got {trust!r}')
        if ca_bundle is not None and trust == "system":
            raise ValueError('ca_bundle and trust="system" exclude each other; pass one of them')
        self._ca_bundle, self._client_cert, self._trust = ca_bundle, client_cert, trust
        self._context: ssl.SSLContext | None = None
        if (ca_bundle, client_cert, trust) != (None, None, "openssl"):
            self.context()  # an option that can't be used is an error now

    def context(self) -> ssl.SSLContext:
        """Return the context. `setdefault` keeps the first where two threads create one: a lock could be held during a
        fork.
        """
        if self._context is None:
            key = self._key()
            self._context = _contexts.get(key) or _contexts.setdefault(key, self._make())
        return self._context

    def _key(self) -> tuple[object, ...]:
        """Return the settings with the state of each file: a renewed certificate needs another context."""
        if self._ca_bundle is not None:
            authorities: tuple[str | os.PathLike[str] | None, ...] = (self._ca_bundle,)
        elif self._trust == "openssl":
            default = ssl.get_default_verify_paths()
            authorities = (default.cafile, default.capath)
        else:
            _truststore()  # also where another transport has made the context
            authorities = ()
        own = self._client_cert if isinstance(self._client_cert, tuple) else (self._client_cert,)
        given = self._ca_bundle is not None
        return self._trust, given, tuple(map(_state, authorities)), tuple(map(_state, own))

    def _make(self) -> ssl.SSLContext:
        if self._ca_bundle is not None:
            context = _trusting(self._ca_bundle)
        else:
            system = self._trust == "system"
            context = _truststore().SSLContext(ssl.PROTOCOL_TLS_CLIENT) if system else ssl.create_default_context()
        if self._client_cert is not None:
            _load_client_cert(context, self._client_cert)
        return context


def _state(path: str | os.PathLike[str] | None) -> tuple[object, ...]:
    if path is None:
        return ()
    absolute = os.path.abspath(os.fspath(path))
    try:
        found = os.stat(absolute)
    except OSError:
        return (absolute,)
    return absolute, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


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


def _truststore() -> ModuleType:
    """Return the module that verifies by the system's store, with the authorities that its administrator added."""
    try:
        import truststore  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError as error:
        raise ImportError("trust=\"system\" needs `pip install 'mixpress[truststore]'`") from error
    return truststore


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

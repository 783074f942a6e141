"""Turn urllib3's exceptions into `TransportError`s that say what to do.

The peer may repeat the request with its credentials, so nothing of its reply is quoted; TLS's verdict on a certificate
is.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import TYPE_CHECKING

from urllib3 import exceptions as http

from mixpress.errors import TransportError, TransportKind
from mixpress.transport.sockets import ClosedUnansweredError

if TYPE_CHECKING:
    from mixpress.transport.proxy import Proxy

# OpenSSL's X509_V_ERR_*
_NOT_YET_VALID = 9
_EXPIRED = 10
_WRONG_NAME = (62, 64)
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)


def no_answer(error: Exception, where: str, proxy: Proxy | None, *, connect: float, read: float) -> TransportError:
    """Return the error to raise, with its `__cause__`. `where` is host and port; `connect` and `read` are timeouts."""
    if status := _tunnel_status(error):
        return refused_by_proxy(status, where, proxy)
    subject = f"the proxy {proxy.where}" if proxy and isinstance(error, http.ProxyError) else where
    kind = _kind(error)
    result = TransportError(_message(kind, error, subject, connect, read), kind)
    result.connect_timed_out = kind == "timeout" and _has_no_connection(error)
    if not any(isinstance(cause, HTTPException) for cause in causes(error)):
        result.__cause__ = error  # a traceback of an HTTPException would quote the peer
    result.__suppress_context__ = True
    return result


def refused_by_proxy(status: int, where: str, proxy: Proxy | None) -> TransportError:
    """Return the error for a proxy that replied itself instead of forwarding the request to `where`."""
    name = proxy.where if proxy else "in use"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        problem = (
            "does not accept the credentials in its URL"
            if proxy and proxy.authorization
            else f"requires credentials; put them into its URL, such as http://user:password@{name}"
        )
        result = TransportError(f"the proxy {name} {problem} ({_phrase(status)})", "proxy")
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        result = TransportError(f"the proxy {name} can't reach {where} ({_phrase(status)})", "unreachable")
    else:
        result = TransportError(
            f"the proxy {name} refuses requests to {where} ({_phrase(status)}); "
            "list hosts that need no proxy in NO_PROXY",
            "proxy",
        )
    result.__suppress_context__ = True
    return result


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, which urllib3 keeps in `__cause__` or in the arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        linked = (one.__cause__, getattr(one, "original_error", None), *one.args)
        waiting += [cause for cause in linked if isinstance(cause, BaseException)]


def _tunnel_status(error: Exception) -> int | None:
    """Return the status of a refused CONNECT; the standard library has it only in a message."""
    for cause in causes(error):
        if isinstance(cause, OSError) and (found := re.match(r"Tunnel connection failed: (\d{3})\b", str(cause))):
            return int(found[1])
    return None


def _kind(error: Exception) -> TransportKind:
    """Classify an exception of urllib3; the order is from specific to general."""
    by_type: list[tuple[type[BaseException] | tuple[type[BaseException], ...], TransportKind]] = [
        (http.LocationValueError, "invalid-host"),
        (ssl.SSLCertVerificationError, "certificate"),
        (ConnectionRefusedError, "refused"),
        (ClosedUnansweredError, "reset"),
        ((http.SSLError, ssl.SSLError), "tls"),
        (http.NameResolutionError, "unknown-host"),
        (http.NewConnectionError, "unreachable"),
        ((http.TimeoutError, TimeoutError), "timeout"),
    ]
    found = [*causes(error)]
    return next((kind for types, kind in by_type if any(isinstance(cause, types) for cause in found)), "reset")


def _message(kind: TransportKind, error: Exception, where: str, connect: float, read: float) -> str:
    match kind:
        case "certificate":
            return _certificate_message(error, where)
        case "tls":
            return _tls_message(error, where)
        case "timeout":
            if _has_no_connection(error):
                return f"no connection to {where} within {connect:g} s"
            return f"{where} did not answer within {read:g} s"
    plain = {
        "refused": f"connection to {where} refused; check that the server is running and that the URL is right",
        "unknown-host": f"the host of {where} is unknown: no address found for its name",
        "invalid-host": f"no host can have the name in {where}; check the URL",
        "unreachable": f"{where} can't be reached: {_reason(error)}",
    }
    return plain.get(kind) or _reset_message(error, where)


def _has_no_connection(error: Exception) -> bool:
    return any(isinstance(cause, http.ConnectTimeoutError) for cause in causes(error))


def _reset_message(error: Exception, where: str) -> str:
    found = [*causes(error)]
    if any(isinstance(cause, http.DecodeError) for cause in found):
        return f"the reply of {where} can't be decompressed: its gzip is damaged"
    if any(isinstance(cause, IncompleteRead) for cause in found):
        return f"the connection to {where} broke in the middle of a reply"
    if any(isinstance(cause, HTTPException) for cause in found):
        return f"{where} does not speak HTTP; check that the URL is right"
    when = (
        "before a reply came"
        if any(isinstance(cause, ClosedUnansweredError) for cause in found)
        else "during the request"
    )
    return f"the connection to {where} broke {when}: {_reason(error)}"


def _certificate_message(error: Exception, where: str) -> str:
    found = next(cause for cause in causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    code = getattr(found, "verify_code", 0)
    reason = getattr(found, "verify_message", "") or "certificate verify failed"
    head = f"the certificate of {where} is not trusted: {reason.rstrip('.')}"
    if code == _EXPIRED:
        return f"{head}; the server needs a new one, unless the clock of this machine is wrong"
    if code == _NOT_YET_VALID:
        return f"{head}; check the clock of this machine"
    if code in _WRONG_NAME:
        return f"{head}; check the host in the URL, and whether a proxy or firewall answers instead of it"
    if code in _UNKNOWN_AUTHORITY:
        return (
            f"{head}; to trust that authority, pass its certificate to "
            'Urllib3Transport(ca_bundle=...), or use the store of the system with trust="system"'
        )
    return head


def _tls_message(error: Exception, where: str) -> str:
    reason = next((cause.reason for cause in causes(error) if isinstance(cause, ssl.SSLError) and cause.reason), "")
    words = (reason or "the handshake failed").replace("_", " ").lower()
    if "wrong version number" in words or "record layer failure" in words or "http request" in words:
        return f"no TLS connection to {where}: it does not speak TLS ({words}); is its URL http:// instead of https://?"
    if "certificate required" in words or "handshake failure" in words:
        return f"no TLS connection to {where}: {words}; it may require a certificate: Urllib3Transport(client_cert=...)"
    return f"no TLS connection to {where}: {words}"


def _reason(error: Exception) -> str:
    """Return the operating system's message, or the name of the exception where it has none."""
    systems = [cause for cause in causes(error) if isinstance(cause, OSError) and not isinstance(cause, http.HTTPError)]
    if not systems:
        return type(error).__name__
    return systems[-1].strerror or str(systems[-1]) or type(systems[-1]).__name__


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)

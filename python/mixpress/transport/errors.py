"""What urllib3 raised, as a `TransportError` whose message says what to do. Nothing the peer said is quoted but
what TLS says of a certificate: it may repeat the request with its credentials.
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
    """The error to raise, with its `__cause__`. `where` is host and port; `connect` and `read` the timeouts."""
    if turned_down := _tunnel_status(error):
        return refused_by_proxy(turned_down, where, proxy)
    subject = f"the proxy {proxy.where}" if proxy and isinstance(error, http.ProxyError) else where
    kind = _kind(error)
    made = TransportError(_says(kind, error, subject, connect, read), kind)
    if not any(isinstance(cause, HTTPException) for cause in causes(error)):
        made.__cause__ = error  # else a traceback would show what came in the place of HTTP
    made.__suppress_context__ = True
    return made


def refused_by_proxy(status: int, where: str, proxy: Proxy | None) -> TransportError:
    """The proxy answered itself, and did not let the request through to `where`."""
    name = proxy.where if proxy else "which is configured"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        wants = (
            "does not accept the credentials in its URL"
            if proxy and proxy.authorization
            else f"wants credentials: put them into its URL, as in http://user:password@{name}"
        )
        made = TransportError(f"the proxy {name} {wants} ({_phrase(status)})", "proxy")
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        made = TransportError(f"the proxy {name} can't reach {where} ({_phrase(status)})", "unreachable")
    else:
        made = TransportError(
            f"the proxy {name} does not let requests through to {where} ({_phrase(status)}); "
            "NO_PROXY names hosts that are reached without it",
            "proxy",
        )
    made.__suppress_context__ = True
    return made


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came from: urllib3 puts that into `__cause__` or among its arguments."""
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
    """The status by which a proxy refused to CONNECT; the standard library has it in a text alone."""
    for cause in causes(error):
        if isinstance(cause, OSError) and (found := re.match(r"Tunnel connection failed: (\d{3})\b", str(cause))):
            return int(found[1])
    return None


def _kind(error: Exception) -> TransportKind:
    """Tell apart what urllib3 raised; the order goes from the special to the general."""
    by_type: list[tuple[type[BaseException] | tuple[type[BaseException], ...], TransportKind]] = [
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


def _says(kind: TransportKind, error: Exception, where: str, connect: float, read: float) -> str:
    match kind:
        case "certificate":
            return _distrust(error, where)
        case "tls":
            return _no_tls(error, where)
        case "timeout":
            if any(isinstance(cause, http.ConnectTimeoutError) for cause in causes(error)):
                return f"no connection to {where} in {connect:g} s"
            return f"{where} did not answer in time ({read:g} s)"
    plain = {
        "refused": f"nobody listens at {where} (connection refused); is the server running, and the URL right?",
        "unknown-host": f"the host of {where} is unknown (no address found for its name)",
        "unreachable": f"{where} can't be reached: {_reason(error)}",
    }
    return plain.get(kind) or _broken(error, where)


def _broken(error: Exception, where: str) -> str:
    found = [*causes(error)]
    if any(isinstance(cause, http.DecodeError) for cause in found):
        return f"the answer of {where} can't be unpacked, its gzip is broken"
    if any(isinstance(cause, IncompleteRead) for cause in found):
        return f"the connection to {where} broke in the middle of an answer"
    if any(isinstance(cause, HTTPException) for cause in found):
        return f"what answers at {where} does not speak HTTP; is the URL right?"
    when = "before an answer came" if any(isinstance(cause, ClosedUnansweredError) for cause in found) else "on the way"
    return f"the connection to {where} broke {when}: {_reason(error)}"


def _distrust(error: Exception, where: str) -> str:
    found = next(cause for cause in causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    code = getattr(found, "verify_code", 0)
    says = getattr(found, "verify_message", "") or "certificate verify failed"
    head = f"the certificate of {where} is not trusted: {says.rstrip('.')}"
    if code == _EXPIRED:
        return f"{head}; the server needs a new one, if the clock of this machine is right"
    if code == _NOT_YET_VALID:
        return f"{head}; is the clock of this machine right?"
    if code in _WRONG_NAME:
        return f"{head}; is the host in the URL right, or does something on the way answer in its place?"
    if code in _UNKNOWN_AUTHORITY:
        return (
            f"{head}; where that authority is to be trusted, name its certificate by "
            'Urllib3Transport(ca_bundle=...), or take the store of the system by trust="system"'
        )
    return head


def _no_tls(error: Exception, where: str) -> str:
    reason = next((cause.reason for cause in causes(error) if isinstance(cause, ssl.SSLError) and cause.reason), "")
    words = (reason or "the handshake failed").replace("_", " ").lower()
    if "wrong version number" in words or "record layer failure" in words or "http request" in words:
        return f"no TLS connection to {where}: it does not speak TLS ({words}); is it http:// and not https://?"
    if "certificate required" in words or "handshake failure" in words:
        return f"no TLS connection to {where}: {words}; it may want a certificate: Urllib3Transport(client_cert=...)"
    return f"no TLS connection to {where}: {words}"


def _reason(error: Exception) -> str:
    """The operating system's words, where it has any."""
    systems = [cause for cause in causes(error) if isinstance(cause, OSError) and not isinstance(cause, http.HTTPError)]
    if not systems:
        return type(error).__name__
    return systems[-1].strerror or str(systems[-1]) or type(systems[-1]).__name__


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)

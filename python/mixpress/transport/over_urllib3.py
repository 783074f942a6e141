"""The default transport, over urllib3."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions as http
from urllib3.connection import HTTPConnection, HTTPSConnection

from mixpress.transport.errors import causes, no_answer, refused_by_proxy
from mixpress.transport.interface import MAX_REPLY_BYTES, Request, Response
from mixpress.transport.proxy import FROM_ENVIRONMENT, Proxies
from mixpress.transport.sockets import ClosedWhileIdleError, Sockets
from mixpress.transport.tls import TlsSettings

if TYPE_CHECKING:
    from typing_extensions import Self

    from mixpress.transport.proxy import Proxy
    from mixpress.transport.tls import CertificateFiles, Trust

with suppress(ImportError):  # an optional dependency of urllib3, which imports it where a host name is not ASCII
    import idna  # noqa: F401 - imported now, as a fork during an import in a sending thread leaves its lock taken

logger = logging.getLogger("mixpress")

ACCEPTED = {"Accept-Encoding": "gzip"}
"""The content encodings that a reply may have: this transport decodes them, so it names them."""


class Urllib3Transport:
    """The default transport: HTTP/1.1 with keep-alive. Transports with the same TLS options share one TLS context.

    `connections`: the most open connections, 10 by default, one for each thread that sends; more threads wait.
    `connect_timeout`: seconds to connect, 10 by default, for each address of the host.
    `read_timeout`: seconds between two reads of a reply, 60 by default.
    `proxy`: a URL, such as `http://user:password@proxy.example:3128`, for every request; None for no proxy.
        `"environment"`, the default, reads HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY once, now, and uses no proxy
        for a loopback address. An https request goes through by CONNECT, so the proxy sees no credentials.
    `ca_bundle`: a PEM file of certificates, or a folder prepared by `openssl rehash`: the only authorities to trust.
        None, the default, leaves the choice to `trust`.
    `client_cert`: a PEM file of certificate and key, or a pair of files, for a server that requires one; None by
        default.
    `trust`: `"openssl"`, the default, trusts OpenSSL's authorities, which SSL_CERT_FILE can name; `"system"` uses the
        operating system's store and needs the extra `mixpress[truststore]`.

    An invalid option is a `ValueError`; a missing extra is an `ImportError`.

    If a connection that has carried a reply ends before the first byte of the next one, the server closed it while it
    was idle: the identical request is sent once more, immediately, on a new connection. Any other failure is a
    `TransportError`, for the caller's retry policy. A request that is not `repeatable` is sent once, on a connection of
    its own, which no server can have closed while it was idle.
    """

    def __init__(
        self,
        connections: int = 10,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        proxy: str | None = FROM_ENVIRONMENT,
        ca_bundle: str | os.PathLike[str] | None = None,
        client_cert: CertificateFiles | None = None,
        trust: Trust = "openssl",
    ) -> None:
        for name, value in (("connect_timeout", connect_timeout), ("read_timeout", read_timeout)):
            if not value > 0:
                raise ValueError(f"{name} must be > 0 seconds, got {value}")
        if connections < 1:
            raise ValueError(f"connections must be >= 1, got {connections}")
        self._connections = connections
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._proxies = Proxies(proxy)
        self._from_environment = proxy == FROM_ENVIRONMENT
        self._tls = TlsSettings(ca_bundle, client_cert, trust)
        self._pools = _Pools(self._connections, self._tls)

    def send(self, request: Request) -> Response:
        """Send a request and read its reply, up to `MAX_REPLY_BYTES`. Raise `TransportError` where no reply came."""
        proxy = self._proxies.to(request.url)
        where = urlsplit(request.url).netloc.rpartition("@")[2]
        timeout = self._timeout_of(request)
        try:
            reply = self._send(self._current_pools(), request, proxy, timeout)
        except (http.HTTPError, OSError) as error:
            seconds = {"connect": timeout.connect_timeout, "read": timeout.read_timeout}
            raise no_answer(error, where, proxy, **seconds)  # type: ignore[arg-type] # noqa: B904 - `no_answer` sets the cause
        if proxy and reply.status == 407:
            raise refused_by_proxy(reply.status, where, proxy)
        return reply

    def close(self) -> None:
        """Close every socket immediately. A request of another thread ends with a `TransportError` ("reset")."""
        self._current_pools().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        given = self._proxies.given
        proxy = FROM_ENVIRONMENT if self._from_environment else given and given.url
        return f"Urllib3Transport({self._connections}, proxy={proxy!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Urllib3Transport can't be pickled: it has open sockets and the credentials of its proxy")

    def _timeout_of(self, request: Request) -> urllib3.Timeout:
        if request.timeout is None:
            return self._timeout
        most = round(max(0.01, request.timeout), 2)  # urllib3 refuses 0
        return urllib3.Timeout(connect=min(self._connect_timeout, most), read=min(self._read_timeout, most))

    def _send(self, pools: _Pools, request: Request, proxy: Proxy | None, timeout: urllib3.Timeout) -> Response:
        times_shut = pools.sockets.times_shut
        try:
            return pools.send(request, proxy, timeout)
        except http.ProtocolError as error:
            died_idle = any(isinstance(cause, ClosedWhileIdleError) for cause in causes(error))
            if not died_idle or pools.sockets.times_shut != times_shut:
                raise
        logger.debug("the server closed an idle connection: sending the request again on a new one")
        return pools.send(request, proxy, timeout)

    def _current_pools(self) -> _Pools:
        """Return the connections, new ones after a fork: two processes on one connection would mix up their data."""
        if self._pools.pid != os.getpid():
            self._pools = _Pools(self._connections, self._tls)
        return self._pools


class _Pools:
    """The connections of one process: direct ones and, for each proxy, those through it."""

    def __init__(self, connections: int, tls: TlsSettings) -> None:
        self.pid = os.getpid()
        self.sockets = Sockets()
        self._tls = tls
        self._options: dict[str, Any] = {"maxsize": connections, "block": True, "retries": False}
        self._classes = {
            "http": self.sockets.tracked(urllib3.HTTPConnectionPool, HTTPConnection),
            "https": self.sockets.tracked(urllib3.HTTPSConnectionPool, HTTPSConnection),
        }
        self._managers: dict[tuple[Proxy | None, bool, bool], urllib3.PoolManager] = {}

    def send(self, request: Request, proxy: Proxy | None, timeout: urllib3.Timeout) -> Response:
        urls = (request.url, proxy.url if proxy else "")
        secure = any(url.lower().startswith("https:") for url in urls)
        manager = self._manager(proxy, secure, fresh=not request.repeatable)
        reply = manager.request(
            request.method,
            request.url,
            body=request.body if request.method != "GET" else None,
            headers={**ACCEPTED, **request.headers},
            redirect=False,
            preload_content=False,
            timeout=timeout,
        )
        return _read(reply, keep=request.repeatable)

    def close(self) -> None:
        self.sockets.shut()
        for manager in [*self._managers.values()]:
            manager.clear()

    def _manager(self, proxy: Proxy | None, secure: bool, *, fresh: bool) -> urllib3.PoolManager:
        """Return the manager of the pools for a proxy, with a TLS context only where TLS is used. `setdefault` keeps
        the first where two threads create one. `fresh`: that of the connections that are closed after one request.
        """
        found = self._managers.get((proxy, secure, fresh))
        if found is None:
            made = self._with_tracking(self._make(proxy, {"ssl_context": self._tls.context()} if secure else {}))
            found = self._managers.setdefault((proxy, secure, fresh), made)
        return found

    def _make(self, proxy: Proxy | None, tls: dict[str, Any]) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(**self._options, **tls)
        logger.debug("requests go through the proxy %s", proxy.url)
        return urllib3.ProxyManager(
            proxy.url,
            proxy_headers={"Proxy-Authorization": proxy.authorization} if proxy.authorization else {},
            proxy_ssl_context=tls.get("ssl_context"),
            **self._options,
            **tls,
        )

    def _with_tracking(self, manager: urllib3.PoolManager) -> urllib3.PoolManager:
        manager.pool_classes_by_scheme = self._classes
        return manager


def _read(reply: urllib3.BaseHTTPResponse, *, keep: bool) -> Response:
    """Read a reply. Its connection always returns to the pool, as other threads may be waiting for it, closed unless it
    is to be kept.
    """
    connection = reply.connection
    try:
        body = reply.read(MAX_REPLY_BYTES, decode_content=True)
        if not reply.closed:
            reply.close()  # a connection with unread data can't be reused
        if not keep and connection is not None:
            connection.close()
    except BaseException:
        reply.close()
        raise
    finally:
        reply.release_conn()
    return Response(reply.status, {name.lower(): value for name, value in reply.headers.items()}, body)

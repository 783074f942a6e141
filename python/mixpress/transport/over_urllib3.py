"""The transport over urllib3."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions as http
from urllib3.connection import HTTPConnection, HTTPSConnection

from mixpress.transport.errors import causes, no_answer, refused_by_proxy
from mixpress.transport.interface import MAX_REPLY_BYTES, Request, Response
from mixpress.transport.proxy import FROM_ENVIRONMENT, Proxies
from mixpress.transport.sockets import IdleDeathError, Sockets
from mixpress.transport.tls import make_context

if TYPE_CHECKING:
    import ssl

    from typing_extensions import Self

    from mixpress.transport.proxy import Proxy
    from mixpress.transport.tls import CertificateFiles, Trust

logger = logging.getLogger("mixpress")

UNPACKED = {"Accept-Encoding": "gzip"}
"""What an answer may be packed with: who unpacks it says so, and not who asks."""


class Urllib3Transport:
    """The default: HTTP/1.1 with keep-alive, one TLS context for the life of the client.

    `connections`: how many are open at most, one for each thread that sends; more threads wait.
    `connect_timeout`: seconds to connect, 10 by default, for each address of the host.
    `read_timeout`: seconds between two reads of a reply, 60 by default.
    `proxy`: a URL, `http://user:password@proxy.example:3128`, for every request; `"environment"`, the default,
        takes HTTPS_PROXY, HTTP_PROXY or ALL_PROXY where NO_PROXY does not name the host, as they are now, and
        none for this machine; `None` takes none. https goes through it by CONNECT, so the proxy sees no credentials.
    `ca_bundle`: a file of certificates in PEM form, or a folder prepared by `openssl rehash`: the authorities to
        trust, and no others.
    `client_cert`: a PEM file of certificate and key, or a pair of files, for a server that asks for one.
    `trust`: `"openssl"`, the default, trusts what OpenSSL finds, which SSL_CERT_FILE can name; `"system"` asks
        the operating system, and needs the extra `mixpress[truststore]`.

    An option that makes no sense is a `ValueError`; a missing extra is an `ImportError`.

    A connection that was used before and is found dead before the first byte of an answer had been closed by the
    server while it was idle. The identical request is sent once more, at once, on a new connection. What goes
    wrong otherwise is a `TransportError`, for the caller's retry policy.
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
                raise ValueError(f"{name} is {value}, and must be more than 0 seconds")
        if connections < 1:
            raise ValueError(f"connections is {connections}, and must be at least 1")
        self._connections = connections
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._proxies = Proxies(proxy)
        self._from_environment = proxy == FROM_ENVIRONMENT
        self._context = make_context(ca_bundle, client_cert, trust)
        self._pools = _Pools(self._connections, self._context)

    def send(self, request: Request) -> Response:
        """POST the request, and read its answer to the end or to `MAX_REPLY_BYTES`."""
        proxy = self._proxies.to(request.url)
        where = urlsplit(request.url).netloc.rpartition("@")[2]
        try:
            reply = self._send(self._of_this_process(), request, proxy)
        except (http.HTTPError, OSError) as error:
            seconds = {"connect": self._timeout.connect_timeout, "read": self._timeout.read_timeout}
            raise no_answer(error, where, proxy, **seconds)  # type: ignore[arg-type] # noqa: B904 - it has its cause
        if proxy and reply.status == 407:
            raise refused_by_proxy(reply.status, where, proxy)
        return reply

    def close(self) -> None:
        """Close every socket, at once: a request that is under way in another thread ends as a reset."""
        self._of_this_process().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        given = self._proxies.given
        proxy = FROM_ENVIRONMENT if self._from_environment else given and given.url
        return f"Urllib3Transport({self._connections}, proxy={proxy!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Urllib3Transport is not pickled: it holds sockets, and the credentials of its proxy")

    def _send(self, pools: _Pools, request: Request, proxy: Proxy | None) -> Response:
        times_shut = pools.sockets.times_shut
        try:
            return pools.post(request, proxy, self._timeout)
        except http.ProtocolError as error:
            died_idle = any(isinstance(cause, IdleDeathError) for cause in causes(error))
            if not died_idle or pools.sockets.times_shut != times_shut:
                raise
        logger.debug("an idle connection had been closed by the server: the request goes out again on a new one")
        return pools.post(request, proxy, self._timeout)

    def _of_this_process(self) -> _Pools:
        """The connections; new ones after a fork, as two processes on one of them would garble each other."""
        if self._pools.pid != os.getpid():
            self._pools = _Pools(self._connections, self._context)
        return self._pools


class _Pools:
    """The connections of one process: direct ones, and those through each proxy."""

    def __init__(self, connections: int, context: ssl.SSLContext) -> None:
        self.pid = os.getpid()
        self.sockets = Sockets()
        self._options = {"maxsize": connections, "block": True, "retries": False, "ssl_context": context}
        self._classes = {
            "http": self.sockets.watched(urllib3.HTTPConnectionPool, HTTPConnection),
            "https": self.sockets.watched(urllib3.HTTPSConnectionPool, HTTPSConnection),
        }
        self._direct = self._prepared(urllib3.PoolManager(**self._options))  # type: ignore[arg-type]
        self._by_proxy: dict[Proxy, urllib3.PoolManager] = {}

    def post(self, request: Request, proxy: Proxy | None, timeout: urllib3.Timeout) -> Response:
        manager = self._through(proxy) if proxy else self._direct
        reply = manager.request(
            "POST",
            request.url,
            body=request.body,
            headers={**UNPACKED, **request.headers},
            redirect=False,
            preload_content=False,
            timeout=timeout,
        )
        return _read(reply)

    def close(self) -> None:
        self.sockets.shut()
        for manager in (self._direct, *self._by_proxy.values()):
            manager.clear()

    def _through(self, proxy: Proxy) -> urllib3.PoolManager:
        """The manager for a proxy. Of two that threads make at one time the first stays."""
        if proxy not in self._by_proxy:
            logger.debug("requests go through the proxy %s", proxy.url)
            headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
            made = urllib3.ProxyManager(
                proxy.url,
                proxy_headers=headers,
                proxy_ssl_context=self._options["ssl_context"],  # type: ignore[arg-type]
                **self._options,  # type: ignore[arg-type]
            )
            self._by_proxy.setdefault(proxy, self._prepared(made))
        return self._by_proxy[proxy]

    def _prepared(self, manager: urllib3.PoolManager) -> urllib3.PoolManager:
        manager.pool_classes_by_scheme = self._classes
        return manager


def _read(reply: urllib3.BaseHTTPResponse) -> Response:
    """The answer; its connection goes back into the pool whatever happens, as each other one waits for it."""
    try:
        body = reply.read(MAX_REPLY_BYTES, decode_content=True)
        if len(body) == MAX_REPLY_BYTES:
            reply.close()  # the rest is not wanted, and a connection that still holds it can't be used again
    except BaseException:
        reply.close()
        raise
    finally:
        reply.release_conn()
    return Response(reply.status, {name.lower(): value for name, value in reply.headers.items()}, body)

"""A canary for each credential, all spellings in which it could leak, and peers that repeat what they were sent."""

from __future__ import annotations

import base64
import gzip
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from support.listener import http

CANARY = "canary/4e1f9c@b"
PROXY = f"http://me:{quote(CANARY, safe='')}@proxy.test:3128"
AUTHS: list[Any] = [ServiceAccount("user", CANARY, project_id="17"), ProjectToken(CANARY), ProjectSecret(CANARY)]
HEADERS = AUTHS[0].headers()


def spellings() -> list[str]:
    """Return the canary as it is, percent-encoded, and in base64 with each of its neighbours."""
    pairs = [f"user:{CANARY}", f"{CANARY}:", f"me:{CANARY}"]
    encoded = [base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs]
    return [CANARY, quote(CANARY, safe=""), "4e1f9c", *encoded]


def assert_silent(*texts: str | bytes) -> None:
    """No text contains a spelling of the canary."""
    for text in texts:
        shown = text if isinstance(text, str) else text.decode("latin-1")
        assert [word for word in spellings() if word in shown] == []


def all_of(error: BaseException) -> str:
    """Return what a log, a debugger or an error tracker shows of an error."""
    report = getattr(error, "report", None)
    parts = [*traceback.format_exception(error), str(error), repr(error), repr(error.args), repr(vars(error))]
    return "\n".join([*parts, repr(report), repr(report and report.failures)])


def repeat(request: bytes) -> bytes:
    """Return the credentials of a request, as the peer received them, and decoded."""
    [found] = [line for line in request.split(b"\r\n") if line.lower().startswith(b"authorization")]
    token = found.split()[-1]
    decoded = base64.b64decode(token)
    assert CANARY.encode() in decoded
    return token + b" " + decoded


PEERS: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda said: http("400 Bad Request", b"you sent %s" % said),
    "refusals": lambda said: http(
        "400 Bad Request",
        b'{"failed_records": [{"index": 0, "field": "%s", "insert_id": "%s", "message": "%s"}]}' % (said, said, said),
    ),
    "unauthorized": lambda said: http("401 Unauthorized", b'{"error": "%s"}' % said),
    "gzip": lambda said: http("404 No", gzip.compress(said), "Content-Encoding: gzip"),
    "too large": lambda said: http("413 Too Large", b"%s is too large" % said),
    "a page": lambda said: http("500 Oops", b"<pre>%s</pre>" % said),
    "an odd 200": lambda said: http("200 OK", b"hello %s" % said),
    "a reason phrase": lambda said: http(f"500 {said.decode()}", b""),
    "a redirect": lambda said: http("302 Found", b"", f"Location: https://elsewhere.test/{said.decode()}"),
    "no HTTP": lambda said: said + b"\r\n",
    "half a reply": lambda said: http("200 OK", said * 2)[: -len(said)],
    "broken chunks": lambda said: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + said + b"\r\n",
    "broken gzip": lambda said: http("200 OK", said, "Content-Encoding: gzip"),
    "broken headers": lambda said: http("500 Oops", b"", "Server: me", said.decode(), "X: y"),
    "no reply": lambda said: b"",
}
"""Each makes a reply of the credentials that it received."""

QUOTED = {"text", "refusals", "unauthorized", "gzip", "too large", "a page", "an odd 200", "a redirect"}
"""The peers whose words the client quotes, with `***` for the credentials."""

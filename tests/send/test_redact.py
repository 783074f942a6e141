"""Errors of a transport, without the credentials."""

from __future__ import annotations

from mixpress.errors import TransportError
from mixpress.send.redact import without_credentials
from support.canary import AUTHS, CANARY, HEADERS


def test_an_error_without_credentials_is_returned_unchanged() -> None:
    error = TransportError("no answer", "timeout")
    assert without_credentials(error, AUTHS[0].hide) is error


def test_an_error_with_credentials_is_replaced_by_one_of_its_kind() -> None:
    error = TransportError(f"no answer to {HEADERS} {CANARY}", "reset")
    redacted = without_credentials(error, AUTHS[0].hide)
    assert isinstance(redacted, TransportError)
    assert (redacted.kind, redacted.__cause__) == ("reset", None)
    assert "no answer to {'Authorization': 'Basic ***'} ***" in str(redacted)

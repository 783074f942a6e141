"""`Consumer`: send each message in one request, as the official client does, or queue it with `fast=True`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from mixpress.compat.mixpanel.exception import MixpanelException, not_sent
from mixpress.compat.mixpanel.fast import PATHS, Fast
from mixpress.compat.mixpanel.nan import places_of_nan, without_nan
from mixpress.compat.mixpanel.reply import error_in

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from mixpress.compat.mixpanel.fast import Options

Key = Any
"""An API key, None, or the pair of key and secret that `Mixpanel.import_data` passes as one argument."""


class Consumer:
    """Sends messages of `mixpanel.Mixpanel`; the first ten arguments are the official client's.

        Mixpanel(token, consumer=Consumer(fast=True))

    `events_url`, `people_url`, `import_url`, `groups_url`: URLs; by default `https://{api_host}/track`, `/engage`,
        `/import` and `/groups`. With `fast` the URLs of events and imports must end with `/track` and `/import`.
    `request_timeout`: seconds, or a pair of seconds for connecting and reading. None waits forever, with `fast` 10 and
        60 seconds.
    `retry_limit`, `retry_backoff_factor`: urllib3's, for https and 5xx. `fast` uses its option `retry` instead.
    `verify_cert`: the file of a certificate authority to trust; False disables verification, which `fast` rejects.
    `credentials`: a `ServiceAccountCredentials` of the official client; only /import sends them.
    `fast`: queue messages and send them in the background: 2000 a request, gzipped, with retries, imports strict.
        `flush` reports the messages that failed.
    `spool`: with `fast`, a file that keeps events until the server has them. Imports and updates have files beside it,
        whose names end with `.imports`, `.engage` and `.groups`.
    `options`: with `fast`, options of `Client` by the same names, and `limits`; see `Options`.

    Raises `ImportError` if requests is not installed, which the default mode needs. It is thread-safe.
    """

    def __init__(
        self,
        events_url: str | None = None,
        people_url: str | None = None,
        import_url: str | None = None,
        request_timeout: Any = None,
        groups_url: str | None = None,
        api_host: str = "api.mixpanel.com",
        retry_limit: int = 4,
        retry_backoff_factor: float = 0.25,
        verify_cert: bool | str = True,
        credentials: Any = None,
        *,
        fast: bool = False,
        spool: str | os.PathLike[str] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._endpoints = {
            "events": events_url or f"https://{api_host}/track",
            "people": people_url or f"https://{api_host}/engage",
            "groups": groups_url or f"https://{api_host}/groups",
            "imports": import_url or f"https://{api_host}/import",
        }
        self._verify_cert = verify_cert
        self._request_timeout = request_timeout
        self._credentials = credentials
        self._fast: Fast | None = None
        if fast:
            self._fast = Fast(
                self._endpoints,
                credentials=credentials,
                timeout=request_timeout,
                verify=verify_cert,
                spool=spool,
                options=options,
            )
        else:
            given = [*options, *(["spool"] if spool is not None else [])]
            if given:
                raise TypeError(f"{', '.join(given)}: only valid with fast=True")
            self._session = _make_session(retry_limit, retry_backoff_factor)

    def send(self, endpoint: str, json_message: str, api_key: Key = None, api_secret: str | None = None) -> None:
        """Send a message, or a JSON array of them; with `fast`, queue it.

        Raises `MixpanelException` if the endpoint does not exist, or if the request got no answer or an error. With
        `fast`, if the message is not JSON or the queue is full; `flush` reports other failures.
        """
        if endpoint not in self._endpoints:
            raise MixpanelException(
                f'No such endpoint "{endpoint}". Valid endpoints are one of {self._endpoints.keys()}'
            )
        if self._fast is not None:
            self._fast.take(endpoint, json_message, api_key[1] if isinstance(api_key, tuple) else api_secret)
        else:
            message = sendable(endpoint, json_message)
            self._write_request(self._endpoints[endpoint], message, api_key, api_secret, endpoint)

    def flush(self, timeout: float | None = None) -> None:
        """With `fast`, wait up to `timeout` seconds until every queued message has a verdict.

        Raises `MixpanelException` if messages failed: `endpoint` is the first that failed, and `message` its failed
        messages as a JSON array; `lost` has an array for each endpoint, `reports` the `Report`s with the reasons.
        Messages without a verdict are counted as `pending` in the reports, and are still sent.
        """
        if self._fast is not None:
            self._fast.flush(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Flush, and close the threads and connections. Messages left after `timeout` seconds are given up."""
        if self._fast is not None:
            self._fast.close(timeout)
        else:
            self._session.close()

    def _write_request(
        self,
        request_url: str,
        json_message: str,
        api_key: Key = None,
        api_secret: str | None = None,
        endpoint: str | None = None,
    ) -> bool:
        if isinstance(api_key, tuple):
            api_key, api_secret = api_key
        form = {"data": json_message, "verbose": 1, "ip": 0}
        query: dict[str, str] = {}
        auth: tuple[str, str] | None = None
        if self._credentials and endpoint == "imports":
            auth = (self._credentials.username, self._credentials.secret)
            query["project_id"] = self._credentials.project_id
        elif api_secret is not None:
            auth = (api_secret, "")
            if api_key:
                form["api_key"] = api_key
        try:
            response = self._session.post(
                request_url,
                params=query,
                data=form,
                auth=auth,
                timeout=self._request_timeout,
                verify=self._verify_cert,
            )
        except Exception as failure:
            raise MixpanelException(failure) from failure
        try:
            reply = response.json()
        except ValueError:
            text = _hide(response.text, auth)
            raise MixpanelException(f"Cannot interpret Mixpanel server response: {text}") from None
        if error := error_in(response.status_code, reply):
            raise MixpanelException(f"Mixpanel error: {_hide(error, auth)}")
        return True


def fast_of(consumer: Consumer) -> Fast | None:
    """Return what a consumer with `fast=True` sends with, else None. A function, to keep it off the public surface."""
    return consumer._fast


def sendable(endpoint: str, message: str) -> str:
    """Return the message as the default mode sends it: NaN becomes null in an event and is an error in an update."""
    if endpoint in PATHS:
        return without_nan(message)
    if places := places_of_nan(message):
        raise not_sent(f"JSON has no NaN or infinity, found at: {places}", endpoint, message)
    return message


def _make_session(retry_limit: int, backoff_factor: float) -> Any:
    try:
        import requests  # noqa: PLC0415 - fast=True works without it
    except ModuleNotFoundError as error:
        raise ImportError("without fast=True a consumer needs requests: pip install 'mixpress[mixpanel]'") from error
    import urllib3  # noqa: PLC0415 - not needed by fast=True here

    retries = urllib3.Retry(
        total=retry_limit,
        backoff_factor=backoff_factor,
        status_forcelist=set(range(500, 600)),
        allowed_methods={"POST"},
    )
    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(max_retries=retries))
    return session


def _hide(text: str, auth: tuple[str, str] | None) -> str:
    """Redact the secret, which a server may quote as it is or in the form of the header."""
    if auth is None:
        return text
    for word in (base64.b64encode(":".join(auth).encode()).decode(), auth[1] or auth[0]):
        text = text.replace(word, "***") if word else text
    return text

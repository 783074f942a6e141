"""The three kinds of credentials that the API accepts.

| | sent as | for |
|---|---|---|
| `ServiceAccount` | Basic `username:secret`, and `project_id` in the query | servers; recommended |
| `ProjectToken` | Basic `token:`; on /track in each event instead | untrusted clients, /track |
| `ProjectSecret` | Basic `secret:` | legacy set-ups, until March 2027 |

Their `repr` omits the secret, and they can't be pickled, as a pickle would contain it as plain text. White space around
a value, such as the newline of a file that it was read from, is removed; inside a value it is a `ValueError`.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping


SHORT = 6
"""Secrets with fewer characters are hidden as whole words only: a letter occurs in every other word."""


class _Credentials(ABC):
    """Basic authentication with a pair of strings that `repr` and pickles do not reveal."""

    @abstractmethod
    def _pair(self) -> tuple[str, str]: ...

    def headers(self) -> dict[str, str]:
        """Return the `Authorization` header of a request to /import, in a new dict."""
        return {"Authorization": f"Basic {self._encoded()}"}

    def query(self) -> dict[str, str]:
        """Return the query parameters of each request; never a secret, as URLs appear in logs."""
        return {}

    def hide(self, text: str) -> str:
        """Return `text` with each secret replaced by `***`. A quoted reply may repeat the request."""
        for secret in (self._encoded(), *filter(None, self._secrets())):
            if len(secret) >= SHORT:
                text = text.replace(secret, "***")
            elif secret in text:
                text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
        return text

    def derive_key(self, label: str) -> bytes:
        """Return 32 bytes that only who has the credentials can compute: their HMAC-SHA256 of a label."""
        message = f"{label}\n{type(self).__name__}\n{sorted(self.query().items())}"
        return hmac.digest(":".join(self._pair()).encode(), message.encode(), "sha256")

    def _encoded(self) -> str:
        return base64.b64encode(":".join(self._pair()).encode()).decode("ascii")

    def _secrets(self) -> tuple[str, ...]:
        return self._pair()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} can't be pickled: a pickle would contain its secret as plain text; "
            "create it in the other process, from its environment"
        )


@dataclass(frozen=True)
class ServiceAccount(_Credentials):
    """A service account.

    `username`, `secret`: as shown when the account was created; the username must not contain `:`.
    `project_id`: the project to write to, text or an integer. Required, as the API replies 401 without it.

    An empty value is a `ValueError`, another type a `TypeError`.
    """

    username: str
    secret: str = field(repr=False)
    project_id: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.project_id, int) and not isinstance(self.project_id, bool):
            object.__setattr__(self, "project_id", str(self.project_id))
        for name in ("username", "secret", "project_id"):
            _clean(self, name)
        if ":" in self.username:
            raise ValueError(
                "ServiceAccount: username contains ':', which Basic authentication does not allow; "
                "pass username and secret separately"
            )

    def query(self) -> dict[str, str]:
        """Return `project_id`, which the API requires with a service account."""
        return {"project_id": self.project_id}

    def _pair(self) -> tuple[str, str]:
        return self.username, self.secret

    def _secrets(self) -> tuple[str, ...]:
        return (self.secret,)


@dataclass(frozen=True)
class ProjectToken(_Credentials):
    """The token of a project. On /track it is written into each event without a token, and sent nowhere else.

    An empty token is a `ValueError`, another type than text a `TypeError`.
    """

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        _clean(self, "token")

    def _pair(self) -> tuple[str, str]:
        return self.token, ""


@dataclass(frozen=True)
class ProjectSecret(_Credentials):
    """The API secret of a project. The vendor retires it in March 2027; new code should use a `ServiceAccount`.

    An empty secret is a `ValueError`, another type than text a `TypeError`.
    """

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        _clean(self, "secret")

    def _pair(self) -> tuple[str, str]:
        return self.secret, ""


Auth = ServiceAccount | ProjectToken | ProjectSecret


def auth_from_environment(
    environment: Mapping[str, str] = os.environ,
    *,
    service_account: str | None = None,
    project_id: str | None = None,
) -> ServiceAccount | ProjectToken | None:
    """Return the credentials in the environment; None where there are none.

    A service account is `MIXPRESS_SERVICE_ACCOUNT`, `MIXPRESS_SECRET` and `MIXPRESS_PROJECT_ID`; the arguments override
    the first and the last. Otherwise `MIXPRESS_TOKEN` is a project token. Without either, an incomplete service account
    is a `ValueError` that names the missing variables.
    """
    given_here = {"MIXPRESS_SERVICE_ACCOUNT": service_account, "MIXPRESS_PROJECT_ID": project_id}
    names = ("MIXPRESS_SERVICE_ACCOUNT", "MIXPRESS_SECRET", "MIXPRESS_PROJECT_ID")
    account = {name: (given_here.get(name) or environment.get(name, "")).strip() for name in names}
    if all(account.values()):
        username, secret, project = account.values()
        return ServiceAccount(username, secret, project_id=project)
    token = environment.get("MIXPRESS_TOKEN", "").strip()
    if token:
        return ProjectToken(token)
    if any(account.values()):
        given = ", ".join(name for name, value in account.items() if value)
        missing = " and ".join(name for name, value in account.items() if not value)
        raise ValueError(f"a service account needs {missing} in addition to {given}")
    return None


def _clean(owner: object, name: str) -> None:
    """Remove white space around a field. Raise unless it is then text without white space and not empty.

    The message omits the value, which may be the secret.
    """
    where, value = f"{type(owner).__name__}: {name}", getattr(owner, name)
    if not isinstance(value, str):
        raise TypeError(f"{where} must be text, not {type(value).__name__}")
    value = value.strip()
    if not value:
        raise ValueError(f"{where} is empty")
    if any(char.isspace() or not char.isprintable() for char in value):
        raise ValueError(f"{where} contains white space or a control character; pass the value alone")
    object.__setattr__(owner, name, value)


PLACEHOLDER = ProjectToken("placeholder-for-an-emulator")
"""Credentials if none are given, for a server on this machine, as an emulator accepts any, and for a dry run."""

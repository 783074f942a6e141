"""The three kinds of credentials that the API accepts.

| | sent as | for |
|---|---|---|
| `ServiceAccount` | Basic `username:secret`, and `project_id` in the query | servers; recommended |
| `ProjectToken` | Basic `token:`; on /track in each event instead | untrusted clients, /track |
| `ProjectSecret` | Basic `secret:` | legacy set-ups, until March 2027 |

Their `repr` omits the secret, and they can't be pickled, as a pickle would contain it as plain text.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Credentials:
    """Basic authentication with a pair of strings that `repr` and pickles do not reveal."""

    def _pair(self) -> tuple[str, str]:
        raise NotImplementedError

    def headers(self) -> dict[str, str]:
        """Return the `Authorization` header of a request to /import, in a new dict."""
        return {"Authorization": f"Basic {self._encoded()}"}

    def query(self) -> dict[str, str]:
        """Return the query parameters of each request; never a secret, as URLs appear in logs."""
        return {}

    def hide(self, text: str) -> str:
        """Return `text` with each secret replaced by `***`. A quoted reply may repeat the request."""
        for secret in (self._encoded(), *filter(None, self._secrets())):
            text = text.replace(secret, "***")
        return text

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
        _require_text(self, "username", self.username)
        _require_text(self, "secret", self.secret)
        if isinstance(self.project_id, int) and not isinstance(self.project_id, bool):
            object.__setattr__(self, "project_id", str(self.project_id))
        _require_text(self, "project_id", self.project_id)
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
        _require_text(self, "token", self.token)

    def _pair(self) -> tuple[str, str]:
        return self.token, ""


@dataclass(frozen=True)
class ProjectSecret(_Credentials):
    """The API secret of a project. The vendor retires it in March 2027; new code should use a `ServiceAccount`.

    An empty secret is a `ValueError`, another type than text a `TypeError`.
    """

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_text(self, "secret", self.secret)

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
    account = {
        "MIXPRESS_SERVICE_ACCOUNT": service_account or environment.get("MIXPRESS_SERVICE_ACCOUNT", ""),
        "MIXPRESS_SECRET": environment.get("MIXPRESS_SECRET", ""),
        "MIXPRESS_PROJECT_ID": project_id or environment.get("MIXPRESS_PROJECT_ID", ""),
    }
    if all(account.values()):
        username, secret, project = account.values()
        return ServiceAccount(username, secret, project_id=project)
    token = environment.get("MIXPRESS_TOKEN")
    if token:
        return ProjectToken(token)
    if any(account.values()):
        given = ", ".join(name for name, value in account.items() if value)
        missing = " and ".join(name for name, value in account.items() if not value)
        raise ValueError(f"a service account needs {missing} in addition to {given}")
    return None


def _require_text(owner: object, name: str, value: object) -> None:
    """Raise unless `value` is text and not empty. The message omits the value, which may be the secret."""
    where = f"{type(owner).__name__}: {name}"
    if not isinstance(value, str):
        raise TypeError(f"{where} must be text, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{where} is empty")

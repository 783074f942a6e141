"""Who sends: the three ways in which the API knows a project.

| | sent as | for |
|---|---|---|
| `ServiceAccount` | Basic `username:secret`, and `project_id` in the query | servers; the recommended one |
| `ProjectToken` | Basic `token:`; on /track it stands in each event instead | untrusted clients, /track |
| `ProjectSecret` | Basic `secret:` | old set-ups, until March 2027 |

None shows its secret in a `repr`, and none can be pickled: a pickle is a file or a socket in plain text.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Credentials:
    """What the three have in common: Basic authentication out of a pair, and keeping quiet about it."""

    def _pair(self) -> tuple[str, str]:
        raise NotImplementedError

    def headers(self) -> dict[str, str]:
        """The `Authorization` header of a request to /import."""
        return {"Authorization": f"Basic {self._encoded()}"}

    def query(self) -> dict[str, str]:
        """What goes into the query of each request. Never a secret: URLs are logged by everybody."""
        return {}

    def hide(self, text: str) -> str:
        """`text`, as quoted from a server that may repeat what it was sent, with the secrets blotted out."""
        for secret in (self._encoded(), *filter(None, self._secrets())):
            text = text.replace(secret, "***")
        return text

    def _encoded(self) -> str:
        return base64.b64encode(":".join(self._pair()).encode()).decode("ascii")

    def _secrets(self) -> tuple[str, ...]:
        return self._pair()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not pickled, as that would write its secret in plain text; "
            "make it anew in the other process, from its environment"
        )


@dataclass(frozen=True)
class ServiceAccount(_Credentials):
    """A service account: `username` and `secret` as shown when it was made, and the project it writes to.

    Without a `project_id` the API answers 401, so it is asked for here.
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
                "ServiceAccount: username contains ':', which Basic authentication cannot carry; "
                "give username and secret apart"
            )

    def query(self) -> dict[str, str]:
        """`project_id`, which the API needs beside a service account."""
        return {"project_id": self.project_id}

    def _pair(self) -> tuple[str, str]:
        return self.username, self.secret

    def _secrets(self) -> tuple[str, ...]:
        return (self.secret,)


@dataclass(frozen=True)
class ProjectToken(_Credentials):
    """The token of a project. On /track it is written into each event that has none, and nowhere else."""

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_text(self, "token", self.token)

    def _pair(self) -> tuple[str, str]:
        return self.token, ""


@dataclass(frozen=True)
class ProjectSecret(_Credentials):
    """The API secret of a project. The vendor retires it in March 2027: new code takes a `ServiceAccount`."""

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
    """The credentials that the environment holds; None where it holds none at all.

    A service account is `MIXPRESS_SERVICE_ACCOUNT`, `MIXPRESS_SECRET` and `MIXPRESS_PROJECT_ID`; the
    arguments stand before the first and the last. `MIXPRESS_TOKEN` alone is a project token. A service
    account of which a part is missing is a `ValueError` that names the part.
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
        raise ValueError(f"a service account needs {missing} beside {given}")
    return None


def _require_text(owner: object, name: str, value: object) -> None:
    """Refuse what is not text or is empty, without repeating it: it may be the secret."""
    where = f"{type(owner).__name__}: {name}"
    if not isinstance(value, str):
        raise TypeError(f"{where} must be text, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{where} is empty")

"""The endpoint and project of a spool's events. A file has no credentials, so it must recognise matching ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount

if TYPE_CHECKING:
    from mixpress.auth import Auth


@dataclass(frozen=True)
class Destination:
    """An endpoint's `url` and the identity of a `project`.

    A spool stores the URL as it is, and a salted SHA-256 of the project, so that the file reveals neither token nor
    secret. A service account is identified by its project id, so another account of the same project may deliver; a
    token or a secret identifies itself.
    """

    url: str
    project: str = field(repr=False)

    @classmethod
    def of(cls, url: str, auth: Auth) -> Destination:
        """Return the destination for `url`, which includes the endpoint but no query, and these credentials."""
        match auth:
            case ServiceAccount():
                return cls(url, f"project {auth.project_id}")
            case ProjectToken():
                return cls(url, f"token {auth.token}")
            case ProjectSecret():
                return cls(url, f"secret {auth.secret}")

    def fingerprint(self, salt: bytes) -> bytes:
        """Return the salted hash that the file stores."""
        return hashlib.sha256(salt + self.project.encode()).digest()

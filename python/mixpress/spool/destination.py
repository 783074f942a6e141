"""Where the events of a spool belong to: a file holds no credentials, so it must know whose may deliver it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount

if TYPE_CHECKING:
    from mixpress.auth import Auth


@dataclass(frozen=True)
class Destination:
    """An endpoint and a project of it.

    The URL is stored as it is. Of the project a spool keeps a salted SHA-256: enough to know it again, and no help
    to who finds the file. A service account stands for its project's id, so another account of the same project
    may deliver; a token or a secret stands for itself.
    """

    url: str
    project: str = field(repr=False)

    @classmethod
    def of(cls, url: str, auth: Auth) -> Destination:
        """The destination of requests to `url`, endpoint included and query left out, with these credentials."""
        match auth:
            case ServiceAccount():
                return cls(url, f"project {auth.project_id}")
            case ProjectToken():
                return cls(url, f"token {auth.token}")
            case ProjectSecret():
                return cls(url, f"secret {auth.secret}")

    def fingerprint(self, salt: bytes) -> bytes:
        """What is stored of the project."""
        return hashlib.sha256(salt + self.project.encode()).digest()

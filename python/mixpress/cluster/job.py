"""`WriteJob`: what the tasks of a cluster need to know, as plain data without secrets."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from mixpress._core import Encoder, Limits
from mixpress.address import Region, server_url
from mixpress.client.client import Client
from mixpress.client.options import Identity, check_identity, token_in_events
from mixpress.cluster.checks import check_count, check_flag, location_of
from mixpress.cluster.credentials import ENVIRONMENT, check_source, find_credentials
from mixpress.files.mapping import Mapping
from mixpress.retry import RetryPolicy
from mixpress.send.rate_limit import RateLimit
from mixpress.send.request import Endpoint

if TYPE_CHECKING:
    from typing_extensions import Self

    from mixpress.auth import Auth
    from mixpress.lease import Lease

LimitsName = Literal["documented", "observed"]
CONCURRENCY = 4
"""Requests of one task at a time: the documents recommend 10 to 20 for a project, and several tasks run at once."""
SECRETS = ("token", "secret", "password", "auth", "service_account", "api_secret", "project_secret", "project_token")
"""Names that people try for a credential."""


@dataclass(frozen=True, kw_only=True)
class WriteJob:
    """Where and how rows are written. `WriteJob.of` makes it of keywords, those of the mapping among them."""

    mapping: Mapping = field(default_factory=Mapping)
    """How rows become events, or updates of profiles."""
    base_url: str | None = None
    region: Region | None = None
    endpoint: Endpoint = "import"
    strict: bool = True
    ip: bool = False
    credentials: str = ENVIRONMENT
    """Where a task finds the credentials: `"environment"`, or `"file:PATH"` with a line `NAME=value` for each."""
    dead_letter: str | None = None
    """A folder, as an absolute path or a URL of fsspec: it gets a file of the failed rows of each task that has any."""
    report: str | None = None
    """Where the driver writes the report."""
    concurrency: int = CONCURRENCY
    """Requests under way at once, for each task."""
    attempts: int = RetryPolicy.attempts
    rate_limit: RateLimit | Lease | None = field(default_factory=RateLimit.documented)
    """The limit of each task, or a `Lease` of one limit for all of them."""
    retry_unsafe: bool = False
    """Whether updates with `add` and `append` may be written, which count twice when a task is repeated."""
    identity: Identity | None = None
    limits: LimitsName = "documented"
    long_url: Literal["cut", "parse"] = "cut"
    long_json: Literal["cut", "flatten"] = "cut"
    long_text: Literal["cut", "drop"] = "cut"

    @classmethod
    def of(cls, mapping: Mapping | None = None, **options: Any) -> Self:
        """Return the job of these options. The fields of a mapping are options too, and replace those of `mapping`.

        A relative path of `report` is made absolute, as the driver sees it. Raises `TypeError` for an unknown option or
        a wrong type, `ValueError` for a wrong value.
        """
        check_names(options)
        for name, of_driver in LOCATIONS.items():
            if name in options:
                options[name] = location_of(name, options[name], of_driver=of_driver)
        if options.get("rate_limit") == "documented":
            options["rate_limit"] = RateLimit.documented()
        of_mapping = {one.name: options.pop(one.name) for one in fields(Mapping) if one.name in options}
        job = cls(mapping=replace(mapping or Mapping(), **of_mapping), **options)
        job._check()
        return job

    @property
    def server(self) -> str:
        """The URL of the server."""
        return server_url(self.region, self.base_url)

    @property
    def of_updates(self) -> bool:
        """Whether rows are updates of profiles."""
        return self.mapping.endpoint is not None

    def client(self) -> Client:
        """Return a client with the credentials that this machine has. Raises `ValueError` or `OSError` without them.

        It waits for a server that is down as long as for one that fails: each task has its own client, so a task
        that starts meanwhile has never reached the server.
        """
        found = find_credentials(self.credentials, self.server, of_updates=self.of_updates)
        return Client(
            found.auth,
            token=found.token,
            base_url=self.base_url,
            region=self.region,
            endpoint=self.endpoint,
            strict=self.strict,
            ip=self.ip,
            encoder=self._encoder(found.auth),
            concurrency=self.concurrency,
            retry=RetryPolicy(attempts=self.attempts, first_contact=self.attempts),
            rate_limit=self.rate_limit,
            retry_unsafe=self.retry_unsafe,
            identity=self.identity,
        )

    def _encoder(self, auth: Auth | None) -> Encoder:
        """Return the encoder of events. It derives the ids that rows do not have: a repeated task then adds nothing."""
        return Encoder(
            self.endpoint,
            token=token_in_events(auth, self.endpoint) if auth else None,
            insert_id="derive",
            limits=Limits.observed() if self.limits == "observed" else Limits.documented(),
            identity=self.identity,
            **{f"on_{name}": value for name in LONG if (value := getattr(self, name)) != "cut"},
        )

    def _check(self) -> None:
        """Raise what `client` would in each task, on the driver: credentials are found in the tasks alone."""
        check_source(self.credentials)
        for name in ("strict", "ip", "retry_unsafe"):
            check_flag(name, getattr(self, name))
        for name in ("concurrency", "attempts"):
            check_count(name, getattr(self, name))
        check_identity(self.identity)
        server_url(self.region, self.base_url)
        if self.endpoint not in get_args(Endpoint):
            raise ValueError(f'endpoint must be "import" or "track", got {self.endpoint!r}')
        if self.limits not in get_args(LimitsName):
            raise ValueError(f'limits must be "documented" or "observed", got {self.limits!r}')
        if self.rate_limit is not None and not hasattr(self.rate_limit, "limiter"):
            raise TypeError(
                'rate_limit must be a RateLimit, a Lease, "documented", None, or "shared" where a driver writes, got '
                f"{self.rate_limit!r}"
            )
        if self.mapping.operation in ("add", "append") and not self.retry_unsafe:
            raise ValueError(
                f'operation="{self.mapping.operation}" counts twice when the engine repeats a task: write the new '
                'values with operation="set" or "union", or accept that with retry_unsafe=True'
            )
        self._encoder(None)


LOCATIONS = {"dead_letter": False, "report": True}
"""Options that say where something is written, and whether the driver alone writes there."""
LONG = ("long_url", "long_json", "long_text")
NAMES = sorted({one.name for one in (*fields(WriteJob), *fields(Mapping))} - {"mapping"})
"""The options of a job."""


def check_names(options: dict[str, Any]) -> None:
    """Raise `TypeError` for an option that there is not, without its value."""
    for name in options:
        if name in SECRETS:
            raise TypeError(
                f"{name!r} is no option: a secret in the options of a job would be in its plan and in logs. "
                'Credentials are found where a task runs: credentials="environment" (the default) or "file:PATH"'
            )
        if name not in NAMES:
            raise TypeError(f"{name!r} is no option; the options are {', '.join(NAMES)}")

"""One schedule of updates: a client, an emulator with faults, a network between them, and the checks at its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import orjson

from fault_proxy import Trouble
from mixpress import AuthError, Client, Encoder, ImportInterrupted, Limits, Report, RetryPolicy
from support.clients import ACCOUNT
from support.clocks import FakeClock

from .update import (
    GROUP_KEY,
    GROUPS,
    USERS,
    Drawn,
    Update,
    check_counts,
    check_order,
    check_repeats,
    check_state,
    check_update,
    late_in,
    number_in,
    profile_in,
)
from .witness import UpdateWitness
from .world import NoMore

if TYPE_CHECKING:
    from mixpress.queues.event_queue import OnFull

    from .world import Stage, Tally

HASTY = {"first_wait": 0.0, "jitter": (0.0, 0.0), "min_retry_after": 0.0, "max_retry_after": 0.0}
"""The retry policy of a client with a spool: its threads wait on the real clock."""
TRIES = 20
"""The most flushes at the end."""


@dataclass(frozen=True)
class Setup:
    """The settings of the client of a schedule."""

    concurrency: int
    attempts: int
    batch: int
    room: int
    on_full: OnFull
    retry_unsafe: bool
    spool: bool


@dataclass
class Account:
    """What a client was given, and the verdicts by its reports and its dead letter; counted apart from the client."""

    given: dict[int, Update] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    counted: Counter[str] = field(default_factory=Counter)

    def enter(self, report: Report) -> None:
        """Add a report."""
        names = ("imported", "rejected", "refused", "undelivered")
        verdicts = {name: getattr(report, name) for name in names}
        assert sum(verdicts.values()) == report.total
        assert len(report.failures) == report.failed
        self.counted.update(verdicts)


class UpdateWorld:
    """One client after another from the first update to the last, and the checks of their promises."""

    def __init__(self, on: Stage, tally: Tally, setup: Setup) -> None:
        self._stage = on
        self._tally = tally
        self._setup = setup
        self._folder = TemporaryDirectory()
        self._witness = UpdateWitness(on.transport)
        self._account = Account()
        self._schedule = next(on.numbers)
        on.server.faults = None
        on.server.clear()
        on.proxy.plan([])
        on.proxy.met.clear()
        self._client = self._make()
        tally.schedules += 1

    def _make(self) -> Client:
        setup, folder = self._setup, Path(self._folder.name)
        waits: dict[str, Any] = HASTY if setup.spool else {}
        rest: dict[str, Any] = {"spool": folder / "spool"} if setup.spool else {"clock": FakeClock()}
        return Client(
            ACCOUNT,
            token="the-project-token",
            base_url=self._stage.proxy.url,
            transport=self._witness,
            concurrency=setup.concurrency,
            retry=RetryPolicy(attempts=setup.attempts, **waits),
            queue_size=setup.room,
            on_full=setup.on_full,
            retry_unsafe=setup.retry_unsafe,
            dead_letter=folder / "failed",
            encoder=Encoder(limits=Limits(rules={"distinct-id-disallowed": "off"}, max_batch_events=setup.batch)),
            **rest,
        )

    def fail_server(self, faults: str | None) -> None:
        self._stage.server.faults = faults

    def fail_network(self, troubles: list[Trouble]) -> None:
        self._stage.proxy.plan(troubles)

    def queue(self, drawn: list[Drawn]) -> None:
        """Queue updates, which are sent in the background."""
        for each in drawn:
            update = self._next(each)
            before = self._client.stats().dropped
            self._call(update)
            if self._client.stats().dropped > before:
                self._account.dropped.add(update.number)
            self._check_sums()

    def _call(self, update: Update) -> None:
        names = {"$set": "set", "$set_once": "set_once", "$union": "union", "$add": "add", "$append": "append"}
        calls = self._client.groups(GROUP_KEY) if update.is_of_group else self._client.profiles
        getattr(calls, names[update.operation])(update.profile, update.content)

    def deliver(self, drawn: list[Drawn], *, raises: bool) -> None:
        """Import updates of users and then of groups, from iterables that may raise at their end.

        What a spool has given up is sent later than an import, so there is none then.
        """
        if self._setup.spool:
            self.flush(None)
            if self._client.stats().pending:
                return
        users, groups = ([each for each in drawn if (each.profile in GROUPS) is wanted] for wanted in (False, True))
        for call, chosen in ((self._client.import_profiles, users), (self._client.import_groups, groups)):
            before = len(self._account.given)
            report = self._import(call, self._given(chosen, raises=raises))
            assert report.total == len(self._account.given) - before, "the report covers what was read"
            self._tally.imports += 1
            self._account.enter(report)
            self._check_sums()

    def _given(self, drawn: list[Drawn], *, raises: bool) -> Iterator[dict[str, Any]]:
        for each in drawn:
            update = self._next(each)
            ids = {"$group_key": GROUP_KEY, "$group_id": update.profile}
            yield {
                **(ids if update.is_of_group else {"$distinct_id": update.profile}),
                update.operation: update.content,
            }
        if raises:
            raise NoMore

    def _import(self, call: Any, updates: Iterator[dict[str, Any]]) -> Report:
        try:
            return cast("Report", call(updates))
        except ImportInterrupted as error:
            if not isinstance(error.__cause__, NoMore):
                raise
            return cast("Report", error.report)
        except AuthError as error:
            return cast("Report", error.report)

    def _next(self, drawn: Drawn) -> Update:
        update = Update(drawn, next(self._stage.numbers), self._schedule)
        self._account.given[update.number] = update
        return update

    def flush(self, timeout: float | None) -> None:
        """Flush; with a spool, what was given up may be pending all the same."""
        report = self._client.flush(0.01 if timeout == 3.0 and self._setup.spool else timeout)
        self._tally.flushes += 1
        assert timeout is not None or self._setup.spool or not report.pending
        self._account.enter(report)
        self._check_sums()

    def restart(self) -> None:
        """Close the client; the next one has its spool, and what is left in it."""
        self._account.enter(self._client.close(0.1))
        self._check_sums()
        self._client = self._make()

    def _check_sums(self) -> None:
        stats = self._client.stats()
        verdicts = stats.imported + stats.rejected + stats.refused + stats.undelivered + stats.dropped
        assert stats.accepted == verdicts + stats.pending
        assert stats.pending >= 0

    def close(self) -> None:
        """Let a last client deliver the rest without faults, and check what became of each update."""
        if self._setup.spool:
            self.restart()
            self.fail_server(None)
            self.fail_network([])
            self._flush_until_settled()
        self._account.enter(self._client.close())
        self._stage.transport.close()  # it can be used again; a request that it had sent may arrive yet
        self._check()
        self._folder.cleanup()
        self._add_up()

    def _flush_until_settled(self) -> None:
        """Flush until nothing is pending: what a fault, or a timeout on a busy machine, gave up is sent once more."""
        pending = 1
        for _ in range(TRIES):
            if pending:
                self._account.enter(report := self._client.flush())
                pending = report.pending
        assert not pending

    def _check(self) -> None:
        account, failed = self._account, self._failed()
        check_counts(failed, account.counted, len(account.given) - len(account.dropped))
        applied = self._applied()
        assert self._witness.met == [], "two requests had a profile in common"
        refused = {number_in(json.loads(each.json)) for each in self._stage.server.refused()}
        check_order(self._witness.seen, applied, failed.keys(), refused)
        if not self._setup.retry_unsafe:
            check_repeats(self._witness.seen)
        times, answers = Counter(number for _, number in applied), self._witness.answers()
        for number, update in account.given.items():
            verdict = "dropped" if number in account.dropped else failed.get(number, "imported")
            self._tally.verdicts[verdict] += 1
            once = not self._setup.retry_unsafe
            check_update(update, verdict, times[number], answers.get(number, []), once=once)
        self._check_states(applied)

    def _check_states(self, applied: list[tuple[str, int]]) -> None:
        """Check the profiles that no late request may change meanwhile."""
        given, server, late = self._account.given, self._stage.server, late_in(self._witness.seen)
        changing = {given[number].profile for number in late}
        for name in {*USERS, *GROUPS}:
            profile = f"{name}-{self._schedule}"
            if profile not in changing:
                state = server.group(GROUP_KEY, profile) if name in GROUPS else server.profile(profile)
                check_state(state, [given[number] for updated, number in applied if updated == profile])

    def _failed(self) -> dict[int, str]:
        """Return the verdicts of the dead letter by the numbers of the updates."""
        failed: dict[int, str] = {}
        letter = Path(self._folder.name) / "failed"
        for line in letter.read_text().splitlines() if letter.exists() else []:
            entry = json.loads(line)
            number = number_in(entry["event"])
            assert number not in failed, "an update has one verdict"
            failed[number] = entry["kind"]
        return failed

    def _applied(self) -> list[tuple[str, int]]:
        """Return profile and number of each update that the server applied, in its order."""
        accepted = json.loads(orjson.dumps(self._stage.server._parts.history.find(None)))
        updates = [(profile_in(each["update"]), number_in(each["update"])) for each in accepted]
        return [update for update in updates if update[1] in self._account.given]

    def _add_up(self) -> None:
        requests = self._stage.server.requests()
        self._tally.requests += len(self._witness.seen)
        self._tally.faults.update(request.fault for request in requests if request.fault)
        met = self._stage.proxy.met
        self._tally.troubles.update(
            {trouble.value: number for trouble, number in met.items() if trouble is not Trouble.NONE}
        )

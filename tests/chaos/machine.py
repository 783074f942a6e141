"""Schedules: hypothesis draws the steps, and shrinks a failing schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fault_proxy import Trouble

if TYPE_CHECKING:
    from mixpress.queues.event_queue import OnFull

from . import update
from .updates import Setup, UpdateWorld
from .world import MAX_CONCURRENCY, SLOW, Kind, Stage, Tally, World

REPLIES = ("429", "429:2", "400:0", "400:1+3", "413:600", "413:100000", "502", "502:html", "503", "503:html", "taken")
STEPS = 8
"""The most imports, rounds of tracking and flushes in a schedule."""
ROUND = 25
"""The number of schedules for one seed, which are similar to each other."""

# A timeout takes real time, so troubles that cost one are rarer.
quick = [trouble for trouble in Trouble if not trouble.outlasts_patience]
troubles = st.sampled_from([*quick * 3, *Trouble])
kinds = st.sampled_from([Kind.GOOD, Kind.GOOD, Kind.MERGE, Kind.BAD, Kind.DOOMED, Kind.HUGE])
some_events = st.lists(kinds, min_size=6, max_size=30)
counts = st.sampled_from([*(f"{reply}={number}x" for reply in REPLIES for number in (1, 2, 3)), "401=1x", f"{SLOW}=1x"])
shares = st.builds("{}=0.{}".format, st.sampled_from(REPLIES), st.integers(1, 3))
faults = st.builds(
    lambda some, more, number: ",".join([*some, *more, f"seed={number}"]),
    st.lists(counts, min_size=1, max_size=4),
    st.lists(shares, max_size=3),
    st.integers(0, 99),
)

networks = st.lists(troubles, min_size=3, max_size=12)
update_kinds = st.sampled_from([*[update.Kind.GOOD] * 6, *update.Kind])
profiles = st.sampled_from([*update.USERS, *update.GROUPS])
some_updates = st.lists(
    st.builds(update.Drawn, update_kinds, st.sampled_from(update.OPERATIONS), profiles), min_size=3, max_size=24
)


class Delivery(RuleBasedStateMachine):
    """A client, a failing server and a failing network. `run_round` sets `stage` and `tally`."""

    stage: Stage
    tally: Tally

    @initialize(
        concurrency=st.integers(1, MAX_CONCURRENCY),
        attempts=st.integers(2, 6),
        batch=st.integers(1, 6),
        room=st.sampled_from([10, 100_000]),
        on_full=st.sampled_from(["block", "drop"]),
    )
    def start(self, concurrency: int, attempts: int, batch: int, room: int, on_full: OnFull) -> None:
        self.world = World(
            self.stage,
            self.tally,
            concurrency=concurrency,
            attempts=attempts,
            batch=batch,
            room=room,
            on_full=on_full,
        )

    @rule(
        server=st.none() | faults,
        network=st.none() | networks,
        given=some_events,
        raises=st.sampled_from([False, False, False, True]),
    )
    def deliver(self, server: str | None, network: list[Trouble] | None, given: list[Kind], raises: bool) -> None:
        """Import events; `server` and `network` change the faults from now on, None leaves them."""
        self.fail(server, network)
        self.world.deliver(given, raises=raises)

    @rule(server=st.none() | faults, network=st.none() | networks, given=some_events)
    def track(self, server: str | None, network: list[Trouble] | None, given: list[Kind]) -> None:
        """Track events, which are sent in the background during the next steps."""
        self.fail(server, network)
        self.world.track(given)

    @rule(timeout=st.sampled_from([None, None, 0.0, 3.0]))
    def flush(self, timeout: float | None) -> None:
        """Wait for the verdicts on the tracked events, or until the timeout."""
        self.world.flush(timeout)

    def fail(self, server: str | None, network: list[Trouble] | None) -> None:
        """Set the faults from now on; None leaves them."""
        if server is not None:
            self.world.fail_server(server)
        if network is not None:
            self.world.fail_network(network)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()


class Updating(RuleBasedStateMachine):
    """Clients that update profiles, one after another, a failing server and a failing network."""

    stage: Stage
    tally: Tally

    @initialize(
        setup=st.builds(
            Setup,
            concurrency=st.integers(1, MAX_CONCURRENCY),
            attempts=st.integers(1, 5),
            batch=st.integers(1, 6),
            room=st.sampled_from([2, 100_000]),
            on_full=st.sampled_from(["block", "drop"]),
            retry_unsafe=st.sampled_from([False, False, True]),
            spool=st.booleans(),
        )
    )
    def start(self, setup: Setup) -> None:
        self.world = UpdateWorld(self.stage, self.tally, setup)

    @rule(
        server=st.none() | faults,
        network=st.none() | networks,
        given=some_updates,
        raises=st.sampled_from([False, False, False, True]),
    )
    def deliver(
        self, server: str | None, network: list[Trouble] | None, given: list[update.Drawn], raises: bool
    ) -> None:
        """Import updates; `server` and `network` change the faults from now on, None leaves them."""
        self.fail(server, network)
        self.world.deliver(given, raises=raises)

    @rule(server=st.none() | faults, network=st.none() | networks, given=some_updates)
    def queue(self, server: str | None, network: list[Trouble] | None, given: list[update.Drawn]) -> None:
        """Queue updates, which are sent in the background during the next steps."""
        self.fail(server, network)
        self.world.queue(given)

    @rule(timeout=st.sampled_from([None, None, 0.0, 3.0]))
    def flush(self, timeout: float | None) -> None:
        """Wait for the verdicts on the queued updates, or until the timeout."""
        self.world.flush(timeout)

    @rule()
    def restart(self) -> None:
        """Close the client and make the next one."""
        self.world.restart()

    def fail(self, server: str | None, network: list[Trouble] | None) -> None:
        """Set the faults from now on; None leaves them."""
        if server is not None:
            self.world.fail_server(server)
        if network is not None:
            self.world.fail_network(network)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()


Machine = type[Delivery] | type[Updating]


def run_round(kind: Machine, on: Stage, tally: Tally, number: int) -> None:
    """Run a round of schedules with the seed `number`. An AssertionError shows the shortest failing schedule."""
    machine = type(kind.__name__, (kind,), {"stage": on, "tally": tally})
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=ROUND,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

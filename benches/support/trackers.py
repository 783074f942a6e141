"""A program that tracks events and ends: `python -m benches.support.trackers CLIENT ENDING URL COUNT DIRECTORY`.

Each client has its defaults, except for the server's address. The program prints when it started to track and when it
had tracked, by the monotonic clock that all processes share. An audit hook ends it if it contacts another host than
127.0.0.1.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

LOCAL = "127.0.0.1"
PROPERTIES = {"plan": "pro", "seats": 5, "trial": False}


class Tracker(NamedTuple):
    """The calls that all clients have."""

    track: Callable[[int], object]
    flush: Callable[[], object]
    shutdown: Callable[[], object]


def posthog(url: str, _directory: str) -> Tracker:
    from posthog import Posthog

    client = Posthog("phc_key", host=url)
    return Tracker(
        lambda number: client.capture("Seen", distinct_id=f"user-{number}", properties=PROPERTIES),
        client.flush,
        client.shutdown,
    )


def segment(url: str, _directory: str) -> Tracker:
    from segment.analytics.client import Client

    client = Client("key", host=url)
    return Tracker(lambda number: client.track(f"user-{number}", "Seen", PROPERTIES), client.flush, client.shutdown)


def amplitude(url: str, _directory: str) -> Tracker:
    from amplitude import Amplitude, BaseEvent, Config

    client = Amplitude("key", Config(server_url=f"{url}/2/httpapi"))

    def flush() -> None:
        if sending := client.flush():
            for future in sending:
                if future is not None:
                    future.result()

    return Tracker(
        lambda number: client.track(BaseEvent("Seen", user_id=f"user-{number}", event_properties=PROPERTIES)),
        flush,
        client.shutdown,
    )


def mixpanel(url: str, _directory: str) -> Tracker:
    from mixpanel import BufferedConsumer, Mixpanel

    consumer = BufferedConsumer(events_url=f"{url}/track", import_url=f"{url}/import", api_host=LOCAL)
    client = Mixpanel("token", consumer=consumer)
    return Tracker(
        lambda number: client.track(f"user-{number}", "Seen", PROPERTIES),
        consumer.flush,
        consumer.flush,
    )


def snowplow(url: str, _directory: str) -> Tracker:
    from snowplow_tracker import AsyncEmitter, StructuredEvent
    from snowplow_tracker import Tracker as Snowplow

    client = Snowplow("bench", emitters=AsyncEmitter(url))
    return Tracker(
        lambda number: client.track(StructuredEvent("Seen", "seen", label=f"user-{number}")),
        client.flush,
        client.flush,
    )


def mixpress(url: str, _directory: str, **settings: Any) -> Tracker:
    from mixpress import Client, ProjectToken

    client = Client(ProjectToken("token"), base_url=url, **settings)
    return Tracker(
        lambda number: client.track("Seen", f"user-{number}", PROPERTIES),
        client.flush,
        client.close,
    )


def spooled(url: str, directory: str) -> Tracker:
    return mixpress(url, directory, spool=os.path.join(directory, "spool"))


CLIENTS: dict[str, Callable[[str, str], Tracker]] = {
    "posthog": posthog,
    "segment-analytics-python": segment,
    "amplitude-analytics": amplitude,
    "mixpanel": mixpanel,
    "snowplow-tracker": snowplow,
    "mixpress": mixpress,
    "mixpress, spool": spooled,
}
"""The clients by the names of their distributions."""


def has_spool() -> bool:
    from mixpress import Client

    return "spool" in inspect.signature(Client).parameters


def track(tracker: Tracker, count: int) -> None:
    began = time.monotonic()
    for number in range(count):
        tracker.track(number)
    print(began, time.monotonic(), flush=True)


def at_exit(tracker: Tracker, count: int) -> None:
    track(tracker, count)


def by_shutdown(tracker: Tracker, count: int) -> None:
    track(tracker, count)
    tracker.shutdown()


def at_once(tracker: Tracker, count: int) -> None:
    track(tracker, count)
    os._exit(0)


def in_a_child(tracker: Tracker, count: int) -> None:
    """The parent has made the client. The child ends like those of multiprocessing."""
    if child := os.fork():
        os.waitpid(child, 0)
        return
    track(tracker, count)
    tracker.flush()
    os._exit(0)


def not_at_all(tracker: Tracker, _count: int) -> None:
    """Track nothing: this is the next process, which delivers what the one before has left."""
    tracker.flush()


ENDINGS: dict[str, Callable[[Tracker, int], None]] = {
    "exit": at_exit,
    "shutdown": by_shutdown,
    "os._exit": at_once,
    "fork": in_a_child,
    "next": not_at_all,
}


def stay_here() -> None:
    """End the process, or a child of it, if it contacts another host."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        if host != LOCAL:
            os.write(2, f"it would have reached {host}\n".encode())
            os._exit(9)

    sys.addaudithook(look)


def main(name: str, ending: str, url: str, count: int, directory: str) -> None:
    stay_here()
    logging.disable(logging.WARNING)
    ENDINGS[ending](CLIENTS[name](url, directory), count)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])

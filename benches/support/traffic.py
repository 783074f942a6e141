"""Events to measure with: three mixes of different shapes, generated from a seed, and the real flights.

`web` has page views with URLs and user agents, `api` has calls with ids, nested objects and lists, `iot` has readings
that are mostly numbers. An event has 400 to 700 bytes as JSON.
"""

from __future__ import annotations

import gzip
import json
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

Event = dict[str, Any]
NOW = 1_700_000_000
FLIGHTS = Path(__file__).parents[2] / "examples" / "flights.ndjson.gz"


def _envelope(rng: random.Random, name: str, users: int, offset: int) -> Event:
    return {
        "time": NOW - 86_400 + offset,
        "distinct_id": f"user-{int(users * rng.random() ** 2):06d}",
        "$insert_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    } | ({"mp_lib": "server", "event_version": 3} if name else {})


def web(count: int, seed: int = 1) -> list[Event]:
    """Return page views and clicks: URLs, referrers, user agents, a few numbers."""
    rng = random.Random(seed)
    pages = [f"/{section}/{slug}" for section in ("docs", "blog", "shop", "help") for slug in range(60)]
    agents = [
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
        for system in (
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 10_15_7",
            "X11; Linux x86_64",
        )
        for major in range(118, 131)
    ]
    sources = ["mail", "ads", "social"]
    referrers = ["", "https://www.google.com/", "https://news.ycombinator.com/", "https://t.co/"]
    events = []
    for number in range(count):
        name = rng.choice(["Page View", "Page View", "Page View", "Click", "Signed Up"])
        page = rng.choice(pages)
        properties = _envelope(rng, name, 20_000, number // 5) | {
            "$current_url": f"https://www.example.com{page}?utm_source={rng.choice(sources)}&v={rng.randrange(1000)}",
            "$referrer": rng.choice(referrers),
            "$user_agent": rng.choice(agents),
            "$browser": "Chrome",
            "$screen_width": rng.choice([1280, 1440, 1920, 2560]),
            "city": rng.choice(["Berlin", "São Paulo", "New York", "Tōkyō", "Lagos", "Paris"]),
            "duration_ms": rng.randrange(20, 60_000),
            "scroll": round(rng.random(), 3),
            "logged_in": rng.random() < 0.4,
            "campaign": rng.choice([None, "autumn", "launch"]),
        }
        events.append({"event": name, "properties": properties})
    return events


def api(count: int, seed: int = 2) -> list[Event]:
    """Return calls of a service: hex ids, a nested object, a list of tags, statuses."""
    rng = random.Random(seed)
    routes = [
        f"/v{version}/{noun}/:id/{verb}"
        for version in (1, 2)
        for noun in ("orders", "users", "carts")
        for verb in ("get", "put", "sync")
    ]
    events = []
    for number in range(count):
        properties = _envelope(rng, "call", 3_000, number // 8) | {
            "route": rng.choice(routes),
            "method": rng.choice(["GET", "GET", "POST", "PUT"]),
            "status": rng.choice([200, 200, 200, 201, 204, 400, 404, 500]),
            "trace_id": f"{rng.getrandbits(128):032x}",
            "latency": {
                "db_ms": round(rng.expovariate(0.1), 2),
                "total_ms": round(rng.expovariate(0.02), 2),
                "retries": rng.randrange(3),
            },
            "tags": rng.sample(["beta", "internal", "mobile", "cached", "eu", "us"], rng.randrange(4)),
            "tenant": {
                "id": f"t{rng.randrange(400)}",
                "plan": rng.choice(["free", "team", "enterprise"]),
                "seats": rng.randrange(1, 500),
            },
            "bytes_out": rng.randrange(100_000),
            "region": rng.choice(["eu-west-1", "us-east-1", "ap-south-1"]),
            "host": f"api-{rng.randrange(40):02d}.internal",
            "error": None if rng.random() < 0.9 else rng.choice(["timeout", "conflict", "quota exceeded for tenant"]),
        }
        events.append({"event": "API Call", "properties": properties})
    return events


def iot(count: int, seed: int = 3) -> list[Event]:
    """Return readings of devices: many floats and integers, few texts."""
    rng = random.Random(seed)
    events = []
    for number in range(count):
        properties = _envelope(rng, "", 500, number // 20) | {
            "device": f"sensor-{rng.randrange(800):04d}",
            "firmware": rng.choice(["2.1.0", "2.1.3", "2.2.0"]),
            "temperature": round(rng.gauss(21, 4), 2),
            "humidity": round(rng.uniform(20, 90), 1),
            "pressure": round(rng.gauss(1013.25, 8), 3),
            "battery": rng.randrange(101),
            "rssi": -rng.randrange(30, 110),
            "uptime_s": rng.randrange(10_000_000),
            "lat": round(rng.uniform(-60, 70), 6),
            "lon": round(rng.uniform(-180, 180), 6),
            "samples": [round(rng.gauss(0, 1), 4) for _ in range(12)],
            "counters": {
                "sent": rng.randrange(1_000_000),
                "lost": rng.randrange(500),
                "resent": rng.randrange(2_000),
            },
            "charging": rng.random() < 0.2,
        }
        events.append({"event": "Reading", "properties": properties})
    return events


def flights(count: int, seed: int = 0) -> list[Event]:
    """Return real departures of January 2013, in the order of the file."""
    del seed
    with gzip.open(FLIGHTS, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]


MIXES: dict[str, Callable[..., list[Event]]] = {"web": web, "api": api, "iot": iot, "flights": flights}


def good_events(mix: str, count: int, **seed: int) -> list[Event]:
    """Return events of a mix without those that the API disallows (some flights): all contestants write the same."""
    return [event for event in MIXES[mix](count, **seed) if event["properties"]["distinct_id"] != "NA"]

"""Events of one service: seven kinds, names in six scripts, error messages with quotes, newlines and backslashes.

The other mixes are nearly all ASCII without escapes and have one shape each. An event has 250 to 700 bytes as JSON.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
NOW = 1_700_000_000

FIRST = [
    "Anna",
    "José",
    "Zoë",
    "Søren",
    "Дмитрий",
    "Ольга",
    "Νίκος",
    "Ελένη",
    "محمد",
    "فاطمة",
    "अनिल",
    "प्रिया",
    "伟",
    "美咲",
]
LAST = [
    "Smith",
    "Müller",
    "García",
    "Łukasik",
    "Иванов",
    "Шевченко",
    "Παπαδόπουλος",
    "الأحمد",
    "शर्मा",
    "王",
    "田中",
    "O'Neil",
]
CITIES = [
    "Berlin",
    "São Paulo",
    "Москва",
    "Αθήνα",
    "القاهرة",
    "मुंबई",
    "東京",
    "Kraków",
    "Paris",
    "Zürich",
    "Київ",
    "Lagos",
]
PLANS = ["free", "team", "enterprise"]
COMMENTS = [
    "Great support, thank you!\nWould buy again.",
    'Doesn\'t work on my phone… "Not supported" it says.',
    "Всё отлично, спасибо! 👍",
    "とても便利です。\n次のバージョンを楽しみにしています。",
    "Très bien — mais l'écran «Paramètres» est lent.",
    "ok",
    "La aplicación se cierra al abrir C:\\Users\\Público\\fotos",
]
FILES = ["/srv/app/billing/views.py", "/srv/app/orders/models.py", "C:\\app\\worker\\jobs.py", "/srv/app/api/client.py"]
CALLS = [
    "raise ValueError(message)",
    'return self.rows["total"]',
    "response.raise_for_status()",
    "cursor.execute(query, row)",
]


def _traceback(rng: random.Random) -> str:
    lines = ["Traceback (most recent call last):"]
    for _ in range(rng.randrange(1, 3)):
        lines.append(f'  File "{rng.choice(FILES)}", line {rng.randrange(900)}, in handle')
        lines.append(f"    {rng.choice(CALLS)}")
    return "\n".join([*lines, f'KeyError: "order_{rng.randrange(100_000)}"'])[:250]


def _message(rng: random.Random) -> str:
    number = rng.randrange(100_000)
    return rng.choice(
        [
            f'relation "orders_{number}" does not exist\nLINE 1: SELECT * FROM "orders_{number}"',
            f"can't open C:\\data\\exports\\{number}.csv: Permission denied",
            f'{{"code": {number}, "error": "quota exceeded", "retry": true}}',
            f"connection to 10.0.{number % 256}.7 timed out after 30 s",
            f'invalid input syntax for type integer: "{number}x"\n\tat character {number % 200}',
        ]
    )


def _person(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def _signed_up(rng: random.Random) -> Event:
    return {"name": _person(rng), "city": rng.choice(CITIES), "plan": rng.choice(PLANS), "invited": rng.random() < 0.3}


def _order(rng: random.Random) -> Event:
    items = [
        {"sku": f"S-{rng.randrange(9000)}", "title": rng.choice(COMMENTS[3:6]), "qty": rng.randrange(1, 5)}
        for _ in range(2)
    ]
    total = round(rng.uniform(5, 400), 2)
    return {"name": _person(rng), "city": rng.choice(CITIES), "total": total, "currency": "EUR", "items": items}


def _failed(rng: random.Random) -> Event:
    service = rng.choice(["billing", "orders", "search"])
    return {"service": service, "message": _message(rng), "traceback": _traceback(rng), "retries": rng.randrange(4)}


def _query(rng: random.Random) -> Event:
    statement = f'SELECT "id", "name" FROM "users" WHERE "city" = \'{rng.choice(CITIES)}\''
    return {
        "statement": statement,
        "rows": rng.randrange(5000),
        "ms": round(rng.expovariate(0.1), 3),
        "cached": rng.random() < 0.5,
    }


def _feedback(rng: random.Random) -> Event:
    return {
        "name": _person(rng),
        "stars": rng.randrange(1, 6),
        "comment": rng.choice(COMMENTS),
        "page": f"/help/{rng.randrange(300)}",
    }


def _viewed(rng: random.Random) -> Event:
    agent = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{rng.randrange(110, 131)}.0.0.0 Safari/537.36"
    return {
        "$current_url": f"https://example.com/shop/{rng.randrange(500)}",
        "$user_agent": agent,
        "ms": rng.randrange(9000),
    }


def _job(rng: random.Random) -> Event:
    return {
        "job": f"nightly-{rng.randrange(20)}",
        "ok": rng.random() < 0.9,
        "log": _message(rng),
        "seconds": round(rng.uniform(0, 90), 2),
    }


KINDS: dict[str, Callable[[random.Random], Event]] = {
    "Signed Up": _signed_up,
    "Order Placed": _order,
    "Request Failed": _failed,
    "Query": _query,
    "Feedback": _feedback,
    "Page View": _viewed,
    "Job Done": _job,
}


def service(count: int, seed: int = 4) -> list[Event]:
    """Return events of all kinds, in a random order."""
    rng = random.Random(seed)
    kinds, events = list(KINDS), []
    for number in range(count):
        kind = rng.choice(kinds)
        envelope = {
            "time": NOW - 86_400 + number // 5,
            "distinct_id": f"user-{rng.randrange(20_000):06d}",
            "$insert_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        }
        events.append({"event": kind, "properties": envelope | KINDS[kind](rng)})
    return events

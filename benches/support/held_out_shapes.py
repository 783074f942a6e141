"""Shapes of events on which the compressor is not tuned. They share no code and no parameters with `shapes.py`.

Each family returns a function that makes the properties of an event, after it has drawn its parameters from a seed.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

from benches.support.held_out import BRANDS, COUNTRIES, ENGLISH, FAMILY, GIVEN, GOODS
from benches.support.traffic import NOW, Event

Properties = dict[str, Any]
Make = Callable[[], Properties]
LETTERS = {
    "Cyrillic": "оеаинтсрвлкмдпуя",
    "Greek": "αειονσρτκλπμηω",
    "Han": "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得",
}
CODES = "OK PENDING DECLINED_BY_BANK INSUFFICIENT_FUNDS EXPIRED_CARD DO_NOT_HONOR FRAUD_SUSPECTED TIMEOUT RETRY".split()  # noqa: SIM905


def _zipf(rng: random.Random, count: int) -> int:
    """Return a position below `count`; the position n about n times as rarely as the first."""
    return min(int(count ** rng.random()), count) - 1


def log_messages(rng: random.Random) -> Make:
    """A message made of a template, with the parameters beside it, and now and then a stack trace."""
    templates = [" ".join(rng.choices([*ENGLISH, "%s", "%s"], k=rng.randint(4, 12))) for _ in range(rng.randint(5, 60))]
    modules = [f"{rng.choice(ENGLISH)}/{rng.choice(ENGLISH)}.py" for _ in range(30)]

    def make() -> Properties:
        template = templates[_zipf(rng, len(templates))]
        values = [str(rng.choice([rng.randrange(10**5), rng.choice(GIVEN)])) for _ in range(template.count("%s"))]
        frames = [
            f"{rng.choice(modules)}:{rng.randrange(400)} in {rng.choice(ENGLISH)}" for _ in range(rng.randint(3, 9))
        ]
        return {
            "level": rng.choices(["INFO", "DEBUG", "WARNING", "ERROR"], [70, 20, 7, 3])[0],
            "message": template % tuple(values),
            "args": values,
            "trace": frames if rng.random() < 0.05 else None,
        }

    return make


def surveys(rng: random.Random) -> Make:
    """Questions with an answer each: a rating, a choice, or a text."""
    questions = [" ".join(rng.choices(ENGLISH, k=rng.randint(4, 9))) + "?" for _ in range(rng.randint(4, 25))]
    asked = rng.randint(2, 7)

    def answer() -> Any:
        kind = rng.random()
        text = " ".join(ENGLISH[_zipf(rng, len(ENGLISH))] for _ in range(rng.randint(2, 15)))
        return rng.randint(1, 5) if kind < 0.5 else rng.choice(["yes", "no", "not sure"]) if kind < 0.85 else text

    def make() -> Properties:
        chosen = rng.sample(questions, min(asked, len(questions)))
        return {"form": f"f{rng.randrange(3)}", "answers": [{"question": each, "answer": answer()} for each in chosen]}

    return make


def boards(rng: random.Random) -> Make:
    """A list of lists of small numbers, and the moves that led to it."""
    size, pieces = rng.randint(3, 9), rng.randint(2, 6)

    def make() -> Properties:
        return {
            "board": [[rng.randrange(pieces) for _ in range(size)] for _ in range(size)],
            "moves": [f"{rng.choice('abcdefgh')}{rng.randint(1, 8)}" for _ in range(rng.randint(1, 12))],
            "won": rng.random() < 0.5,
        }

    return make


def paths_of_screens(rng: random.Random) -> Make:
    """The screens that a user saw, where each screen has a few that usually follow it."""
    screens = [f"{rng.choice(ENGLISH)}_{rng.choice(ENGLISH)}" for _ in range(rng.randint(8, 40))]
    after = {screen: rng.sample(screens, 3) for screen in screens}

    def make() -> Properties:
        seen = [rng.choice(screens)]
        for _ in range(rng.randint(1, 14)):
            seen.append(rng.choice(after[seen[-1]]) if rng.random() < 0.85 else rng.choice(screens))
        return {"path": seen, "durations": [round(rng.expovariate(0.2), 1) for _ in seen], "exit": seen[-1]}

    return make


def formatted(rng: random.Random) -> Make:
    """Dates, durations, versions, addresses, telephone numbers and amounts as text."""
    fields: dict[str, Callable[[], str]] = {
        "created": lambda: f"2023-{rng.randint(1, 11):02d}-{rng.randint(1, 28):02d}T{rng.randrange(24):02d}:00:00Z",
        "elapsed": lambda: f"{rng.randrange(3):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}",
        "version": lambda: f"{rng.randint(1, 3)}.{rng.randrange(12)}.{rng.randrange(20)}",
        "email": lambda: f"{rng.choice(GIVEN)}{rng.randrange(99)}@{rng.choice(['gmail.com', 'web.de', 'icloud.com'])}",
        "phone": lambda: f"+{rng.choice([1, 44, 49, 55])} {rng.randrange(100, 999)} {rng.randrange(10**6):06d}",
        "ip": lambda: ".".join(str(rng.randrange(256)) for _ in range(4)),
        "amount": lambda: f"{rng.choice(list(COUNTRIES.values()))} {rng.randrange(10**4) / 100:.2f}",
        "opt_in": lambda: rng.choice(["Y", "N", "true", "false", ""]),
        "plate": lambda: f"{rng.choice('BMKHS')}-{rng.choice('ABCDEFG')}{rng.choice('KLMNO')} {rng.randrange(9999)}",
    }
    chosen = rng.sample(list(fields), rng.randint(3, len(fields)))
    return lambda: {name: fields[name]() for name in chosen}


def scripts(rng: random.Random) -> Make:
    """Names and comments in another script, out of vocabularies."""
    script = rng.choice(list(LETTERS))
    words = ["".join(rng.choices(LETTERS[script], k=rng.randint(1, 7))) for _ in range(rng.randint(60, 900))]
    between = "" if script == "Han" else " "

    def text(fewest: int, most: int) -> str:
        return between.join(words[_zipf(rng, len(words))] for _ in range(rng.randint(fewest, most)))

    return lambda: {"имя": text(1, 2), "comment": text(2, 14), "city": text(1, 1), "n": rng.randrange(100)}


def codes(rng: random.Random) -> Make:
    """Upper-case codes, and sums in several currencies under the currency's name."""
    currencies = list(dict.fromkeys(COUNTRIES.values()))

    def make() -> Properties:
        sums = {name: round(rng.lognormvariate(3, 1), 2) for name in rng.sample(currencies, rng.randint(1, 4))}
        return {
            "status": CODES[_zipf(rng, len(CODES))],
            "history": [CODES[_zipf(rng, len(CODES))] for _ in range(rng.randint(0, 6))],
            "amounts": sums,
            "network": rng.choice(["VISA", "MASTERCARD", "AMEX"]),
        }

    return make


def packed_texts(rng: random.Random) -> Make:
    """Values that hold other formats: JSON in a string, pairs with separators, CSV, base64."""
    names = rng.sample(ENGLISH, 12)
    forms = rng.sample(["json", "pairs", "csv", "base64"], rng.randint(1, 3))

    def make() -> Properties:
        data = {
            name: rng.choice([rng.randrange(100), rng.choice(ENGLISH)]) for name in rng.sample(names, rng.randint(2, 6))
        }
        packed = {
            "json": json.dumps(data),
            "pairs": ";".join(f"{name}={value}" for name, value in data.items()),
            "csv": ",".join(map(str, data.values())),
            "base64": base64.b64encode(json.dumps(data).encode()).decode(),
        }
        return {f"payload_{form}": packed[form] for form in forms}

    return make


def trees(rng: random.Random) -> Make:
    """A comment with replies, some of which have replies."""
    deepest, likely = rng.randint(1, 2), rng.uniform(0.3, 0.7)

    def comment(depth: int) -> Properties:
        replies: list[Properties] = []
        while depth and rng.random() < likely and len(replies) < 3:
            replies.append(comment(depth - 1))
        text = " ".join(rng.choice(ENGLISH) for _ in range(rng.randint(1, 6)))
        return {"by": rng.choice(GIVEN), "text": text, "likes": _zipf(rng, 200), "replies": replies}

    return lambda: {"thread": comment(deepest)}


def client_versions(rng: random.Random) -> Make:
    """The same names in a few orders, by the version of the client; newer ones have more."""
    names = [f"{rng.choice(GIVEN)}_{rng.choice(ENGLISH)}" for _ in range(rng.randint(8, 24))]
    orders = [rng.sample(names, rng.randint(len(names) // 2, len(names))) for _ in range(rng.randint(2, 6))]
    kinds = {name: rng.choice(["word", "number", "flag", "constant"]) for name in names}

    def value(kind: str) -> Any:
        number = rng.randrange(300)
        return {"word": ENGLISH[number % 40], "number": number, "flag": number < 90, "constant": "n/a"}[kind]

    return lambda: {name: value(kinds[name]) for name in orders[_zipf(rng, len(orders))]}


def sparse(rng: random.Random) -> Make:
    """A few of many names, the first ones more often, as form fields that were filled in."""
    names = [f"{rng.choice(ENGLISH)} {rng.choice(ENGLISH)} {number}" for number in range(rng.randint(30, 120))]
    of_a_name = {name: rng.sample(ENGLISH, rng.randint(2, 30)) for name in names}
    most = rng.randint(4, 14)

    def make() -> Properties:
        chosen = {names[_zipf(rng, len(names))] for _ in range(rng.randint(1, most))}
        return {name: rng.choice(of_a_name[name]) for name in sorted(chosen)}

    return make


def runs_of_a_user(rng: random.Random) -> Make:
    """The context of a user for a run of events, and little beside it; then another user's."""
    longest, context = rng.randint(2, 40), dict[str, Any]()

    def make() -> Properties:
        nonlocal context
        if not context or rng.random() < 1 / longest:
            agent = f"App/{rng.randint(1, 9)}.{rng.randrange(20)} ({rng.choice(BRANDS)}; {rng.choice(list(COUNTRIES))})"
            cookie = base64.b64encode(rng.randbytes(24)).decode()
            context = {"name": f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}", "agent": agent, "cookie": cookie}
        return {**context, "step": rng.randrange(40), "ok": rng.random() < 0.9}

    return make


def routes(rng: random.Random) -> Make:
    """Points that follow each other, as pairs of numbers or as objects."""
    as_objects, points = rng.random() < 0.5, rng.randint(2, 12)

    def make() -> Properties:
        at, route = [rng.uniform(47, 55), rng.uniform(6, 15)], []
        for _ in range(points):
            at = [value + rng.gauss(0, 0.002) for value in at]
            pair = [round(value, 5) for value in at]
            route.append({"lat": pair[0], "lon": pair[1]} if as_objects else pair)
        return {"route": route, "vehicle": rng.choice(["bike", "car", "foot"]), "meters": rng.randrange(5000)}

    return make


def slow_change(rng: random.Random) -> Make:
    """A vocabulary of which a word is replaced from time to time, and releases that follow each other."""
    words, every, count = rng.sample(ENGLISH, 20), rng.randint(5, 100), 0

    def make() -> Properties:
        nonlocal count
        count += 1
        if count % every == 0:
            words[rng.randrange(len(words))] = f"{rng.choice(ENGLISH)}-{rng.choice(ENGLISH)}"
        chosen = {name: words[_zipf(rng, 20)] for name in ("topic", "channel", "campaign", "audience")}
        return {**chosen, "build": f"2023.11.{1 + count // 300}", "labels": rng.sample(words, rng.randrange(5))}

    return make


def catalogues(rng: random.Random) -> Make:
    """Offers by category, where a property's name is a value elsewhere."""
    goods = [(category, item) for category, items in GOODS.items() for item in items]
    many = rng.randint(2, 8)

    def make() -> Properties:
        chosen = rng.sample(goods, many)
        offers = {item: {"brand": rng.choice(BRANDS), "price": rng.randrange(5, 90) - 0.01} for _, item in chosen}
        return {"offers": offers, "first": chosen[0][1], "categories": [category for category, _ in chosen]}

    return make


HELD_OUT_FAMILIES: dict[str, Callable[[random.Random], Make]] = {
    family.__name__: family
    for family in (
        log_messages, surveys, boards, paths_of_screens, formatted, scripts, codes, packed_texts, trees,
        client_versions, sparse, runs_of_a_user, routes, slow_change, catalogues,
    )
}  # fmt: skip


def held_out_events(families: list[str], seed: int, count: int = 2000) -> list[Event]:
    """Return events that have the properties of one family, or that are of several kinds, one for each family."""
    rng = random.Random(f"{families} {seed}")
    kinds = [HELD_OUT_FAMILIES[family](rng) for family in families]
    form = rng.choice(["hex", "hex", "counted"])
    extra = rng.choice(["none", "token", "session"])
    sessions = [base64.b32encode(rng.randbytes(10)).decode() for _ in range(rng.randint(5, 300))]
    events, now = [], NOW - 100_000.0
    for number in range(count):
        now += rng.expovariate(2)
        kind = _zipf(rng, len(kinds))
        properties: Properties = {
            "$insert_id": f"{rng.getrandbits(96):024x}" if form == "hex" else f"batch-7-{number:06d}",
            "distinct_id": f"{rng.choice(GIVEN)}.{_zipf(rng, 9000)}",
            "time": int(now * 1000),
        }
        properties |= {"token_hash": rng.randbytes(16).hex()} if extra == "token" else {}
        properties |= {"session": rng.choice(sessions)} if extra == "session" else {}
        events.append({"event": families[kind], "properties": properties | kinds[kind]()})
    return events

"""Events to measure with on which the compressor is not tuned: three more mixes, generated from a seed.

`game` has sessions of a mobile game: devices, levels, currencies. `shop` has searches, products, carts and orders.
`office` has the audit trail of a service for documents: roles, permissions, feature flags, e-mails. Each has several
kinds of events with different members. An event has 400 to 900 bytes as JSON.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from benches.support.traffic import MIXES, NOW, Event, good_events

T = TypeVar("T")
Make = Callable[[random.Random, dict[str, Any]], dict[str, Any]]


def _words(text: str) -> list[str]:
    return text.split()


ENGLISH = _words(
    "the and for with from this that not all new plan team report draft week budget sales product customer order price "
    "review please check before after meeting update number page figure table summary quarter month agreed open closed "
    "design first second final version comment section missing wrong better change added removed launch market growth "
    "invoice contract legal hiring offer candidate interview notes roadmap release test result needs more detail here "
    "thanks great looks good can you we should move next question answer about data source link image text title"
)
COUNTRIES = {"US": "USD", "DE": "EUR", "BR": "BRL", "JP": "JPY", "IN": "INR", "FR": "EUR", "GB": "GBP", "MX": "MXN"}


def _early(rng: random.Random, choices: Sequence[T], skew: float = 2.0) -> T:
    """Return one of the choices, the first ones more often."""
    return choices[int(len(choices) * rng.random() ** skew)]


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _base62(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", k=length))


def _sentence(rng: random.Random, fewest: int, most: int) -> str:
    return " ".join(_early(rng, ENGLISH, 1.5) for _ in range(rng.randint(fewest, most)))


def _interleaved(
    rng: random.Random,
    count: int,
    at_once: int,
    enter: Callable[[], dict[str, Any]],
    kinds: dict[str, tuple[int, Make]],
) -> list[Event]:
    """Return events of `at_once` visitors at a time. `kinds` has the weight of each kind and what it adds."""
    visitors = [enter() for _ in range(at_once)]
    weights = [weight for weight, _ in kinds.values()]
    events, now = [], float(NOW - 80_000)
    for _ in range(count):
        now += rng.expovariate(4)
        at = rng.randrange(at_once)
        if rng.random() < 0.06:
            visitors[at] = enter()
        name = rng.choices(list(kinds), weights)[0]
        visitor = visitors[at]
        visitor["number"] += 1
        required = {"time": int(now), "distinct_id": visitor["id"], "$insert_id": _uuid(rng)}
        events.append({"event": name, "properties": required | visitor["constant"] | kinds[name][1](rng, visitor)})
    return events


# --- a mobile game ---

DEVICES = [
    ("iOS", "iPhone14,5", "17.1.1"), ("iOS", "iPhone15,2", "17.0.3"), ("Android", "SM-A546B", "14"),
    ("Android", "Pixel 7a", "14"), ("iOS", "iPad13,18", "16.7"), ("Android", "Redmi Note 12", "13"),
    ("Android", "SM-G991B", "13"), ("iOS", "iPhone12,1", "16.6.1"), ("Android", "moto g(30)", "12"),
    ("Android", "CPH2269", "12"), ("Android", "M2101K6G", "13"), ("Android", "SM-T500", "11"),
]  # fmt: skip
WORLDS = ["meadow", "harbor", "canyon", "glacier", "volcano", "ruins", "sky_islands", "clockwork"]
BOOSTERS = ["hammer", "extra_moves_5", "color_bomb", "shuffle", "shield", "double_coins", "magnet"]
OFFERS = ["starter_pack_099", "gems_small_199", "gems_medium_499", "gems_large_999", "season_pass_899", "no_ads_399"]


def _player(rng: random.Random) -> dict[str, Any]:
    system, model, version = _early(rng, DEVICES)
    country = _early(rng, list(COUNTRIES))
    constant = {
        "session_id": _uuid(rng),
        "device_id": f"{rng.getrandbits(64):016x}",
        "$os": system,
        "$os_version": version,
        "$model": model,
        "$app_version_string": _early(rng, ["3.18.2", "3.18.1", "3.17.0", "3.16.4"], 3.0),
        "country": country,
        "install_day": f"2023-{rng.randint(1, 11):02d}-{rng.randint(1, 28):02d}",
        "ab_groups": [f"{test}:{rng.choice('ABC')}" for test in ("economy", "tutorial_v2", "ads_cap")],
    }
    level = 1 + int(900 * rng.random() ** 3)
    return {"id": f"p{rng.randrange(4 * 10**6):08d}", "number": 0, "constant": constant} | {
        "level": level, "coins": rng.randrange(20_000), "gems": rng.randrange(300), "started": rng.randrange(10**5)
    }  # fmt: skip


def _state(rng: random.Random, player: dict[str, Any]) -> dict[str, Any]:
    player["started"] += rng.randrange(1, 90)
    carried = {name: player[name] for name in ("level", "coins", "gems")}
    return carried | {"event_number": player["number"], "play_seconds": player["started"]}


def _level_ended(rng: random.Random, player: dict[str, Any]) -> dict[str, Any]:
    world, won = WORLDS[player["level"] // 120 % len(WORLDS)], rng.random() < 0.6
    found = {
        "world": world,
        "level_name": f"{world}_{player['level'] % 120:03d}",
        "result": "won" if won else rng.choice(["out_of_moves", "out_of_time", "quit"]),
        "stars": rng.randint(1, 3) if won else 0,
        "score": rng.randrange(500) * 50,
        "moves_left": rng.randrange(15) if won else 0,
        "duration": round(rng.gammavariate(4, 20), 1),
        "boosters": {name: rng.randint(1, 3) for name in BOOSTERS if rng.random() < 0.2},
        "fps": round(rng.gauss(57, 3), 1),
    }
    player["level"] += won
    player["coins"] += 50 * found["stars"]
    return found | _state(rng, player)


def _currency(rng: random.Random, player: dict[str, Any]) -> dict[str, Any]:
    amount = rng.choice([10, 20, 50, 100, 250]) * rng.choice([1, -1])
    player["coins"] = max(0, player["coins"] + amount)
    return {
        "currency": rng.choice(["coins", "coins", "gems"]),
        "amount": abs(amount),
        "direction": "earned" if amount > 0 else "spent",
        "source": rng.choice(["daily_bonus", "level_reward", "chest", "shop", "continue", "friend_gift"]),
        "item": rng.choice(BOOSTERS) if amount < 0 else None,
    } | _state(rng, player)


def _purchase(rng: random.Random, player: dict[str, Any]) -> dict[str, Any]:
    offer = _early(rng, OFFERS)
    return {
        "offer": offer,
        "price": int(offer[-3:]) / 100,
        "$currency": COUNTRIES[player["constant"]["country"]],
        "receipt": f"GPA.{rng.randrange(10**4):04d}-{rng.randrange(10**4):04d}-{rng.randrange(10**5):05d}",
        "placement": rng.choice(["shop", "popup", "out_of_moves"]),
    } | _state(rng, player)


def _advert(rng: random.Random, player: dict[str, Any]) -> dict[str, Any]:
    return {
        "network": rng.choice(["admob", "unity", "applovin", "ironsource"]),
        "format": rng.choice(["rewarded", "rewarded", "interstitial"]),
        "placement": rng.choice(["double_reward", "extra_life", "between_levels"]),
        "revenue": round(rng.expovariate(120), 6),
        "completed": rng.random() < 0.85,
    } | _state(rng, player)


def game(count: int, seed: int = 21) -> list[Event]:
    """Return what players of a mobile game do: some hundred of them at a time, each on another device."""
    rng = random.Random(seed)
    kinds: dict[str, tuple[int, Make]] = {
        "Level Started": (30, _state),
        "Level Ended": (28, _level_ended),
        "Currency Changed": (25, _currency),
        "Ad Watched": (10, _advert),
        "Purchase": (2, _purchase),
        "App Opened": (5, lambda rng, player: {"push": rng.random() < 0.2} | _state(rng, player)),
    }
    return _interleaved(rng, count, 300, lambda: _player(rng), kinds)


# --- a shop ---

MADE_OF = ["Cotton", "Linen", "Wool", "Leather", "Bamboo", "Ceramic", "Oak", "Steel", "Recycled", "Organic"]
STYLES = ["Slim", "Classic", "Relaxed", "Vintage", "Kids", "Large", "Compact", "Foldable", "Two-Pack", "Waterproof"]
GOODS = {
    "clothing": ["T-Shirt", "Jeans", "Jacket", "Socks", "Sweater", "Scarf"],
    "kitchen": ["Mug", "Pan", "Knife", "Bowl", "Kettle", "Cutting Board"],
    "outdoor": ["Tent", "Backpack", "Bottle", "Lamp", "Sleeping Bag"],
    "home & living": ["Lamp", "Cushion", "Vase", "Rug", "Shelf", "Candle"],
}
BRANDS = ["Nordlicht", "Casa Lima", "H&B", "Okonomi", "Fjell", "Atelier 12", "Kühn", "Plain Co.", "Söderby"]


def _catalogue() -> list[dict[str, Any]]:
    rng = random.Random(31)  # the same products for every seed of events
    products = []
    for number in range(1200):
        category = rng.choice(list(GOODS))
        name = f"{rng.choice(BRANDS)} {rng.choice(STYLES)} {rng.choice(MADE_OF)} {rng.choice(GOODS[category])}"
        price = rng.choice([9, 14, 19, 24, 29, 39, 49, 79, 129]) + rng.choice([0.0, 0.5, 0.95, 0.99])
        products.append(
            {"product_id": f"{100_000 + number * 37}", "name": name, "category": category, "price": round(price, 2)}
        )
    return products


CATALOGUE = _catalogue()


def _customer(rng: random.Random) -> dict[str, Any]:
    country = _early(rng, list(COUNTRIES))
    constant = {
        "visit": _base62(rng, 20),
        "device": rng.choice(["mobile", "mobile", "desktop", "tablet"]),
        "locale": _early(rng, ["en-US", "de-DE", "pt-BR", "ja-JP", "en-IN", "fr-FR"]),
        "currency": COUNTRIES[country],
        "customer": rng.choice(["new", "returning", "returning", "member"]),
    }
    known = rng.random() < 0.4
    return {"id": f"c-{rng.randrange(10**6)}" if known else _base62(rng, 22), "number": 0, "constant": constant}


def _item(rng: random.Random) -> dict[str, Any]:
    product = _early(rng, CATALOGUE, 3.0)
    return {**product, "quantity": 1 + int(4 * rng.random() ** 4), "variant": _early(rng, ["M", "L", "S", "XL", "-"])}


def _looked(rng: random.Random, customer: dict[str, Any]) -> dict[str, Any]:
    product = _early(rng, CATALOGUE, 3.0)
    slug = str(product["name"]).lower().replace(" ", "-")
    return {
        "product": product,
        "url": f"https://shop.example.com/{customer['constant']['locale'][:2]}/p/{slug}-{product['product_id']}",
        "list": rng.choice(["search", "category", "recommended", "recently viewed"]),
        "position": int(48 * rng.random() ** 2),
        "in_stock": rng.random() < 0.93,
        "rating": round(rng.uniform(3, 5), 1),
        "images_seen": rng.randrange(6),
        "stock": {"warehouse": rng.choice(["BER-1", "POZ-2", "LYS-1"]), "left": int(500 * rng.random() ** 2)},
    }


def _searched(rng: random.Random, _: dict[str, Any]) -> dict[str, Any]:
    product = _early(rng, CATALOGUE, 3.0)
    query = " ".join(str(product["name"]).lower().split()[-rng.randint(1, 3) :])
    if rng.random() < 0.2:
        at = rng.randrange(len(query))
        query = query[:at] + query[at + 1 :]
    shown = [_early(rng, CATALOGUE, 3.0)["product_id"] for _ in range(rng.randint(4, 12))]
    return {
        "query": query,
        "results": int(300 * rng.random() ** 3),
        "filters": {name: rng.choice(values) for name, values in FILTERS.items() if rng.random() < 0.4},
        "sort": _early(rng, ["relevance", "price_asc", "price_desc", "newest"], 3.0),
        "shown": shown,
        "took_ms": int(rng.gammavariate(3, 15)),
        "query_id": f"{rng.getrandbits(128):032x}",
    }


FILTERS = {"category": list(GOODS), "brand": BRANDS, "size": ["S", "M", "L"], "max_price": ["25", "50", "100"]}


def _ordered(rng: random.Random, _: dict[str, Any]) -> dict[str, Any]:
    items = [_item(rng) for _ in range(1 + int(7 * rng.random() ** 2))]
    total = sum(item["price"] * item["quantity"] for item in items)
    coupon = rng.choice(["WELCOME10", "AUTUMN23", "FREESHIP", f"GIFT-{_base62(rng, 8).upper()}"])
    return {
        "products": items,
        "total": round(total, 2),
        "tax": round(total * 0.19, 2),
        "shipping": rng.choice([0, 3.9, 5.9, 12.5]),
        "coupon": coupon if rng.random() < 0.3 else None,
        "order_id": f"O-2023-{rng.randrange(10**7):07d}",
        "payment": _early(rng, ["card", "paypal", "klarna", "pix", "invoice"]),
    }


def shop(count: int, seed: int = 22) -> list[Event]:
    """Return what customers of a shop do: they look at products, search, fill carts and order."""
    rng = random.Random(seed)
    kinds: dict[str, tuple[int, Make]] = {
        "Product Viewed": (50, _looked),
        "Products Searched": (22, _searched),
        "Product Added": (
            13,
            lambda rng, customer: {"product": _item(rng), "cart_id": _uuid(rng)} | _looked(rng, customer),
        ),
        "Order Completed": (9, _ordered),
        "Wishlist Shared": (6, lambda rng, _: {"wishlist": [_early(rng, CATALOGUE)["name"] for _ in range(4)]}),
    }
    return _interleaved(rng, count, 150, lambda: _customer(rng), kinds)


# --- a service for documents ---

ROLES = {
    "viewer": ["documents:read", "comments:read"],
    "commenter": ["documents:read", "comments:read", "comments:write"],
    "editor": ["documents:read", "documents:write", "comments:read", "comments:write", "exports:create"],
    "admin": ["documents:*", "comments:*", "members:invite", "members:remove", "billing:read", "settings:write"],
}
GIVEN = _words(
    "anna ben carla dmitri elif farid grace hiro ines jonas kofi lena mia noah olga paulo rosa sven tara uma"
)
FAMILY = _words("adler bauer costa duarte evans fischer garcia hansen ito jansen kaya lopez meyer novak okafor park")
FLAGS = ["new_editor", "ai_summaries", "dark_mode", "offline_sync", "bulk_export", "sso_v2", "tables_beta", "audit_log"]
PLANS = ["free", "team", "business", "enterprise"]


def _workspaces() -> list[dict[str, Any]]:
    rng = random.Random(32)
    return [
        {
            "id": f"ws_{_base62(rng, 12)}",
            "plan": _early(rng, PLANS, 1.5),
            "seats": 1 + int(400 * rng.random() ** 3),
            "domain": f"{rng.choice(ENGLISH)}{rng.choice(ENGLISH)}.{rng.choice(['com', 'io', 'de', 'co.uk'])}",
            "flags": {name: rng.random() < 0.5 for name in FLAGS if rng.random() < 0.8},
            "documents": [f"doc_{_base62(rng, 16)}" for _ in range(40)],
        }
        for _ in range(250)
    ]


WORKSPACES = _workspaces()


def _address(rng: random.Random, workspace: dict[str, Any]) -> str:
    return f"{rng.choice(GIVEN)}.{rng.choice(FAMILY)}@{workspace['domain']}"


def _member(rng: random.Random) -> dict[str, Any]:
    workspace = _early(rng, WORKSPACES)
    role = _early(rng, list(ROLES), 1.0)
    constant = {
        "workspace": {name: workspace[name] for name in ("id", "plan", "seats")},
        "user": {"email": _address(rng, workspace), "role": role, "permissions": ROLES[role]},
        "flags": workspace["flags"],
        "client": _early(rng, ["web/2023.46.1", "web/2023.45.3", "desktop/5.2.0", "ios/4.11", "android/4.10.2"]),
    }
    return {"id": f"usr_{_base62(rng, 14)}", "number": 0, "constant": constant, "workspace": workspace}


def _document(rng: random.Random, member: dict[str, Any]) -> dict[str, Any]:
    return {
        "document": _early(rng, member["workspace"]["documents"]),
        "title": _sentence(rng, 2, 6).capitalize(),
        "blocks": int(400 * rng.random() ** 2),
        "request_id": _uuid(rng),
    }


def _edited(rng: random.Random, member: dict[str, Any]) -> dict[str, Any]:
    kinds = ["insert", "insert", "delete", "format", "move"]
    operations = [
        {"op": rng.choice(kinds), "block": rng.randrange(400), "length": int(80 * rng.random() ** 3)}
        for _ in range(rng.randint(1, 5))
    ]
    return _document(rng, member) | {"operations": operations, "revision": rng.randrange(5000)}


def _invited(rng: random.Random, member: dict[str, Any]) -> dict[str, Any]:
    invited = [_address(rng, member["workspace"]) for _ in range(rng.randint(1, 4))]
    return {"invited": invited, "as": _early(rng, list(ROLES)), "token": _base62(rng, 32), "expires_days": 14}


def _signed_in(rng: random.Random, _: dict[str, Any]) -> dict[str, Any]:
    return {"ip": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}", "mfa": rng.random() < 0.7}


def _exported(rng: random.Random, member: dict[str, Any]) -> dict[str, Any]:
    return _document(rng, member) | {"format": rng.choice(["pdf", "docx", "md"]), "pages": rng.randrange(60)}


def _commented(rng: random.Random, member: dict[str, Any]) -> dict[str, Any]:
    mentioned = [_address(rng, member["workspace"])] if rng.random() < 0.3 else []
    return _document(rng, member) | {"text": _sentence(rng, 4, 25), "mentions": mentioned}


def office(count: int, seed: int = 23) -> list[Event]:
    """Return what members of workspaces do with documents: open, edit, comment, share, invite, sign in."""
    rng = random.Random(seed)
    kinds: dict[str, tuple[int, Make]] = {
        "document.opened": (40, _document),
        "document.edited": (25, _edited),
        "comment.created": (14, _commented),
        "member.invited": (5, _invited),
        "session.started": (10, _signed_in),
        "export.created": (6, _exported),
    }
    return _interleaved(rng, count, 200, lambda: _member(rng), kinds)


HELD_OUT: dict[str, Callable[..., list[Event]]] = {"game": game, "shop": shop, "office": office}
EVERY_MIX = (*MIXES, *HELD_OUT)


def events_of(mix: str, count: int, **seed: int) -> list[Event]:
    """Return events of any mix, without those that the API disallows."""
    return HELD_OUT[mix](count, **seed) if mix in HELD_OUT else good_events(mix, count, **seed)

"""The text of faults: items `KIND[:DETAIL][:HOW-OFTEN]`, separated by commas or semicolons.

    429:10%, 502:3, latency:200ms±50, 413:2MiB, seed=7

The kinds and their details:

    429              rate limit
    429:3s           rate limit with Retry-After
    413:2MiB         request too large: without HOW-OFTEN, requests whose JSON is larger; otherwise whatever their size
    400:0+2          the events at these positions fail, the others are accepted
    401, 403         invalid credentials, forbidden
    408, 414, 500, 502, 503, 504
                     what a proxy answers, as text; with the detail `html` as an HTML page
    reset            the connection is reset before the request is processed
    drop-reply       stored, then the connection is closed without an answer; also written `taken`
    slow:2s          the usual answer, delayed
    latency:200ms±50 the usual answer or that of another fault, delayed by 150 to 250 ms

HOW-OFTEN is a share of the requests (`10%`) or a count (`3` or `3x`: that many requests in a row). Without it, the
item applies to every request. It may also follow `=`, where a share may be a fraction: `429=0.2`, `429:3=2x`. After `=`
a count needs its `x`, since `429=1` is the share of all requests. If two parts follow the kind, the first one is the
detail: `429:3` is the next three requests, `429:3:10%` and `429:3s` have a Retry-After of 3 s.

A request has at most one fault besides a latency, so the shares add up to at most 1, and so do those of the latencies.
Counts come before all shares, in the order in which they are written. The seed selects the requests of the shares and
the latencies: the same seed gives the same faults in the same order.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mixpress.emulator.faults.fault import Fault, Rule
from mixpress.emulator.faults.kinds import LATENCY, find_kind, make_fault
from mixpress.emulator.faults.quantities import NUMBER, read, read_size

_COUNT = re.compile(r"([1-9]\d{0,8})(x?)", re.ASCII)
_LIKE_HOW = re.compile(r"-?\d+x?|-?[\d.]+\s*%", re.ASCII)
_FRACTION = re.compile(r"0?\.\d+", re.ASCII)


def parse_rules(text: str) -> tuple[tuple[Rule, ...], int]:
    """Return the rules and the seed, 0 if none is given. ValueError with the wrong item and what is allowed."""
    rules: list[Rule] = []
    seed = 0
    for item in map(str.strip, re.split("[,;]", text)):
        kind, equals, often = (part.strip() for part in item.partition("="))
        if kind == "seed" and equals:
            seed = read(int, r"-?\d+", often, f"'{item}': a seed must be an integer")
        elif equals:
            rules.append(_rule_with_equals(item, kind, often))
        else:
            rules.append(_rule(item))
    return tuple(rules), seed


def parse_fault(text: str) -> Fault:
    """Return the fault of a text `KIND` or `KIND:DETAIL`, without HOW-OFTEN; ValueError with what is allowed."""
    item = f"fault '{text}'"
    if not text.strip() or re.search("[,;=]", text):
        raise ValueError(f"{item}: must be one KIND or KIND:DETAIL, such as 429, 429:3s or drop-reply")
    return make_fault(text, item)


def _rule_with_equals(item: str, kind: str, often: str) -> Rule:
    fault = make_fault(kind, f"fault '{item}'")
    beside = kind.partition(":")[0].strip() == LATENCY
    counted = _COUNT.fullmatch(often)
    if counted and counted[2]:
        return Rule(fault, count=int(counted[1]), beside=beside)
    message = f"fault '{item}': must be a share above 0 and up to 1, such as 0.2, or a count, such as 2x, got '{often}'"
    if often.endswith("%"):
        return Rule(fault, _read_percent(often, message), beside=beside)
    if counted and often != "1":
        message += f"; did you mean '{kind}={often}x'?"
    share = read(float, rf"{NUMBER}(e-\d+)?", often, message)
    if not 0 < share <= 1:
        raise ValueError(message)
    return Rule(fault, share, beside=beside)


def _rule(item: str) -> Rule:
    where = f"fault '{item}'"
    if not item:
        raise ValueError(f"{where}: must be KIND[:DETAIL][:HOW-OFTEN], such as 429:10%, 502:3x or 429:3s:10%")
    name, *details = map(str.strip, item.split(":"))
    if name == "seed":
        raise ValueError(f"{where}: a seed is written 'seed={':'.join(details) or 7}'")
    kind = find_kind(name, where)
    often = ""
    if details and (len(details) > 1 or not kind.needs_detail):
        if _FRACTION.fullmatch(details[-1]):
            before = ":".join([name, *details[:-1]])
            raise ValueError(f"{where}: a share after a colon is a percentage: {_corrections(before, details[-1])}")
        if _LIKE_HOW.fullmatch(details[-1]):
            often = details.pop()
    fault = make_fault(":".join([name, *details]), where)
    text = f"{fault.name}:{often}" if often else fault.name
    return _with_often(Rule(fault, beside=name == LATENCY, text=text), often, where)


def _with_often(rule: Rule, often: str, where: str) -> Rule:
    counted = _COUNT.fullmatch(often)
    if counted:
        return replace(rule, count=int(counted[1]))
    if often:
        message = f"{where}: must be a share above 0% and up to 100%, such as 10%, or a count from 1, such as 3x"
        return replace(rule, share=_read_percent(often, f"{message}, got '{often}'"))
    name, _, detail = rule.fault.name.partition(":")
    if name == "413":  # a limit of size
        return replace(rule, fault=Fault(max_bytes=read_size(detail, where), name=rule.fault.name))
    return replace(rule, share=1.0)


def _read_percent(text: str, message: str) -> float:
    share = read(float, NUMBER, text.removesuffix("%").strip(), message) / 100
    if not 0 < share <= 1:
        raise ValueError(message)
    return share


def _corrections(before: str, fraction: str) -> str:
    percent = f"{float(fraction) * 100:.12g}%"
    also = f", or '{before}:{fraction}s' for Retry-After" if before == "429" else ""
    return f"write '{before}:{percent}' or '{before}={fraction}'{also}"

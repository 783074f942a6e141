"""No Python code runs while the core reads an event in place, whatever hooks a program has set."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

# Each program ends in `events` that contain what the walk could need for the first time in a process, and `changes()`,
# which frees what the walk points into. `hooked` counts the hooks that ran while the core was at work.
PROLOGUE = """
import builtins, collections, dataclasses, datetime, decimal, enum, gc, json, sys, uuid, weakref, zoneinfo
import numpy, pandas
from mixpress import Encoder, _core
encoder = Encoder(compression=None)
DATES = {
    "naive": datetime.datetime(2024, 1, 1),
    "aware": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
    "date": datetime.date(2024, 1, 1),
}
Kind = enum.Enum("Kind", {"A": ["x"]})
Access = enum.IntFlag("Access", ["R", "W"])
Slotted = dataclasses.make_dataclass("Slotted", ["x", "y"], slots=True)
Plain = dataclasses.make_dataclass("Plain", ["x", "y"])
Pair = collections.namedtuple("Pair", "x y")
Text, Integer, Listed = type("Text", (str,), {}), type("Integer", (int,), {}), type("Listed", (list,), {})
KNOWN = {
    "member": (Kind.A, ["x"]),
    "flags": (Access.R | Access.W, 3),
    "slots": (Slotted(1, [Pair("a", 2)]), {"x": 1, "y": [["a", 2]]}),
    "plain": (Plain(1, [Pair("a", 2)]), {"x": 1, "y": [["a", 2]]}),
    "subclasses": ([Text("t"), Integer(5), Listed([1])], ["t", 5, [1]]),
    "dicts": ([collections.defaultdict(int, a=1), collections.Counter("a")], [{"a": 1}, {"a": 1}]),
}
if "abi3" in _core.__file__:
    DATES, KNOWN = {}, {}  # by the stable ABI, Python code reads them, between walks
NATIVE = {
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "decimal": (decimal.Decimal("1.5"), 1.5),
    "long decimal": (decimal.Decimal("1" * 100), int("1" * 100)),
    "int": (-10**300, -10**300),
    "zone": (datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("America/New_York")), "2024-07-01T04:00:00"),
    "timezone": (
        datetime.datetime(2024, 7, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))), "2024-06-30T23:00:00"),
    "clock": (datetime.time(1, 2, 3, 4), "01:02:03.000004"),
    "duration": (datetime.timedelta(days=10**6, microseconds=1), 86400000000.000001),
}
NATIVE |= {
    "float32": (numpy.float32(0.5), 0.5),
    "uint64": (numpy.uint64(2**64 - 1), 2**64 - 1),
    "numpy text": (numpy.str_("\\ud800 text"), "\\ufffd text"),
    "datetime64": (numpy.datetime64("2024-01-01", "ns"), "2024-01-01T00:00:00"),
    "timedelta64": (numpy.timedelta64(5, "s"), 5.0),
    "array": (numpy.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
    "objects": (numpy.array([[Kind.A, 1], [None, [5]]], object), [[["x"], 1], [None, [5]]]),
    "Timestamp": (pandas.Timestamp("2024-07-01", tz=zoneinfo.ZoneInfo("America/New_York")), "2024-07-01T04:00:00"),
    "NA": (pandas.NA, None),
}
if "abi3" in _core.__file__:
    NATIVE = {}
KNOWN |= NATIVE
# What the core learns of modules and types, it learns between walks, and by Python code.
for name, (value, _) in KNOWN.items():
    encoder.encode([{"event": "e", "properties": {name: value}}])
def properties():
    made = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
    made.update(DATES)
    made.update({name: value for name, (value, _) in KNOWN.items()})
    made.update({"lone": "\\ud800 \\u00e9 \\U0001f600", "\\udfff\\u00e9": 1, "tuple": (1.5, None, [True, "x" * 300])})
    made.update({f"k{n}": "v" * 40 + str(n) for n in range(200)})
    return made
read, hooked, given = [], [], properties()
event = {"event": "e", "properties": given}
def changes(*_):
    if read:
        hooked.append(1)
        given.clear()
        read.extend(b"A" * size for size in range(4_000, 40_000, 997))
def encode(events=[event]):
    read.append(1)
    encoded = encoder.encode(events)
    read.clear()
    return encoded
"""
EPILOGUE = """
assert not encoded.rejected, encoded.rejected
(event,) = json.loads(encoded.batches[0].body)
written = event["properties"]
assert len(written) == 206 + len(DATES) + len(KNOWN), len(written)
assert all(written[name] == expected for name, (_, expected) in KNOWN.items())
assert all(written[name] == "2024-01-01T00:00:00" for name in DATES)
assert written["lone"] == "\\ufffd \\u00e9 \\U0001f600" and written["\\ufffd\\u00e9"] == 1
"""
UNHOOKED = """
assert not hooked, "a hook ran during the walk"
"""
# After all else the hook must run for what it watches, or the program would prove nothing.
PROBE = """
hooked.clear()
read.append(1)
probe()
assert hooked, "the hook is not there"
read.clear()
"""
HOOKS = {
    "__import__": """
real = builtins.__import__
def hook(name, *args, **keywords):
    changes()
    return real(name, *args, **keywords)
builtins.__import__ = hook
encoded = encode()
def probe():
    import json
""",
    "sys.meta_path": """
class Finder:
    def find_spec(self, *_):
        changes()
sys.meta_path.insert(0, Finder())
encoded = encode()
def probe():
    import colorsys
""",
    "gc.callbacks": """
gc.collect()  # and empties the free lists: what comes from them starts no collection
gc.callbacks.append(lambda phase, _: phase == "start" and changes())
builder = encoder.builder()
gc.set_threshold(1)
read.append(1)
builder.add(event)
read.clear()
gc.disable()
encoded = type("Encoded", (), {"rejected": [], "batches": [builder.finish()]})
def probe():
    gc.enable()
    return [[] for _ in range(999)]
""",
    "sys.setprofile": """
def profile(frame, kind, what):
    # The call of the encoder itself is C code: nothing else may be called before it returns.
    if read and not (kind in ("c_call", "c_return") and getattr(what, "__name__", "") in ("encode", "clear", "append")):
        changes()
encode_now, append, clear = encoder.encode, read.append, read.clear
sys.setprofile(profile)
append(1)
encoded = encode_now([event])
clear()
def probe():
    pass
""",
    "weakref callbacks": """
class Cycle:
    pass
references = []
def cycles():
    for _ in range(50):
        cycle = Cycle()
        cycle.own = cycle
        references.append(weakref.ref(cycle, changes))
gc.collect()
gc.disable()
cycles()
builder = encoder.builder()
gc.set_threshold(1)
read.append(1)
gc.enable()
builder.add(event)
gc.disable()
read.clear()
encoded = type("Encoded", (), {"rejected": [], "batches": [builder.finish()]})
def probe():
    cycles()
    gc.enable()
    return [[] for _ in range(999)]
""",
}
# With these a hook may run after the walk, where the findings become objects.
COLLECTING = {"gc.callbacks", "weakref callbacks"}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("allocator", ["debug", "default"])
def test_no_hook_runs_during_a_walk(hook: str, allocator: str) -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            PROLOGUE + HOOKS[hook] + EPILOGUE + UNHOOKED * (hook not in COLLECTING) + PROBE,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONMALLOC": allocator},
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_a_first_date_in_a_snapshot_imports_nothing() -> None:
    program = textwrap.dedent("""
        import builtins, datetime
        from mixpress import Encoder
        from mixpress.snapshot import snapshot
        event = {"event": "e", "properties": {
            "time": 1700000000, "distinct_id": "u", "$insert_id": "i",
            "tags": {1}, "when": datetime.datetime(2024, 1, 1)}}
        imported = []
        real = builtins.__import__
        def hook(name, *args, **keywords):
            imported.append(name)
            return real(name, *args, **keywords)
        builtins.__import__ = hook
        encoded = Encoder(compression=None).encode([event])
        builtins.__import__ = real
        assert b'"when":"2024-01-01T00:00:00"' in encoded.batches[0].body
        assert "datetime" not in imported, imported
    """)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)

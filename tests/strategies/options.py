"""Hypothesis strategies for options, with limits so small that events often fall on both sides of each."""

from __future__ import annotations

from hypothesis import strategies as st

from reference import RULES, Options

from .texts import SMALL_STRING

NOW = 1_700_000_000_000
formats = st.sampled_from([("import", "json"), ("import", "ndjson"), ("track", "json"), ("track", "form")])
small_limits = st.fixed_dictionaries(
    {},
    optional={
        "max_string": st.integers(SMALL_STRING, SMALL_STRING + 2),
        "truncate_unit": st.sampled_from(["chars", "bytes"]),
        "max_properties": st.integers(3, 6),
        "max_keys": st.integers(1, 3),
        "max_elements": st.integers(1, 3),
        "max_depth": st.integers(0, 3) | st.just(100),
        "max_event_bytes": st.integers(80, 300),
        "max_insert_id_bytes": st.integers(1, 4),
        "max_batch_events": st.integers(1, 3),
        "max_batch_bytes": st.integers(80, 500),
    },
)
actions = st.dictionaries(st.sampled_from(RULES), st.sampled_from(["reject", "warn", "warn", "off"]), max_size=4)
all_actions = st.fixed_dictionaries({rule: st.sampled_from(["warn", "off"]) for rule in RULES})


@st.composite
def options(draw: st.DrawFn) -> Options:
    endpoint, layout = draw(formats)
    return Options(
        endpoint=endpoint,
        format=layout,
        token=draw(st.sampled_from([None, "tok", "tok"])),
        profile=draw(st.sampled_from(["documented", "documented", "observed"])),
        limits=draw(st.just({"max_string": SMALL_STRING}) | small_limits),
        rules=draw(st.just({}) | actions | all_actions),
        now=NOW,
        identity=draw(st.sampled_from([None, None, "simplified", "original"])),
    )

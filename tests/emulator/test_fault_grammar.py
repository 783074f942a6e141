"""The grammar KIND[:DETAIL][:HOW-OFTEN]: how items are read, written and refused, and which requests they draw."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator import Fault, Faults
from mixpress.emulator.faults.fault import Rule
from mixpress.emulator.faults.grammar import parse_fault
from mixpress.emulator.faults.kinds import FORMS, LATENCY


def drawn(text: str, count: int) -> list[Fault]:
    return list(islice(Faults.parse(text).sequence(), count))


def names(text: str, count: int) -> list[str]:
    return [fault.name for fault in drawn(text, count)]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("429:10%", "429=0.1"),
        ("429:0.5%", "429=0.005"),
        ("429 : 10 %", "429=0.1"),
        ("429=10%", "429=0.1"),
        ("502:3", "502=3x"),
        ("502:3x", "502=3x"),
        ("429:3", "429=3x"),
        ("401", "401=1"),
        ("502:html:2", "502:html=2x"),
        ("slow:2:1", "slow:2=1x"),
        ("400:0+2:3", "400:0+2=3x"),
        ("400:0", "400:0=1"),
        ("413:100000:1", "413:100000=1x"),
        ("413:2MiB:20%", "413:2MiB=0.2"),
        ("429:3:2", "429:3=2x"),
        ("429:3s:100%", "429:3s=1"),
        ("latency:200ms±50:1", "latency:200ms±50=1x"),
    ],
)
def test_a_colon_and_an_equals_sign_mean_the_same(text: str, same: str) -> None:
    assert Faults.parse(text) == Faults.parse(same)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("429:10%,502:3", "429:10%,502:3,seed=0"),
        ("429 : 3s : 10 %; reset:3x", "429:3s:10 %,reset:3x,seed=0"),
        ("latency:200ms+-50;seed=7", "latency:200ms+-50,seed=7"),
        ("413:2MiB", "413:2MiB,seed=0"),
        ("429=0.00001", "429=1e-05,seed=0"),
    ],
)
def test_faults_are_written_as_they_were_given(text: str, written: str) -> None:
    assert str(Faults.parse(text)) == written
    assert Faults.parse(written) == Faults.parse(text)


DETAILS = {"SECONDS": "2.5s", "BYTES": "1.5MB", "POSITION+POSITION": "0+12", "TIME": "0.2s", "TIME±JITTER": "20ms±5"}


def examples(form: str) -> str:
    name, colon, detail = form.partition(":")
    return name + colon + DETAILS.get(detail, detail)


HOW = ["", ":3", ":4x", ":2%", "=0.01", "=5x", "=0.5%"]
ITEMS = st.builds(
    lambda forms, how: forms + how,
    st.sampled_from([examples(form) for form in FORMS if not form.startswith(LATENCY)]),
    st.sampled_from(HOW[1:]),
)


@given(st.lists(ITEMS, min_size=1, max_size=10), st.sampled_from(HOW), st.integers(-5, 10**9))
def test_what_is_written_is_read_back(items: list[str], how: str, seed: int) -> None:
    faults = Faults.parse(";".join([*items, f"latency:20ms±5{how}", f"seed={seed}"]))
    again = Faults.parse(str(faults))
    assert again == faults
    assert list(islice(again.sequence(), 50)) == list(islice(faults.sequence(), 50))


@given(st.text(st.sampled_from("0459:x%=.,;sm±+-xhtlreatnc "), max_size=20))
def test_any_text_is_read_or_refused_with_its_item(text: str) -> None:
    message = ""
    try:
        faults = Faults.parse(text)
    except ValueError as error:
        message = str(error)
    if message:
        assert re.match(r"fault '|'seed|the shares of", message)
    else:
        assert Faults.parse(str(faults)) == faults


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resett", "fault 'resett': unknown kind 'resett'; did you mean 'reset'? the kinds are 429, 429:SECONDS"),
        ("drop_reply:3", "did you mean 'drop-reply'?"),
        ("lateny:200ms", "did you mean 'latency'?"),
        ("4029:10%", "did you mean '429'?"),
        ("seed:7", "fault 'seed:7': a seed is written 'seed=7'"),
        (
            "429:0.1",
            "fault '429:0.1': a share after a colon is a percentage: write '429:10%' or '429=0.1', or '429:0.1s'",
        ),
        ("502:.25", "write '502:25%' or '502=.25'"),
        ("429=2", "got '2'; did you mean '429=2x'?"),
        (
            "502:0",
            "must be a share above 0% and up to 100%, such as 10%, or a count from 1, such as 3x, got '0'",
        ),
        ("502:101%", "got '101%'"),
        ("502:0%", "got '0%'"),
        ("502:-1", "got '-1'"),
        ("502:1.2.3%", "got '1.2.3%'"),
        ("502:3s", "must be 502 or 502:html, got '502:3s' (how often is a share, 502:10%, or a count, 502:3x)"),
        ("502:htlm", "did you mean 'html'?"),
        ("reset:soon", "this kind takes nothing after a colon, got 'soon' (how often is a share, 10%, or a count, 3x)"),
        ("latency:200", "latency needs a time with its unit, such as 200ms, 200ms±50 or 1.5s; did you mean '200ms'?"),
        ("latency", "latency needs a time with its unit"),
        ("latency:10ms±50", "the jitter after '±' must be at most the time before it, got '10ms±50'"),
        ("latency:10ms±", "must be a number of seconds from 0 to 3600"),
        ("slow:2h", "must be a number of seconds from 0 to 3600, got '2h'"),
        ("413:2M", "did you mean '413:2MiB'?"),
        ("413:1.5", "413 needs a size in bytes, such as 413:100000, or with a unit (kB, MB, KiB, MiB), as in 413:2MiB"),
        ("413:0MB", "413 needs a size"),
        (
            "429,503",
            "the shares of the faults must add up to at most 1, got 2 (an item without a share or a count applies",
        ),
        ("latency:1s,latency:2s", "the shares of the latencies must add up to at most 1, got 2"),
        ("faults.toml", "no file is read here"),
    ],
)
def test_an_error_names_the_item_what_is_allowed_and_a_correction(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Faults.parse(text)


@pytest.mark.parametrize("text", ["", " ", "429=1", "429,503", "429;503", "teapot", "502:3", "400"])
def test_a_single_fault_has_no_how_often(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"fault '{text}': ")):
        parse_fault(text)


@pytest.mark.parametrize(
    ("size", "number"),
    [
        ("2MiB", 2_097_152),
        ("2MB", 2_000_000),
        ("500kB", 500_000),
        ("1.5KiB", 1536),
        ("7", 7),
        ("7B", 7),
        ("2mb", 2_000_000),
    ],
)
def test_sizes_have_units(size: str, number: int) -> None:
    [rule] = Faults.parse(f"413:{size}").rules
    assert rule.fault.max_bytes == number
    assert rule.how == "larger"
    reply = parse_fault(f"413:{size}").reply
    assert reply is not None
    assert f"max limit of {number} bytes".encode() in reply.body


@pytest.mark.parametrize(
    ("text", "seconds", "jitter"),
    [
        ("latency:200ms±50", 0.2, 0.05),
        ("latency:200ms+-50ms", 0.2, 0.05),
        ("latency:2s±500ms", 2, 0.5),
        ("latency:1.5s±1", 1.5, 1),
        ("latency:30ms", 0.03, 0),
        ("slow:1500ms", 1.5, 0),
        ("slow:2", 2, 0),
    ],
)
def test_times_have_units(text: str, seconds: float, jitter: float) -> None:
    fault = parse_fault(text)
    assert [fault.delay, fault.jitter] == pytest.approx([seconds, jitter])


def test_without_how_often_every_request_fails() -> None:
    assert names("429:3s", 100) == ["429:3s"] * 100
    assert names("502:2,429", 4) == ["502", "502", "429", "429"]


def test_a_latency_is_seeded_uniform_and_beside_other_faults() -> None:
    text = "429:20%,502:1,latency:200ms±50,seed=3"
    some = drawn(text, 2000)
    assert some == drawn(text, 2000)
    assert [each.delay for each in some] != [each.delay for each in drawn(text.replace("seed=3", "seed=4"), 2000)]
    assert all(0.15 <= each.delay <= 0.25 and each.jitter == 0 for each in some)
    tenths = Counter(int((each.delay - 0.15) * 100) for each in some)
    assert len(tenths) == 10
    assert min(tenths.values()) > 120
    assert some[0].name == "502,latency:200ms±50"
    assert some[0].reply is not None
    assert {each.name for each in some[1:]} == {"429,latency:200ms±50", "latency:200ms±50"}


def test_a_latency_does_not_change_which_requests_fail() -> None:
    for how in ["", ":10%", ":3"]:
        beside = names(f"429:20%,503:10%,latency:1s{how},seed=5", 300)
        assert [name.partition(",latency")[0].replace("latency:1s", "") for name in beside] == names(
            "429:20%,503:10%,seed=5", 300
        )


def test_a_latency_has_a_count_or_a_share_like_other_faults() -> None:
    delays = [each.delay for each in drawn("latency:1s:2,latency:3s:50%,503", 1002)]
    assert delays[:2] == [1, 1]
    counted = Counter(delays[2:])
    assert set(counted) == {0, 3}
    assert 400 < counted[3] < 600


def test_the_lowest_limit_of_size_applies_besides_other_faults() -> None:
    assert [(each.name, each.max_bytes) for each in drawn("413:2MiB,413:1kB,502:1", 2)] == [("502", 1000), ("", 1000)]


def test_rules_made_in_python_are_written_and_read() -> None:
    faults = Faults((Rule(parse_fault("502:html"), share=0.25), Rule(parse_fault("429:3s"), count=2)), seed=1)
    assert str(faults) == "502:html=0.25,429:3s=2x,seed=1"
    assert Faults.parse(str(faults)) == faults
    assert [rule.how for rule in faults.rules] == ["25%", "2x"]


@pytest.mark.parametrize("text", ["413:{}", "latency:{}", "429:{}s", "502={}", "502={}%", "400:{}", "seed={}"])
def test_a_long_number_is_refused_before_it_is_matched(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    fullmatch = re.fullmatch

    def measured(pattern: str, subject: str, flags: int = 0) -> re.Match[str] | None:
        lengths.append(len(subject))
        return fullmatch(pattern, subject, flags) if len(subject) < 100 else None  # the square of it takes too long

    monkeypatch.setattr(re, "fullmatch", measured)
    with pytest.raises(ValueError, match=r"fault|seed"):
        Faults.parse(text.format("1" * 500_000 + "x"))
    assert max(lengths, default=0) < 100

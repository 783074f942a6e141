"""The work that a reply causes is linear in its length, whatever it contains; counted in characters, not in seconds."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mixpress import reply
from mixpress.auth import ServiceAccount
from mixpress.reply import Hide, Reply, Taken, TryLater, read_reply, without_tags
from mixpress.transport import MAX_REPLY_BYTES, Response

HOSTILE = [
    "<style", "<script", "<style>", "<script>x", "<style><script>", "</style>", "<style/", "<", ">", "<<>", "<a b=",
    "<style></script>", "<!--", "<style></styl>", "<style>a</style>", " ", "\n<", "&lt;", "<\u0130>", "\x00<",
]  # fmt: skip


class Counted:
    """A pattern that counts the characters it is asked to read: those of each match, and those of each failure."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self.read = 0

    def finditer(self, text: str) -> Any:
        """Read as the engine does: a `<` is read up to the next `<` or `>`, anything else once."""
        self.read += len(text)
        for start in (place.start() for place in re.finditer("<", text)):
            self.read += self.length_from(text, start)
        return self._pattern.finditer(text)

    def match(self, text: str) -> Any:
        self.read += len(text)
        return self._pattern.match(text)

    def length_from(self, text: str, start: int) -> int:
        """The longest prefix from `start` that the pattern without its closing `>` reads."""
        found = re.compile(self._pattern.pattern.removesuffix(">")).match(text, start)
        return len(found[0]) if found else 0


def work(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    tags, blocks = Counted(re.compile(r"<[^<>]*>")), Counted(reply._BLOCK)
    assert reply._TAG.pattern == tags._pattern.pattern
    with monkeypatch.context() as patch:
        patch.setattr(reply, "_TAG", tags)
        patch.setattr(reply, "_BLOCK", blocks)
        without_tags(text)
    return tags.read + blocks.read


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_removing_tags_reads_twice_the_text_with_twice_the_work(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    once, twice = (work(unit * count, monkeypatch) for count in (500, 1000))
    assert twice <= 2.5 * once


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
@pytest.mark.parametrize("status", [200, 400, 401, 413, 429, 500, 404])
def test_only_the_start_of_a_long_text_is_searched_for_tags(
    unit: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a reply of the largest size costs a few passes in C over its text, and a bounded number of steps in Python."""
    read: list[int] = []
    real = reply.without_tags

    def counted(text: str) -> str:
        read.append(len(text))
        return real(text)

    monkeypatch.setattr(reply, "without_tags", counted)
    text = unit * (MAX_REPLY_BYTES // 8 // len(unit))
    for body in (text.encode(), json.dumps({"error": text}).encode()):
        read.clear()
        read_reply(Response(status, {"location": text[:60_000], "retry-after": text[:60_000]}, body), 3)
        assert max(read) <= 1 << 14
        assert len(read) <= 3


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<b>502</b> Bad", " 502  Bad"),
        ("a<style>b {}</style>c", "a c"),
        ("a<STYLE x='1'>b</Style >c", "a c"),
        ("a<script>if (x<y) {}</script>c", "a c"),
        ("a<script><style></script>c", "a c"),
        ("<style>never closed", " never closed"),
        ("</style>never opened", " never opened"),
        ("a < b", "a < b"),
        ("<stylesheet>a", " a"),
        ("", ""),
    ],
)
def test_a_tag_becomes_a_space_and_a_closed_style_or_script_is_left_out(html: str, text: str) -> None:
    assert " ".join(without_tags(html).split()) == " ".join(text.split())


LATER = ["9" * 60_000, "Wed, " * 12_000, "(" * 60_000, " " * 60_000, "Wed, 1 Jan " + "1" * 4000, " ", "(", "Wed,"]


@pytest.mark.parametrize("value", LATER, ids=range(len(LATER)))
def test_a_long_or_broken_retry_after_is_ignored(value: str) -> None:
    found = read_reply(Response(429, {"retry-after": value}, b""), 3)
    assert found == TryLater("429 Too Many Requests: (no text)", None, not_taken=True)


@pytest.mark.parametrize("before", [0, 100, (1 << 14) - 4, (1 << 14) - 3, (1 << 14) - 8])
@pytest.mark.parametrize("status", [400, 500, 401, 404])
def test_no_part_of_a_credential_is_quoted_where_a_text_is_cut(before: int, status: int) -> None:
    auth = ServiceAccount("user", "topsecret", project_id="1")
    for padding in (" " * before, f"<style>{'x' * max(0, before - 15)}</style>"):
        found: Reply = read_reply(Response(status, {}, f"{padding}topsecret".encode()), 1, hide=auth.hide)
        assert "tops" not in repr(found)


def test_many_failed_records_are_read_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = reply._quote

    def counted(text: str, hide: Hide) -> str:
        calls.append(text)
        return real(text, hide)

    monkeypatch.setattr(reply, "_quote", counted)
    for count in (1000, 2000):
        calls.clear()
        body = json.dumps({"error": "e", "failed_records": ["<style" * 10] * count}).encode()
        found = read_reply(Response(400, {}, body), 3)
        assert isinstance(found, Taken)
        assert len(calls) == 3  # the message, the cause, and the first record that names no event

"""gzip and zstd are recognised by content, of one member or several; what comes before damage is read."""

from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from files.reading import good, read, write
from mixpress.files.formats import OtherFormat
from mixpress.files.unpack import Damaged, Unpacked

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SKIPPABLE = b"\x5a\x2a\x4d\x18\x04\0\0\0nope"
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}


@pytest.fixture(params=["isal", "zlib", "zstd"])
def packing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a file is packed, and for gzip the library that unpacks it."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    return "zstd" if request.param == "zstd" else "gzip"


class Bytes:
    """Bytes that come so many at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content = content
        self._size = size

    def read(self, size: int) -> bytes:
        size = min(size, self._size)
        data, self._content = self._content[:size], self._content[size:]
        return data

    def ready(self, _seconds: float) -> bool:
        return True


def unpacked_parts(content: bytes, packing: Any, size: int = 1 << 20, out: int = 1 << 20) -> Iterator[bytes]:
    stream = Unpacked(Bytes(content, size), packing)
    while data := stream.read(out):
        assert len(data) <= out
        yield data
    assert stream.read(1) == b""


def unpacked(content: bytes, packing: Any, size: int = 1 << 20, out: int = 1 << 20) -> bytes:
    return b"".join(unpacked_parts(content, packing, size, out))


TEXT = random.Random(5).randbytes(400_000).hex().encode()


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("out", [1000, 1 << 20])
def test_members_of_any_size_are_unpacked(packing: str, size: int, out: int) -> None:
    pack, text = PACK[packing], TEXT[: 200 * size]
    parts = [text, b"", text[: len(text) // 2], b"x"]
    packed = b"".join(map(pack, parts))
    assert unpacked(packed, packing, size, out) == b"".join(parts)


def test_zeros_after_the_last_member_are_no_damage() -> None:
    packed = gzip.compress(b"a")
    assert unpacked(packed + bytes(100_000), "gzip") == b"a"
    assert unpacked(packed + bytes(700) + packed + bytes(3), "gzip", 5) == b"aa"


def test_a_skippable_frame_is_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a", SKIPPABLE + zstd.compress(good(1)) + SKIPPABLE)
    assert len(read(path).originals) == 1


def test_a_stream_that_ends_early_is_truncated(packing: str) -> None:
    packed = PACK[packing](TEXT)
    for size in (5, len(packed) // 2, len(packed) - 1):
        found: list[bytes] = []
        with pytest.raises(EOFError, match="truncated"):
            found += unpacked_parts(packed[:size], packing, 1000)
        assert TEXT.startswith(b"".join(found))
        assert size < 10 or len(b"".join(found)) > len(TEXT) // 3


@pytest.mark.parametrize("after", [b"this is no member", b"\x1f", b"x"])
def test_other_bytes_after_a_member_are_damage(packing: str, after: bytes) -> None:
    found: list[bytes] = []
    with pytest.raises(Damaged, match=f"what follows is not {packing}"):
        found += unpacked_parts(PACK[packing](TEXT) + after, packing, 1000)
    assert b"".join(found) == TEXT


def test_many_small_members_take_linear_work(packing: str) -> None:
    packed = PACK[packing](b"a")
    count = 3000
    assert unpacked(packed * count, packing) == b"a" * count


@pytest.mark.parametrize("name", ["a.ndjson", "a.gz", "a.zst"])
def test_a_packed_file_is_recognised_by_its_content(packing: str, name: str, tmp_path: Path) -> None:
    lines = b"".join(good(number) + b"\n" for number in range(2000))
    pack = PACK[packing]
    packed = pack(lines[:50_000]) + pack(lines[50_000:])
    found = read(write(tmp_path / name, packed))
    assert len(found.originals) == 2000
    assert not found.rejected
    assert found.places[-1].line == 2000
    assert found.ends[-1] == len(lines)
    assert len(read(write(tmp_path / name, lines)).originals) == 2000


@pytest.mark.parametrize("damage", ["cut", "flipped", "trailing"])
def test_what_comes_before_the_damage_is_read(packing: str, damage: str, tmp_path: Path) -> None:
    content = b"".join(good(number) + b"\n" for number in random.Random(1).choices(range(10**9), k=20_000))
    packed = bytearray(PACK[packing](content) if packing == "gzip" else with_checksum(content))
    if damage == "cut":
        del packed[len(packed) // 2 :]
    elif damage == "flipped":
        packed[-2 if packing == "zstd" else -6] ^= 255
    else:
        packed += b"this is something else"
    path, other = write(tmp_path / "a", bytes(packed)), write(tmp_path / "b", good(7))
    found = read(path, other)
    count = len(found.originals) - 1
    assert count > 8_000
    assert found.originals[-1]["properties"]["$insert_id"] == "i7"
    [message] = found.damaged
    assert message.startswith(f"cannot read {path} after line {count:,}: ")
    assert {"cut": "truncated", "flipped": "damaged", "trailing": f"what follows is not {packing}"}[damage] in message
    assert str(found.places[-1]) == f"{other}:1"


def with_checksum(content: bytes) -> bytes:
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


def test_a_file_that_is_damaged_at_its_start_is_named(packing: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a", PACK[packing](good(1))[:9])
    [message] = read(path).damaged
    assert message.startswith(f"cannot read {path} from its first record on: ")


def test_zstd_without_a_library_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "compression" if sys.version_info >= (3, 14) else "backports", None)
    with pytest.raises(OtherFormat) as caught:
        read(write(tmp_path / "a", zstd.compress(good(1))))
    assert "zstd needs: pip install 'mixpress[cli]'" in str(caught.value)


def test_the_reasons_of_zlib_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    packed = bytearray(gzip.compress(good(1) * 1000))
    packed[12] ^= 255
    with pytest.raises(zlib.error):
        zlib.decompress(packed, 31)
    [message] = read(write(tmp_path / "a", bytes(packed))).damaged
    assert "Error -3 while decompressing data" in message

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress import AsyncClient, ProjectToken
from mixpress.compat.forward import Forwarder
from mixpress.files.vendors.values import country, identity, insert_id, milliseconds, person

MOMENT = datetime(2024, 2, 29, 12, 30, 0, 123000, tzinfo=timezone.utc)
IN_MS = 1709209800123


@pytest.mark.parametrize(
    "given",
    [
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))),
        MOMENT.isoformat(),
        "2024-02-29T12:30:00.123Z",
        "2024-02-29T12:30:00.123456789Z",
        "2024-02-29T13:30:00.123+01:00",
        "2024-02-29 12:30:00.123000",
        IN_MS,
    ],
)
def test_a_time_becomes_milliseconds_and_is_utc_without_a_zone(given: object) -> None:
    assert milliseconds(given) == IN_MS


def test_a_naive_time_of_just_now_is_local() -> None:
    before = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    found = milliseconds(datetime.now())
    assert isinstance(found, int)
    assert before.timestamp() * 1000 <= found <= datetime.now(timezone.utc).timestamp() * 1000


@pytest.mark.parametrize("given", ["yesterday", "", None, 12.5, ["2024"]])
def test_what_is_not_a_time_is_left_to_the_rules(given: object) -> None:
    assert milliseconds(given) == given


@given(st.integers(min_value=31_536_000_000, max_value=4_000_000_000_000))
def test_milliseconds_are_exact(moment: int) -> None:
    aware = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=moment)
    assert milliseconds(aware) == milliseconds(aware.isoformat()) == moment


@given(st.text(min_size=1))
def test_any_message_id_becomes_a_valid_insert_id(text: str) -> None:
    found = insert_id(text)
    assert found is not None
    assert re.fullmatch("[A-Za-z0-9-]{1,36}", found)
    assert found in (text, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:36])


def test_a_valid_id_stays_and_another_is_hashed() -> None:
    uuid = UUID("5d958f87-16be-4a0e-8f5c-3a3c5ed6f6ab")
    assert insert_id(uuid) == str(uuid)
    assert insert_id("order/12") == hashlib.sha256(b"order/12").hexdigest()[:36]
    assert insert_id("a" * 37) == hashlib.sha256(b"a" * 37).hexdigest()[:36]
    assert insert_id(None) is insert_id("") is None


@pytest.mark.parametrize(
    ("user", "device", "ids"),
    [
        ("u", None, {"$user_id": "u", "distinct_id": "u"}),
        (None, "d", {"$device_id": "d", "distinct_id": "$device:d"}),
        ("u", "d", {"$device_id": "d", "$user_id": "u", "distinct_id": "u"}),
        (12, "", {"$user_id": "12", "distinct_id": "12"}),
        (0, None, {"$user_id": "0", "distinct_id": "0"}),
        (UUID(int=1), None, {"$user_id": str(UUID(int=1)), "distinct_id": str(UUID(int=1))}),
        (None, None, {}),
    ],
)
def test_a_user_id_takes_precedence_over_a_device_id(user: object, device: object, ids: dict[str, Any]) -> None:
    assert identity(user, device) == ids


def test_a_country_code_is_mapped_and_a_name_is_kept() -> None:
    assert country("DE") == {"mp_country_code": "DE"}
    assert country("Germany") == {"country": "Germany"}
    assert country(None) == {}


def test_properties_of_a_person_get_the_names_of_mixpanel() -> None:
    traits = {"email": "a@b.c", "firstName": "A", "last_name": "B", "createdAt": "2024", "plan": "pro"}
    assert person(traits) == {
        "$email": "a@b.c",
        "$first_name": "A",
        "$last_name": "B",
        "$created": "2024",
        "plan": "pro",
    }
    assert person(None) == {}


@pytest.mark.parametrize("given", ["a-well-kept-secret", AsyncClient(ProjectToken("a-well-kept-secret"))])
def test_what_is_not_a_client_is_refused_and_not_shown(given: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a mixpress\.Client") as caught:
        Forwarder(given, None)
    assert "secret" not in str(caught.value)

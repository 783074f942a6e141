"""Updates of profiles: what is filled in, the limits at their edges, and what is written, from every source."""

from __future__ import annotations

import copy
import gzip
import json
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest

import mixpress
from mixpress import Encoder, Limits

SET: dict[str, Any] = {"$distinct_id": "u", "$set": {"a": 1}}
OF_GROUP: dict[str, Any] = {"$group_id": "g", "$set": {"a": 1}}


def written(encoder: Encoder, *updates: Any) -> list[str]:
    (batch,) = encoder.encode(updates).batches
    return [update.decode() for update in batch.events()]


def rejected(update: Any, **named: Any) -> list[tuple[str, str]]:
    encoder = Encoder(**{"endpoint": "engage", "token": "t", "explain": True, **named})
    return [
        (found.field, found.rule) for rejection in encoder.encode([update]).rejected for found in rejection.findings
    ]


# --- what is filled in ---


def test_an_update_of_a_user_gets_token_ip_and_ignore_time_at_its_end() -> None:
    [update] = written(Encoder("engage", token="t"), SET)
    assert update == '{"$distinct_id":"u","$set":{"a":1},"$token":"t","$ip":"0","$ignore_time":true}'


def test_what_an_update_has_is_kept() -> None:
    own = {"$token": "own", "$ip": "1.2.3.4", "$ignore_time": False, **SET}
    assert written(Encoder("engage", token="t"), own) == [
        '{"$token":"own","$ip":"1.2.3.4","$ignore_time":false,"$distinct_id":"u","$set":{"a":1}}'
    ]


def test_an_update_with_its_own_members_leaves_the_next_one_what_is_filled_in() -> None:
    own = {"$token": "own", "$group_key": "own", **OF_GROUP}
    first, second = written(Encoder("groups", token="t", group_key="company"), own, OF_GROUP)
    assert first == '{"$token":"own","$group_key":"own","$group_id":"g","$set":{"a":1}}'
    assert second == '{"$group_id":"g","$set":{"a":1},"$token":"t","$group_key":"company"}'


@pytest.mark.parametrize(
    ("named", "filled"),
    [
        ({"ip": True}, ',"$ignore_time":true'),
        ({"ignore_time": False}, ',"$ip":"0"'),
        ({"ip": True, "ignore_time": False}, ""),
        ({"ip": False, "ignore_time": True}, ',"$ip":"0","$ignore_time":true'),
    ],
)
def test_location_and_last_seen_are_left_unless_told_otherwise(named: dict[str, Any], filled: str) -> None:
    [update] = written(Encoder("engage", **named), {"$token": "t", **SET})
    assert update == '{"$token":"t","$distinct_id":"u","$set":{"a":1}' + filled + "}"


def test_the_input_is_not_changed() -> None:
    updates = [SET, OF_GROUP, {"$distinct_id": "u", "$unset": ["a" * 300]}]
    before = copy.deepcopy(updates)
    for endpoint in ("engage", "groups"):
        Encoder(endpoint, token="t").encode(updates)
    assert updates == before


def test_attributes_tell_the_settings() -> None:
    users, groups, events = Encoder("engage", ip=True), Encoder("groups", group_key="k"), Encoder(identity="original")
    assert (users.ip, users.ignore_time, users.group_key, users.identity) == (True, True, None, None)
    assert (groups.ip, groups.ignore_time, groups.group_key, groups.compression) == (None, None, "k", None)
    assert (events.ip, events.identity, events.compression) == (None, "original", "gzip")


# --- bodies ---


def test_updates_are_not_compressed_unless_told() -> None:
    (plain,) = Encoder("engage", token="t").encode([SET]).batches
    (packed,) = Encoder("engage", token="t", compression="gzip").encode([SET]).batches
    assert plain.headers == {"Content-Type": "application/json"}
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.endpoint == "engage"


def test_a_form_has_the_updates_in_its_data() -> None:
    (batch,) = Encoder("groups", token="t", group_key="k", format="form").encode([OF_GROUP]).batches
    assert json.loads(unquote(batch.body.decode().removeprefix("data=")))[0]["$group_key"] == "k"


def test_a_request_has_at_most_2000_updates() -> None:
    batches = Encoder("engage", token="t").encode([SET] * 2001).batches
    assert [len(batch) for batch in batches] == [2000, 1]


def test_a_builder_takes_updates() -> None:
    builder = Encoder("engage", token="t").builder()
    assert builder.add(SET) is None
    rejection = builder.add({"$distinct_id": "u"})
    assert rejection is not None
    assert rejection.rule == "operation-missing"
    batch = builder.finish()
    assert batch is not None
    assert batch.count == 1


# --- limits ---


@pytest.mark.parametrize("operation", ["$set", "$set_once", "$append", "$remove"])
def test_an_operation_names_at_most_2000_properties(operation: str) -> None:
    of = {count: {"$distinct_id": "u", operation: {str(at): at for at in range(count)}} for count in (2000, 2001)}
    assert rejected(of[2000]) == []
    assert rejected(of[2001]) == [(operation, "too-many-profile-properties")]


def test_unset_names_at_most_2000_properties() -> None:
    assert rejected({"$distinct_id": "u", "$unset": ["a"] * 2000}) == []
    assert rejected({"$distinct_id": "u", "$unset": ["a"] * 2001}) == [("$unset", "too-many-profile-properties")]


@pytest.mark.parametrize("operation", ["$set", "$union", "$append"])
def test_a_list_has_at_most_262144_bytes_as_written(operation: str) -> None:
    """Brackets, and for each text its quotes, and a comma between two."""
    fits = ["x" * 253] * 1023 + ["x" * (262_144 - 2 - 1023 * 256 - 2)]
    assert len(json.dumps(fits, separators=(",", ":"))) == 262_144
    assert rejected({"$distinct_id": "u", operation: {"a": fits}}) == []
    fits[-1] += "x"
    assert rejected({"$distinct_id": "u", operation: {"a": fits}}) == [(f"{operation}.a", "value-too-large")]


def test_a_list_of_a_profile_is_limited_in_bytes_and_not_in_elements() -> None:
    update = {"$distinct_id": "u", "$union": {"a": list(range(1000))}, "$token": "t"}
    assert rejected(update) == []
    counted = Limits(rules={"too-many-elements": "reject"})
    assert rejected(update, limits=counted) == [("$union.a", "too-many-elements")]


def test_an_update_has_less_than_a_megabyte() -> None:
    update = {"$distinct_id": "u", "$set": {str(at): "x" * 255 for at in range(1999)} | {"l": ["x" * 255] * 1000}}
    assert rejected(update) == []
    update["$set"] = {f"{at}{'-' * 240}": "x" * 255 for at in range(2000)}
    assert rejected(update) == [("", "event-too-large")]


def test_depth_and_keys_of_a_value_are_limited() -> None:
    deep: Any = {"a": {"b": {"c": 1}}}
    assert rejected({"$distinct_id": "u", "$set": deep}) == []
    assert rejected({"$distinct_id": "u", "$set": {"x": {"y": deep}}}) == [("$set.x.y.a.b", "too-deep")]
    wide = {str(at): at for at in range(255)}
    assert rejected({"$distinct_id": "u", "$append": {"a": wide}}) == [("$append.a", "too-many-keys")]


def test_names_and_texts_are_cut_to_255_characters() -> None:
    update = {"$distinct_id": "u", "$set": {"k" * 256: "v" * 256}}
    encoded = Encoder("engage", token="t").encode([update, {"$distinct_id": "u", "$unset": ["k" * 256]}])
    first, second = (json.loads(update) for update in encoded.batches[0].events())
    assert first["$set"] == {"k" * 255: "v" * 255}
    assert second["$unset"] == ["k" * 255]
    assert [cut.index for cut in encoded.truncated] == [0, 0, 1]
    assert [warning.rule for warning in encoded.warnings] == ["key-truncated"]


# --- rules ---


def test_a_rule_of_updates_does_not_apply_to_events() -> None:
    event = {"event": "e", "properties": {"time": 1, "$set": 5, "$add": {"a": "b"}, "$unset": "a"}}
    (rejection,) = Encoder(explain=True).encode([event]).rejected
    of = {rule.id: rule.endpoints for rule in mixpress.rules()}
    assert all("import" in of[found.rule] for found in rejection.findings)


def test_a_number_is_sent_as_group_id_if_the_rule_is_off() -> None:
    update = {"$group_id": 5, "$set": {}}
    named: dict[str, Any] = {"endpoint": "groups", "group_key": "k"}
    assert rejected(update, **named) == [("$group_id", "group-id-type")]
    [sent] = written(Encoder(token="t", limits=Limits(rules={"group-id-type": "off"}), **named), update)
    assert json.loads(sent)["$group_id"] == 5


def test_elements_of_unset_that_only_warn_are_written_whole() -> None:
    limits = Limits(rules={"unset-not-a-name": "warn"})
    update = {"$distinct_id": "u", "$unset": ["a", 1, None, {"b": [1]}, [True, 1.5], "c"], "$token": "t"}
    encoded = Encoder("engage", limits=limits, ip=True, ignore_time=False).encode([update])
    assert json.loads(encoded.batches[0].body) == [update]
    assert [warning.field for warning in encoded.warnings] == [f"$unset[{at}]" for at in (1, 2, 3, 4)]


# --- tables ---


def test_a_row_of_a_table_is_an_update() -> None:
    table = pa.table(
        {
            "user": ["u-1", "u-2"],
            "$set": pa.array(
                [{"plan": "pro", "seats": None}, None], pa.struct({"plan": pa.string(), "seats": pa.int64()})
            ),
            "$unset": [None, ["plan"]],
        }
    )
    encoder = Encoder("engage", token="t", ip=True, ignore_time=False)
    (batch,) = encoder.encode_arrow(table, columns={"$distinct_id": "user"}).batches
    assert batch.events() == [
        b'{"$distinct_id":"u-1","$set":{"plan":"pro"},"$token":"t"}',
        b'{"$distinct_id":"u-2","$unset":["plan"],"$token":"t"}',
    ]


def test_a_table_of_updates_has_no_event_names() -> None:
    table = pa.table({"$distinct_id": ["u"]})
    with pytest.raises(ValueError, match='event needs endpoint="import" or "track": an update has no name'):
        Encoder("engage").encode_arrow(table, event="e")
    with pytest.raises(ValueError, match='columns names "time", and can name "\\$token", "\\$distinct_id"'):
        Encoder("engage").encode_arrow(table, columns={"time": "$distinct_id"})


def test_a_token_is_in_no_repr() -> None:
    encoder = Encoder("engage", token="a-secret-token")
    assert "a-secret-token" not in repr(encoder) + repr(encoder.encode([SET])) + repr(encoder.encode([SET]).batches)

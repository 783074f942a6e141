"""Events that join the ids of one user: `$create_alias`, `$merge` and `$identify`.

They are for projects with the original identity management. A project with the simplified one refuses every batch that
has one of them ("identity events are not allowed when project is using simplified identity management"), so a client
that knows this does not send them, and another one sends the other events again (`send/identity.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mixpress.queues.event import new_insert_id

if TYPE_CHECKING:
    from mixpress.client.options import Options


def alias_event(options: Options, now: float, distinct_id: str, alias: str) -> dict[str, Any]:
    """Return the event that makes `alias` another id of `distinct_id`. `now` is in seconds since 1970."""
    _check(options, "$create_alias")
    return _event(now, "$create_alias", {"distinct_id": distinct_id, "alias": alias})


def identify_event(options: Options, now: float, identified_id: str, anon_id: str) -> dict[str, Any]:
    """Return the event that joins the id of an anonymous user to the id that it has after the login."""
    _check(options, "$identify")
    ids = {"distinct_id": identified_id, "$identified_id": identified_id, "$anon_id": anon_id}
    return _event(now, "$identify", ids)


def merge_event(options: Options, now: float, one_id: str, other_id: str) -> dict[str, Any]:
    """Return the event that joins two ids. `ValueError` for a client of /track: only /import takes it."""
    _check(options, "$merge")
    if options.encoder.endpoint != "import":
        raise ValueError("$merge is accepted by /import alone; make a Client(endpoint='import') for it")
    return _event(now, "$merge", {"distinct_id": one_id, "$distinct_ids": [one_id, other_id]})


def _check(options: Options, name: str) -> None:
    if options.encoder.identity == "simplified":
        raise ValueError(
            f"{name} is an event of the original identity management, and this client has identity='simplified': "
            "send events with both $device_id and $user_id instead, which joins the two ids"
        )


def _event(now: float, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"event": name, "properties": {"time": int(now * 1000), "$insert_id": new_insert_id(), **properties}}

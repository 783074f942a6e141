"""AsyncClient: updates of profiles and identity events with `await`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from client.test_profiles import OF_GROUPS, OPERATIONS, TOKEN
from mixpress import AsyncClient, Mapping, QueueFull
from mixpress.emulator import Emulator
from support.clients import ACCOUNT
from support.profile_server import ProfileServer, updates_of
from support.replies import answer
from support.server import FakeServer


def client(server: Any, **settings: Any) -> AsyncClient:
    where = {"base_url": server.url} if isinstance(server, Emulator) else {"transport": server, "region": "eu"}
    return AsyncClient(ACCOUNT, token=TOKEN, **{"linger": 1e9} | where | settings)


def test_each_operation_sends_what_that_of_the_client_sends() -> None:
    server, groups = ProfileServer(), FakeServer(answer(200, "1"))

    async def main() -> None:
        async with client(server) as made:
            for call, _, _ in OPERATIONS.values():
                assert await call(made.profiles) is None  # type: ignore[misc]
            assert (await made.flush()).imported == len(OPERATIONS)
        async with client(groups) as made:
            for of_group, _ in OF_GROUPS.values():
                assert await of_group(made.groups("company")) is None  # type: ignore[misc]
            assert (await made.flush()).imported == len(OF_GROUPS)

    asyncio.run(main())
    sent = [update for request in server.requests for update in updates_of(request)]
    assert [{**update, **member} for update, (_, member, _) in zip(sent, OPERATIONS.values(), strict=True)] == sent
    [request] = groups.requests
    members = [member for _, member in OF_GROUPS.values()]
    assert [{**update, **member} for update, member in zip(updates_of(request), members, strict=True)] == (
        updates_of(request)
    )


def test_profiles_and_groups_are_imported_from_any_iterable() -> None:
    async def updates() -> AsyncIterator[dict[str, Any]]:
        for number in range(1200):
            yield {"$distinct_id": f"u{number % 100}", "$add": {"n": 1}}

    async def main() -> None:
        with Emulator() as server:
            async with client(server) as made:
                report = await made.import_profiles(updates())
                assert (report.total, report.imported) == (1200, 1200)
                one = {"$group_key": "company", "$group_id": "g", "$set": {"a": 1}}
                assert (await made.import_groups([one])).imported == 1
            assert server.profile("u7") == {"n": 12}
            assert server.group("company", "g") == {"a": 1}

    asyncio.run(main())


def test_identity_events_are_tracked() -> None:
    async def main() -> None:
        with Emulator() as server:
            async with client(server) as made:
                await made.alias("user-1", "old-1")
                await made.identify("user-1", "anon-1")
                await made.merge("user-1", "user-2")
                assert (await made.flush()).imported == 3
        async with client(FakeServer(), identity="simplified") as made:
            with pytest.raises(ValueError, match="identity='simplified'"):
                await made.alias("user-1", "old-1")

    asyncio.run(main())


def test_a_full_queue_of_updates_is_waited_for_apart_from_that_of_events() -> None:
    server = FakeServer(answer(200, "1"))

    async def main() -> None:
        async with client(server, queue_size=1, on_full="block", block_timeout=20) as made:
            for number in range(3):
                await made.profiles.set("u", {"n": number})
                await made.track("A", "u", {})
            assert (await made.flush()).imported == 6
        async with client(server, queue_size=1, on_full="raise") as made:
            await made.profiles.set("u", {"n": 1})
            await made.track("A", "u", {})
            with pytest.raises(QueueFull):
                await made.profiles.set("u", {"n": 2})

    asyncio.run(main())


def test_files_and_tables_become_updates_by_a_mapping(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    (tmp_path / "a").write_text('{"id": "u", "plan": "pro"}\n')
    users, companies = Mapping(profiles=True, distinct_id_column="id"), Mapping(groups="company")

    async def main(server: Emulator) -> None:
        async with client(server) as made:
            assert (await made.import_files(tmp_path / "a", mapping=users)).imported == 1
            table = pyarrow.table({"group_id": ["acme"], "seats": [3]})
            assert (await made.import_table(table, mapping=companies)).imported == 1

    with Emulator() as server:
        asyncio.run(main(server))
        assert server.profile("u") == {"plan": "pro"}
        assert server.group("company", "acme") == {"seats": 3}

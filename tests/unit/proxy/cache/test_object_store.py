"""What the store of responses does beside its contract: denied from memory, one twin in another's place, worth."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.cache.body_checks import checks_of_bytes
from proxy.cache.object_index import Row
from proxy.cache.object_store import ObjectStore
from proxy.cache.stored import StoredResponse, address_key
from proxy.cache.worth import refetch_s, worth
from tests.clocks import HandClock
from tests.media_desk import START

BODY = b"body" * 1000
URL = "http://lms.test/a"


async def a_store(folder: Path, clock: HandClock, **more: object) -> ObjectStore:
    store = ObjectStore(folder, clock=clock, **{"max_bytes": 10**8, **more})  # type: ignore[arg-type]
    await store.open()
    return store


async def kept(
    store: ObjectStore, clock: HandClock, url: str = URL, body: bytes = BODY, **more: object
) -> StoredResponse:
    """A response, stored."""
    name = store.files.new_name()
    file = store.files.create(name)
    store.files.write(file, 0, body)
    store.files.publish(name)
    now = clock.now().timestamp()
    row = Row(
        key=address_key(url, frozenset()),
        twin=b"",
        whose="shared",
        origin="lms",
        url=url,
        file=name,
        length=len(body),
        checks=checks_of_bytes(body),
        disk_bytes=len(body),
        cost_s=1.0,
        came=now,
        used=now,
    )
    stored = await store.put(replace(row, **more))  # type: ignore[arg-type]
    assert stored is not None
    return stored


async def test_what_isnt_stored_is_denied_from_memory_once_the_keys_are_known(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = await a_store(tmp_path, clock)
    await kept(store, clock)
    there, elsewhere = address_key(URL, frozenset()), address_key(URL + "b", frozenset())
    assert store.find_hot(elsewhere) is None, "not known yet: the disk must be asked"
    await store.learn_keys()
    assert store.find_hot(elsewhere) == ()
    assert len(await store.find(there)) == 1
    await kept(store, clock, URL + "b")
    assert len(await store.find(elsewhere)) == 1, "what came later is known, too"
    await store.close()


async def test_the_same_twin_is_replaced_and_its_file_goes(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = await a_store(tmp_path, clock)
    old = await kept(store, clock)
    new = await kept(store, clock, body=b"new")
    assert [one.row.id for one in await store.find(old.row.key)] == [new.row.id]
    assert not store.files.path(old.row.file).exists()
    assert (store.stats().objects, store.stats().disk_bytes) == (1, 3)
    await store.close()


async def test_an_address_has_at_most_sixteen_variants(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = await a_store(tmp_path, clock)
    for number in range(20):
        clock.moves(1)
        await kept(store, clock, twin=bytes([number]))
    twins = {one.row.twin[0] for one in await store.find(address_key(URL, frozenset()))}
    assert twins == set(range(4, 20))
    await store.close()


async def test_what_has_outlived_its_time_is_neither_found_nor_kept(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = await a_store(tmp_path, clock)
    one = await kept(store, clock, expires=clock.now().timestamp() + 10)
    clock.moves(11)
    assert await store.find(one.row.key) == ()
    await store.sweep()
    assert not store.files.path(one.row.file).exists()
    await store.close()


async def test_what_is_being_read_is_read_to_its_end_though_it_is_dropped(tmp_path: Path) -> None:
    clock = HandClock(START)
    store = await a_store(tmp_path, clock)
    body = bytes(200_000)
    one = await kept(store, clock, body=body)
    reader = await store.reader(one)
    assert reader is not None
    await store.purge()
    assert await reader.read(150_000, 10**6) == body[150_000:196_608]
    reader.close()
    await store.close()


def test_a_byte_of_a_small_thing_is_dearer_than_one_of_a_large_thing() -> None:
    """Asking at all costs a round trip, however small the answer."""
    per_byte = [
        worth(0.0, uses=1, cost_s=refetch_s(size, link_bps=256_000, price=Decimal(0)), disk_bytes=size)
        for size in (1_000, 100_000, 10_000_000)
    ]
    assert per_byte == sorted(per_byte, reverse=True)


def test_a_slow_or_dear_link_makes_things_worth_more() -> None:
    fast = refetch_s(10**6, link_bps=10_000_000, price=Decimal(0))
    slow = refetch_s(10**6, link_bps=256_000, price=Decimal(0))
    dear = refetch_s(10**6, link_bps=256_000, price=Decimal("0.40"))
    assert fast < slow < dear
    assert dear - slow == pytest.approx(1.001 * 0.40 * 60)


def test_what_is_used_often_outlives_what_isnt_until_the_store_has_grown_older() -> None:
    often, once = (worth(0.0, uses=uses, cost_s=1.0, disk_bytes=1000) for uses in (5, 1))
    assert often > once
    assert worth(often * 2, uses=1, cost_s=1.0, disk_bytes=1000) > often

"""The store in memory keeps the contract that the Postgres store keeps."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.domain.money import Size
from bottrader.domain.strategy import freeze_parameters
from tests.fixtures.facts import BTC, at, make_unmatched
from tests.fixtures.store_contract import StoreContract

pytestmark = pytest.mark.component("trade_recorder")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


class TestMemoryStore(StoreContract):
    """The contract on the twin in memory."""


async def test_a_to_b_to_a_gives_three_activations_of_two_contents(store: MemoryStore) -> None:
    """B278"""
    fast, slow = (freeze_parameters("momentum", {"period": period}) for period in (5, 7))
    for seconds, snapshot in enumerate((fast, fast, slow, slow, fast)):
        await store.activate_snapshot(snapshot, "sighook", at(seconds))
    periods = [(period.content_hash, period.since, period.until) for period in store.activations]
    assert periods == [
        (fast.content_hash, at(0), at(2)),
        (slow.content_hash, at(2), at(4)),
        (fast.content_hash, at(4), None),
    ]
    assert set(store.snapshots) == {fast.content_hash, slow.content_hash}


async def test_each_role_has_an_open_activation_of_its_own(store: MemoryStore) -> None:
    """R80"""
    fast, slow = (freeze_parameters("momentum", {"period": period}) for period in (5, 7))
    for role, snapshot in (("sighook", fast), ("webhook", slow), ("sighook", slow)):
        await store.activate_snapshot(snapshot, role, at(0))
    still_open = {period.role: period.content_hash for period in store.activations if period.until is None}
    assert still_open == {"sighook": slow.content_hash, "webhook": slow.content_hash}


async def test_an_unmatched_sell_is_queued_once(store: MemoryStore) -> None:
    for seconds in (900, 901):
        await store.replace_allocations(BTC, [make_unmatched()], at(seconds))
    (item,) = await store.review_items()
    assert (item.subject, item.created_at) == ("sell-9/sell-9-fill", at(900))


async def test_nobody_is_asked_about_dust(store: MemoryStore) -> None:
    """R82: less than 0.00001 BTC was sold beyond what was held."""
    dust = replace(make_unmatched(), size=Size(Decimal("0.00000999")))
    await store.replace_allocations(BTC, [dust], at(900))
    assert (list(await store.allocations()), list(await store.review_items())) == ([dust], [])

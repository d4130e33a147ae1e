"""The table of pairs, from the books of a store."""

from datetime import timedelta

from bottrader.adapters.memory.store import MemoryStore
from bottrader.app.survey_symbols import survey_symbols
from bottrader.domain.selection import ManualLists, SelectionRules
from tests.fixtures.closed_trades import sells
from tests.fixtures.facts import BTC, ETH, NOON, make_leaderboard


async def test_a_store_without_trades_excludes_nothing() -> None:
    survey = await survey_symbols(MemoryStore(), SelectionRules(), [BTC, ETH], None)
    assert [(row.product_id, row.exclusion, row.standing) for row in survey.rows] == [
        (BTC, None, None),
        (ETH, None, None),
    ]
    assert (survey.as_of, survey.ranked_at) == (None, None)


async def test_each_pair_has_its_reason_and_its_place() -> None:
    """R57: a list that is set shows what it does."""
    store = MemoryStore()
    await store.replace_allocations(BTC, sells(BTC, *["-1"] * 5, end=NOON), NOON)
    await store.record_leaderboard(make_leaderboard())
    rules = SelectionRules(by_hand=ManualLists(excluded_coins=frozenset({"ETH"})))
    survey = await survey_symbols(store, rules, [BTC, ETH], None)
    assert [row.exclusion for row in survey.rows] == [
        "its win rate of 0.0000 is below 0.30 over 5 trades in 30 days",
        "ETH is excluded for good",
    ]
    assert [row.standing for row in survey.rows] == list(make_leaderboard().standings[::-1])
    assert (survey.as_of, survey.ranked_at) == (NOON, make_leaderboard().computed_at)


async def test_results_are_judged_at_the_time_that_is_asked_for() -> None:
    store = MemoryStore()
    await store.replace_allocations(BTC, sells(BTC, *["-1"] * 5, end=NOON), NOON)
    survey = await survey_symbols(store, SelectionRules(), [BTC], NOON + timedelta(days=31))
    assert survey.rows[0].exclusion is None

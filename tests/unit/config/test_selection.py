"""Settings of symbol selection: what they become, and the two names of one list."""

from decimal import Decimal

import pytest

from bottrader.bootstrap.strategies import decision_basis
from bottrader.config import load_settings
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.selection import FilterRules, ManualLists, SelectionRules


def rules(**profile: str) -> SelectionRules:
    return load_settings(profile, None).selection_rules()


def test_the_defaults_are_those_of_the_filter() -> None:
    assert rules() == SelectionRules(FilterRules(), ManualLists())


def test_every_setting_reaches_its_rule() -> None:
    chosen = rules(
        permanent_exclusions="DOGE, SHIB",
        coin_whitelist="BTC,ETH",
        currency_pairs_ignored="BTC-EUR,ETH-EUR",
        dynamic_filter_enabled="false",
        dynamic_filter_lookback_days="7",
        dynamic_filter_min_trades="3",
        dynamic_filter_min_win_rate="0.4",
        dynamic_filter_min_avg_pnl="-1",
        dynamic_filter_min_total_pnl="-9",
        dynamic_filter_max_spread_pct="0.01",
    )
    assert chosen.by_hand == ManualLists(
        excluded_coins=frozenset({"DOGE", "SHIB"}),
        ignored_pairs=frozenset({"BTC-EUR", "ETH-EUR"}),  # type: ignore[arg-type]  # texts as written
        only_coins=frozenset({"BTC", "ETH"}),
    )
    assert chosen.by_results == FilterRules(
        is_enabled=False,
        lookback_days=7,
        trades_min=3,
        win_rate_min=Decimal("0.4"),
        pnl_mean_min=Decimal(-1),
        pnl_total_min=Decimal(-9),
        spread_max=Decimal("0.01"),
    )


def test_the_other_name_of_the_exclusions_is_read() -> None:
    """R57"""
    assert rules(excluded_symbols="DOGE").by_hand == ManualLists(excluded_coins=frozenset({"DOGE"}))


def test_both_names_of_the_exclusions_at_once_are_an_error() -> None:
    """B249, R57"""
    with pytest.raises(ConfigInvalid, match="are two names of one list and both are set"):
        load_settings({"excluded_symbols": "DOGE", "permanent_exclusions": "SHIB"}, None)


def test_a_name_that_compose_passes_on_empty_is_not_set() -> None:
    assert rules(excluded_symbols="", permanent_exclusions="SHIB").by_hand.excluded_coins == {"SHIB"}


@pytest.mark.parametrize(
    "profile", [{"permanent_exclusions": "DOGE-USD"}, {"currency_pairs_ignored": "DOGE"}, {"coin_whitelist": "doge"}]
)
def test_a_name_that_would_match_nothing_is_an_error(profile: dict[str, str]) -> None:
    """R57"""
    with pytest.raises(ConfigInvalid):
        load_settings(profile, None)


def test_the_snapshot_covers_what_is_excluded() -> None:
    """R79"""
    before = decision_basis(load_settings({}, None)).snapshot.content_hash
    for changed in ({"permanent_exclusions": "DOGE"}, {"dynamic_filter_min_trades": "6"}):
        assert decision_basis(load_settings(changed, None)).snapshot.content_hash != before

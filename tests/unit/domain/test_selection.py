"""Which products are entered: the filter by results, the lists by hand, and the leaderboard."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import ProductId
from bottrader.domain.orders import ClientOrderId
from bottrader.domain.performance import Trade
from bottrader.domain.selection import (
    FilterRules,
    ManualLists,
    Standing,
    excluded_by_results,
    is_profitable,
    leaderboard,
    spread_of,
    trades_since,
)

BTC, ETH = ProductId("BTC-USD"), ProductId("ETH-USD")
AT = datetime(2026, 3, 1, tzinfo=UTC)


def trade(pnl: str, product_id: ProductId = BTC, *, is_matched: bool = True, at: datetime = AT) -> Trade:
    return Trade(ClientOrderId("x"), product_id, at, Decimal(pnl), Decimal(10), Decimal(0), is_matched)


def trades(*pnls: str, product_id: ProductId = BTC) -> list[Trade]:
    return [trade(pnl, product_id) for pnl in pnls]


def excluded(*pnls: str, **changes: object) -> str | None:
    rules = FilterRules(**changes)  # type: ignore[arg-type]  # each test changes one threshold by name
    return excluded_by_results(trades(*pnls), {}, rules).get(BTC)


def standing(*pnls: str) -> Standing:
    (only,) = leaderboard(trades(*pnls))
    return only


class TestFilter:
    def test_one_win_in_five_is_excluded_and_one_in_four_is_too_few(self) -> None:
        """B246, R29: 0.2 is below 0.30, and four trades are not five."""
        assert excluded("1", "-1", "-1", "-1", "-1") == (
            "its win rate of 0.2000 is below 0.30 over 5 trades in 30 days"
        )
        assert excluded("1", "-1", "-1", "-1") is None

    def test_a_win_rate_on_the_minimum_is_kept(self) -> None:
        """Three wins in ten are 0.30."""
        assert excluded(*["1"] * 3, *["-1"] * 7) is None
        assert excluded(*["1"] * 2, *["-1"] * 8) is not None

    def test_a_mean_loss_beyond_the_minimum_is_excluded(self) -> None:
        """Two wins of 1 and three losses of 9: mean -5 exactly is kept, a cent more is not; both win rates are 0.4."""
        assert excluded("1", "1", "-9", "-9", "-9") is None
        assert excluded("1", "1", "-9", "-9", "-9.01") == (
            "its mean P&L of -5.0020 is below -5 over 5 trades in 30 days"
        )

    def test_a_total_loss_beyond_the_minimum_is_excluded(self) -> None:
        """Twenty trades of mean -2.5 lose 50, which is kept; the mean alone would never exclude them."""
        losing = ["1"] * 10 + ["-6"] * 10
        assert excluded(*losing) is None
        assert excluded(*losing[:-1], "-6.01") == "its total P&L of -50.01 is below -50 over 20 trades in 30 days"

    def test_a_wide_spread_is_excluded_whatever_the_results(self) -> None:
        """B247: 2.1 % is too wide, 2.0 % is the limit."""
        spreads = {BTC: Decimal("0.021"), ETH: Decimal("0.020")}
        assert excluded_by_results([], spreads, FilterRules()) == {BTC: "its spread of 0.0210 is above 0.02"}

    def test_results_that_recover_bring_the_product_back(self) -> None:
        """Nothing is remembered: the same window with better trades excludes nothing."""
        assert excluded("1", "-1", "-1", "-1", "-1") is not None
        assert excluded("1", "-1", "-1", "-1", "-1", "1", "1") is None

    def test_unknown_results_exclude_nothing(self) -> None:
        """R78: five trades without a known P&L are no losses."""
        unknown = [trade("0", is_matched=False) for _ in range(5)]
        assert excluded_by_results(unknown, {}, FilterRules()) == {}

    def test_only_break_even_trades_have_no_win_rate_and_are_kept(self) -> None:
        assert excluded("0", "0", "0", "0", "0") is None

    def test_switched_off_it_excludes_nothing(self) -> None:
        losing = trades("-1", "-1", "-1", "-1", "-1")
        assert excluded_by_results(losing, {BTC: Decimal("0.5")}, FilterRules(is_enabled=False)) == {}

    def test_products_are_judged_apart(self) -> None:
        losing, winning = trades(*["-1"] * 5), trades(*["1"] * 5, product_id=ETH)
        assert list(excluded_by_results([*losing, *winning], {}, FilterRules())) == [BTC]

    def test_the_spread_is_a_share_of_the_ask(self) -> None:
        assert spread_of(Decimal(98), Decimal(100)) == Decimal("0.02")

    def test_every_threshold_out_of_range_is_named(self) -> None:
        with pytest.raises(ConfigInvalid) as told:
            FilterRules(
                lookback_days=0,
                trades_min=0,
                win_rate_min=Decimal("1.1"),
                pnl_mean_min=Decimal("NaN"),
                pnl_total_min=Decimal("-Infinity"),
                spread_max=Decimal("-0.1"),
            )
        for name in ("lookback_days", "trades_min", "win_rate_min", "pnl_mean_min", "pnl_total_min", "spread_max"):
            assert name in str(told.value)


class TestManualLists:
    def test_an_excluded_coin_is_never_entered_in_any_pair(self) -> None:
        lists = ManualLists(excluded_coins=frozenset({"BTC"}))
        assert lists.exclusion(BTC) == "BTC is excluded for good"
        assert lists.exclusion(ProductId("BTC-EUR")) == "BTC is excluded for good"
        assert lists.exclusion(ETH) is None

    def test_an_ignored_pair_leaves_the_coin_to_other_pairs(self) -> None:
        lists = ManualLists(ignored_pairs=frozenset({BTC}))
        assert lists.exclusion(BTC) == "the pair BTC-USD is ignored"
        assert lists.exclusion(ProductId("BTC-EUR")) is None

    def test_a_list_of_coins_to_trade_excludes_all_others_and_an_empty_one_none(self) -> None:
        lists = ManualLists(only_coins=frozenset({"BTC"}))
        assert lists.exclusion(BTC) is None
        assert lists.exclusion(ETH) == "ETH is not among the coins to trade"
        assert ManualLists().exclusion(ETH) is None


class TestLeaderboard:
    def test_the_figures_of_a_good_day(self) -> None:
        """B240: mean 4/3, profit factor 5/1, score 4/3 x 1.5 x sqrt(3)."""
        best = standing("2", "-1", "3")
        assert (best.trades_count, best.profit_factor, best.is_eligible) == (3, Decimal(5), True)
        assert best.win_rate == pytest.approx(Decimal("0.6666666667"), abs=Decimal("1e-9"))
        assert best.score == pytest.approx(Decimal("3.4641016151"), abs=Decimal("1e-9"))

    def test_a_profit_factor_a_little_above_the_minimum_is_eligible(self) -> None:
        """B241: wins 6, losses 4.5: 1.3333; score 0.375 x 1.13333 x 2 = 0.85."""
        close = standing("5", "-4", "-0.5", "1")
        assert close.profit_factor == pytest.approx(Decimal("1.3333333333"), abs=Decimal("1e-9"))
        assert close.score == pytest.approx(Decimal("0.85"), abs=Decimal("1e-9"))
        assert close.is_eligible

    def test_a_profit_factor_below_the_minimum_is_not(self) -> None:
        """B242: 2.5 / 2.4."""
        below = standing("2", "-1", "0.5", "-1.4")
        assert below.profit_factor == pytest.approx(Decimal("1.0416666667"), abs=Decimal("1e-9"))
        assert not below.is_eligible

    def test_without_a_loss_the_profit_factor_counts_as_ten(self) -> None:
        """B243: 1 x (1 + 10/10) x sqrt(3); two trades are too few."""
        clean = standing("1", "1", "1")
        assert clean.profit_factor is None
        assert clean.is_eligible
        assert clean.score == pytest.approx(Decimal("3.4641016151"), abs=Decimal("1e-9"))
        assert not standing("1", "1").is_eligible

    def test_a_profit_factor_above_ten_counts_as_ten(self) -> None:
        """Mean (20 + 20 - 1) / 3 = 13; 13 x 2 x sqrt(3)."""
        assert standing("20", "20", "-1").score == pytest.approx(Decimal("45.033320997"), abs=Decimal("1e-8"))

    def test_a_win_rate_below_the_minimum_is_not_eligible(self) -> None:
        """One win of 10 in three trades gains and has a profit factor of 5, but 0.333 is below 0.35; 0.4 is not."""
        assert not standing("10", "-1", "-1").is_eligible
        assert standing("10", "10", "-1", "-1", "-1").is_eligible

    def test_a_total_of_zero_is_not_eligible(self) -> None:
        assert not standing("1", "1", "-2").is_eligible

    def test_trades_without_a_known_result_are_on_no_board(self) -> None:
        """B245, R78."""
        assert leaderboard([trade("0", is_matched=False) for _ in range(3)]) == []

    def test_the_best_score_leads(self) -> None:
        board = leaderboard([*trades("1", "1", "1"), *trades("2", "2", "2", product_id=ETH)])
        assert [each.product_id for each in board] == [ETH, BTC]


def test_profitable_needs_two_known_results_above_zero() -> None:
    """B245."""
    assert is_profitable([Decimal(2), Decimal(-1)])
    assert not is_profitable([Decimal(2)])
    assert not is_profitable([Decimal(1), Decimal(-1)])
    assert not is_profitable([])


def test_a_window_begins_at_its_start() -> None:
    early = trade("1", at=AT - timedelta(seconds=1))
    start = trade("2", at=AT)
    assert trades_since([early, start], AT) == [start]

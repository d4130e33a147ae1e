"""The score matrix on readings made by hand; every expected figure is added up by hand from the table of weights."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.indicators import Reading, Readings
from bottrader.domain.money import Price
from bottrader.domain.scoring import Evidence, Judgement, ScoreMatrix, ScoreRules, ScoreWeights, figure
from bottrader.domain.signals import Action, Component, LastSide, Trigger
from tests.unit.domain.examples import at

pytestmark = pytest.mark.component("signal_manager")

BUY = ("Buy Ratio", "Buy Touch", "Buy W-Bottom", "Buy RSI", "Buy ROC", "Buy MACD", "Buy Swing")
SELL = ("Sell Ratio", "Sell Touch", "Sell M-Top", "Sell RSI", "Sell ROC", "Sell MACD", "Sell Swing")


@dataclass(frozen=True)
class Momentum:
    """The figures that the override is judged by."""

    roc: float | None
    roc_diff: float | None
    roc_diff_spread: float | None
    rsi: float | None


QUIET = Momentum(roc=0.0, roc_diff=0.0, roc_diff_spread=0.3, rsi=50.0)
STRONG = Momentum(roc=12.0, roc_diff=1.0, roc_diff_spread=0.8, rsi=50.0)
PRICES = {"atr": 1.0, "macd_histogram": 0.0, "upper_band": 101.0, "lower_band": 99.0}
LOOSE = ScoreRules(buy_target=Decimal("2.5"), sell_target=Decimal("2.5"))
LONG = LastSide(Action.BUY, at(0), at(0))
LATER = at(24 * 60)


def evidence(*fired: str, momentum: Momentum = QUIET, close: str = "100", day_ago: str | None = "100") -> Evidence:
    """Everything is known and silent but for what is named."""

    def readings(names: tuple[str, ...]) -> tuple[Reading, ...]:
        return tuple(Reading(name, name in fired, 1.5, 2.5) for name in names)

    assert set(fired) <= {*BUY, *SELL}
    return Evidence(
        opened_at=LATER,
        readings=Readings(readings(BUY), readings(SELL), **vars(momentum), **PRICES),
        close=Price(Decimal(close)),
        close_24h_ago=None if day_ago is None else Price(Decimal(day_ago)),
    )


def judged(
    seen: Evidence, last: LastSide | None = None, rules: ScoreRules = LOOSE, weights: ScoreWeights | None = None
) -> Judgement:
    return ScoreMatrix(weights or ScoreWeights(), rules).judge(seen, last)


def test_the_weights_of_each_side_sum_to_12_2() -> None:
    """B159, R72: RSI counts 1.5, and there is no second table."""
    weights = ScoreWeights().by_indicator()
    assert set(weights) == {*BUY, *SELL}
    assert sum(weights[name] for name in BUY) == sum(weights[name] for name in SELL) == Decimal("12.2")
    assert weights["Buy RSI"] == weights["Sell RSI"] == Decimal("1.5")


@pytest.mark.parametrize(
    ("indicator", "weight"),
    [("Ratio", "1.2"), ("Touch", "1.5"), ("RSI", "1.5"), ("ROC", "2.0"), ("MACD", "1.8"), ("Swing", "2.2")],
)
def test_an_indicator_that_fires_adds_its_weight_to_its_side_alone(indicator: str, weight: str) -> None:
    """B159, R72"""
    buy, sell = judged(evidence(f"Buy {indicator}")), judged(evidence(f"Sell {indicator}"))
    assert (buy.buy_score, buy.sell_score) == (Decimal(weight), Decimal(0))
    assert (sell.buy_score, sell.sell_score) == (Decimal(0), Decimal(weight))


def test_the_patterns_count_for_their_sides() -> None:
    """R70: under their earlier names they counted for nobody."""
    made = judged(evidence("Buy W-Bottom", "Sell M-Top"))
    assert (made.buy_score, made.sell_score) == (Decimal("2.0"), Decimal("2.0"))


def test_everything_together_scores_12_2() -> None:
    made = judged(evidence(*BUY, *SELL))
    assert (made.buy_score, made.sell_score) == (Decimal("12.2"), Decimal("12.2"))


@pytest.mark.parametrize("name", [each.name for each in fields(ScoreWeights)])
def test_a_weight_of_the_configuration_takes_effect(name: str) -> None:
    """R72: "RSI weight cut to 1.5" once changed a table that nobody read."""
    heavy = replace(ScoreWeights(), **{name: Decimal(100)})
    made = judged(evidence(*BUY, *SELL), weights=heavy)
    assert Decimal(100) < max(made.buy_score, made.sell_score) < Decimal(112)


def test_two_indicators_of_three_are_too_few_whatever_they_weigh() -> None:
    """B160: MACD 1.8 + ROC 2.0 = 3.8."""
    made = judged(evidence("Buy MACD", "Buy ROC"))
    assert (made.action, made.buy_score) == (None, Decimal("3.8"))
    assert made.reason == "buy_suppressed_insufficient_indicators_2_of_3"


def test_a_third_indicator_buys() -> None:
    """B161: 3.8 + Touch 1.5 = 5.3."""
    made = judged(evidence("Buy MACD", "Buy ROC", "Buy Touch"))
    assert (made.action, made.trigger, made.reason) == (Action.BUY, Trigger.SCORE, "score")
    assert (made.buy_score, made.buy_target) == (Decimal("5.3"), Decimal("2.5"))


@pytest.mark.parametrize(("target", "action"), [("5.3", Action.BUY), ("5.31", None)])
def test_a_score_signals_from_its_target_on(target: str, action: Action | None) -> None:
    made = judged(evidence("Buy MACD", "Buy ROC", "Buy Touch"), rules=replace(LOOSE, buy_target=Decimal(target)))
    assert made.action is action
    assert made.reason == ("score" if action else "below_target")


def test_the_defaults_are_the_cautious_ones() -> None:
    rules = ScoreRules()
    assert (rules.buy_target, rules.sell_target, rules.indicators_min) == (Decimal("5.5"), Decimal("5.5"), 3)
    assert (rules.roc_buy_threshold_pct, rules.roc_sell_threshold_pct) == (Decimal(10), Decimal(10))
    assert (rules.flip_hysteresis, rules.cooldown_candles, rules.allow_buys_on_red_day) == (Decimal("0.10"), 7, True)
    made = judged(evidence("Buy MACD", "Buy ROC", "Buy Touch"), rules=ScoreRules())
    assert (made.action, made.reason) == (None, "below_target")


@pytest.mark.parametrize(("rsi", "action", "reason"), [("1.20", None, "hysteresis"), ("1.25", Action.SELL, "")])
def test_turning_away_from_the_last_side_needs_a_tenth_more(rsi: str, action: Action | None, reason: str) -> None:
    """B162: Touch 1.5 + RSI gives 2.70 and 2.75; the target in force is 2.5 x 1.10 = 2.75."""
    rules = replace(LOOSE, indicators_min=2)
    weights = replace(ScoreWeights(), sell_rsi=Decimal(rsi))
    made = judged(evidence("Sell Touch", "Sell RSI"), LONG, rules, weights)
    assert made.action is action
    assert made.reason == (f"sell_suppressed_{reason}" if reason else "score")
    assert (made.buy_target, made.sell_target) == (Decimal("2.5"), Decimal("2.75"))


@pytest.mark.parametrize("last", [None, replace(LONG, side=Action.SELL)])
def test_the_same_side_again_needs_only_its_target(last: LastSide | None) -> None:
    rules = replace(LOOSE, indicators_min=2)
    weights = replace(ScoreWeights(), sell_rsi=Decimal("1.00"))
    made = judged(evidence("Sell Touch", "Sell RSI"), last, rules, weights)
    assert (made.action, made.sell_score) == (Action.SELL, Decimal("2.50"))


@pytest.mark.parametrize(("side", "other"), [(Action.BUY, SELL), (Action.SELL, BUY)])
def test_the_opposite_side_is_silent_for_seven_candles_after_a_turn(side: Action, other: tuple[str, ...]) -> None:
    """B163: turned at candle n, n+1..n+6 are suppressed, n+7 signals; the newest signal of the side does not matter."""
    matrix = ScoreMatrix(ScoreWeights(), LOOSE)
    full = evidence(*other)
    reasons = []
    for candles in range(1, 9):
        turned_at = full.opened_at - candles * timedelta(minutes=5)
        last = LastSide(side, turned_at, full.opened_at)
        made = matrix.judge(full, last)
        assert matrix.explain(full, made, last).cooldown_until == turned_at + timedelta(minutes=35)
        reasons.append(made.reason)
    word = "sell" if side is Action.BUY else "buy"
    assert reasons == [f"{word}_suppressed_cooldown"] * 6 + ["score"] * 2


def test_a_cooldown_ends_wherever_it_began() -> None:
    """B164, R69: after 5,000 candles of a sliding window as after none, because it counts time and not rows."""
    matrix = ScoreMatrix(ScoreWeights(), LOOSE)
    full = evidence(*SELL)
    reasons = set()
    for number in (0, 1, 499, 500, 4_999, 5_000, 1_000_000):
        last = LastSide(Action.BUY, at(5 * number), at(5 * number))
        sixth, seventh = (full._replace(opened_at=at(5 * (number + candles))) for candles in (6, 7))
        reasons.add((matrix.judge(sixth, last).reason, matrix.judge(seventh, last).reason))
    assert reasons == {("sell_suppressed_cooldown", "score")}


def test_the_cooldown_counts_absent_candles() -> None:
    """B164: five minutes in which nothing was traded pass as well; ten seconds short of the seventh they have not."""
    matrix = ScoreMatrix(ScoreWeights(), LOOSE)
    last = LastSide(Action.BUY, at(0), at(0))
    assert matrix.judge(evidence(*SELL)._replace(opened_at=at(35)), last).action is Action.SELL
    short = evidence(*SELL)._replace(opened_at=at(35) - timedelta(seconds=10))
    assert matrix.judge(short, last).reason == "sell_suppressed_cooldown"


def test_the_side_itself_has_no_cooldown() -> None:
    last = LastSide(Action.BUY, LATER - timedelta(minutes=5), LATER - timedelta(minutes=5))
    assert judged(evidence(*BUY), last).action is Action.BUY


@pytest.mark.parametrize(("buy_rsi", "action"), [("1.0", Action.SELL), ("1.1", Action.BUY)])
def test_the_larger_score_wins_and_a_tie_sells(buy_rsi: str, action: Action) -> None:
    """B165: 2.0 + 1.0 = 3.0 against 3.0, and 3.1 against 3.0."""
    weights = replace(ScoreWeights(), buy_rsi=Decimal(buy_rsi), sell_rsi=Decimal("1.0"))
    rules = replace(LOOSE, indicators_min=2)
    made = judged(evidence("Buy ROC", "Buy RSI", "Sell ROC", "Sell RSI"), rules=rules, weights=weights)
    assert made.action is action


def test_a_side_that_is_suppressed_does_not_win() -> None:
    made = judged(evidence("Buy ROC", "Buy Swing", "Sell Touch", "Sell RSI", "Sell Ratio"))
    assert (made.buy_score, made.sell_score) == (Decimal("4.2"), Decimal("4.2"))
    assert made.action is Action.SELL
    both = judged(evidence("Buy ROC", "Buy Swing", "Sell ROC", "Sell Swing"))
    assert both.reason == (
        "sell_suppressed_insufficient_indicators_2_of_3, buy_suppressed_insufficient_indicators_2_of_3"
    )


@pytest.mark.parametrize("momentum", [QUIET, STRONG], ids=["score", "momentum"])
@pytest.mark.parametrize(
    ("close", "day_ago", "allowed", "reason"),
    [
        ("9999", "10000", False, "buy_suppressed_red_day"),
        ("10000", "10000", False, None),
        ("9900", "10000", True, None),
        ("10000", None, True, "buy_suppressed_unknown_24h_change"),
        ("10000", None, False, "buy_suppressed_unknown_24h_change"),
    ],
)
def test_no_buy_on_a_red_or_unknown_day(
    momentum: Momentum, close: str, day_ago: str | None, *, allowed: bool, reason: str | None
) -> None:
    """B166: −0.01 % is red; one rule for both kinds of buy."""
    rules = replace(LOOSE, allow_buys_on_red_day=allowed)
    made = judged(evidence(*BUY, momentum=momentum, close=close, day_ago=day_ago), rules=rules)
    assert made.action is (None if reason else Action.BUY)
    if reason:
        assert made.reason == reason


def test_a_red_day_leaves_sells_alone() -> None:
    rules = replace(LOOSE, allow_buys_on_red_day=False)
    assert judged(evidence(*SELL, close="1", day_ago="2"), rules=rules).action is Action.SELL
    falling = replace(STRONG, roc=-12.0)
    assert judged(evidence(momentum=falling, day_ago=None), rules=rules).action is Action.SELL


def test_a_momentum_buy_that_the_day_forbids_leaves_the_score_to_decide() -> None:
    made = judged(evidence(*SELL, momentum=STRONG, day_ago=None))
    assert (made.action, made.reason) == (Action.SELL, "score")


def test_strong_momentum_buys_before_the_score_and_carries_its_scores() -> None:
    """B167, R47: nothing but the Ratio fired, and the sell score would have signalled."""
    made = judged(evidence("Buy Ratio", *SELL, momentum=STRONG), rules=ScoreRules())
    assert (made.action, made.trigger, made.reason) == (Action.BUY, Trigger.ROC_MOMO, "roc_momo_override")
    assert (made.buy_score, made.sell_score) == (Decimal("1.2"), Decimal("12.2"))


@pytest.mark.parametrize(
    ("changed", "buys"),
    [
        ({"rsi": 56.0}, False),
        ({"rsi": 55.0}, True),
        ({"rsi": 45.0}, True),
        ({"rsi": 44.99}, False),
        ({"roc_diff": 0.39}, False),
        ({"roc_diff": 0.40}, False),
        ({"roc_diff": 0.41}, True),
        ({"roc_diff": -0.41}, True),
        ({"roc_diff": 0.31, "roc_diff_spread": 0.1}, True),
        ({"roc_diff": 0.30, "roc_diff_spread": 0.1}, False),
        ({"roc": 10.0}, False),
        ({"roc": 10.01}, True),
    ],
    ids=str,
)
def test_momentum_has_to_pass_every_gate(changed: dict[str, float], *, buys: bool) -> None:
    """B168: the gate is max(0.3, 0.5 x 0.8) = 0.40, to be passed and not reached."""
    made = judged(evidence(momentum=replace(STRONG, **changed)))
    assert (made.action is Action.BUY) is buys


@pytest.mark.parametrize("unknown", ["roc", "roc_diff", "roc_diff_spread", "rsi"])
def test_unknown_momentum_passes_no_gate(unknown: str) -> None:
    """R33, R71"""
    assert judged(evidence(momentum=replace(STRONG, **{unknown: None}))).action is None


@pytest.mark.parametrize(("roc", "action"), [(-12.0, Action.SELL), (-10.0, None), (-10.01, Action.SELL)])
def test_a_fall_of_the_same_strength_sells(roc: float, action: Action | None) -> None:
    """B169"""
    made = judged(evidence(momentum=replace(STRONG, roc=roc, roc_diff=-1.0)))
    assert made.action is action
    if action:
        assert (made.trigger, made.reason) == (Trigger.ROC_MOMO, "roc_momo_override")


@pytest.mark.parametrize("roc", [0.0, 1.0, 4.99, 5.01, 30.0])
def test_a_rising_market_never_sells_by_momentum(roc: float) -> None:
    """B170, R26: a threshold of 5 is a fall of 5 %."""
    rules = replace(ScoreRules(), roc_sell_threshold_pct=Decimal(5))
    assert judged(evidence(momentum=replace(STRONG, roc=roc)), rules=rules).action is not Action.SELL


def test_momentum_overrides_hysteresis_and_cooldown() -> None:
    just_sold = LastSide(Action.SELL, LATER - timedelta(minutes=5), LATER - timedelta(minutes=5))
    assert judged(evidence(momentum=STRONG), just_sold).action is Action.BUY


def test_unknown_indicators_add_nothing_and_are_told_as_unknown() -> None:
    """R33"""
    buy, sell = (tuple(Reading(name, None, None, None) for name in names) for names in (BUY, SELL))
    silent = evidence()._replace(readings=Readings(buy, sell, *(None,) * 8))
    matrix = ScoreMatrix(ScoreWeights(), LOOSE)
    made = matrix.judge(silent, None)
    assert (made.action, made.reason) == (None, "below_target")
    assert (made.buy_score, made.sell_score) == (Decimal(0), Decimal(0))
    first = matrix.explain(silent, made, None).components[0]
    assert first == Component("Buy Ratio", Action.BUY, None, None, None, Decimal("1.2"), Decimal(0))


def test_every_decision_can_be_read_component_by_component() -> None:
    """Value 1.5 and threshold 2.5 are those of the readings; the contributions add up to the scores."""
    matrix = ScoreMatrix(ScoreWeights(), LOOSE)
    seen = evidence("Buy RSI", "Buy ROC", "Sell Swing")
    made = matrix.judge(seen, LONG)
    breakdown = matrix.explain(seen, made, LONG)
    assert [each.indicator for each in breakdown.components] == [*BUY, *SELL]
    assert breakdown.components[3] == Component(
        "Buy RSI", Action.BUY, True, Decimal("1.5"), Decimal("2.5"), Decimal("1.5"), Decimal("1.5")
    )
    assert breakdown.components[1] == Component(
        "Buy Touch", Action.BUY, False, Decimal("1.5"), Decimal("2.5"), Decimal("1.5"), Decimal(0)
    )
    for side, score in ((Action.BUY, made.buy_score), (Action.SELL, made.sell_score)):
        assert sum(each.contribution for each in breakdown.components if each.side is side) == score
    assert (breakdown.last_side, breakdown.cooldown_until) == (Action.BUY, at(35))
    assert breakdown.reason == made.reason == "buy_suppressed_insufficient_indicators_2_of_3"


def test_without_a_last_side_there_is_no_cooldown() -> None:
    matrix = ScoreMatrix(ScoreWeights(), LOOSE)
    made = matrix.judge(evidence(), None)
    breakdown = matrix.explain(evidence(), made, None)
    assert (breakdown.last_side, breakdown.cooldown_until) == (None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("buy_target", Decimal(0)),
        ("sell_target", Decimal(-1)),
        ("buy_target", Decimal("NaN")),
        ("roc_buy_threshold_pct", Decimal(0)),
        ("roc_sell_threshold_pct", Decimal(-5)),
        ("roc_sell_threshold_pct", Decimal(0)),
        ("flip_hysteresis", Decimal("-0.1")),
        ("flip_hysteresis", Decimal("Infinity")),
        ("roc_diff_min", Decimal(-1)),
        ("roc_diff_spread_share", Decimal(-1)),
        ("indicators_min", 0),
        ("cooldown_candles", -1),
        ("momentum_rsi_min", Decimal(-1)),
        ("momentum_rsi_min", Decimal(56)),
        ("momentum_rsi_max", Decimal(101)),
        ("momentum_rsi_max", Decimal("Infinity")),
        ("momentum_rsi_min", Decimal("-Infinity")),
    ],
)
def test_a_rule_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    """B171, R26"""
    with pytest.raises(ConfigInvalid, match=name):
        replace(ScoreRules(), **{name: value})


@pytest.mark.parametrize("name", ["flip_hysteresis", "roc_diff_min", "roc_diff_spread_share", "cooldown_candles"])
def test_a_rule_may_be_zero_where_zero_means_none(name: str) -> None:
    value: Any = 0 if name == "cooldown_candles" else Decimal(0)
    assert getattr(replace(ScoreRules(), **{name: value}), name) == 0


@pytest.mark.parametrize("weight", [Decimal("-0.1"), Decimal("Infinity"), Decimal("NaN")])
def test_a_weight_is_never_below_zero(weight: Decimal) -> None:
    with pytest.raises(ConfigInvalid, match="weight sell_m_top is at least 0"):
        ScoreWeights(sell_m_top=weight)
    assert ScoreWeights(sell_m_top=Decimal(0)).by_indicator()["Sell M-Top"] == 0


def test_a_figure_has_ten_decimals() -> None:
    assert (figure(0.1 + 0.2), figure(1e-11), figure(12.0)) == (Decimal("0.3"), Decimal(0), Decimal(12))

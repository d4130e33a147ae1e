"""Momentum alone: what it decides and when it is silent."""

from dataclasses import fields
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid, InvariantBroken
from bottrader.domain.signals import Action, LastSide, Trigger, derive_signal_id
from bottrader.domain.strategies import make_strategy
from bottrader.domain.strategies.roc_momentum import RocMomentum, RocMomentumParameters
from bottrader.domain.strategy import Decision, Hold, Strategy, freeze_parameters
from tests.unit.domain.examples import BTC, at, candle

QUICK = RocMomentumParameters(
    roc_window=1,
    rsi_window=2,
    atr_window=2,
    roc_buy_threshold_pct=Decimal(5),
    roc_sell_threshold_pct=Decimal(5),
    rsi_buy_min=Decimal(0),
    rsi_buy_max=Decimal(100),
    cooldown_candles=0,
)


def quick(**changes: Any) -> RocMomentum:
    values = {name: getattr(QUICK, name) for name in QUICK.__slots__}
    return RocMomentum(RocMomentumParameters(**(values | changes)))


class Accepted:
    """Feeds a strategy and accepts each of its decisions at once."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self.last: LastSide | None = None

    def decisions(self, closes: list[str], *, first: int = 0) -> list[Decision | None]:
        return [self._decide(first + index, close) for index, close in enumerate(closes)]

    def actions(self, closes: list[str], *, first: int = 0) -> list[Action | None]:
        return [None if d is None else d.action for d in self.decisions(closes, first=first)]

    def _decide(self, index: int, close: str) -> Decision | None:
        decided = self.strategy.on_candle(candle(index, close), self.last)
        assert not isinstance(decided, Hold)
        if decided is not None:
            self.last = LastSide(decided.action, at(5 * index), at(5 * index))
        return decided


def decisions(strategy: Strategy, closes: list[str]) -> list[Decision | None]:
    return Accepted(strategy).decisions(closes)


def actions(strategy: Strategy, closes: list[str]) -> list[Action | None]:
    return Accepted(strategy).actions(closes)


def test_a_rise_to_exactly_the_threshold_buys() -> None:
    """From 100 to 105 is +5 %: reached."""
    bought = decisions(quick(), ["100", "100", "105"])[-1]
    assert bought is not None
    assert (bought.action, bought.trigger) == (Action.BUY, Trigger.ROC_MOMO)


@pytest.mark.parametrize(("close", "expected"), [("104.99", None), ("95.01", None), ("95", Action.SELL)])
def test_a_move_short_of_its_threshold_decides_nothing(close: str, expected: Action | None) -> None:
    assert actions(quick(), ["100", "100", close])[-1] is expected


def test_a_decision_carries_its_figures() -> None:
    """R47. ROC +10 %, twice its threshold; RSI: gains (0+10)/2, no loss, so 100; ranges (0+10)/2 = 5."""
    bought = decisions(quick(), ["100", "100", "110"])[-1]
    assert bought is not None
    assert bought.scores == {
        "buy_score": Decimal(2),
        "sell_score": Decimal(0),
        "roc": Decimal(10),
        "rsi": Decimal(100),
        "atr": Decimal(5),
    }
    assert bought.note == "ROC(1) +10.00 % reached +5 %, RSI(2) 100.00, ATR(2) 5"


def test_a_fall_sells_whatever_the_strength_says() -> None:
    sold = decisions(quick(rsi_buy_min=Decimal(45), rsi_buy_max=Decimal(55)), ["100", "100", "90"])[-1]
    assert sold is not None
    assert (sold.action, sold.trigger) == (Action.SELL, Trigger.SIGNAL)
    assert sold.note == "ROC(1) -10.00 % reached -5 %, RSI(2) 0.00, ATR(2) 5"
    assert (sold.scores["buy_score"], sold.scores["sell_score"]) == (Decimal(0), Decimal(2))


@pytest.mark.parametrize(
    ("low", "high", "buys"),
    [("75", "75", True), ("75.01", "90", False), ("10", "74.99", False), ("0", "100", True)],
)
def test_a_rise_buys_only_within_the_strength_band(low: str, high: str, *, buys: bool) -> None:
    """B168. Closes 100, 98, 104: gains (0+6)/2 = 3, losses (2+0)/2 = 1, so the RSI is exactly 75."""
    strategy = quick(rsi_buy_min=Decimal(low), rsi_buy_max=Decimal(high))
    assert (actions(strategy, ["100", "98", "104"])[-1] is Action.BUY) is buys


def test_a_straight_rise_is_no_momentum_buy() -> None:
    """B154, R71: its RSI is 100, outside 45 to 55."""
    closes = [f"{100 * 1.03**n:.4f}" for n in range(40)]
    assert set(actions(make_strategy("roc_momentum", {}), closes)) == {None}


def test_a_rising_market_never_sells() -> None:
    """B170, R26: a threshold of 5 means a fall of 5 %."""
    strategy = quick(rsi_buy_max=Decimal(0))
    assert set(actions(strategy, [str(100 + n) for n in range(50)])) == {None}


def test_nothing_is_decided_before_every_indicator_is_known() -> None:
    """R33: the ROC is known after two candles, the range only after five."""
    strategy = quick(atr_window=4)
    assert strategy.warmup_candles == 5
    assert actions(strategy, ["100", "110", "120", "130", "140"]) == [None, None, None, None, Action.BUY]


@pytest.mark.parametrize(
    ("window", "needed"), [("roc_window", 21), ("rsi_window", 21), ("atr_window", 21)], ids=["roc", "rsi", "atr"]
)
def test_the_warm_up_is_that_of_the_slowest_indicator(window: str, needed: int) -> None:
    assert quick(**{window: 20}).warmup_candles == needed


def test_both_sides_are_silent_while_the_cooldown_lasts() -> None:
    """B163: decided at candle n, silent at n+1..n+6, decides again at n+7."""
    closes = ["100", "100", "110"] + ["90", "110"] * 4
    made = actions(quick(cooldown_candles=7), closes)
    assert made == [None, None, Action.BUY, None, None, None, None, None, None, Action.SELL, None]


def test_the_cooldown_counts_time_and_not_candles() -> None:
    """B164, R69: buckets without a trade are absent, and their time passes all the same."""
    session = Accepted(quick(cooldown_candles=7))
    assert session.actions(["100", "100", "110"])[-1] is Action.BUY
    assert session.actions(["90"], first=8) == [None]
    assert session.actions(["110"], first=9) == [Action.BUY]


def test_only_an_accepted_signal_starts_the_cooldown() -> None:
    """B164: nobody took the signals of a webhook that is down, so none of them silences the next."""
    strategy = quick(cooldown_candles=7)
    closes = ["100", "100", "110", "90"]
    made = [strategy.on_candle(candle(index, close), None) for index, close in enumerate(closes)]
    assert [None if d is None else d.action for d in made] == [None, None, Action.BUY, Action.SELL]


def test_the_cooldown_goes_on_after_a_restart() -> None:
    """B164: decided at candle 2; a new process has seen none of it but knows the accepted signal."""
    last = LastSide(Action.BUY, at(0), at(10))
    restarted = quick(cooldown_candles=7)
    made = [restarted.on_candle(candle(6 + index, close), last) for index, close in enumerate(["100", "100", "90"])]
    assert made == [None, None, None]
    assert restarted.on_candle(candle(9, "80"), last) is not None


def test_the_cooldown_ends_in_a_long_stream() -> None:
    """B164: 2,000 candles that each swing beyond both thresholds give one decision every seven."""
    made = actions(quick(cooldown_candles=7), ["100", "110"] * 1000)
    decided = [index for index, action in enumerate(made) if action is not None]
    assert {after_ - before for before, after_ in pairwise(decided)} == {7}
    assert decided[-1] > 1990


def test_a_cooldown_of_nothing_lets_every_candle_decide() -> None:
    assert actions(quick(), ["100", "100", "110", "90", "110"])[2:] == [Action.BUY, Action.SELL, Action.BUY]


def test_the_same_candles_give_the_same_decisions_and_ids() -> None:
    """B174."""
    closes = [str(100 + (n * 37) % 23) for n in range(200)]

    def run() -> list[tuple[str, Decision]]:
        strategy = make_strategy("roc_momentum", {"roc_buy_threshold_pct": "5", "rsi_buy_max": "70"})
        return [
            (derive_signal_id(BTC, at(5 * index), "5eed", made.action), made)
            for index, made in enumerate(decisions(strategy, closes))
            if made is not None
        ]

    first = run()
    assert len(first) > 5
    assert len({signal_id for signal_id, _ in first}) == len(first)
    assert run() == first


@pytest.mark.parametrize("index", [1, 0], ids=["the same again", "an earlier one"])
def test_a_candle_that_does_not_follow_stops_the_bot(index: int) -> None:
    strategy = quick()
    actions(strategy, ["100", "100"])
    with pytest.raises(InvariantBroken, match="come once and in order"):
        strategy.on_candle(candle(index, "100"), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roc_sell_threshold_pct", -5),
        ("roc_sell_threshold_pct", 0),
        ("roc_buy_threshold_pct", "0"),
        ("roc_buy_threshold_pct", "-1"),
        ("roc_window", 0),
        ("rsi_window", "-1"),
        ("atr_window", 0),
        ("cooldown_candles", -1),
        ("rsi_buy_min", -1),
        ("rsi_buy_min", 56),
        ("rsi_buy_max", 101),
        ("rsi_buy_max", "NaN"),
        ("roc_window", "5.5"),
        ("roc_window", True),
        ("roc_buy_threshold_pct", 7.5),
        ("roc_buy_threshold_pct", "ten"),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    """B171, R26."""
    with pytest.raises(ConfigInvalid, match=name):
        make_strategy("roc_momentum", {name: value})


@pytest.mark.parametrize("name", ["roc_buy_threshold_pct", "roc_sell_threshold_pct", "rsi_buy_min", "rsi_buy_max"])
def test_a_parameter_that_is_not_finite_is_refused(name: str) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        RocMomentumParameters(**{name: Decimal("Infinity")})  # type: ignore[arg-type]  # one name at a time


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ConfigInvalid, match=r"roc_window .*; roc_sell_threshold_pct "):
        RocMomentumParameters(roc_window=0, roc_sell_threshold_pct=Decimal(0))


def test_the_defaults_are_the_cautious_ones() -> None:
    snapshot = freeze_parameters("roc_momentum", {"parameters": RocMomentumParameters()})
    assert snapshot.parameters == (
        '{"parameters":{"atr_window":14,"cooldown_candles":7,"roc_buy_threshold_pct":"10",'
        '"roc_sell_threshold_pct":"10","roc_window":5,"rsi_buy_max":"55","rsi_buy_min":"45","rsi_window":14}}'
    )


@pytest.mark.parametrize("name", [each.name for each in fields(RocMomentumParameters)])
def test_every_parameter_changes_the_snapshot_hash(name: str) -> None:
    """B279, R79."""
    value = getattr(QUICK, name)
    changed = {**{each.name: getattr(QUICK, each.name) for each in fields(QUICK)}}
    changed[name] = value + 1 if name != "rsi_buy_max" else value - 1
    before = freeze_parameters("roc_momentum", {"parameters": QUICK})
    assert freeze_parameters("roc_momentum", {"parameters": RocMomentumParameters(**changed)}) != before

"""One decision with one reason, exact at its thresholds."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.exit_rules import ExitReason, ExitRules, ProfitManager
from bottrader.domain.exits import (
    EffectiveStop,
    Exit,
    ExitState,
    Hold,
    MarketView,
    PriceUnusable,
    decide_exit,
    effective_stop,
)
from bottrader.domain.peaks import Peak, PriceSample
from bottrader.domain.positions import Position
from bottrader.domain.signals import Trigger
from bottrader.domain.trailing import Trail
from tests.unit.domain.examples import at, position, price

pytestmark = pytest.mark.component("position_monitor")

NO_FEE = Decimal(0)
EPSILON = Decimal("1E-25")
MAKER, TAKER = Decimal("0.004"), Decimal("0.008")
RULES = ExitRules()
TRAILING = ExitRules(trailing_enabled=True)
PEAKS = ExitRules(peak_enabled=True, peak_smoothing_s=60)
FRESH = ExitState()
# One unit bought at 100 with a maker fee of 0.4 %, as the table of exit policies has it.
HELD = position("1", "100.4")
MOMENTUM = replace(HELD, trigger="ROC")


def trailed(high: str, stop: str) -> ExitState:
    return ExitState(Trail(price(high), price(stop)))


def market(
    value: str,
    *,
    atr: str | None = None,
    sell_signal: bool = False,
    minute: float = 10,
    bracket: str | None = None,
    age_s: float = 0,
    **book: str,
) -> MarketView:
    return MarketView(
        price=price(value),
        bid=price(book.get("bid", value)),
        ask=price(book.get("ask", value)),
        at=at(minute),
        atr=None if atr is None else Decimal(atr),
        sell_signal=sell_signal,
        bracket_stop=None if bracket is None else price(bracket),
        age_s=age_s,
    )


def decide(
    held: Position, view: MarketView, rules: ExitRules = RULES, state: ExitState = FRESH, fee: Decimal = TAKER
) -> tuple[str | None, bool]:
    """Return the reason, None for a hold, and whether it is an emergency."""
    decision, _ = decide_exit(held, view, rules, state, fee)
    assert not isinstance(decision, PriceUnusable)
    return (decision.reason.value, decision.emergency) if isinstance(decision, Exit) else (None, False)


def reason_of(
    held: Position, view: MarketView, rules: ExitRules = RULES, state: ExitState = FRESH, fee: Decimal = TAKER
) -> str | None:
    return decide(held, view, rules, state, fee)[0]


def walk(held: Position, prices: list[str], rules: ExitRules, *, minutes: float = 5) -> list[str | None]:
    """Return the reason at each of the prices, `minutes` apart, with what is remembered carried along."""
    state, reasons = FRESH, []
    for number, value in enumerate(prices):
        decision, state = decide_exit(held, market(value, minute=minutes * (number + 1)), rules, state, TAKER)
        reasons.append(decision.reason.value if isinstance(decision, Exit) else None)
    return reasons


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        pytest.param("40000", "38200", "stop_loss", id="B91"),
        pytest.param("40000", "38000", "stop_loss", id="B92"),
        pytest.param("40000", "38400", None, id="B93"),
        pytest.param("40123.456789", "38317.901233495", "stop_loss", id="B95"),
        pytest.param("40123.456789", "38317.901233496", None, id="B96"),
        pytest.param("40000", "41400", "take_profit", id="B97"),
        pytest.param("40000", "41399.99999999", None, id="just under B97"),
        pytest.param("40000", "42000", "take_profit", id="B94 B98"),
        pytest.param("40000", "40800", None, id="B99"),
        pytest.param("40000", "38000", "stop_loss", id="B100 B101"),
    ],
)
@pytest.mark.parametrize("size", ["1", "0.00000003", "12345.6789"])
@pytest.mark.parametrize("stop", ["hard_stop_pct", "soft_stop_market_pct"])
def test_a_threshold_is_exact_without_fees(entry: str, value: str, expected: str | None, size: str, stop: str) -> None:
    """B91, B92, B93, B94, B95, B96, B97, B98, B99, B100, B101: a stop of 4.5 %, be it the hard or the soft one."""
    cost = Fraction(entry) * Fraction(size)
    held = position(size, str(Decimal(cost.numerator) / Decimal(cost.denominator)))
    limit = Decimal("0.045")
    rules = ExitRules(soft_stop_pct=limit, soft_stop_market_pct=limit)
    if stop == "hard_stop_pct":
        # The soft stop lies as close behind as a digit allows, so that only the hard one can hold at 4.5 %.
        rules = ExitRules(hard_stop_pct=limit, soft_stop_pct=limit - EPSILON, soft_stop_market_pct=limit - EPSILON)
        expected = None if value == "38317.901233496" else expected
    reason = reason_of(held, market(value), rules, fee=NO_FEE)
    assert (None if reason is None else ExitReason(reason).category) == expected
    if stop == "hard_stop_pct" and expected == "stop_loss":
        assert reason == "HARD_STOP"


@pytest.mark.parametrize(
    ("value", "bracket", "expected"),
    [
        pytest.param("96.14", None, ("HARD_STOP", True), id="B103"),
        pytest.param("96.14", "96.10", ("HARD_STOP", True), id="B103 with a bracket"),
        pytest.param("96.19", None, ("SOFT_STOP", True), id="B104"),
        pytest.param("98.67", None, ("SOFT_STOP", False), id="B105 B110"),
        pytest.param("98.68", None, (None, False), id="B106"),
        pytest.param("98.67", "98.40", (None, False), id="B107"),
        pytest.param("98.67", "97.00", ("SOFT_STOP", False), id="B108"),
        pytest.param("98.17", "98.40", ("SOFT_STOP", True), id="B109"),
        pytest.param("98.67", "NaN", ("SOFT_STOP", False), id="a bracket without a price is none"),
        pytest.param("104.76", None, ("TAKE_PROFIT", False), id="B111"),
        pytest.param("104.74", None, (None, False), id="B111 hold"),
    ],
)
def test_a_threshold_counts_the_fees_of_both_sides(
    value: str, bracket: str | None, expected: tuple[str | None, bool]
) -> None:
    """B103, B104, B105, B106, B107, B108, B109, B110, B111, R21: the net figure decides, not the raw one."""
    assert decide(HELD, market(value, bracket=bracket)) == expected


@pytest.mark.parametrize(("bracket", "expected"), [("98", None), ("97.99", "SOFT_STOP")])
def test_a_bracket_is_waited_for_within_half_a_percent_of_the_cost(bracket: str, expected: str | None) -> None:
    """B107, B108: bought at 100 without fees, a soft stop at 98.5 lets a bracket down to 98.00 do the work."""
    rules = ExitRules(soft_stop_pct=Decimal("0.015"))
    assert reason_of(position("1", "100"), market("98.5", bracket=bracket), rules, fee=NO_FEE) == expected


@pytest.mark.parametrize(("value", "expected"), [("97.01", None), ("97", "SOFT_STOP")])
def test_a_bracket_is_not_waited_for_from_the_emergency_on(value: str, expected: str | None) -> None:
    """B109: bought at 100 without fees; a bracket at 97.30 lies within reach of the soft stop at 97.50."""
    assert reason_of(position("1", "100"), market(value, bracket="97.30"), fee=NO_FEE) == expected


def test_a_bracket_far_above_the_soft_stop_is_not_waited_for() -> None:
    rules = ExitRules(soft_stop_pct=Decimal("0.015"))
    held = position("2", "200")
    assert reason_of(held, market("98.5", bracket="99"), rules, fee=NO_FEE) is None
    assert reason_of(held, market("98.5", bracket="99.01"), rules, fee=NO_FEE) == "SOFT_STOP"


def test_a_bracket_that_does_the_soft_stops_work_silences_no_other_rule() -> None:
    """R66: each rule is judged on its own."""
    rules = ExitRules(hold_s_max=60)
    assert reason_of(HELD, market("98.67", bracket="98.40"), rules) == "MAX_HOLD"


@pytest.mark.parametrize(
    ("value", "emergency"), [("97.01", False), ("97.00", True), ("96.99", True)], ids=["before", "at", "after"]
)
def test_the_soft_stop_goes_to_the_market_from_three_percent_on(value: str, *, emergency: bool) -> None:
    """B104, R83."""
    assert decide(position("1", "100"), market(value), fee=NO_FEE) == ("SOFT_STOP", emergency)


@pytest.mark.parametrize(
    ("value", "signal", "held_s", "expected"),
    [
        pytest.param("102.23", True, 600, "SIGNAL_EXIT", id="B112"),
        pytest.param("102.22", True, 600, None, id="B112 too little profit"),
        pytest.param("102.23", False, 600, None, id="B115 without signal"),
        pytest.param("102.73", True, 20, None, id="B131 held 20 s"),
        pytest.param("102.73", True, 59.999, None, id="B131 just under 60 s"),
        pytest.param("102.73", True, 60, "SIGNAL_EXIT", id="B131 held 60 s"),
        pytest.param("104.86", True, 20, "TAKE_PROFIT", id="B131 profit at 20 s"),
        pytest.param("96.05", True, 20, "HARD_STOP", id="B131 stop at 20 s"),
        pytest.param("104.86", True, 600, "SIGNAL_EXIT", id="signal before profit"),
        pytest.param("100", True, 600, None, id="a signal does not sell at a loss"),
    ],
)
def test_a_sell_signal_needs_profit_and_patience_and_stops_need_neither(
    value: str, held_s: float, expected: str | None, *, signal: bool
) -> None:
    """B112, B115, B131, R64, R65."""
    assert reason_of(HELD, market(value, sell_signal=signal, minute=held_s / 60)) == expected


def test_an_exit_at_a_loss_says_stop_loss_in_its_note() -> None:
    """B289, B101: 0.001 bought at 40000, now 38000; net -6.135 %."""
    held = position("0.001", "40.16")
    decision, _ = decide_exit(held, market("38000", bid="37999", ask="38001"), RULES, FRESH, TAKER)
    assert decision == Exit(
        ExitReason.HARD_STOP,
        "stop_loss: hard stop at -5.000 %, net -6.135 % at 38000 (bid 37999, ask 38001)",
        emergency=True,
    )


@pytest.mark.parametrize(
    ("view", "rules", "state", "note"),
    [
        (market("105"), RULES, FRESH, "take_profit: target +3.500 %, net +3.745 % at 105 (bid 105, ask 105)"),
        (
            market("103", sell_signal=True),
            RULES,
            FRESH,
            "signal_exit: sell signal from +1.000 % on, net +1.769 % at 103 (bid 103, ask 103)",
        ),
        (
            market("103.88", atr="1"),
            TRAILING,
            trailed("106", "103.88"),
            "trailing_stop: stop 104 below the high of 106, net +2.638 % at 103.88 (bid 103.88, ask 103.88)",
        ),
        (
            market("103.88"),
            TRAILING,
            trailed("106", "103.88"),
            "trailing_stop: stop 103.88 below the high of 106 (range unknown, widest distance), net +2.638 % at 103.88"
            " (bid 103.88, ask 103.88)",
        ),
        (market("98"), RULES, FRESH, "stop_loss: soft stop at -2.500 %, net -3.171 % at 98 (bid 98, ask 98)"),
        (
            market("101"),
            PEAKS,
            ExitState(peak=Peak(price("110"))),
            "peak_tracking: -5.000 % after the peak of 110, net -0.207 % at 101 (bid 101, ask 101)",
        ),
        (
            market("101"),
            replace(PEAKS, peak_drawdown_pct=Decimal("0.10")),
            ExitState(peak=Peak(price("110"))),
            "peak_tracking: break-even after the peak of 110, net -0.207 % at 101 (bid 101, ask 101)",
        ),
        (
            market("102", minute=90),
            ExitRules(hold_s_max=3600),
            FRESH,
            "max_hold: held for 90 min, net +0.781 % at 102 (bid 102, ask 102)",
        ),
    ],
    ids=["take profit", "signal", "trail", "trail without range", "soft stop", "drawdown", "break-even", "time"],
)
def test_every_exit_says_its_rule_and_figures(view: MarketView, rules: ExitRules, state: ExitState, note: str) -> None:
    decision, _ = decide_exit(MOMENTUM, view, rules, state, TAKER)
    assert isinstance(decision, Exit)
    assert decision.note == note


@pytest.mark.parametrize(
    ("reason", "category", "trigger"),
    [
        (ExitReason.HARD_STOP, "stop_loss", Trigger.HARD_STOP),
        (ExitReason.PEAK_DRAWDOWN, "peak_tracking", Trigger.PEAK_DRAWDOWN),
        (ExitReason.PEAK_BREAKEVEN, "peak_tracking", Trigger.PEAK_BREAKEVEN),
        (ExitReason.SOFT_STOP, "stop_loss", Trigger.SOFT_STOP),
        (ExitReason.MAX_HOLD, "max_hold", Trigger.MAX_HOLD),
        (ExitReason.FLATTEN, "manual", Trigger.FLATTEN),
        (ExitReason.TRAILING_STOP, "trailing_stop", Trigger.TRAILING_STOP),
        (ExitReason.SIGNAL_EXIT, "signal_exit", Trigger.SIGNAL_EXIT),
        (ExitReason.TAKE_PROFIT, "take_profit", Trigger.TAKE_PROFIT),
    ],
)
def test_every_reason_has_a_category_and_a_trigger(reason: ExitReason, category: str, trigger: Trigger) -> None:
    assert (reason.category, reason.trigger) == (category, trigger)


@pytest.mark.parametrize(
    ("value", "bid", "ask", "expected"),
    [
        ("95", "97.6", "98", None),
        ("99", "94", "95", "HARD_STOP"),
        ("97.6", "97", "98", None),
        ("97.5", "97", "98", "SOFT_STOP"),
    ],
    ids=["trade below the bid", "trade above the ask", "trade within", "trade within, at a loss"],
)
def test_a_trade_outside_the_book_gives_way_to_its_nearer_side(
    value: str, bid: str, ask: str, expected: str | None
) -> None:
    """F30: at 100 without fees the stops are at 97.5 and 95; a stale last trade neither triggers nor silences them."""
    assert reason_of(position("1", "100"), market(value, bid=bid, ask=ask), fee=NO_FEE) == expected


@pytest.mark.parametrize(
    ("value", "bid", "ask"),
    [
        ("NaN", "90", "91"),
        ("90", "NaN", "91"),
        ("90", "90", "NaN"),
        ("Infinity", "90", "91"),
        ("90", "90", "Infinity"),
        ("0", "90", "91"),
        ("-1", "90", "91"),
        ("90", "0", "91"),
        ("90", "-1", "91"),
        ("90", "91", "90"),
        ("1000", "0", "0"),
    ],
)
def test_a_price_that_cannot_be_judged_is_an_answer_of_its_own(value: str, bid: str, ask: str) -> None:
    """F30: even where the figure alone would stop out, and the trail is kept."""
    state = trailed("106", "103.88")
    decision, after_ = decide_exit(HELD, market(value, bid=bid, ask=ask), TRAILING, state, TAKER)
    assert isinstance(decision, PriceUnusable)
    assert value in decision.reason
    assert after_ == state


@pytest.mark.parametrize(
    ("age_s", "usable"), [(60, True), (60.001, False), (float("nan"), False), (float("inf"), False), (-1, True)]
)
def test_a_price_may_be_a_minute_old_and_no_older(age_s: float, *, usable: bool) -> None:
    """F30: a stale price neither triggers a stop nor silences one."""
    decision, _ = decide_exit(HELD, market("50", age_s=age_s), RULES, FRESH, TAKER)
    assert isinstance(decision, Exit) is usable
    assert isinstance(decision, PriceUnusable) is not usable


@pytest.mark.parametrize("prices", [["106", "103.88"], ["106", "99"]], ids=["B121", "B122"])
def test_a_trail_without_a_known_range_still_ends_the_position(prices: list[str]) -> None:
    """B121, B122, R68."""
    assert walk(HELD, prices, TRAILING) == [None, "TRAILING_STOP"]


def test_a_trail_starts_at_its_activation_and_not_before() -> None:
    """B121"""
    held = position("1", "100")
    assert decide_exit(held, market("103.49"), TRAILING, FRESH, NO_FEE) == (Hold(), FRESH)
    assert decide_exit(held, market("103.5"), TRAILING, FRESH, NO_FEE)[1] == trailed("103.5", "101.43")


def test_the_stop_itself_triggers_and_a_hair_above_it_does_not() -> None:
    state = trailed("106", "103.88")
    assert reason_of(HELD, market("103.88"), TRAILING, state) == "TRAILING_STOP"
    assert reason_of(HELD, market("103.88000001"), TRAILING, state) is None


def test_a_loss_below_the_trail_is_named_after_the_stop_that_comes_first() -> None:
    """R66: a gap through everything is an emergency."""
    state = trailed("106", "103.88")
    assert decide(HELD, market("90"), TRAILING, state) == ("HARD_STOP", True)
    assert decide(HELD, market("98.67"), TRAILING, state) == ("SOFT_STOP", False)


def test_with_trailing_on_there_is_no_fixed_target() -> None:
    assert reason_of(HELD, market("110"), TRAILING) is None
    late = replace(TRAILING, trailing_activation_pct=Decimal("0.10"))
    assert decide_exit(HELD, market("106"), late, FRESH, TAKER) == (Hold(), FRESH)


def test_a_signal_exit_rests_while_the_trail_is_active_and_not_before() -> None:
    view = market("102.73", sell_signal=True)
    assert reason_of(HELD, view, TRAILING) == "SIGNAL_EXIT"
    assert reason_of(HELD, view, TRAILING, trailed("104", "101.92")) is None


def test_a_signal_exit_can_be_switched_off_and_nothing_else_goes_with_it() -> None:
    rules = ExitRules(signal_exit_enabled=False)
    assert reason_of(HELD, market("102.73", sell_signal=True), rules) is None
    assert reason_of(HELD, market("105", sell_signal=True), rules) == "TAKE_PROFIT"


def test_a_trail_kept_from_before_means_nothing_once_trailing_is_off() -> None:
    """R66: it neither ends the position nor switches the target or a signal off."""
    state = trailed("106", "105.5")
    assert reason_of(HELD, market("105"), RULES, state) == "TAKE_PROFIT"
    assert reason_of(HELD, market("102.73", sell_signal=True), RULES, state) == "SIGNAL_EXIT"
    assert reason_of(HELD, market("101"), RULES, state) is None


def test_a_peak_kept_from_before_means_nothing_once_peak_tracking_is_off() -> None:
    """R66"""
    state = ExitState(peak=Peak(price("120")))
    assert reason_of(MOMENTUM, market("105"), RULES, state) == "TAKE_PROFIT"
    assert reason_of(MOMENTUM, market("102.73", sell_signal=True), RULES, state) == "SIGNAL_EXIT"


@pytest.mark.parametrize(
    ("value", "signal", "expected"),
    [
        pytest.param("96.9", False, "SOFT_STOP", id="B113"),
        pytest.param("110", False, "TAKE_PROFIT", id="B114"),
        pytest.param("103.5", True, "SIGNAL_EXIT", id="B115"),
        pytest.param("103.5", False, None, id="B115 without signal"),
    ],
)
@pytest.mark.parametrize("trigger", [None, "SCORE"])
def test_peak_tracking_changes_nothing_for_other_positions(
    value: str, expected: str | None, trigger: str | None, *, signal: bool
) -> None:
    """B113, B114, B115, R66"""
    held = replace(HELD, trigger=trigger)
    assert reason_of(held, market(value, sell_signal=signal), PEAKS) == expected


@pytest.mark.parametrize(
    ("prices", "drawdown", "expected"),
    [
        pytest.param(["100", "110", "104.5"], "0.05", [None, None, "PEAK_DRAWDOWN"], id="B116"),
        pytest.param(["110", "104.51"], "0.05", [None, None], id="B116 a cent above"),
        pytest.param(["110.32", "98.17"], "0.05", [None, "PEAK_DRAWDOWN"], id="B117"),
        pytest.param(["110.32", "104.805"], "0.05", [None, None], id="B117 above 104.804"),
        pytest.param(["110.32", "104.804"], "0.05", [None, "PEAK_DRAWDOWN"], id="B117 at 104.804"),
        pytest.param(["108", "101.21", "101.20"], "0.10", [None, None, "PEAK_BREAKEVEN"], id="B118"),
        pytest.param(["106", "98.67"], "0.05", [None, "SOFT_STOP"], id="B119"),
        pytest.param(["107.28", "101.9"], "0.05", [None, None], id="just under 6 %"),
        pytest.param(["107.29", "101.9"], "0.05", [None, "PEAK_DRAWDOWN"], id="just over 6 %"),
        pytest.param(["90", "110"], "0.05", ["HARD_STOP", None], id="no target"),
    ],
)
def test_a_tracked_peak_ends_by_drawdown_or_break_even(
    prices: list[str], drawdown: str, expected: list[str | None]
) -> None:
    """B116, B117, B118, B119, R67: activation is sticky, and protection is asked before profit."""
    rules = replace(PEAKS, peak_drawdown_pct=Decimal(drawdown))
    assert walk(MOMENTUM, prices, rules) == expected


def test_a_fall_through_everything_is_an_emergency_whatever_names_it() -> None:
    """B117, R66, R83: peak tracking may name the reason, but it does not turn the market order into a limit."""
    state = ExitState(peak=Peak(price("110.32")))
    assert decide(MOMENTUM, market("98.17"), PEAKS, state) == ("PEAK_DRAWDOWN", True)
    assert decide(MOMENTUM, market("98.67"), PEAKS, state) == ("PEAK_DRAWDOWN", False)
    assert decide(MOMENTUM, market("96.14"), PEAKS, state) == ("HARD_STOP", True)


@pytest.mark.parametrize(("value", "expected"), [("100.01", None), ("100", "PEAK_BREAKEVEN")])
def test_a_tracked_position_ends_at_break_even_itself(value: str, expected: str | None) -> None:
    """B118: bought at 100 without fees; a fall of 10 % from 105 would only end it at 94.50."""
    rules = replace(PEAKS, peak_drawdown_pct=Decimal("0.10"))
    held = replace(position("1", "100"), trigger="ROC")
    assert reason_of(held, market(value), rules, ExitState(peak=Peak(price("105"))), NO_FEE) == expected


def test_what_another_profit_manager_remembers_is_kept() -> None:
    """R66: a setting that is turned on and off again forgets nothing. At 110 the trail rises to 110 less 2 %."""
    before = ExitState(Trail(price("106"), price("103.88")), Peak(price("108")))
    _, trailed_ = decide_exit(HELD, market("110"), TRAILING, before, TAKER)
    assert trailed_ == ExitState(Trail(price("110"), price("107.80")), before.peak)
    _, tracked = decide_exit(MOMENTUM, market("110"), PEAKS, before, TAKER)
    assert tracked.trail == before.trail
    assert tracked.peak is not None
    assert tracked.peak.high == 110


def test_an_active_peak_rests_signals_and_has_no_target() -> None:
    state = ExitState(peak=Peak(price("110")))
    assert reason_of(MOMENTUM, market("108", sell_signal=True), PEAKS, state) is None
    assert reason_of(MOMENTUM, market("105", sell_signal=True), PEAKS) == "SIGNAL_EXIT"
    assert reason_of(MOMENTUM, market("105"), PEAKS) is None


def test_peak_tracking_goes_before_trailing_for_its_triggers() -> None:
    both = replace(PEAKS, trailing_enabled=True)
    assert both.manager_of(MOMENTUM) is ProfitManager.PEAK_TRACKING
    assert both.manager_of(HELD) is ProfitManager.TRAILING
    assert PEAKS.manager_of(HELD) is ProfitManager.FIXED_TARGET
    assert decide_exit(MOMENTUM, market("110"), both, FRESH, TAKER)[1].trail is None
    assert decide_exit(HELD, market("110"), both, FRESH, TAKER)[1].peak is None


def test_the_smoothed_price_draws_down_and_not_the_last_one() -> None:
    """One tick at 100.8 among many at 110 is no fall of 5 %: (110 + 110 + 100.8) / 3 = 106.93 is above 104.5."""
    rules = replace(PEAKS, peak_smoothing_s=300, peak_drawdown_pct=Decimal("0.05"))
    dip = replace(rules, peak_drawdown_pct=Decimal("0.02"))
    prices = ["110", "110", "102"]
    assert walk(MOMENTUM, prices, rules, minutes=1) == [None, None, None]
    assert walk(MOMENTUM, prices, dip, minutes=1) == [None, None, "PEAK_DRAWDOWN"]


@pytest.mark.parametrize(("minutes", "expected"), [(1439, None), (1440, "MAX_HOLD")], ids=["B120 before", "B120"])
def test_a_tracked_position_is_held_for_a_day(minutes: float, expected: str | None) -> None:
    """B120"""
    assert reason_of(MOMENTUM, market("102", minute=minutes), PEAKS) == expected
    assert reason_of(HELD, market("102", minute=minutes), PEAKS) is None
    unlimited = replace(PEAKS, peak_hold_s_max=0)
    assert reason_of(MOMENTUM, market("102", minute=minutes), unlimited) is None


@pytest.mark.parametrize(
    ("hours", "expected"), [(2, None), (4, "MAX_HOLD"), (5, "MAX_HOLD")], ids=["B130 2 h", "B130 4 h", "B130 5 h"]
)
def test_a_position_is_not_held_for_ever(hours: int, expected: str | None) -> None:
    """B130"""
    assert reason_of(HELD, market("102", minute=60 * hours), ExitRules(hold_s_max=4 * 3600)) == expected
    assert reason_of(HELD, market("102", minute=60 * hours)) is None


@pytest.mark.parametrize(("held_s", "expected"), [(0.999, None), (1, "MAX_HOLD")])
@pytest.mark.parametrize("rules", [ExitRules(hold_s_max=1), replace(PEAKS, peak_hold_s_max=1)])
def test_a_limit_of_one_second_is_a_limit(rules: ExitRules, held_s: float, expected: str | None) -> None:
    assert reason_of(MOMENTUM, market("102", minute=held_s / 60), rules) == expected


def test_time_comes_after_every_stop_and_before_a_signal() -> None:
    rules = ExitRules(hold_s_max=60, trailing_enabled=True)
    assert reason_of(HELD, market("98.67"), rules) == "SOFT_STOP"
    assert reason_of(HELD, market("103.88"), rules, trailed("106", "103.88")) == "TRAILING_STOP"
    assert reason_of(HELD, market("103", sell_signal=True), ExitRules(hold_s_max=60)) == "MAX_HOLD"


def test_the_momentum_that_turned_and_a_stop_give_one_reason() -> None:
    """B102: at -5 % a sell signal is heard as well, and the reason is the stop."""
    assert decide(position("1", "40000"), market("38000", sell_signal=True), fee=NO_FEE) == ("HARD_STOP", True)


def test_an_exit_is_made_from_the_market_and_not_from_the_entry() -> None:
    """B128, B129: bought at 40,000 with 1 %, cost 40.40; at 38,000 it brings 37.62, that is -2.78."""
    held = position("0.001", "40.40")
    decision, _ = decide_exit(held, market("38000"), RULES, FRESH, Decimal("0.01"))
    assert isinstance(decision, Exit)
    assert decision.note.endswith("net -6.881 % at 38000 (bid 38000, ask 38000)")


def test_each_rule_asks_its_own_threshold() -> None:
    """Different percentages everywhere: a rule that read a neighbour's would fire early or late."""
    rules = ExitRules(
        hard_stop_pct=Decimal("0.10"),
        soft_stop_pct=Decimal("0.07"),
        soft_stop_market_pct=Decimal("0.08"),
        take_profit_pct=Decimal("0.06"),
        trailing_activation_pct=Decimal("0.04"),
        signal_exit_min_profit_pct=Decimal("0.02"),
    )
    held = position("1", "100")
    values = ("90", "90.01", "92", "92.01", "93", "93.01", "105.99", "106")
    assert [decide(held, market(value), rules, fee=NO_FEE) for value in values] == [
        ("HARD_STOP", True),
        ("SOFT_STOP", True),
        ("SOFT_STOP", True),
        ("SOFT_STOP", False),
        ("SOFT_STOP", False),
        (None, False),
        (None, False),
        ("TAKE_PROFIT", False),
    ]
    signals = [market(value, sell_signal=True) for value in ("101.99", "102")]
    assert [reason_of(held, view, rules, fee=NO_FEE) for view in signals] == [None, "SIGNAL_EXIT"]
    trailing = replace(rules, trailing_enabled=True)
    assert decide_exit(held, market("103.99"), trailing, FRESH, NO_FEE)[1].trail is None
    assert decide_exit(held, market("104"), trailing, FRESH, NO_FEE)[1].trail is not None


@pytest.mark.parametrize(
    ("rules", "state", "bracket", "expected"),
    [
        (RULES, FRESH, None, ("97.5", "soft")),
        (RULES, FRESH, "97", ("97.5", "soft")),
        (RULES, FRESH, "98", ("98", "bracket")),
        (TRAILING, trailed("106", "103.88"), "98", ("103.88", "trailing")),
        (RULES, trailed("106", "103.88"), None, ("97.5", "soft")),
        (PEAKS, ExitState(peak=Peak(price("110"))), "98", ("100", "break_even")),
        (PEAKS, ExitState(peak=Peak(None)), "98", ("98", "bracket")),
        (PEAKS, FRESH, None, ("97.5", "soft")),
        (RULES, ExitState(peak=Peak(price("110"))), None, ("97.5", "soft")),
    ],
)
def test_the_effective_stop_is_the_highest_of_all(
    rules: ExitRules, state: ExitState, bracket: str | None, expected: tuple[str, str]
) -> None:
    """R25: one function gives it."""
    held = replace(position("1", "100"), trigger="ROC")
    stop = effective_stop(held, rules, state, NO_FEE, None if bracket is None else price(bracket))
    assert stop == EffectiveStop(price(expected[0]), expected[1])


def test_a_wider_soft_stop_than_the_hard_one_cannot_be() -> None:
    """R25: with fees, 100.4 x 0.975 / 0.992 = 98.679435..., rounded down."""
    stop = effective_stop(HELD, RULES, FRESH, TAKER)
    assert stop.price == Decimal("98.67943548387096774193548387")
    assert stop.source == "soft"


@given(
    st.decimals("80", "130", places=2),
    st.decimals("0", "0.01", places=4),
    st.sampled_from([RULES, TRAILING, PEAKS]),
    st.one_of(st.none(), st.decimals("97", "110", places=2)),
)
@settings(deadline=None, max_examples=150)
def test_a_price_ends_a_position_by_a_stop_exactly_at_the_effective_stop(
    value: Decimal, fee: Decimal, rules: ExitRules, high: Decimal | None
) -> None:
    """B132, R25: one decision with one reason, and the one function agrees with it."""
    state = FRESH
    if high is not None:
        state = ExitState(Trail(price(str(high)), price(str(high - 2))), Peak(price(str(high))))
    rules = replace(rules, peak_drawdown_pct=Decimal("0.9"))
    decision, after_ = decide_exit(MOMENTUM, market(str(value)), rules, state, fee)
    ends = isinstance(decision, Exit) and decision.reason not in {ExitReason.TAKE_PROFIT, ExitReason.PEAK_DRAWDOWN}
    assert ends == (value <= effective_stop(MOMENTUM, rules, after_, fee).price)


def test_a_sample_is_dated_by_the_market() -> None:
    _, state = decide_exit(MOMENTUM, market("101", minute=7), PEAKS, FRESH, TAKER)
    assert state == ExitState(peak=Peak(None, (PriceSample(at(7), price("101")),)))

"""One decision with one reason, exact at its thresholds."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.exits import (
    Exit,
    ExitReason,
    ExitRules,
    Hold,
    MarketView,
    PriceUnusable,
    Trail,
    decide_exit,
)
from bottrader.domain.positions import Position
from bottrader.domain.signals import Trigger
from tests.unit.domain.examples import at, position, price

NO_FEE = Decimal(0)
MAKER, TAKER = Decimal("0.004"), Decimal("0.008")
RULES = ExitRules()
TRAILING = ExitRules(trailing_enabled=True)
# One unit bought at 100 with a maker fee of 0.4 %, as the table of exit policies has it.
HELD = position("1", "100.4")


def market(
    value: str, *, atr: str | None = None, sell_signal: bool = False, minute: float = 10, **book: str
) -> MarketView:
    return MarketView(
        price=price(value),
        bid=price(book.get("bid", value)),
        ask=price(book.get("ask", value)),
        at=at(minute),
        atr=None if atr is None else Decimal(atr),
        sell_signal=sell_signal,
    )


def reason_of(
    held: Position, view: MarketView, rules: ExitRules = RULES, trail: Trail | None = None, fee: Decimal = TAKER
) -> str | None:
    decision, _ = decide_exit(held, view, rules, trail, fee)
    assert not isinstance(decision, PriceUnusable)
    return decision.reason.value if isinstance(decision, Exit) else None


def trail_after(held: Position, view: MarketView, trail: Trail | None = None, rules: ExitRules = TRAILING) -> Trail:
    _, after_ = decide_exit(held, view, rules, trail, NO_FEE)
    assert after_ is not None
    return after_


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        pytest.param("40000", "38200", "HARD_STOP", id="B91"),
        pytest.param("40000", "38000", "HARD_STOP", id="B92"),
        pytest.param("40000", "38400", None, id="B93"),
        pytest.param("40123.456789", "38317.901233495", "HARD_STOP", id="B95"),
        pytest.param("40123.456789", "38317.901233496", None, id="B96"),
        pytest.param("40000", "41400", "TAKE_PROFIT", id="B97"),
        pytest.param("40000", "41399.99999999", None, id="just under B97"),
        pytest.param("40000", "42000", "TAKE_PROFIT", id="B94 B98"),
        pytest.param("40000", "40800", None, id="B99"),
        pytest.param("40000", "38000", "HARD_STOP", id="B100 B101"),
    ],
)
@pytest.mark.parametrize("size", ["1", "0.00000003", "12345.6789"])
def test_a_threshold_is_exact_without_fees(entry: str, value: str, expected: str | None, size: str) -> None:
    cost = Fraction(entry) * Fraction(size)
    held = position(size, str(Decimal(cost.numerator) / Decimal(cost.denominator)))
    assert reason_of(held, market(value), fee=NO_FEE) == expected


@pytest.mark.parametrize(
    ("hard_stop", "value", "expected"),
    [
        pytest.param("0.05", "96.14", "HARD_STOP", id="B103"),
        pytest.param("0.05", "96.19", None, id="B104 without soft stop"),
        pytest.param("0.045", "104.76", "TAKE_PROFIT", id="B111"),
        pytest.param("0.045", "104.74", None, id="B111 hold"),
    ],
)
def test_a_threshold_counts_the_fees_of_both_sides(hard_stop: str, value: str, expected: str | None) -> None:
    """R21: the net figure decides, not the raw one."""
    assert reason_of(HELD, market(value), ExitRules(hard_stop_pct=Decimal(hard_stop))) == expected


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
        pytest.param("99", True, 600, None, id="a signal does not sell at a loss"),
    ],
)
def test_a_sell_signal_needs_profit_and_patience_and_stops_need_neither(
    value: str, held_s: float, expected: str | None, *, signal: bool
) -> None:
    """R64, R65."""
    assert reason_of(HELD, market(value, sell_signal=signal, minute=held_s / 60)) == expected


def test_an_exit_at_a_loss_says_stop_loss_in_its_note() -> None:
    """B289, B101: 0.001 bought at 40000, now 38000; net -6.135 %."""
    held = position("0.001", "40.16")
    decision, _ = decide_exit(held, market("38000", bid="37999", ask="38001"), RULES, None, TAKER)
    assert decision == Exit(
        ExitReason.HARD_STOP,
        "stop_loss: hard stop at -4.500 %, net -6.135 % at 38000 (bid 37999, ask 38001)",
        emergency=True,
    )


@pytest.mark.parametrize(
    ("view", "rules", "trail", "note"),
    [
        (market("105"), RULES, None, "take_profit: target +3.500 %, net +3.745 % at 105 (bid 105, ask 105)"),
        (
            market("103", sell_signal=True),
            RULES,
            None,
            "signal_exit: sell signal from +1.000 % on, net +1.769 % at 103 (bid 103, ask 103)",
        ),
        (
            market("103.88"),
            TRAILING,
            Trail(price("106"), price("103.88")),
            "trailing_stop: stop 103.88 below the high of 106, net +2.638 % at 103.88 (bid 103.88, ask 103.88)",
        ),
    ],
    ids=["take profit", "signal", "trail"],
)
def test_every_exit_says_its_rule_and_figures(
    view: MarketView, rules: ExitRules, trail: Trail | None, note: str
) -> None:
    decision, _ = decide_exit(HELD, view, rules, trail, TAKER)
    assert isinstance(decision, Exit)
    assert decision.note == note
    assert not decision.emergency


@pytest.mark.parametrize(
    ("reason", "category", "trigger"),
    [
        (ExitReason.HARD_STOP, "stop_loss", Trigger.HARD_STOP),
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
        ("95", "97", "98", None),
        ("99", "94", "95", "HARD_STOP"),
        ("95.6", "95", "96", None),
        ("95.4", "95", "96", "HARD_STOP"),
    ],
    ids=["trade below the bid", "trade above the ask", "trade within", "trade within, at a loss"],
)
def test_a_trade_outside_the_book_gives_way_to_its_nearer_side(
    value: str, bid: str, ask: str, expected: str | None
) -> None:
    """At 100 without fees the stop is at 95.5; a stale last trade neither triggers nor silences it (F30)."""
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
    trail = Trail(price("106"), price("103.88"))
    decision, after_ = decide_exit(HELD, market(value, bid=bid, ask=ask), TRAILING, trail, TAKER)
    assert isinstance(decision, PriceUnusable)
    assert value in decision.reason
    assert after_ == trail


def test_a_trail_starts_at_its_activation_and_not_before() -> None:
    held = position("1", "100")
    assert decide_exit(held, market("103.49"), TRAILING, None, NO_FEE) == (Hold(), None)
    assert decide_exit(held, market("103.5"), TRAILING, None, NO_FEE)[1] == Trail(price("103.5"), price("101.43"))


@pytest.mark.parametrize(
    ("high", "atr", "stop"),
    [
        pytest.param("50000", "1000", "49000.00", id="B140"),
        pytest.param("100", "0.3", "99.00", id="B144 0.3 %"),
        pytest.param("100", "0.75", "98.50", id="B144 0.75 %"),
        pytest.param("100", "2", "98.00", id="B144 2 %"),
        pytest.param("100", None, "98.00", id="B145"),
        pytest.param("100", "NaN", "98.00", id="a range that is no number"),
        pytest.param("100", "0", "99.00", id="no range at all"),
    ],
)
def test_the_distance_of_a_trail_follows_the_range_within_its_bounds(high: str, atr: str | None, stop: str) -> None:
    cheap = position("1", str(Decimal(high) / 2))
    assert trail_after(cheap, market(high, atr=atr)) == Trail(price(high), price(stop))


def test_a_trail_through_a_rise_a_dip_and_its_end() -> None:
    """B140-B143. The trail outlives the exit: until the order has filled, a new one would start lower."""
    held = position("1", "45000")
    trail = trail_after(held, market("50000", atr="1000"))
    assert trail.stop == 49000
    trail = trail_after(held, market("52000", atr="1040"), trail)
    assert trail.stop == 50960
    dip = market("51000", atr="1040")
    assert decide_exit(held, dip, TRAILING, trail, NO_FEE) == (Hold(), trail)
    end = market("50860", atr="1040")
    decision, after_ = decide_exit(held, end, TRAILING, trail, NO_FEE)
    assert isinstance(decision, Exit)
    assert decision.reason is ExitReason.TRAILING_STOP
    assert after_ == trail


@pytest.mark.parametrize("prices", [["106", "103.88"], ["106", "99"]], ids=["B121", "B122"])
def test_a_trail_without_a_known_range_still_ends_the_position(prices: list[str]) -> None:
    """R68."""
    trail: Trail | None = None
    reasons = []
    for value in prices:
        decision, trail = decide_exit(HELD, market(value), TRAILING, trail, TAKER)
        reasons.append(decision.reason.value if isinstance(decision, Exit) else None)
    assert reasons == [None, "TRAILING_STOP"]


def test_the_stop_itself_triggers_and_a_hair_above_it_does_not() -> None:
    trail = Trail(price("106"), price("103.88"))
    assert reason_of(HELD, market("103.88"), TRAILING, trail) == "TRAILING_STOP"
    assert reason_of(HELD, market("103.88000001"), TRAILING, trail) is None


def test_a_hard_stop_comes_before_a_trailing_stop() -> None:
    """R66: a gap through both is an emergency."""
    assert reason_of(HELD, market("90"), TRAILING, Trail(price("106"), price("103.88"))) == "HARD_STOP"


def test_with_trailing_on_there_is_no_fixed_target() -> None:
    assert reason_of(HELD, market("110"), TRAILING) is None
    late = replace(TRAILING, trailing_activation_pct=Decimal("0.10"))
    assert decide_exit(HELD, market("106"), late, None, TAKER) == (Hold(), None)


def test_a_signal_exit_rests_while_the_trail_is_active_and_not_before() -> None:
    view = market("102.73", sell_signal=True)
    assert reason_of(HELD, view, TRAILING) == "SIGNAL_EXIT"
    assert reason_of(HELD, view, TRAILING, Trail(price("104"), price("101.92"))) is None


def test_a_trail_kept_from_before_means_nothing_once_trailing_is_off() -> None:
    """R66: it neither ends the position nor switches the target or a signal off."""
    trail = Trail(price("106"), price("105.5"))
    assert reason_of(HELD, market("105"), RULES, trail) == "TAKE_PROFIT"
    assert reason_of(HELD, market("102.73", sell_signal=True), RULES, trail) == "SIGNAL_EXIT"
    assert reason_of(HELD, market("101"), RULES, trail) is None


def test_each_rule_asks_its_own_threshold() -> None:
    """Four different percentages: a rule that read a neighbour's would fire early or late."""
    rules = ExitRules(
        hard_stop_pct=Decimal("0.10"),
        take_profit_pct=Decimal("0.06"),
        trailing_activation_pct=Decimal("0.04"),
        signal_exit_min_profit_pct=Decimal("0.02"),
    )
    held = position("1", "100")
    values = ("90", "90.01", "105.99", "106")
    assert [reason_of(held, market(value), rules, fee=NO_FEE) for value in values] == [
        "HARD_STOP",
        None,
        None,
        "TAKE_PROFIT",
    ]
    signals = [market(value, sell_signal=True) for value in ("101.99", "102")]
    assert [reason_of(held, view, rules, fee=NO_FEE) for view in signals] == [None, "SIGNAL_EXIT"]
    trailing = replace(rules, trailing_enabled=True)
    assert decide_exit(held, market("103.99"), trailing, None, NO_FEE)[1] is None
    assert trail_after(held, market("104"), rules=trailing).high == 104


PRICES = st.lists(st.decimals("90", "130", places=2), min_size=1, max_size=25)
RANGES = st.one_of(st.none(), st.decimals("0", "5", places=3))


@given(PRICES, st.data())
@settings(deadline=None, max_examples=60)
def test_a_trailing_stop_never_falls_and_ends_exactly_at_its_price(prices: list[Decimal], data: st.DataObject) -> None:
    """B146, B132."""
    held = position("1", "95")
    trail: Trail | None = None
    for value in prices:
        atr = data.draw(RANGES)
        before = trail
        view = replace(market(str(value)), atr=atr)
        decision, trail = decide_exit(held, view, TRAILING, before, NO_FEE)
        if before is not None:
            assert trail is not None
            assert trail.stop >= before.stop
            assert trail.high == max(before.high, value)
        if trail is not None:
            assert trail.stop >= Fraction(98, 100) * Fraction(trail.high)
            ended = isinstance(decision, Exit) and decision.reason is ExitReason.TRAILING_STOP
            assert ended == (value <= trail.stop and value > Decimal("90.725"))
        else:
            assert value < Decimal("98.325")


@given(
    st.decimals("1", "200", places=2),
    st.booleans(),
    st.booleans(),
    st.floats(0, 120),
    st.decimals("0", "0.01", places=4),
)
@settings(deadline=None, max_examples=80)
def test_the_reason_is_the_first_rule_that_holds(
    value: Decimal,
    signal: bool,
    trailing: bool,
    held_s: float,
    fee: Decimal,
) -> None:
    """B132: the table of rules in rational numbers, written independently of the program's form."""
    rules = ExitRules(trailing_enabled=trailing)
    view = market(str(value), sell_signal=signal, minute=held_s / 60)
    held_for = (view.at - HELD.opened_at).total_seconds()
    net = (Fraction(value) * (1 - Fraction(fee)) - Fraction("100.4")) / Fraction("100.4")
    active = trailing and net >= Fraction("0.035")
    expected = None
    if net <= Fraction("-0.045"):
        expected = "HARD_STOP"
    elif signal and net >= Fraction("0.01") and held_for >= 60 and not active:
        expected = "SIGNAL_EXIT"
    elif net >= Fraction("0.035") and not trailing:
        expected = "TAKE_PROFIT"
    assert reason_of(HELD, view, rules, None, fee) == expected

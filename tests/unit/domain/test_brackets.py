"""Where brackets lie, when they are placed, and whether they can pay. Entry 100, taker 0.0055, maker 0.003 unless said.

The book of 99.90 to 100.00 has a spread of exactly 0.001 of the ask.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.domain.brackets import (
    RISK_POINTS_MAX,
    BracketRules,
    FeeSide,
    Held,
    RestingTargets,
    StopMode,
    Touch,
    bracket_distances,
    break_even_win_rate,
    check_win_rate,
    describe_outcome,
    refuse_without_atr,
    resting_targets,
    risk_points,
)
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import FeeRates
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import Fill, OrderIntent, OrderKind, Side, VenueOrderId, derive_client_order_id
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import Refusal
from tests.unit.domain.examples import BTC, START

D = Decimal
FEES = FeeRates(maker=D("0.003"), taker=D("0.0055"))
DEPLOYED = FeeRates(maker=D("0.004"), taker=D("0.008"))
RULES = BracketRules()
BOOK = Touch(D("99.90"), D("100.00"))
TICK = D("0.01")
TARGETS = RestingTargets(Price(D("103.15")), Price(D("98.15")), Price(D("98.13")))
TIGHT = Touch(D("99.99"), D("100.01"))


def held(atr: str | None, trigger: str | None = None, entry: str = "100") -> Held:
    return Held(D(entry), trigger, None if atr is None else D(atr))


@pytest.mark.parametrize(
    ("position", "book", "rules", "distance", "stop"),
    [
        (held("0.5"), BOOK, RULES, "0.0185", "98.15"),
        (held("2"), BOOK, RULES, "0.0425", "95.75"),
        (held("2", "ROC"), BOOK, RULES, "0.0785", "92.15"),
        (held("2", "ROC_MOMO_OVERRIDE"), BOOK, RULES, "0.0785", "92.15"),
        (held("0.5"), None, RULES, "0.0190", "98.10"),
        (held("0.5"), BOOK, replace(RULES, stop_mode=StopMode.FIXED), "0.0165", "98.35"),
        (held(None), BOOK, replace(RULES, stop_mode=StopMode.FIXED), "0.0165", "98.35"),
        (held("0.5"), BOOK, replace(RULES, fee_side=FeeSide.MAKER), "0.0160", "98.40"),
    ],
    ids=["B55", "B56", "B57", "B57 override", "B58", "B59", "B59 without an ATR", "maker fee"],
)
def test_the_stop_lies_a_base_a_spread_and_a_fee_below_the_entry(
    position: Held, book: Touch | None, rules: BracketRules, distance: str, stop: str
) -> None:
    """B55, B56, B57, B58, B59: by hand, for example 0.02 x 1.8 + 0.001 + 0.0055 = 0.0425."""
    distances = bracket_distances(position, book, FEES, rules)
    assert distances.stop_pct == D(distance)
    assert distances.around(position.entry_price, TICK)[0] == D(stop)
    assert not distances.is_atr_missing


@pytest.mark.parametrize(("trigger", "target"), [(None, "103.15"), ("SCORE", "103.15"), ("ROC", "108.15")])
def test_the_target_carries_the_same_cushions_as_the_stop(trigger: str | None, target: str) -> None:
    """B60, B61, R24: 0.025 + 0.0065 above, for a momentum entry three times 0.025."""
    assert bracket_distances(held("0.5", trigger), BOOK, FEES, RULES).around(D(100), TICK)[1] == D(target)


def test_without_an_atr_an_entry_is_refused_and_a_position_has_the_floor() -> None:
    """B63, B64, R33: fourteen candles give no range; 0.012 + 0.0065 below, flagged."""
    assert isinstance(refuse_without_atr(None, RULES), Refusal)
    assert refuse_without_atr(D("0.5"), RULES) is None
    assert refuse_without_atr(None, replace(RULES, stop_mode=StopMode.FIXED)) is None
    distances = bracket_distances(held(None), BOOK, FEES, RULES)
    assert (distances.stop_pct, distances.is_atr_missing) == (D("0.0185"), True)


def test_prices_off_the_grid_are_rounded_up_and_those_on_it_stay() -> None:
    """A mean entry price need not end: 100 / 3 with nothing to cushion lies between 33.33 and 33.34."""
    plain = replace(RULES, stop_mode=StopMode.FIXED, stop_loss_pct=D("0.1"), take_profit_pct=D("0.1"))
    distances = bracket_distances(held(None), Touch(D(100), D(100)), FeeRates(D(0), D(0)), plain)
    assert distances.around(D(100) / D(3), TICK) == (D("30.00"), D("36.67"))
    assert distances.around(D("33.330"), TICK) == (D("30.00"), D("36.67"))
    assert distances.around(D("33.30") + D("1E-26"), TICK) == (D("29.97"), D("36.63"))


def test_the_target_keeps_off_the_touch_and_the_limit_lies_beyond_the_stop() -> None:
    """B71: ask 100.01 and three ticks, stop 98.15 less two."""
    targets = resting_targets(Price(D("98.15")), Price(D("100.02")), D("100.01"), TICK, RULES)
    assert targets == RestingTargets(Price(D("100.04")), Price(D("98.15")), Price(D("98.13")))
    far = resting_targets(Price(D("98.15")), Price(D("103.15")), D("100.01"), TICK, RULES)
    assert far.target == D("103.15")


def points(touch: Touch = TIGHT, mids: tuple[str, ...] = (), targets: RestingTargets = TARGETS) -> int:
    found = risk_points(targets, touch, [D(mid) for mid in mids], (TICK, FEES), RULES)
    assert isinstance(found, int)
    return found


def test_a_spread_that_is_small_beside_the_fees_is_one_point_and_not_enough() -> None:
    """B67: 0.02/100.01 over 0.0085 is 0.0235, less than 2."""
    assert points() == 1 < RISK_POINTS_MAX
    # 2 x 0.0085 = 0.017 of the ask; 98.30 is exactly that far from 100.
    assert points(Touch(D("98.30"), D("100.00")), targets=replace(TARGETS, stop=Price(D(90)))) == 0
    assert points(Touch(D("98.31"), D("100.00")), targets=replace(TARGETS, stop=Price(D(90)))) == 1


def test_a_book_that_leans_and_a_thin_far_side_are_two_more() -> None:
    """B68: 1 to 2 is a ratio of 0.5, and 2 x 100.01 = 200.02 less than 250."""
    assert points(Touch(D("99.99"), D("100.01"), D(1), D(2))) == 3
    assert points(Touch(D("99.99"), D("100.01"), D(3), D(3))) == 1
    assert points(Touch(D("99.99"), D("100.01"), D("4.5"), D(3))) == 1
    assert points(Touch(D("99.99"), D("100.01"), D("4.51"), D(3))) == 2
    assert points(Touch(D("99.99"), D("100.01"), D("2.1"), D(3))) == 1
    assert points(Touch(D("99.99"), D("100.01"), D("2.09"), D(3))) == 2
    assert points(Touch(D("99.99"), D("100.00"), D("2.5"), D("2.5"))) == 1


def test_a_price_that_moves_about_more_than_the_target_is_away_is_one_more() -> None:
    """B69: mids of 96 and 104 deviate by 4 from their mean; the target is 3.15 away from the mid of 100."""
    assert points(mids=("96", "104") * 15) == 2
    assert points(mids=("96.85", "103.15") * 5) == 1
    assert points(mids=("96.84", "103.16") * 5) == 2
    # Nine are too few to tell, and only the last thirty count.
    assert points(mids=("96", "104") * 4 + ("96",)) == 1
    assert points(mids=("1", "200") * 5 + ("100",) * 30) == 1


def test_a_leg_at_the_touch_is_one_more() -> None:
    assert points(targets=replace(TARGETS, target=Price(D("100.02")))) == 2
    assert points(targets=replace(TARGETS, target=Price(D("100.03")))) == 1
    assert points(targets=replace(TARGETS, stop=Price(D("99.98")))) == 2
    assert points(targets=replace(TARGETS, stop=Price(D("99.97")))) == 1


@pytest.mark.parametrize(("bid", "ask"), [("0", "100"), ("100.02", "100.01"), ("NaN", "100"), ("99", "Infinity")])
def test_without_a_book_nothing_is_placed(bid: str, ask: str) -> None:
    """B70"""
    assert isinstance(risk_points(TARGETS, Touch(D(bid), D(ask)), (), (TICK, FEES), RULES), Refusal)


def test_the_break_even_win_rate_of_two_examples() -> None:
    """B65, B66: by hand 0.033328/0.05969 and, with 1.004 - 0.965 x 0.992 = 0.04672, 0.04672/0.06362."""
    allowed = break_even_win_rate(D("0.0215"), D("0.0345"), DEPLOYED)
    assert abs(allowed - D("0.5584")) < D("0.00005")
    refused = break_even_win_rate(D("0.035"), D("0.025"), DEPLOYED)
    assert abs(refused - D("0.7343")) < D("0.0001")
    # A target that does not even bring back the fees can never break even.
    assert break_even_win_rate(D("0.01"), D("0.004"), DEPLOYED) == 1


def test_brackets_that_would_have_to_win_too_often_are_refused_with_both_sides() -> None:
    """B65, B66, R24: the defaults give stop 0.0215 and target 0.0345."""
    check_win_rate(RULES, DEPLOYED, D("0.60"))
    with pytest.raises(ConfigInvalid, match=r"0\.5584 of the time .* 0\.0345 brings 0\.0263 .* 0\.0215 costs 0\.0332"):
        check_win_rate(RULES, DEPLOYED, D("0.55"))
    with pytest.raises(ConfigInvalid, match="break even"):
        check_win_rate(replace(RULES, take_profit_pct=D("0.0155")), DEPLOYED, D("0.60"))


@pytest.mark.parametrize(
    "name", ["stop_min_pct", "stop_loss_pct", "take_profit_pct", "atr_multiplier_stop", "roc_sl_multiplier"]
)
def test_rules_out_of_range_are_named(name: str) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        replace(RULES, **{name: D(0)})  # type: ignore[arg-type]  # each case is one field of this type


def test_a_cushion_may_be_zero_and_not_less() -> None:
    assert replace(RULES, spread_cushion_pct=D(0)).spread_cushion_pct == 0
    with pytest.raises(ConfigInvalid, match="spread_cushion_pct"):
        replace(RULES, spread_cushion_pct=D("-0.001"))


def sold_at(*prices: str, kind: OrderKind = OrderKind.BRACKET_GTC) -> str:
    stop = Price(D("98.15")) if kind is OrderKind.BRACKET_GTC else None
    intent = OrderIntent(
        client_order_id=derive_client_order_id(Trigger.BRACKET, BTC, "buy", "1"),
        product_id=BTC,
        side=Side.SELL,
        kind=kind,
        size_base=Size(D(1)),
        limit_price=Price(D("103.15")),
        trigger=Trigger.BRACKET,
        note="",
        created_at=START,
        stop_price=stop,
    )
    fills = [
        Fill(str(n), VenueOrderId("v"), BTC, Side.SELL, Price(D(text)), Size(D(1)), Money(D(0)), START)
        for n, text in enumerate(prices)
    ]
    return describe_outcome(intent, fills)


def test_the_leg_that_sold_names_the_reason() -> None:
    assert sold_at("103.15").startswith("take_profit: bracket's target 103.15")
    assert sold_at("98.10").startswith("stop_loss: bracket's stop 98.15")
    assert sold_at("103.15", "97").startswith("stop_loss:")
    assert sold_at() == ""
    assert sold_at("103.15", kind=OrderKind.LIMIT_GTC) == ""

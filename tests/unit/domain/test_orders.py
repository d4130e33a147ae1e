"""The order intent, its id, and the states an order may move through."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Size
from bottrader.domain.orders import (
    PROTECTIVE,
    ClientOrderId,
    OpenOrder,
    OrderIntent,
    OrderKind,
    OrderState,
    Side,
    check_transition,
    derive_client_order_id,
    trigger_of,
)
from bottrader.domain.signals import Trigger
from tests.unit.domain.examples import BTC, ETH, START, price

pytestmark = pytest.mark.component("order_manager")

INTENT = OrderIntent(
    client_order_id=derive_client_order_id(Trigger.ROC_MOMO, BTC, "signal-1"),
    product_id=BTC,
    side=Side.BUY,
    kind=OrderKind.LIMIT_IOC,
    size_base=Size(Decimal("0.001")),
    limit_price=price("40000"),
    trigger=Trigger.ROC_MOMO,
    note="a note",
    created_at=START,
    granted_quote=Money(Decimal(40)),
)

STATES = list(OrderState)
ENDS = {OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.FAILED}
ALLOWED = (
    {(OrderState.PLANNED, after_) for after_ in (OrderState.SENT, OrderState.REFUSED)}
    | {(OrderState.SENT, after_) for after_ in ENDS | {OrderState.ACCEPTED, OrderState.REFUSED, OrderState.UNKNOWN}}
    | {(OrderState.UNKNOWN, after_) for after_ in ENDS | {OrderState.SENT, OrderState.ACCEPTED, OrderState.REFUSED}}
    | {(OrderState.ACCEPTED, after_) for after_ in ENDS}
)


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after_", STATES)
def test_an_order_moves_along_its_states_and_no_other_way(before: OrderState, after_: OrderState) -> None:
    """S4: all eighty-one pairs."""
    if (before, after_) in ALLOWED:
        check_transition(before, after_)
    else:
        with pytest.raises(InvariantBroken, match=f"in state {before} cannot become {after_}"):
            check_transition(before, after_)


@pytest.mark.parametrize("state", STATES)
def test_an_order_has_ended_when_nothing_can_follow(state: OrderState) -> None:
    assert state.is_terminal is not any(before is state for before, _ in ALLOWED)


def test_an_order_id_names_trigger_and_base_and_can_be_read_back() -> None:
    """B53."""
    order_id = derive_client_order_id(Trigger.ROC_MOMO, BTC, "signal-1")
    assert re.fullmatch(r"ROC_MOMO-BTC-[0-9a-f]{32}", order_id)
    assert trigger_of(order_id) is Trigger.ROC_MOMO


def test_an_order_id_stays_the_same_from_version_to_version() -> None:
    """R46: a retry may be that of a newer version. By sha256sum: order|ROC_MOMO|BTC-USD|signal-1."""
    assert derive_client_order_id(Trigger.ROC_MOMO, BTC, "signal-1") == "ROC_MOMO-BTC-0e663ae380b530d33a10c4f584566659"


def test_ten_thousand_decisions_have_ten_thousand_ids() -> None:
    """B53."""
    assert len({derive_client_order_id(Trigger.ROC_MOMO, BTC, str(number)) for number in range(10_000)}) == 10_000


def test_the_same_decision_has_the_same_order_id() -> None:
    """R46, R49: a retry after a crash is the same order."""
    order_id = derive_client_order_id(Trigger.HARD_STOP, BTC, "anchor", "1")
    assert order_id == derive_client_order_id(Trigger.HARD_STOP, BTC, "anchor", "1")
    others = {
        derive_client_order_id(Trigger.TAKE_PROFIT, BTC, "anchor", "1"),
        derive_client_order_id(Trigger.HARD_STOP, ETH, "anchor", "1"),
        derive_client_order_id(Trigger.HARD_STOP, BTC, "anchor", "2"),
        derive_client_order_id(Trigger.HARD_STOP, ProductId("BTC-EUR"), "anchor", "1"),
    }
    assert len(others | {order_id}) == 5


@pytest.mark.parametrize("order_id", ["buy-999", "", "NOBODY-BTC-" + "0" * 32, "ROC-BTC-" + "0" * 31])
def test_the_trigger_of_an_order_that_is_not_ours_is_unknown(order_id: str) -> None:
    assert trigger_of(order_id) is None


@pytest.mark.parametrize("size", ["0", "-0.001"])
def test_an_intent_has_a_size(size: str) -> None:
    """B6, B7, R15."""
    with pytest.raises(InvariantBroken, match="size above zero"):
        replace(INTENT, size_base=Size(Decimal(size)))


@pytest.mark.parametrize("order_id", ["", "{'trigger': 'ROC'}-BTC-1", "roc-BTC-" + "0" * 32])
def test_an_intent_has_a_well_formed_id(order_id: str) -> None:
    """R46."""
    with pytest.raises(InvariantBroken, match="a client order id is"):
        replace(INTENT, client_order_id=ClientOrderId(order_id))


def test_a_limit_order_has_a_price_and_a_market_order_none() -> None:
    assert replace(INTENT, kind=OrderKind.MARKET_IOC, limit_price=None).limit_price is None
    for kind, limit_price in ((OrderKind.MARKET_IOC, price("1")), (OrderKind.LIMIT_IOC, None)):
        with pytest.raises(InvariantBroken, match="a limit order has a limit price"):
            replace(INTENT, kind=kind, limit_price=limit_price)


def test_an_open_buy_counts_with_all_it_may_spend_and_a_sell_with_nothing() -> None:
    """S3."""
    buy = OpenOrder(INTENT, OrderState.UNKNOWN, None, START)
    assert buy.worst_case_quote == 40
    assert replace(buy, intent=replace(INTENT, side=Side.SELL)).worst_case_quote == 0
    granted_less = replace(INTENT, granted_quote=Money(Decimal("39.5")))
    assert replace(buy, intent=granted_less).worst_case_quote == Decimal("39.5")
    # By hand there is no grant: 0.001 at 40,000 is what it may spend.
    assert replace(buy, intent=replace(INTENT, granted_quote=None)).worst_case_quote == 40


BRACKET = replace(
    INTENT,
    client_order_id=derive_client_order_id(Trigger.BRACKET, BTC, "buy", "1"),
    side=Side.SELL,
    kind=OrderKind.BRACKET_GTC,
    limit_price=price("44000"),
    stop_price=price("38000"),
    trigger=Trigger.BRACKET,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"side": Side.BUY}, "^a bracket protects what is held, so it sells$"),
        ({"stop_price": None}, "a bracket has a stop price"),
        ({"stop_price": price("44000")}, "below its take profit"),
        ({"stop_price": price("0")}, "above zero"),
        ({"limit_price": None}, "a limit order has a limit price"),
        ({"kind": OrderKind.LIMIT_GTC}, "no other order has one"),
    ],
)
def test_a_bracket_sells_between_a_stop_and_a_target_above_it(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvariantBroken, match=words):
        replace(BRACKET, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("trigger", sorted(PROTECTIVE))
def test_a_protective_order_is_never_post_only(trigger: Trigger) -> None:
    """B75, R19: whatever it comes from; a passive one may be."""
    resting = replace(BRACKET, kind=OrderKind.LIMIT_GTC, stop_price=None, trigger=trigger)
    assert not resting.kind.is_post_only
    with pytest.raises(InvariantBroken, match="never post-only"):
        replace(resting, kind=OrderKind.LIMIT_GTC_POST_ONLY)
    passive = replace(resting, kind=OrderKind.LIMIT_GTC_POST_ONLY, trigger=Trigger.PASSIVE_SELL)
    assert passive.kind.is_post_only


def test_only_a_resting_order_that_the_venue_confirmed_has_nothing_left_to_find_out() -> None:
    """B110"""
    known = OpenOrder(BRACKET, OrderState.ACCEPTED, None, START)
    assert not known.is_resting
    assert replace(known, confirmed_at=START).is_resting
    assert not OpenOrder(INTENT, OrderState.ACCEPTED, None, START, confirmed_at=START).is_resting

"""What holds for every script of orders, cancels and ticks (the invariants of coinbase.md §15)."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from coinbase_sim.model import OrderChanged, OrderRejected, OrderStatus, Side, TimeInForce
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal


@dataclass(frozen=True)
class Tick:
    half_dollars: int
    size: int


@dataclass(frozen=True)
class Limit:
    side: Side
    size: int
    half_dollars: int
    tif: TimeInForce
    post_only: bool


@dataclass(frozen=True)
class Market:
    side: Side
    size: int


@dataclass(frozen=True)
class ByQuote:
    half_dollars: int


@dataclass(frozen=True)
class Cancel:
    number: int


Step = Tick | Limit | Market | ByQuote | Cancel

PRICES = st.integers(190, 210)
TICKS = st.builds(Tick, PRICES, st.integers(0, 8))
STEPS: st.SearchStrategy[Step] = st.one_of(
    TICKS,
    TICKS,
    st.builds(
        Limit,
        st.sampled_from(Side),
        st.integers(10, 9000),
        PRICES,
        st.sampled_from([TimeInForce.GTC, *TimeInForce]),
        st.sampled_from([False, False, True]),
    ),
    st.builds(Market, st.sampled_from(Side), st.integers(10, 9000)),
    st.builds(ByQuote, st.integers(2, 2000)),
    st.builds(Cancel, st.integers(0, 9)),
)
SCRIPTS = st.lists(STEPS, max_size=25)
FEW = settings(max_examples=60, deadline=None)


def act(exchange: Exchange, step: Step) -> None:
    try:
        match step:
            case Tick(half_dollars, size):
                middle = D(half_dollars) / 2
                sides = [levels(*((str(middle + sign * D(k) / 2), str(k)) for k in range(1, 4))) for sign in (-1, 1)]
                exchange.tick(str(middle), size=str(size), bids=sides[0], asks=sides[1])
            case Limit(side, size, half_dollars, tif, post_only):
                price = D(half_dollars) / 2
                exchange.limit(side, str(D(size) / 1000), str(price), tif=tif, post_only=post_only)
            case Market(side, size):
                exchange.market_order(side, base=str(D(size) / 1000))
            case ByQuote(half_dollars):
                exchange.market_order(Side.BUY, quote=str(D(half_dollars) / 2))
            case Cancel(number):
                orders = exchange.sim.orders()
                exchange.sim.cancel(orders[number].order_id if number < len(orders) else "nothing")
    except OrderRejected:
        pass


def played(script: list[Step]) -> Exchange:
    exchange = Exchange()
    for step in script:
        act(exchange, step)
    return exchange


@FEW
@given(SCRIPTS)
def test_balances_and_holds_conserve_every_asset(script: list[Step]) -> None:
    """Totals are the opening amounts plus the fills, and the holds are those of the open orders, after each step."""
    exchange = Exchange()
    for step in script:
        act(exchange, step)
        usd, coin, fees = D(10_000), D(10), D(0)
        for fill in exchange.sim.fills():
            sign = 1 if fill.side is Side.BUY else -1
            usd -= sign * fill.price * fill.size + fill.commission
            coin += sign * fill.size
            fees += fill.commission
        books = exchange.sim.books()
        assert (books.totals["USD"], books.totals["COIN"], books.fees) == (usd, coin, fees)
        held = {Side.BUY: D(0), Side.SELL: D(0)}
        for order in exchange.sim.orders():
            assert (order.status is OrderStatus.OPEN) == (order.hold > 0)
            held[order.request.side] += order.hold
        assert exchange.balance("USD")[1] == held[Side.BUY]
        assert exchange.balance("COIN")[1] == held[Side.SELL]
        assert min(*exchange.balance("USD"), *exchange.balance("COIN")) >= 0


@FEW
@given(SCRIPTS)
def test_fills_sum_to_their_orders(script: list[Step]) -> None:
    exchange = played(script)
    for order in exchange.sim.orders():
        fills = exchange.fills_of(order)
        assert sum(fill.size for fill in fills) == order.filled_size
        assert sum(fill.size * fill.price for fill in fills) == order.filled_value
        assert sum(fill.commission for fill in fills) == order.total_fees
        assert len(fills) == order.fills_count
        size, limit = order.request.base_size, order.request.limit_price
        assert size is None or order.filled_size <= size
        for fill in fills:
            assert fill.commission == fill.price * fill.size * (D("0.005") if fill.is_maker else D("0.01"))
            assert limit is None or (fill.price <= limit if fill.side is Side.BUY else fill.price >= limit)
            assert not fill.is_maker or fill.price == limit
            assert fill.is_maker or not order.request.post_only


@FEW
@given(SCRIPTS)
def test_an_open_order_holds_exactly_what_its_rest_may_cost(script: list[Step]) -> None:
    for order in played(script).sim.orders():
        if order.status is not OrderStatus.OPEN:
            continue
        size, limit = order.request.base_size, order.request.limit_price
        assert size is not None
        assert limit is not None
        rest = size - order.filled_size
        assert order.hold == (rest * limit * D("1.01") if order.request.side is Side.BUY else rest)


@FEW
@given(SCRIPTS)
def test_each_order_ends_at_most_once_and_stays_ended(script: list[Step]) -> None:
    exchange = played(script)
    ends: Counter[str] = Counter()
    for event in exchange.events:
        if isinstance(event, OrderChanged):
            assert not ends[event.order.order_id], "an ended order changed"
            ends[event.order.order_id] += event.order.status.is_terminal
    for order in exchange.sim.orders():
        assert ends[order.order_id] == order.status.is_terminal
        assert exchange.changes_of(order)[-1] == order
        may_rest = order.request.time_in_force is TimeInForce.GTC
        assert may_rest or order.status.is_terminal


@FEW
@given(SCRIPTS)
def test_what_is_announced_of_an_order_only_grows(script: list[Step]) -> None:
    exchange = played(script)
    for order in exchange.sim.orders():
        changes = exchange.changes_of(order)
        assert changes[0].status is OrderStatus.PENDING
        sizes = [change.filled_size for change in changes]
        assert sizes == sorted(sizes)


@FEW
@given(
    st.lists(
        st.builds(Limit, st.just(Side.BUY), st.integers(20, 900), PRICES, st.just(TimeInForce.GTC), st.just(True))
    ),
    st.lists(TICKS, max_size=15),
)
def test_resting_orders_fill_in_price_time_order(orders: list[Limit], ticks: list[Tick]) -> None:
    """No order has a fill while one of better price, or of the same price and earlier, still waits."""
    exchange = played([Tick(212, 1), *orders])
    for tick in ticks:
        act(exchange, tick)
        resting = exchange.sim.orders()
        for place, later in enumerate(resting):
            for other in (*resting[:place], *resting[place + 1 :]):
                mine, its = later.request.limit_price, other.request.limit_price
                assert mine is not None
                assert its is not None
                comes_first = its > mine or (its == mine and resting.index(other) < place)
                assert not (comes_first and later.filled_size > 0 and other.status is OrderStatus.OPEN)


@FEW
@given(SCRIPTS)
def test_the_same_script_gives_the_same_events_byte_for_byte(script: list[Step]) -> None:
    first, second = played(script), played(script)
    assert repr(first.events).encode() == repr(second.events).encode()
    assert first.sim.snapshot() == second.sim.snapshot()


@FEW
@given(SCRIPTS, SCRIPTS)
def test_a_restored_exchange_continues_identically(before: list[Step], after: list[Step]) -> None:
    exchange = played(before)
    restored = played([step for step in before if isinstance(step, Tick)])
    restored.sim = restored.build(restored.market)
    restored.sim.restore(exchange.sim.snapshot())
    assert restored.sim.snapshot() == exchange.sim.snapshot()
    assert restored.sim.books() == exchange.sim.books()
    restored.take_numbers_of(exchange)
    exchange.events.clear()
    restored.events.clear()
    restored.sim.subscribe(restored.events.append)
    for step in after:
        act(exchange, step)
        act(restored, step)
    assert restored.events == exchange.events
    assert restored.sim.snapshot() == exchange.sim.snapshot()

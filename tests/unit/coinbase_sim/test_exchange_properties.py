"""What holds for every script of orders, edits, cancels, ticks and venue incidents (the invariants of coinbase.md §15).

The nightly profile plays 10 000 scripts, CI 200 and a run by hand 50; see tests/conftest.py.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coinbase_sim.fees import FeeTier
from coinbase_sim.model import (
    AttachedBracket,
    BookChanged,
    EditRequest,
    Event,
    Order,
    OrderChanged,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    OrderType,
    ProductGates,
    Side,
    StopDirection,
    TimeInForce,
    TradeType,
)
from tests.fixtures.simulated_exchange import COIN, Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


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
    seconds: int = 0
    has_bracket: bool = False


@dataclass(frozen=True)
class Stop:
    side: Side
    size: int
    stop: int
    limit: int
    direction: StopDirection
    seconds: int


@dataclass(frozen=True)
class Bracket:
    side: Side
    size: int
    profit: int
    stop: int
    seconds: int


@dataclass(frozen=True)
class Market:
    side: Side
    size: int
    has_bracket: bool


@dataclass(frozen=True)
class ByQuote:
    half_dollars: int


@dataclass(frozen=True)
class EditOf:
    number: int
    half_dollars: int
    size: int


@dataclass(frozen=True)
class Cancel:
    number: int


@dataclass(frozen=True)
class Gates:
    gates: ProductGates


@dataclass(frozen=True)
class Increment:
    half_dollars: int


@dataclass(frozen=True)
class Balance:
    currency: str
    amount: int


@dataclass(frozen=True)
class Reversal:
    number: int


@dataclass(frozen=True)
class Correction:
    number: int
    half_dollars: int


@dataclass(frozen=True)
class Held:
    """A limit order that is accepted and waits before the book."""

    side: Side
    size: int
    half_dollars: int
    post_only: bool
    seconds: int


@dataclass(frozen=True)
class QueuedCancel:
    number: int


@dataclass(frozen=True)
class Settle:
    number: int


@dataclass(frozen=True)
class Taken:
    """A part of the newest resting order is filled at its price."""

    tenths: int


Waiting = Held | QueuedCancel | Settle | Taken
Trade = Tick | Limit | Stop | Bracket | Market | ByQuote | EditOf | Cancel
Step = Trade | Gates | Increment | Balance | Reversal | Correction | Waiting

SIDES = st.sampled_from(Side)
PRICES = st.integers(190, 210)
SIZES = st.integers(10, 9000)
SECONDS = st.sampled_from([0, 0, 1, 2, 4])
RARELY = st.sampled_from([False, False, True])
TICKS = st.builds(Tick, PRICES, st.integers(0, 8))
LOW, HIGH = st.integers(190, 199), st.integers(201, 210)
LIMITS = st.builds(
    Limit, SIDES, SIZES, PRICES, st.sampled_from([TimeInForce.GTC, *TimeInForce]), RARELY, SECONDS, RARELY
)
OPEN, HALTED = ProductGates(), ProductGates(trading_disabled=True)
INCIDENTS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Gates, st.sampled_from([OPEN, OPEN, OPEN, HALTED, ProductGates(auction_mode=True)])),
    st.builds(Increment, st.sampled_from([1, 1, 2])),
    st.builds(Balance, st.sampled_from(["USD", "COIN"]), st.integers(1, 12)),
    st.builds(Reversal, st.integers(0, 5)),
    st.builds(Correction, st.integers(0, 5), PRICES),
)
WAITING: st.SearchStrategy[Step] = st.one_of(
    st.builds(Held, SIDES, SIZES, PRICES, RARELY, SECONDS),
    st.builds(QueuedCancel, st.integers(0, 5)),
    st.builds(Settle, st.integers(0, 9)),
    st.builds(Taken, st.integers(1, 10)),
)
TRIGGERS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Stop, SIDES, SIZES, PRICES, PRICES, st.sampled_from(StopDirection), SECONDS),
    st.builds(Stop, st.just(SELL), SIZES, LOW, LOW, st.just(StopDirection.DOWN), SECONDS),
    st.builds(Stop, st.just(BUY), SIZES, HIGH, HIGH, st.just(StopDirection.UP), SECONDS),
    st.builds(Bracket, SIDES, SIZES, PRICES, PRICES, SECONDS),
    st.builds(Bracket, st.just(SELL), SIZES, HIGH, LOW, SECONDS),
)
TAKERS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Market, SIDES, SIZES, RARELY), st.builds(ByQuote, st.integers(2, 2000))
)
CHANGES: st.SearchStrategy[Step] = st.one_of(
    st.builds(EditOf, st.integers(0, 5), PRICES, SIZES), st.builds(Cancel, st.integers(0, 9))
)
# One kind is drawn before the step: `one_of` alone would give each of the many kinds the same weight.
KINDS: list[st.SearchStrategy[Step]] = [
    *[TICKS, TICKS, TICKS],
    *[LIMITS, LIMITS, LIMITS],
    *[TRIGGERS, TRIGGERS],
    *[TAKERS, CHANGES, CHANGES, INCIDENTS, WAITING],
]


def _step_of(kind: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    return kind


STEPS = st.sampled_from(KINDS).flatmap(_step_of)
# Left to itself Hypothesis makes lists of five or so, in which little can happen.
SCRIPTS = st.one_of(st.lists(STEPS, max_size=6), st.lists(STEPS, min_size=12, max_size=30))
ATTACHED = AttachedBracket(D("105.5"), D("94.5"))


@dataclass
class Played:
    """An exchange, and what came to its wallets from outside."""

    exchange: Exchange = field(default_factory=Exchange)
    deposited: dict[str, Decimal] = field(default_factory=lambda: {"USD": D(10_000), "COIN": D(10)})

    @classmethod
    def opened(cls) -> "Played":
        """Return an exchange after a first tick at 100, without which most orders would be refused."""
        player = cls()
        player.act(Tick(200, 1))
        return player

    def act(self, step: Step) -> None:
        try:
            self._act(step)
        except OrderRejected:
            pass
        except ValueError as refused:
            assert isinstance(step, Reversal | Correction), refused  # noqa: PT017 - any other refusal is a fault of the exchange

    def _act(self, step: Step) -> None:
        exchange = self.exchange
        match step:
            case Tick(half_dollars, size):
                middle = D(half_dollars) / 2
                sides = [levels(*((str(middle + sign * D(k) / 2), str(k)) for k in range(1, 4))) for sign in (-1, 1)]
                exchange.tick(str(middle), size=str(size), bids=sides[0], asks=sides[1])
            case Limit(side, size, half_dollars, tif, post_only, seconds, has_bracket):
                exchange.limit(
                    side,
                    thousandths(size),
                    halves(half_dollars),
                    tif=tif,
                    post_only=post_only,
                    end_time=exchange.after(seconds) if tif is TimeInForce.GTD else None,
                    attached=ATTACHED if has_bracket else None,
                )
            case Stop(side, size, stop, limit, direction, seconds):
                end = exchange.after(seconds) if seconds else None
                exchange.stop_limit(
                    side,
                    thousandths(size),
                    stop=halves(stop),
                    limit=halves(limit),
                    direction=direction,
                    end_time=end,
                )
            case Bracket(side, size, profit, stop, seconds):
                end = exchange.after(seconds) if seconds else None
                exchange.bracket(side, thousandths(size), profit=halves(profit), stop=halves(stop), end_time=end)
            case Market(side, size, has_bracket):
                exchange.market_order(side, base=thousandths(size), attached=ATTACHED if has_bracket else None)
            case ByQuote(half_dollars):
                exchange.market_order(BUY, quote=halves(half_dollars))
            case _:
                self._interfere(step)

    def _interfere(self, step: Step) -> None:
        exchange, sim = self.exchange, self.exchange.sim
        orders = sim.orders()
        match step:
            case EditOf(number, half_dollars, size):
                order_id = orders[number].order_id if number < len(orders) else "nothing"
                sim.edit(EditRequest(order_id, D(half_dollars) / 2, D(size) / 1000))
            case Cancel(number):
                sim.cancel(orders[number].order_id if number < len(orders) else "nothing")
            case Gates(gates):
                sim.set_product_state("COIN-USD", gates)
            case Increment(half_dollars):
                sim.set_product_rules(replace(COIN, price_increment=D(half_dollars) / 2))
            case Balance(currency, amount):
                available = D(amount * 1000 if currency == "USD" else amount)
                self.deposited[currency] += available - exchange.balance(currency)[0]
                sim.set_balance(currency, available)
            case Reversal(number):
                sim.reverse_fill(self._trade_id(number))
            case Correction(number, half_dollars):
                sim.correct_fill(self._trade_id(number), D(half_dollars) / 2, D(half_dollars) / 100)
            case _:
                self._wait(step)

    def _trade_id(self, number: int) -> str:
        fills = self.exchange.sim.fills()
        return fills[number].trade_id if number < len(fills) else "nothing"

    def _wait(self, step: Step) -> None:
        sim, orders = self.exchange.sim, self.exchange.sim.orders()
        match step:
            case Held(side, size, half_dollars, post_only, seconds):
                end = self.exchange.after(seconds) if seconds else None
                tif = TimeInForce.GTD if seconds else TimeInForce.GTC
                self.exchange.limit(
                    side,
                    thousandths(size),
                    halves(half_dollars),
                    tif=tif,
                    post_only=post_only,
                    end_time=end,
                    is_held=True,
                )
            case QueuedCancel(number):
                sim.cancel(orders[number].order_id if number < len(orders) else "nothing", is_queued=True)
            case Settle(number):
                sim.settle(orders[number].order_id if number < len(orders) else "nothing")
            case Taken(tenths):
                sim.fill(share=D(tenths) / 10)


def thousandths(size: int) -> str:
    return str(D(size) / 1000)


def halves(number: int) -> str:
    return str(D(number) / 2)


def played(script: list[Step]) -> Exchange:
    player = Played.opened()
    for step in script:
        player.act(step)
    return player.exchange


def terms_of(exchange: Exchange, order: Order) -> set[Decimal]:
    """Return every limit that the order has worked at."""
    return {change.working_price for change in exchange.changes_of(order) if change.request.limit_price is not None}


@given(SCRIPTS)
def test_balances_and_holds_conserve_every_asset(script: list[Step]) -> None:
    """Totals are what came in plus the fills, and the holds are those of the open orders, after each step."""
    player = Played.opened()
    exchange = player.exchange
    for step in script:
        player.act(step)
        usd, coin, fees = player.deposited["USD"], player.deposited["COIN"], D(0)
        for fill in exchange.sim.fills():
            direction = -1 if fill.trade_type is TradeType.REVERSAL else 1
            sign = direction if fill.side is BUY else -direction
            usd -= sign * fill.price * fill.size + direction * fill.commission
            coin += sign * fill.size
            fees += direction * fill.commission
        books = exchange.sim.books()
        assert (books.totals["USD"], books.totals["COIN"], books.fees) == (usd, coin, fees)
        held = {BUY: D(0), SELL: D(0)}
        for order in exchange.sim.orders():
            assert order.status.is_terminal == (order.hold == 0)
            assert (order.status is OrderStatus.PENDING) == order.is_held
            assert not (order.is_cancel_queued and order.status.is_terminal)
            held[order.request.side] += order.hold
        assert exchange.balance("USD")[1] == held[BUY]
        assert exchange.balance("COIN")[1] == held[SELL]
        assert min(*exchange.balance("USD"), *exchange.balance("COIN")) >= 0


@given(SCRIPTS)
def test_fills_sum_to_their_orders(script: list[Step]) -> None:
    exchange = played(script)
    for order in exchange.sim.orders():
        fills = [fill for fill in exchange.fills_of(order) if fill.trade_type is TradeType.FILL]
        assert sum(fill.size for fill in fills) == order.filled_size
        assert sum(fill.size * fill.price for fill in fills) == order.filled_value
        assert sum(fill.commission for fill in fills) == order.total_fees
        assert len(fills) == order.fills_count
        size, limits = order.request.base_size, terms_of(exchange, order)
        assert size is None or order.filled_size <= size
        for fill in fills:
            assert fill.commission == fill.price * fill.size * (D("0.005") if fill.is_maker else D("0.01"))
            assert not limits or (fill.price <= max(limits) if fill.side is BUY else fill.price >= min(limits))
            assert not fill.is_maker or fill.price in limits
            assert fill.is_maker or not order.request.post_only


@given(SCRIPTS)
def test_an_open_order_holds_exactly_what_its_rest_may_cost(script: list[Step]) -> None:
    for order in played(script).sim.orders():
        if order.status is not OrderStatus.OPEN:
            continue
        size, limit = order.request.base_size, order.request.limit_price
        assert size is not None
        assert limit is not None
        rest, dearest = size - order.filled_size, order.exit_price or limit
        assert order.hold == (rest * dearest * D("1.01") if order.request.side is BUY else rest)


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
        assert (order.status is OrderStatus.FAILED) == bool(order.reject_reason)
        may_rest = order.request.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
        assert may_rest or order.status.is_terminal
        end = order.request.end_time
        created_late = order.created_at == exchange.sim.now
        assert end is None or end > exchange.sim.now or order.status.is_terminal or created_late
        assert (order.status is OrderStatus.EXPIRED) <= (end is not None and end <= exchange.sim.now)


@given(SCRIPTS)
def test_what_is_announced_of_an_order_only_grows(script: list[Step]) -> None:
    exchange = played(script)
    for order in exchange.sim.orders():
        changes = exchange.changes_of(order)
        assert changes[0].status is OrderStatus.PENDING
        sizes = [change.filled_size for change in changes]
        assert sizes == sorted(sizes)
        triggered = [change.trigger_status for change in changes]
        assert triggered == sorted(triggered), "STOP_PENDING comes before STOP_TRIGGERED"


@given(SCRIPTS)
def test_every_entry_that_bought_has_one_bracket_of_its_size(script: list[Step]) -> None:
    orders = {order.order_id: order for order in played(script).sim.orders()}
    brackets = [order for order in orders.values() if order.originating_order_id]
    assert len({order.originating_order_id for order in brackets}) == len(brackets)
    for order in orders.values():
        is_due = order.request.attached is not None and order.status.is_terminal and order.filled_size > 0
        assert is_due == bool(order.attached_order_id)
        if is_due:
            bracket = orders[order.attached_order_id]
            assert (bracket.originating_order_id, bracket.request.base_size) == (order.order_id, order.filled_size)
            assert bracket.request.order_type is OrderType.BRACKET


@given(
    st.lists(
        st.one_of(
            st.builds(Limit, st.just(BUY), st.integers(20, 900), PRICES, st.just(TimeInForce.GTC), st.just(True)),
            st.builds(EditOf, st.integers(0, 5), PRICES, st.integers(20, 900)),
        ),
        max_size=12,
    ),
    st.lists(TICKS, max_size=12),
)
def test_resting_orders_fill_in_price_time_order(actions: list[Limit | EditOf], ticks: list[Tick]) -> None:
    """No order has a fill while one of better price, or of the same price and earlier, still waits.

    The order of arrival is kept by hand: an edit that is not a mere shrinking goes to the end.
    """
    player = Played.opened()
    player.act(Tick(212, 1))
    arrivals: dict[str, int] = {}
    for moment, action in enumerate(actions):
        before = {order.order_id: order for order in player.exchange.sim.orders()}
        player.act(action)
        for order in player.exchange.sim.orders():
            old = before.get(order.order_id)
            if old is None or not (old.request.limit_price == order.request.limit_price and old.left >= order.left):
                arrivals[order.order_id] = moment
    for tick in ticks:
        player.act(tick)
        resting = player.exchange.sim.orders()
        places = {order.order_id: (-order.working_price, arrivals[order.order_id]) for order in resting}
        for later in resting:
            for other in resting:
                is_first = places[other.order_id] < places[later.order_id]
                assert not (is_first and later.filled_size > 0 and other.status is OrderStatus.OPEN)


@given(SCRIPTS)
def test_book_changes_add_up_to_the_depth(script: list[Step]) -> None:
    player = Played.opened()
    depth = player.exchange.sim.depth("COIN-USD")
    shown = {(side, level.price): level.size for side, rows in zip((BUY, SELL), depth, strict=True) for level in rows}

    def follow(event: Event) -> None:
        if isinstance(event, BookChanged):
            for level in event.levels:
                assert shown.get((level.side, level.price), D(0)) != level.size, "a change that changes nothing"
                shown[level.side, level.price] = level.size

    player.exchange.sim.subscribe(follow, with_book=True)
    for step in script:
        player.act(step)
        for side, rows in zip((BUY, SELL), player.exchange.sim.depth("COIN-USD"), strict=True):
            followed = {price: size for (of, price), size in shown.items() if of is side and size > 0}
            assert followed == {level.price: level.size for level in rows}


@given(SCRIPTS)
def test_a_preview_leaves_no_trace_and_agrees_with_the_order(script: list[Step]) -> None:
    exchange = played([step for step in script if not isinstance(step, Gates)])
    request = OrderRequest("", "COIN-USD", BUY, OrderType.LIMIT, TimeInForce.IOC, D(7), limit_price=D(101))
    before = exchange.sim.snapshot()
    preview = exchange.sim.preview(request)
    assert exchange.sim.snapshot() == before
    try:
        order = exchange.sim.submit(replace(request, client_order_id="previewed"))
    except OrderRejected:
        assert preview.errors
    else:
        assert (preview.errors, preview.commission_total) == ((), order.total_fees)
        assert (preview.base_size, preview.quote_size) == (order.filled_size, order.filled_value)


@given(SCRIPTS)
def test_the_same_script_gives_the_same_events_byte_for_byte(script: list[Step]) -> None:
    first, second = played(script), played(script)
    assert repr(first.events).encode() == repr(second.events).encode()
    assert first.sim.snapshot() == second.sim.snapshot()


@given(SCRIPTS, SCRIPTS)
def test_a_restored_exchange_continues_identically(before: list[Step], after: list[Step]) -> None:
    first = Played.opened()
    for step in before:
        first.act(step)
    exchange = first.exchange
    restored = played([step for step in before if isinstance(step, Tick)])
    restored.sim = restored.build(restored.market)
    restored.sim.restore(exchange.sim.snapshot())
    assert restored.sim.snapshot() == exchange.sim.snapshot()
    assert restored.sim.books() == exchange.sim.books()
    restored.take_numbers_of(exchange)
    exchange.events.clear()
    restored.events.clear()
    restored.sim.subscribe(restored.events.append)
    second = Played(restored)
    for step in after:
        first.act(step)
        second.act(step)
    assert restored.events == exchange.events
    assert restored.sim.snapshot() == exchange.sim.snapshot()


TIERS = (
    FeeTier("low", D(0), D(500), D("0.006"), D("0.012")),
    FeeTier("middle", D(500), D(2000), D("0.004"), D("0.008")),
    FeeTier("high", D(2000), None, D("0.001"), D("0.002")),
)


@given(SCRIPTS, st.lists(st.integers(1, 1500), min_size=3, max_size=3))
def test_every_fill_pays_the_tier_that_its_order_was_placed_in(script: list[Step], pauses: list[int]) -> None:
    """The tier is worked out anew from the fills: those of the 30 days before the hour in which an order is placed.

    Between three runs of the script lie up to 1,500 hours, so volume comes into the window and leaves it again.
    """
    player = Played(Exchange(tiers=TIERS))
    player.act(Tick(200, 1))
    for pause in pauses:
        for step in script:
            player.act(step)
        player.exchange.skip(timedelta(hours=pause))
        player.act(Tick(200, 1))
    sim = player.exchange.sim
    for fill in sim.fills():
        order = sim.order(fill.order_id)
        assert order is not None
        hour = order.created_at.replace(minute=0, second=0, microsecond=0)
        volume = D(0)
        for other in sim.fills():
            if hour - timedelta(days=30) <= other.at < hour:
                volume += other.price * other.size * (-1 if other.trade_type is TradeType.REVERSAL else 1)
        tier = next(one for one in reversed(TIERS) if volume >= one.usd_from or one is TIERS[0])
        if fill.trade_type is TradeType.FILL:
            assert fill.commission == fill.price * fill.size * (tier.maker_rate if fill.is_maker else tier.taker_rate)


@given(SCRIPTS, st.integers(0, 30))
def test_whatever_waits_is_settled_in_the_end(script: list[Step], ticks: int) -> None:
    player = Played.opened()
    for step in script:
        player.act(step)
    for number in range(ticks):
        player.act(Tick(190 + number % 20, 3))
    sim = player.exchange.sim
    for order_id in sim.waiting():
        sim.settle(order_id)
    assert sim.waiting() == []
    resting = {order.order_id for order in sim.orders() if order.status is OrderStatus.OPEN}
    for order_id in resting:
        sim.cancel(order_id)
    # With nothing open nothing is held, except for the brackets that the cancelled entries have brought along.
    for order in sim.orders():
        if order.status is OrderStatus.OPEN:
            assert order.originating_order_id
            sim.cancel(order.order_id)
    assert [player.exchange.balance(currency)[1] for currency in ("USD", "COIN")] == [0, 0]

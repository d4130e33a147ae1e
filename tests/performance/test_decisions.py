"""What a candle and a tick cost, against the least that could be done for them; and that they leave nothing behind."""

import gc
import tracemalloc
from datetime import timedelta
from decimal import Decimal

from bottrader.domain.exit_rules import ExitRules
from bottrader.domain.exits import ExitState, Hold, MarketView, decide_exit
from bottrader.domain.indicators import Atr, Roc, Rsi, calculate_atr, calculate_roc, calculate_rsi
from bottrader.domain.market import Candle
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId
from bottrader.domain.positions import Position
from bottrader.domain.strategies import make_strategy
from tests.fixtures.candle_files import lively_rows
from tests.fixtures.facts import BTC, at
from tests.performance.measuring import cpu_s, tell

TICKS = 10_000
WINDOW = 200
DECISIONS = 5_000
FEE = Decimal("0.008")
SIZE = Size(Decimal("0.025"))
FIXED, TRAILING = ExitRules(), ExitRules(trailing_enabled=True)


class _Bare:
    """An indicator that only keeps the price: what remains is the price of the call."""

    __slots__ = ("value",)

    def update(self, close: float) -> float | None:
        self.value = close
        return close


def _position(cost: str) -> Position:
    return Position(BTC, SIZE, Money(Decimal(cost)), at(0), ClientOrderId("buy-1"), (ClientOrderId("buy-1"),), "ROC")


# At 40,000 the one has lost 1.6 %, between its stop and its target; the other has won 4.4 %, so its trail is active.
POSITIONS = {FIXED: _position("1008"), TRAILING: _position("950")}


def _view(number: int) -> MarketView:
    """Return a price that moves by at most 0.2 %, with two cents of spread."""
    price = Decimal(4_000_000 + number % 7_919).scaleb(-2)
    cent = Decimal("0.01")
    return MarketView(Price(price), Price(price - cent), Price(price + cent), at(number), Decimal("120.5"))


VIEWS = [_view(number) for number in range(TICKS)]


def _judge_all(rules: ExitRules) -> None:
    state = ExitState()
    position = POSITIONS[rules]
    for view in VIEWS:
        decision, state = decide_exit(position, view, rules, state, FEE)
        assert isinstance(decision, Hold)


def test_an_exit_decision_costs_a_few_comparisons() -> None:
    """The least: is the price below the stop? All rules, exactly, and the checks of the price may cost 15 such."""
    stop = Decimal(38000)

    def compare_all() -> None:
        for view in VIEWS:
            assert not (view.price * SIZE * (1 - FEE) <= stop * SIZE)

    for name, rules in (("fixed target", FIXED), ("trailing", TRAILING)):
        bare_s, ours_s = cpu_s(compare_all), cpu_s(lambda rules=rules: _judge_all(rules))  # type: ignore[misc]
        ratio = ours_s / bare_s
        tell(
            f"exit decision, {name}:",
            f"{ours_s / TICKS * 1e6:.2f} us a tick, {ratio:.1f} bare comparisons",
            ratio=ratio,
        )
        assert ratio <= 15


def test_a_candle_is_not_paid_for_its_whole_window() -> None:
    rows = [tuple(map(float, row[1:])) for row in lively_rows(1_000)]
    highs, lows, closes = ([row[column] for row in rows] for column in (1, 2, 3))

    def stream() -> None:
        roc, rsi, atr = Roc(14), Rsi(14), Atr(14)
        for high, low, close in zip(highs, lows, closes, strict=True):
            roc.update(close)
            rsi.update(close)
            atr.update(high, low, close)

    def recompute() -> None:
        for end in range(WINDOW, len(closes)):
            seen = slice(end - WINDOW, end)
            calculate_roc(closes[seen], 14)
            calculate_rsi(closes[seen], 14)
            calculate_atr(highs[seen], lows[seen], closes[seen], 14)

    ours = cpu_s(stream) / len(closes)
    batch = cpu_s(recompute, runs=2) / (len(closes) - WINDOW)

    ratio = batch / ours
    tell(
        "ROC, RSI and ATR of one candle:",
        f"{ours * 1e6:.2f} us, over {WINDOW} anew {batch * 1e6:.0f} us: {ratio:.0f} times",
    )
    assert ratio >= 5


def test_the_strategy_costs_little_more_than_its_indicators() -> None:
    """The candles are exact decimals and the indicators are floats: what they cost beyond converting the candles is
    small against what makes a decision exact again, its rounding."""
    candles = [_candle(number) for number in range(2_000)]

    def indicators() -> None:
        roc, rsi, atr = Roc(5), Rsi(14), Atr(14)
        for candle in candles:
            high, low, close = float(candle.high), float(candle.low), float(candle.close)
            roc.update(close)
            rsi.update(close)
            atr.update(high, low, close)

    def decide() -> None:
        strategy = make_strategy("roc_momentum", {})
        for candle in candles:
            strategy.on_candle(candle, None)

    bare_s, ours_s = cpu_s(indicators), cpu_s(decide)
    ratio = ours_s / bare_s
    tell(
        "strategy, one candle:", f"{ours_s / len(candles) * 1e6:.2f} us, {ratio:.1f} times its indicators", ratio=ratio
    )
    assert ratio <= 14


def test_a_full_decision_costs_a_few_dozen_bare_indicators() -> None:
    """Fourteen readings of a candle, the matrix over them and the exit rules at a price, against six calls that only
    keep the price. Where those take 0.16 us, 75 times are 12 us; the rest is room for what else a machine does."""
    candles = [_candle(number) for number in range(DECISIONS)]
    views = VIEWS[:DECISIONS]
    closes = [float(candle.close) for candle in candles]

    def keep() -> None:
        one, two, three, four, five, six = (_Bare() for _ in range(6))
        for close in closes:
            one.update(close)
            two.update(close)
            three.update(close)
            four.update(close)
            five.update(close)
            six.update(close)

    def decide() -> None:
        strategy = make_strategy("score_matrix", {})
        state = ExitState()
        for candle, view in zip(candles, views, strict=True):
            strategy.on_candle(candle, None)
            decision, state = decide_exit(POSITIONS[FIXED], view, FIXED, state, FEE)
            assert isinstance(decision, Hold)

    bare_s, ours_s = cpu_s(keep), cpu_s(decide)
    ratio = ours_s / bare_s
    tell(
        "full decision, one candle:",
        f"{ours_s / DECISIONS * 1e6:.2f} us, {ratio:.0f} times six bare calls",
        ratio=ratio,
    )
    assert ratio <= 100


def test_ten_thousand_ticks_leave_nothing_behind() -> None:
    """Kept objects would show as growth: 10,000 of the smallest are 160 KB."""
    roc, rsi, atr = Roc(14), Rsi(14), Atr(14)

    def work() -> None:
        _judge_all(TRAILING)
        for view in VIEWS:
            price = float(view.price)
            roc.update(price)
            rsi.update(price)
            atr.update(price + 1, price - 1, price)

    work()
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        work()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    growth = (after - before) / 1024
    tell(f"memory kept after {TICKS:,} ticks:", f"{growth:.1f} KB")
    assert growth <= 8


def _candle(number: int) -> Candle:
    middle = Decimal(4_000_000 + number * 37 % 20_011).scaleb(-2)
    return Candle(
        product_id=BTC,
        opened_at=at(0) + timedelta(minutes=5 * number),
        open=Price(middle),
        high=Price(middle + 20),
        low=Price(middle - 20),
        close=Price(middle + number % 13),
        volume=Size(Decimal("1.5")),
    )

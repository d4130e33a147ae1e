"""What people are told of, and what not."""

from datetime import timedelta
from decimal import Decimal

from bottrader.adapters.memory.clock import ManualClock
from bottrader.app.notify_people import NotifyingLog
from bottrader.domain.orders import Side
from bottrader.ports import Severity
from tests.fixtures.trading_house import House


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: list[tuple[Severity, str, str]] = []
        self.log = NotifyingLog(self, self.clock)

    def notify(self, severity: Severity, title: str, text: str) -> None:
        self.told.append((severity, title, text))

    @property
    def titles(self) -> list[str]:
        return [title for _, title, _ in self.told]


def test_a_trade_is_told_with_its_size_and_value() -> None:
    bench = Bench()
    fields = {"order_id": "o-1", "product_id": "BTC-USD", "side": Side.BUY, "trigger": "ROC", "state": "filled"}
    bench.log.info("order_ended", **fields, filled_size=Decimal("1E-3"), filled_value=Decimal("40.00"))
    bench.log.info("order_ended", **{**fields, "side": Side.SELL}, filled_size=Decimal("0.5"), filled_value=Decimal(7))
    assert bench.told == [
        (Severity.INFO, "Bought 0.001 BTC-USD for 40.00", "trigger: ROC\norder id: o-1"),
        (Severity.INFO, "Sold 0.5 BTC-USD for 7", "trigger: ROC\norder id: o-1"),
    ]


def test_an_order_that_bought_nothing_is_no_trade() -> None:
    bench = Bench()
    bench.log.info("order_ended", side=Side.BUY, product_id="BTC-USD", filled_size=Decimal(0), filled_value=Decimal(0))
    bench.log.info("signal_born", product_id="BTC-USD")
    assert bench.told == []


async def test_a_trade_of_the_bot_itself_is_one_notification() -> None:
    """The words that are looked for are those that the bot says: 0.01 at 40,000."""
    bench, house = Bench(), await House().open()
    await house.buy("0.01")
    for event in house.log.newest:
        (bench.log.alarm if event.is_alarm else bench.log.info)(event.event, **event.fields)
    assert [title for title in bench.titles if title.startswith("Bought")] == ["Bought 0.01 BTC-USD for 400.00"]


def test_start_stop_and_the_end_of_a_halt_are_told() -> None:
    bench = Bench()
    for event in ("starting", "ready", "kill_switch_off", "stopped"):
        bench.log.info(event)
    assert bench.titles == [
        "BotTrader is starting",
        "BotTrader is ready to trade",
        "The kill switch is off",
        "BotTrader has stopped",
    ]


def test_what_stops_trading_is_a_failure_and_other_alarms_are_warnings() -> None:
    """F33"""
    bench = Bench()
    for event in ("lease_lost", "kill_switch_on", "ended", "books_differ", "market_stream_lost"):
        bench.log.alarm(event, cause="x")
    assert [severity for severity, _, _ in bench.told] == [Severity.FAILURE] * 4 + [Severity.WARNING]
    assert bench.told[0][1:] == ("BotTrader alarm: lease lost", "cause: x")


def test_one_kind_of_alarm_is_told_every_five_minutes_at_most_and_none_is_forgotten() -> None:
    bench = Bench()
    for _ in range(300):
        bench.log.alarm("order_not_settled", cause="down")
        bench.clock.advance(timedelta(seconds=1))
    assert len(bench.told) == 1
    bench.log.alarm("order_not_settled", cause="down")
    assert bench.told[1][2] == "cause: down\nmore of it before: 299"
    bench.clock.advance(timedelta(seconds=300))
    bench.log.alarm("order_not_settled", cause="down")
    assert bench.told[2][2] == "cause: down"


def test_alarms_of_two_products_do_not_hide_each_other() -> None:
    bench = Bench()
    for product_id in ("BTC-USD", "ETH-USD", "BTC-USD"):
        bench.log.alarm("position_without_price", product_id=product_id)
    assert [text for _, _, text in bench.told] == ["product id: BTC-USD", "product id: ETH-USD"]


def test_a_long_cause_is_cut() -> None:
    bench = Bench()
    bench.log.alarm("ended", cause="x" * 5000)
    assert len(bench.told[0][2]) == 1000

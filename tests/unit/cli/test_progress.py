"""What a session shows while it runs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from bottrader.adapters.simulator.venue import Step
from bottrader.adapters.system.log import RecentEvents
from bottrader.bootstrap.paper import PaperSession
from bottrader.cli.progress import LINE_S, REFRESH_S, SessionDisplay
from bottrader.domain.market import FeeRates, ProductId, Ticker
from bottrader.domain.money import Price
from tests.unit.domain.examples import position

START = datetime(2026, 1, 1, tzinfo=UTC)
BTC, ETH = ProductId("BTC-USD"), ProductId("ETH-USD")
STEP = Step(BTC, START, told_more=False)


@dataclass
class Session:
    """As much of a paper session as is shown: 1 BTC that cost 100.80 with its fee, now at 110; ETH without a price."""

    now: datetime = START
    events: RecentEvents = field(default_factory=RecentEvents)

    def __post_init__(self) -> None:
        held = position("1", "100.80")
        self.portfolio = SimpleNamespace(
            product_ids=(BTC, ETH),
            tickers={BTC: Ticker(BTC, *(Price(Decimal(110)),) * 3, START)},
            fee_rates=FeeRates(maker=Decimal("0.004"), taker=Decimal("0.008")),
            position={BTC: held, ETH: None}.get,
            positions=lambda: [held],
            realized_pnl=lambda: Decimal("-12.345"),
        )


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The display's own sense of when to draw."""
    clock = SimpleNamespace(at=1000.0)
    monkeypatch.setattr("bottrader.cli.progress.time.monotonic", lambda: clock.at)
    return clock


def shown(session: Session, *, is_terminal: bool, minutes: int | None = None) -> tuple[SessionDisplay, StringIO]:
    out = StringIO()
    console = Console(file=out, force_terminal=is_terminal, width=120, color_system=None, highlight=False)
    return SessionDisplay(cast("PaperSession", session), console, minutes), out


def test_off_a_terminal_a_line_comes_every_few_seconds(session: Session, clock: SimpleNamespace) -> None:
    display, out = shown(session, is_terminal=False, minutes=10)
    with display:
        display.on_step(STEP)
        clock.at += LINE_S - 0.01
        display.on_step(STEP)
        assert out.getvalue().count("\n") == 1
        clock.at += 0.01
        session.now = START + timedelta(minutes=5)
        session.events.info("order_sent")
        display.on_step(STEP)
    first, second = out.getvalue().splitlines()
    assert first == "2026-01-01 00:00 (0%)  BTC-USD 110  signals 0  orders 0  fills 0  positions 1  P&L -12.34"
    assert second == "2026-01-01 00:05 (50%)  BTC-USD 110  signals 0  orders 1  fills 0  positions 1  P&L -12.34"


def test_a_market_without_an_end_has_no_share(session: Session, clock: SimpleNamespace) -> None:
    display, out = shown(session, is_terminal=False)
    with display:
        display.on_step(STEP)
    assert out.getvalue().startswith("2026-01-01 00:00  BTC-USD 110")


def test_on_a_terminal_prices_positions_and_events_are_shown(session: Session, clock: SimpleNamespace) -> None:
    """110 x 0.992 = 109.12 against a cost of 100.80: +8.25 % net."""
    session.events.info("order_sent", product_id=BTC, side="buy", size=Decimal(1), trigger="ROC_MOMO")
    session.events.alarm("order_unknown", product_id=BTC)
    session.events.info("reconciled", differences=[])
    display, out = shown(session, is_terminal=True, minutes=10)
    with display:
        display.on_step(STEP)
        drawn = out.getvalue()
        clock.at += REFRESH_S - 0.01
        display.on_step(STEP)
        assert out.getvalue() == drawn
    for word in ("BTC-USD", "110", "100.80", "+8.25%", "ETH-USD", "order", "unknown", "ROC_MOMO", "(0%)", "P&L -12.34"):
        assert word in drawn
    assert "reconciled" not in drawn

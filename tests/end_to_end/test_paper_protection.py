"""A paper session asserts after every tick that each open position was protected on it, and can fail to be."""

import asyncio
from pathlib import Path

import pytest

from bottrader.adapters.simulator.venue import Step, VenueOptions
from bottrader.app.monitor_positions import PositionMonitor
from bottrader.bootstrap.paper import PaperOptions, open_paper_session
from bottrader.cli.paper_command import PAPER_PROFILE
from bottrader.config import Settings, load_settings
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import Ticker
from tests.fixtures.candle_files import lively_rows, write_csv
from tests.fixtures.facts import BTC

CANDLES = 100
SEED = 3


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "BTC-USD.csv", lively_rows(CANDLES, SEED))


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return load_settings({**PAPER_PROFILE, "data_dir": tmp_path / "data", "database_url": database_url})


async def test_every_tick_through_which_a_position_is_held_is_judged(candles: Path, settings: Settings) -> None:
    """S5: the positions that the witness had to look at are counted, so that it cannot pass by seeing none."""
    held = 0
    async with open_paper_session(settings, PaperOptions(VenueOptions([BTC], candles))) as session:

        def count(step: Step) -> None:
            nonlocal held
            held += len(session.portfolio.positions())

        await session.drive(None, asyncio.Event(), count)
    assert session.has_ended
    assert held >= CANDLES / 2


async def test_a_monitor_that_does_not_judge_ends_the_session(
    candles: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S5, L1: with the judging taken out, the first tick after the first buy is one too many."""

    async def look_away(monitor: PositionMonitor, ticker: Ticker) -> None:
        pass

    monkeypatch.setattr(PositionMonitor, "on_ticker", look_away)
    with pytest.raises(InvariantBroken, match=r"BTC-USD was held through the tick at .* without protection"):
        async with open_paper_session(settings, PaperOptions(VenueOptions([BTC], candles))) as session:
            await session.drive(None, asyncio.Event(), lambda step: None)

"""What a live start asks the exchange before it lets anybody trade."""

from datetime import UTC, datetime, timedelta

import pytest

from bottrader.adapters.coinbase.auth import ApiKey
from bottrader.adapters.system.log import RecentEvents
from bottrader.bootstrap.venue import VenueAddress, open_venue
from bottrader.config import Mode
from bottrader.domain.errors import StartupRefused
from tests.fixtures.coinbase_wire import KEY_NAME, new_key, pem_of
from tests.mocks.mock_coinbase_api import Answer, MockCoinbaseApi

PERMISSIONS = {"can_view": True, "can_trade": True, "can_transfer": False, "portfolio_uuid": "p"}


async def start(api: MockCoinbaseApi, mode: Mode, ahead_s: float) -> datetime:
    """Open the venue with its clock `ahead_s` of ours, close it again, and return the venue time the bot began with."""
    iso = (datetime.now(UTC) + timedelta(seconds=ahead_s)).isoformat().replace("+00:00", "Z")
    api.answer("GET", "/time", Answer({"iso": iso}))
    api.answer("GET", "/key_permissions", Answer(PERMISSIONS))
    address = VenueAddress(api.url, "ws://unused", "ws://unused", ApiKey(KEY_NAME, pem_of(new_key())))
    async with open_venue(address, mode, RecentEvents()) as venue:
        return venue.clock.now()


@pytest.mark.parametrize("ahead_s", [-60, 60])
async def test_a_live_start_with_a_wrong_clock_is_refused_before_the_key_is_judged(
    api: MockCoinbaseApi, ahead_s: float
) -> None:
    with pytest.raises(StartupRefused, match="more than 5 s apart"):
        await start(api, Mode.LIVE, ahead_s)
    assert [call.path for call in api.calls] == ["/time"]


@pytest.mark.parametrize("ahead_s", [-3, 0, 3])
async def test_a_live_start_with_a_clock_a_little_off_is_let_in(api: MockCoinbaseApi, ahead_s: float) -> None:
    await start(api, Mode.LIVE, ahead_s)
    assert [call.path for call in api.calls] == ["/time", "/key_permissions"]


async def test_paper_trading_takes_the_time_of_the_market_that_is_replayed(api: MockCoinbaseApi) -> None:
    began = await start(api, Mode.PAPER, -86_400.0 * 365)
    assert abs(datetime.now(UTC) - timedelta(days=365) - began) < timedelta(minutes=1)

"""Paper trading and real money: a key of a real account must not trade because the mode was left at its default."""

from pathlib import Path

import pytest

from bottrader.bootstrap.venue import address_of
from bottrader.config import Mode, Settings
from bottrader.domain.errors import ConfigInvalid
from tests.fixtures.coinbase_wire import new_key, pem_of

ADDRESSES = ("exchange_rest_url", "exchange_market_ws_url", "exchange_user_ws_url")
NEAR = ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "http://10.1.2.3", "http://sim:80"]
FAR = [
    "https://api.coinbase.com",
    "https://8.8.8.8",
    "https://api.coinbase.com.",
    "https://localhost.evil.example",
    "x",
]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key.pem"
    file.write_text(pem_of(new_key()))
    file.chmod(0o600)
    return file


def settings(key_file: Path, mode: Mode, **addresses: str) -> Settings:
    near = dict.fromkeys(ADDRESSES, "http://127.0.0.1:1")
    return Settings.model_validate(
        {
            **near,
            **addresses,
            "mode": mode,
            "exchange_key_name": "organizations/o/apiKeys/k",
            "exchange_key_file": key_file,
        }
    )


@pytest.mark.parametrize("url", NEAR)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_simulator_nearby_may_be_talked_to(key_file: Path, address: str, url: str) -> None:
    found = address_of(settings(key_file, Mode.PAPER, **{address: url}))
    assert url in (found.rest_url, found.market_ws_url, found.user_ws_url)


@pytest.mark.parametrize("url", FAR)
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_exchange_out_in_the_world_is_refused(key_file: Path, address: str, url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"BOTTRADER_MODE is paper, but .* or set BOTTRADER_MODE=live"):
        address_of(settings(key_file, Mode.PAPER, **{address: url}))


def test_live_trading_talks_to_coinbase_by_default(key_file: Path) -> None:
    defaults = {address: Settings.model_fields[address].default for address in ADDRESSES}
    found = address_of(settings(key_file, Mode.LIVE, **defaults))
    assert found.rest_url == "https://api.coinbase.com"
    assert found.market_ws_url == "wss://advanced-trade-ws.coinbase.com"
    assert found.user_ws_url == "wss://advanced-trade-ws-user.coinbase.com"

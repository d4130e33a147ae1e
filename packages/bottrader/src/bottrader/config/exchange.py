"""Where the exchange is and how the bot proves who it is."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from bottrader.config.fields import SettingsGroup, Unset


class ExchangeSettings(SettingsGroup):
    """The exchange's addresses and the key."""

    exchange_rest_url: str = Field("https://api.coinbase.com", description="origin of the exchange's REST API")
    exchange_market_ws_url: str = Field(
        "wss://advanced-trade-ws.coinbase.com", description="market data WebSocket of the exchange"
    )
    exchange_user_ws_url: str = Field(
        "wss://advanced-trade-ws-user.coinbase.com", description="user WebSocket of the exchange"
    )
    exchange_key_name: Annotated[str | None, Unset] = Field(
        None, description="name of the API key, for a bare PEM file: organizations/…/apiKeys/…"
    )
    exchange_key_file: Annotated[Path | None, Unset] = Field(
        None, description="the API key's file: Coinbase's JSON, or PEM with the name"
    )

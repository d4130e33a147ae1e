"""Which pairs are traded, and which coins are left alone."""

from pydantic import Field

from bottrader.config.fields import Coins, Pairs, SettingsGroup
from bottrader.domain.market import ProductId


class SymbolSettings(SettingsGroup):
    """Pairs to trade, and coins to leave alone."""

    symbols: Pairs = Field((ProductId("BTC-USD"),), description="pairs to trade, separated by commas")
    hodl: Coins = Field(frozenset(), description="coins that are never sold, separated by commas")
    shill_coins: Coins = Field(frozenset(), description="coins that are never bought, separated by commas")

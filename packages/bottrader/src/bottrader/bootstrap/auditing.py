"""The exchange as a check asks it: for balances, and nothing else is looked at or refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bottrader.adapters.coinbase.auth import Signer
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.entropy import SystemEntropy
from bottrader.bootstrap.egress import session_to
from bottrader.bootstrap.venue import address_of
from bottrader.config import Settings
from bottrader.ports import Exchange


@asynccontextmanager
async def exchange_of(settings: Settings) -> AsyncIterator[Exchange]:
    """Yield the exchange that the settings name, asked or not: one that does not answer is told by its methods.

    Raises `ConfigInvalid` when its key is missing or unreadable.
    """
    address = address_of(settings)
    clock, entropy = SystemClock(), SystemEntropy()
    async with session_to([address.rest_url]) as session:
        signer = Signer(address.key, clock, entropy)
        yield CoinbaseExchange(session, address.rest_url, signer, ClientOptions(clock, entropy))

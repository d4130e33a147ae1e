"""The client, joined to a server of canned answers over loopback."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.memory.clock import ManualClock
from tests.fixtures.coinbase_wire import KEY_NAME, START, FixedEntropy, new_key, pem_of
from tests.mocks.mock_coinbase_api import MockCoinbaseApi


@pytest.fixture
def key() -> EllipticCurvePrivateKey:
    return new_key()


@pytest.fixture
async def api() -> AsyncIterator[MockCoinbaseApi]:
    async with MockCoinbaseApi() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def exchange(
    api: MockCoinbaseApi, clock: ManualClock, key: EllipticCurvePrivateKey
) -> AsyncIterator[CoinbaseExchange]:
    # Only what hangs on purpose waits for it; a shorter one took a busy machine for a silent exchange.
    options = ClientOptions(clock, FixedEntropy(), total_timeout_s=1.5, requests_per_s=1e6, burst=1000)
    signer = Signer(ApiKey(KEY_NAME, pem_of(key)), clock, FixedEntropy())
    async with aiohttp.ClientSession() as session:
        yield CoinbaseExchange(session, api.url, signer, options)

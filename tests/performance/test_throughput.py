"""What passes through the bot's doors and the exchange's engine for one second of one core, against a bare minimum."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import msgspec
from litestar import Litestar, Request, Response, post

from bottrader.adapters.coinbase.messages import KnownMessage
from bottrader.adapters.coinbase.stream import CoinbaseMarketFeed, StreamOptions
from bottrader.adapters.http.listener import ListenerOptions, WebhookListener, build_app
from bottrader.adapters.http.signature import signed_headers
from bottrader.adapters.memory.clock import FakeClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from coinbase_sim.model import Side
from tests.fixtures.coinbase_wire import BTC, FixedEntropy
from tests.fixtures.processes import SECRET, signal_body
from tests.fixtures.simulated_exchange import Exchange
from tests.performance.measuring import cpu_s, cpu_s_of, tell

MESSAGES = 5_000
REQUESTS = 300
ORDERS = 1_000

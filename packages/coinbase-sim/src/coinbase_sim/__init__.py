"""A simulated Coinbase Advanced Trade exchange: a matching engine behind the venue's own REST and WebSocket protocol.

The public names are resolved when they are first asked for, so that the pytest plugin, which pytest loads in every run,
does not bring the web server with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coinbase_sim.faults import Fault, Faults
    from coinbase_sim.market import CandleMarket, ManualMarket, SyntheticMarket
    from coinbase_sim.pacer import Pacer
    from coinbase_sim.products import DEFAULT_PRODUCTS, product_named
    from coinbase_sim.replay import load_bars
    from coinbase_sim.simulator import Simulator, SimulatorOptions
    from coinbase_sim.wire.limits import RateLimits
    from coinbase_sim.wire.server import ServerOptions, SimulatorServer

__all__ = [
    "DEFAULT_PRODUCTS",
    "CandleMarket",
    "Fault",
    "Faults",
    "ManualMarket",
    "Pacer",
    "RateLimits",
    "ServerOptions",
    "Simulator",
    "SimulatorOptions",
    "SimulatorServer",
    "SyntheticMarket",
    "load_bars",
    "product_named",
]

_HOMES = {
    "CandleMarket": "market",
    "DEFAULT_PRODUCTS": "products",
    "Fault": "faults",
    "Faults": "faults",
    "ManualMarket": "market",
    "Pacer": "pacer",
    "RateLimits": "wire.limits",
    "ServerOptions": "wire.server",
    "Simulator": "simulator",
    "SimulatorOptions": "simulator",
    "SimulatorServer": "wire.server",
    "SyntheticMarket": "market",
    "load_bars": "replay",
    "product_named": "products",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

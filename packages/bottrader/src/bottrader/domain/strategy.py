"""Strategies behind one small protocol, and the snapshot that freezes what they decide by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from bottrader.domain.market import Candle
from bottrader.domain.signals import Action, Trigger


@dataclass(frozen=True, slots=True)
class StrategySnapshot:
    """The frozen parameters a strategy decides by; `content_hash` covers every one of them (R79)."""

    strategy: str
    parameters: str
    """Canonical JSON: sorted keys, amounts as text."""
    content_hash: str


def freeze_parameters(strategy: str, parameters: Mapping[str, str | int | bool | Decimal]) -> StrategySnapshot:
    """Return the snapshot of a strategy's parameters; equal parameters give equal hashes."""
    canonical = json.dumps(
        {name: str(value) if isinstance(value, Decimal) else value for name, value in parameters.items()},
        sort_keys=True,
        separators=(",", ":"),
    )
    digest = hashlib.sha256(f"{strategy}\n{canonical}".encode()).hexdigest()
    return StrategySnapshot(strategy, canonical, digest)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wants after a closed candle, with the figures that made it want it."""

    action: Action
    trigger: Trigger
    note: str
    scores: dict[str, Decimal] = field(default_factory=dict)


class Strategy(Protocol):
    """Decides for one product; an instance sees that product's closed candles, each once, in order of time."""

    @property
    def snapshot(self) -> StrategySnapshot: ...

    @property
    def warmup_candles(self) -> int:
        """How many closed candles it needs before its first decision."""
        ...

    def on_candle(self, candle: Candle) -> Decision | None: ...

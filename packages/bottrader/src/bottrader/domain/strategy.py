"""What a strategy is, what it answers, and the snapshot that freezes what is decided by.

A strategy sees closed candles and the side of the last accepted signal, and nothing else: no clock, no account, no
other product. The same candles therefore give the same decisions in every run (B174), and a restarted process is where
it was once it has seen the candles again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, NamedTuple, Protocol

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import Candle
from bottrader.domain.money import EXACT
from bottrader.domain.signals import Action, Breakdown, LastSide, Trigger


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wants after a closed candle, with the figures that made it want it.

    `scores` holds `buy_score` and `sell_score` and whatever else was measured; every order is linked to them (R47).
    """

    action: Action
    trigger: Trigger
    note: str
    scores: dict[str, Decimal] = field(default_factory=dict)
    breakdown: Breakdown | None = None


class Hold(NamedTuple):
    """Nothing is wanted, and why not: a strategy that explains itself answers this instead of None.

    `explain` returns the scores and the breakdown; they are made only when asked for.
    """

    explain: Callable[[], tuple[dict[str, Decimal], Breakdown]]


class Strategy(Protocol):
    """Decides for one product; an instance sees that product's closed candles, each once, in order of time.

    A strategy is a class that takes its parameters, a frozen dataclass with defaults, and names its type:

        Parameters   the dataclass, whose fields are int, Decimal, bool, str or such dataclasses
        __init__     takes one instance of it
    """

    Parameters: ClassVar[type[Any]]

    @property
    def warmup_candles(self) -> int:
        """How many closed candles it needs before its first decision."""
        ...

    def on_candle(self, candle: Candle, last: LastSide | None) -> Decision | Hold | None:
        """Return what to do after this closed candle; `last` is None as long as no signal of the pair was accepted."""
        ...


@dataclass(frozen=True, slots=True)
class StrategySnapshot:
    """Everything that is decided by, frozen; `content_hash` covers every parameter (R79)."""

    strategy: str
    parameters: str
    """Canonical JSON: sorted keys, amounts as text."""
    content_hash: str


def freeze_parameters(strategy: str, parameters: Mapping[str, Any]) -> StrategySnapshot:
    """Return the snapshot of what a strategy and the rules around it decide by; equal parameters give equal hashes.

    Values are amounts, whole numbers, switches, texts, spans of time, and sets, sequences, mappings and dataclasses of
    these.

    Raises:
        InvariantBroken: for a value of another kind, which would be frozen into something that can change unseen.
    """
    canonical = json.dumps(_canonical(parameters), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{strategy}\n{canonical}".encode()).hexdigest()
    return StrategySnapshot(strategy, canonical, digest)


def _canonical(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(name): _canonical(item) for name, item in value.items()}
        case frozenset() | set():
            return sorted(_canonical(item) for item in value)
        case list() | tuple():
            return [_canonical(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _canonical(asdict(value))
        case _:
            return _canonical_scalar(value)


def _canonical_scalar(value: Any) -> str | int | bool | None:
    match value:
        case Decimal():
            # The shortest spelling, so that 10 and 10.0 freeze to the same snapshot.
            return f"{EXACT.normalize(value):f}"
        case timedelta():
            return f"{value.total_seconds()} s"
        case Enum():
            return _canonical_scalar(value.value)
        case None | bool() | int() | str():
            return value
        case _:
            raise InvariantBroken(f"a parameter that is decided by cannot be a {type(value).__name__}: {value!r}")

"""Strategies behind one small protocol, and the snapshot that freezes what they decide by.

A strategy sees closed candles and nothing else: no clock, no account, no other product. The same candles therefore give
the same decisions in every run (B174), and a restarted process is where it was once it has seen the candles again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from bottrader.domain.errors import AmountInvalid, ConfigInvalid, InvariantBroken
from bottrader.domain.indicators import Atr, Roc, Rsi
from bottrader.domain.market import Candle, Granularity
from bottrader.domain.money import EXACT, ZERO, parse_amount
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
        {name: _plain(value) if isinstance(value, Decimal) else value for name, value in parameters.items()},
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


@dataclass(frozen=True, slots=True)
class RocMomentumParameters:
    """Windows and cooldown in candles; ROC thresholds in percent, both positive magnitudes; RSI bounds inclusive.

    Raises:
        ConfigInvalid: naming every parameter that is out of range (B171).
    """

    roc_window: int = 5
    roc_buy_threshold_pct: Decimal = Decimal(10)
    roc_sell_threshold_pct: Decimal = Decimal(10)
    rsi_window: int = 14
    rsi_buy_min: Decimal = Decimal(45)
    rsi_buy_max: Decimal = Decimal(55)
    atr_window: int = 14
    cooldown_candles: int = 7

    def __post_init__(self) -> None:
        faults = [
            f"{name} is at least {least}, was {value}"
            for name, value, least in (
                ("roc_window", self.roc_window, 1),
                ("rsi_window", self.rsi_window, 1),
                ("atr_window", self.atr_window, 1),
                ("cooldown_candles", self.cooldown_candles, 0),
            )
            if value < least
        ]
        faults += [
            f"{name} is a percentage above 0, was {value}"
            for name, value in (
                ("roc_buy_threshold_pct", self.roc_buy_threshold_pct),
                ("roc_sell_threshold_pct", self.roc_sell_threshold_pct),
            )
            if not (value.is_finite() and value > ZERO)
        ]
        low, high = self.rsi_buy_min, self.rsi_buy_max
        if not (low.is_finite() and high.is_finite() and ZERO <= low <= high <= _RSI_MAX):
            faults.append(f"0 <= rsi_buy_min <= rsi_buy_max <= 100, was {low} and {high}")
        if faults:
            raise ConfigInvalid("; ".join(faults))


class RocMomentum(Strategy):
    """Buys a rise that the RSI does not call overbought, sells a fall.

    It is silent until ROC, RSI and ATR are all known, and on both sides for `cooldown_candles` after a decision. The
    cooldown counts five-minute slots by the candles' open times: a row index stands still once a window is full, and a
    cooldown counted by it never ended (R69).
    """

    def __init__(self, parameters: RocMomentumParameters) -> None:
        self._parameters = parameters
        self._snapshot = freeze_parameters("roc_momentum", asdict(parameters))
        self._roc = Roc(parameters.roc_window)
        self._rsi = Rsi(parameters.rsi_window)
        self._atr = Atr(parameters.atr_window)
        self._last_opened_at: datetime | None = None
        self._decided_at: datetime | None = None

    @property
    def snapshot(self) -> StrategySnapshot:
        return self._snapshot

    @property
    def warmup_candles(self) -> int:
        windows = self._parameters
        return max(windows.roc_window, windows.rsi_window, windows.atr_window) + 1

    def on_candle(self, candle: Candle) -> Decision | None:
        """Return what to do after this closed candle.

        Raises:
            InvariantBroken: when the candle does not open after the last one; the indicators would count it twice.
        """
        if self._last_opened_at is not None and candle.opened_at <= self._last_opened_at:
            raise InvariantBroken(
                f"candles of {candle.product_id} come once and in order: {candle.opened_at.isoformat()} came after"
                f" {self._last_opened_at.isoformat()}"
            )
        self._last_opened_at = candle.opened_at
        scores = self._measure(candle)
        if scores is None or self._is_cooling_down(candle.opened_at):
            return None
        decision = self._decide(scores)
        if decision is not None:
            self._decided_at = candle.opened_at
        return decision

    def _measure(self, candle: Candle) -> dict[str, Decimal] | None:
        close = float(candle.close)
        roc = self._roc.update(close)
        rsi = self._rsi.update(close)
        atr = self._atr.update(float(candle.high), float(candle.low), close)
        if roc is None or rsi is None or atr is None:
            return None
        return {"roc": _rounded(roc), "rsi": _rounded(rsi), "atr": _rounded(atr)}

    def _is_cooling_down(self, opened_at: datetime) -> bool:
        if self._decided_at is None:
            return False
        return (opened_at - self._decided_at) // _CANDLE_SPAN < self._parameters.cooldown_candles

    def _decide(self, scores: dict[str, Decimal]) -> Decision | None:
        # The rounded figures are compared, so that a recorded decision can be checked against its recorded scores.
        rules = self._parameters
        roc, rsi = scores["roc"], scores["rsi"]
        figures = f"RSI({rules.rsi_window}) {rsi:.2f}, ATR({rules.atr_window}) {_plain(scores['atr'])}"
        if roc >= rules.roc_buy_threshold_pct and rules.rsi_buy_min <= rsi <= rules.rsi_buy_max:
            note = f"ROC({rules.roc_window}) {roc:+.2f} % reached +{rules.roc_buy_threshold_pct} %, {figures}"
            return Decision(Action.BUY, Trigger.ROC_MOMO, note, scores)
        if roc <= EXACT.minus(rules.roc_sell_threshold_pct):
            note = f"ROC({rules.roc_window}) {roc:+.2f} % reached -{rules.roc_sell_threshold_pct} %, {figures}"
            return Decision(Action.SELL, Trigger.SIGNAL, note, scores)
        return None


def make_strategy(name: str, parameters: Mapping[str, Any]) -> Strategy:
    """Return a new strategy of this name; parameters that are not given keep their defaults.

    Raises:
        ConfigInvalid: for an unknown strategy, an unknown parameter, or a value of the wrong kind, each by name.
    """
    if name != "roc_momentum":
        raise ConfigInvalid(f"a strategy is one of: roc_momentum; was {name!r}")
    known = {parameter.name: parameter.type for parameter in fields(RocMomentumParameters)}
    faults = [
        f"{name} has no parameter {given!r}, its parameters are {', '.join(known)}"
        for given in parameters
        if given not in known
    ]
    values: dict[str, Any] = {}
    for given, value in parameters.items():
        if given in known:
            try:
                values[given] = _whole(value) if known[given] is int else parse_amount(value)
            except AmountInvalid as error:
                faults.append(f"{given}: {error}")
    if faults:
        raise ConfigInvalid("; ".join(faults))
    return RocMomentum(RocMomentumParameters(**values))


_RSI_MAX = Decimal(100)
# The venue's candle stream has this granularity only.
_CANDLE_SPAN = Granularity.FIVE_MINUTE.span


def _rounded(value: float) -> Decimal:
    return Decimal(repr(round(value, 10)))


def _plain(amount: Decimal) -> str:
    """Return the shortest spelling, so that 10 and 10.0 freeze to the same snapshot."""
    return f"{EXACT.normalize(amount):f}"


def _whole(value: Any) -> int:
    amount = parse_amount(value)
    if amount != int(amount):
        raise AmountInvalid(f"a number of candles is whole, was {value!r}")
    return int(amount)

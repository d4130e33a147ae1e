"""Passive market making, the half that candles tell: is this product lively enough to be quoted?

What depends on the book, the account and the results is judged when the quote is made, by the gates of
`domain/passive`.
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import Candle
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.passive import CANDLES_MIN, PassiveRules, candle_range, required_move
from bottrader.domain.scoring import figure
from bottrader.domain.signals import Action, Breakdown, Component, LastSide, Trigger
from bottrader.domain.strategies.order import CandleOrder
from bottrader.domain.strategy import Decision, Hold, Strategy


@dataclass(frozen=True, slots=True)
class PassiveParameters:
    """The rules of quoting, and the maker fee rate to reckon with while only candles are seen.

    Raises:
        ConfigInvalid: when the rate is no fraction.
    """

    maker_rate: Decimal
    rules: PassiveRules = field(default_factory=PassiveRules)

    def __post_init__(self) -> None:
        if not (self.maker_rate.is_finite() and ZERO <= self.maker_rate < 1):
            raise ConfigInvalid(f"maker_rate is at least 0 and below 1, was {self.maker_rate}")


class PassiveMarketMaking(Strategy):
    """Asks for a buy quote after each candle while the last five moved by at least the required spread."""

    Parameters: ClassVar[type[PassiveParameters]] = PassiveParameters

    def __init__(self, parameters: PassiveParameters) -> None:
        self._parameters = parameters
        self._candles: deque[Candle] = deque(maxlen=CANDLES_MIN)
        self._order = CandleOrder()

    @property
    def warmup_candles(self) -> int:
        return CANDLES_MIN

    def on_candle(self, candle: Candle, last: LastSide | None) -> Decision | Hold:
        """Return what to do after this closed candle.

        Raises:
            InvariantBroken: when the candle does not open after the last one; the range would count it twice.
        """
        self._order.follow(candle)
        self._candles.append(candle)
        required = required_move(candle.close, ZERO, self._parameters.maker_rate, self._parameters.rules)
        moved = candle_range(tuple(self._candles))
        is_lively = moved is not None and moved >= required

        def explain() -> tuple[dict[str, Decimal], Breakdown]:
            return _explain(candle, moved, required, last)

        if moved is None or not is_lively:
            return Hold(explain)
        scores, breakdown = explain()
        note = f"the last {CANDLES_MIN} candles moved by {moved}, at least the required {required}"
        return Decision(Action.BUY, Trigger.PASSIVE_BUY, note, scores, breakdown)


def _explain(
    candle: Candle, moved: Decimal | None, required: Decimal, last: LastSide | None
) -> tuple[dict[str, Decimal], Breakdown]:
    """Return the figures; a score of 1 is an open gate, and the range is in percent of the close."""
    is_open = None if moved is None else moved >= required
    score, needed_pct = Decimal(bool(is_open)), _percent(required, candle)
    scores = {"buy_score": score, "sell_score": ZERO, "target_buy": Decimal(1), "required_pct": needed_pct}
    moved_pct = None if moved is None else _percent(moved, candle)
    if moved_pct is not None:
        scores["range_pct"] = moved_pct
    component = Component("Buy Range", Action.BUY, is_open, moved_pct, needed_pct, Decimal(1), score)
    reason = "range" if is_open else "candles" if is_open is None else "flat"
    return scores, Breakdown(reason, (component,), None if last is None else last.side)


def _percent(amount: Decimal, candle: Candle) -> Decimal:
    return figure(float(EXACT.multiply(amount, Decimal(100))) / float(candle.close))

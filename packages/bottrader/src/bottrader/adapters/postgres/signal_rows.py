"""Signals as rows: what the tables of born and of inbound signals have in common."""

import json
from collections.abc import Mapping
from decimal import Decimal

from bottrader.adapters.postgres.breakdowns import breakdown_from_json, breakdown_to_json
from bottrader.adapters.postgres.connection import Row
from bottrader.domain.signals import Action, Signal, SignalId, Trigger


def signal_values(signal: Signal) -> tuple[object, ...]:
    """Return the columns that both tables of signals have, in their order."""
    return (
        signal.signal_id,
        signal.product_id,
        signal.action.value,
        signal.trigger.value,
        signal.note,
        signal.price,
        signal.candle_opened_at,
        signal.born_at,
        signal.expires_at,
        signal.snapshot_hash,
        _scores_to_json(signal.scores),
        signal.quote_size,
        None if signal.breakdown is None else breakdown_to_json(signal.breakdown),
        signal.size_base,
    )


def to_signal(row: Row) -> Signal:
    """Return the signal of a row of either table."""
    return Signal(
        signal_id=SignalId(row["signal_id"]),
        product_id=row["product_id"],
        action=Action(row["action"]),
        trigger=Trigger(row["trigger"]),
        note=row["note"],
        price=row["price"],
        candle_opened_at=row["candle_opened_at"],
        born_at=row["born_at"],
        expires_at=row["expires_at"],
        snapshot_hash=row["snapshot_hash"],
        scores=_scores_from_json(row["scores"]),
        quote_size=row["quote_size"],
        breakdown=None if row["breakdown"] is None else breakdown_from_json(row["breakdown"]),
        size_base=row["size_base"],
    )


def _scores_to_json(scores: Mapping[str, Decimal]) -> str:
    """Return the scores as an object of texts: a JSON number would come back as a float."""
    return json.dumps({name: str(value) for name, value in scores.items()})


def _scores_from_json(text: str) -> dict[str, Decimal]:
    scores: dict[str, str] = json.loads(text)
    return {name: Decimal(value) for name, value in scores.items()}

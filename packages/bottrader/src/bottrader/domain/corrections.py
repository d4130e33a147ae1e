"""What a reconciliation found to differ from the exchange, and what became of it: each difference has a name.

A correction is a fact. A difference that stands is told once: what is recorded is each change of it, so that looking
again at the same state adds nothing (B277, R86).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CorrectionKind(StrEnum):
    ORDER = "order"
    """An order of ours was in another state; subject: client order id."""
    FILL = "fill"
    """A fill was missing; subject: fill id."""
    FOREIGN_ORDER = "foreign_order"
    """An order that somebody placed beside the bot has filled (F51); subject: the venue's order id."""
    LOST_ORDER = "lost_order"
    """An order under an id of our making that the books do not know has filled or was open (F44); subject: venue id."""
    CASH = "cash"
    """A movement of cash was missing; subject: transaction id."""
    UNKNOWN_CASH = "unknown_cash"
    """A movement that a person has to judge; subject: transaction id."""
    BALANCE = "balance"
    """A total differs for no known reason (F52); subject: `cash USD` or `holding BTC`. An alarm, never a trade."""


@dataclass(frozen=True, slots=True)
class Correction:
    """`ours` and `theirs` are what either side said, `action` what was done about it, in words."""

    kind: CorrectionKind
    subject: str
    ours: str
    theirs: str
    action: str
    at: datetime

    @property
    def key(self) -> tuple[CorrectionKind, str]:
        return self.kind, self.subject

    @property
    def terms(self) -> tuple[str, str, str]:
        """What makes it news: the same terms for the same key are known."""
        return self.ours, self.theirs, self.action


def newest(corrections: Iterable[Correction]) -> dict[tuple[CorrectionKind, str], Correction]:
    """Return the last one of each kind and subject, of corrections in the order they were recorded in."""
    return {correction.key: correction for correction in corrections}


def is_standing(correction: Correction) -> bool:
    """Tell whether a difference of balances is still there."""
    return correction.kind is CorrectionKind.BALANCE and correction.ours != correction.theirs


def news_among(found: Sequence[Correction], recorded: Iterable[Correction]) -> list[Correction]:
    """Return those that say something else than the last one of their kind and subject."""
    last = newest(recorded)
    return [each for each in found if each.key not in last or last[each.key].terms != each.terms]

"""What a check of the lots is made from, as one moment shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bottrader.domain.cash import CashMovement
from bottrader.domain.lot_checks import PlacedRow
from bottrader.domain.lots import Execution
from bottrader.ports.ledger import AllocationVersion


@dataclass(frozen=True, slots=True)
class LotsAudit:
    """The active version with everything it must agree with; rows come by product and position."""

    version: AllocationVersion
    is_complete: bool
    executions: Sequence[Execution]
    movements: Sequence[CashMovement]
    rows: Sequence[PlacedRow]
    queued: frozenset[str]
    """Subjects of the unmatched sells that a person was told of."""
    by_sql: Sequence[PlacedRow] | None
    """The rows that the database itself computes of its executions; None for a method it does not know."""


class LotsAuditor(Protocol):
    """Reads all of it as of one moment."""

    async def audit_lots(self) -> LotsAudit:
        """Raises `StoreUnreachable` when the database does not answer."""
        ...

"""Take movements of cash from Coinbase's CSV report into the books: all of a file, or nothing of it.

The file is judged first (`domain.cash_file`), then against what is recorded: a transaction that is known stays as it
is, one that is known with other content is a problem of the file. What happened before the books were opened is in the
opening balance and is left out, and so is what came in by the API already, which names it by another id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bottrader.domain.cash import CashMovement, opened_at, without_twins
from bottrader.domain.cash_file import CashFile, FileProblem, UnknownEntry, read_cash_file
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.ports import LedgerStore, ReviewItem

# Money that Coinbase holds for people, and the coins that stand for dollars; others are named by pairs and options.
FIAT_CURRENCIES = frozenset({"AUD", "BRL", "CAD", "CHF", "EUR", "GBP", "JPY", "SGD", "TRY", "USD"})
STABLE_CURRENCIES = frozenset({"DAI", "EURC", "PYUSD", "USDC", "USDT"})


@dataclass(frozen=True, slots=True)
class CashImport:
    """What became of the entries of one file; the counts add up to its transactions."""

    new: tuple[CashMovement, ...]
    known_count: int
    twins_count: int
    """Known under the id of another route."""
    before_opening_count: int
    queued_count: int
    """Of unknown type, and new in the review queue."""
    queued_before_count: int
    trades_count: int
    opened_at: datetime | None


class CashImporter:
    """Imports files into one store; `product_ids` are the pairs whose currencies are known without being named."""

    def __init__(self, store: LedgerStore, product_ids: Collection[ProductId]) -> None:
        self._store = store
        self._currencies = FIAT_CURRENCIES | STABLE_CURRENCIES
        self._currencies |= {each(product_id) for product_id in product_ids for each in (base_of, quote_of)}

    async def run(self, text: str, currencies: Collection[str], now: datetime) -> CashImport | tuple[FileProblem, ...]:
        """Import the report `text`, or return why nothing of it was. `currencies` are known beside those of the bot.

        Raises `StoreUnreachable`; repeating the import is harmless then.
        """
        recorded = await self._store.cash_movements()
        known_currencies = self._currencies | set(currencies) | {movement.currency for movement in recorded}
        file = read_cash_file(text, known_currencies)
        problems = sorted([*file.problems, *_changed(file, recorded)], key=lambda problem: problem.line)
        if problems:
            return tuple(problems)
        opened = opened_at(recorded)
        movements = [movement for _, movement in file.movements]
        later = [movement for movement in movements if opened is None or movement.at > opened]
        new, twins = without_twins(later, recorded)
        await self._store.record_cash(new)
        queued_count = await self._store.queue_review([_review(entry, now) for entry in file.unknown])
        return CashImport(
            new=tuple(new),
            known_count=len(later) - len(new) - len(twins),
            twins_count=len(twins),
            before_opening_count=len(movements) - len(later),
            queued_count=queued_count,
            queued_before_count=len(file.unknown) - queued_count,
            trades_count=file.trades_count,
            opened_at=opened,
        )


def _changed(file: CashFile, recorded: Sequence[CashMovement]) -> list[FileProblem]:
    known = {movement.transaction_id: movement for movement in recorded}
    return [
        FileProblem(line, f"transaction {movement.transaction_id} is recorded with other content: {_words(stored)}")
        for line, movement in file.movements
        if (stored := known.get(movement.transaction_id)) is not None and stored != movement
    ]


def _words(movement: CashMovement) -> str:
    return f"{movement.kind} of {movement.amount:f} {movement.currency} at {movement.at.isoformat()}"


def _review(entry: UnknownEntry, now: datetime) -> ReviewItem:
    detail = f"{entry.word} {entry.amount:f} {entry.currency} at {entry.at.isoformat()}"
    return ReviewItem("unknown_cash", None, entry.transaction_id, detail, "medium", now)

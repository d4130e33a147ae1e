"""Allocations and open lots as CSV: plain decimals, moments in UTC, nothing where nothing is known."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TextIO

from bottrader.domain.lots import Allocation, OpenLot
from bottrader.domain.money import EXACT, ZERO

ALLOCATION_COLUMNS = (
    *("sell_order_id", "buy_order_id", "symbol", "size", "cost_basis", "proceeds", "fees", "pnl"),
    *("buy_time", "sell_time"),
)
OPEN_LOT_COLUMNS = ("buy_order_id", "symbol", "size", "cost_basis", "fees", "buy_time")


def write_allocations(stream: TextIO, allocations: Iterable[Allocation]) -> None:
    """Write one line per allocation: pnl = proceeds - sell fee share - cost_basis, fees = both fee shares.

    The cost basis contains the buy's fee share, proceeds are before the sell's. A sell that no buy covers has no
    buy_order_id, cost_basis, pnl and buy_time; its fees are its own.
    """
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(ALLOCATION_COLUMNS)
    out.writerows(
        (
            row.sell_order_id,
            row.buy_order_id or "",
            row.product_id,
            amount_text(row.size),
            amount_text(row.cost_basis),
            amount_text(row.proceeds),
            amount_text(EXACT.add(row.sell_fee, row.buy_fee or ZERO)),
            amount_text(row.pnl),
            moment_text(row.buy_time),
            moment_text(row.sell_time),
        )
        for row in allocations
    )


def write_open_lots(stream: TextIO, lots: Iterable[OpenLot], *, has_accounts: bool) -> None:
    """Write one line per open lot, its account when the trades had one; the cost basis contains the fees."""
    out = csv.writer(stream, lineterminator="\n")
    out.writerow((*OPEN_LOT_COLUMNS, *(["account"] if has_accounts else [])))
    for lot in lots:
        amounts = (amount_text(lot.size), amount_text(lot.cost), amount_text(lot.fee))
        account = [lot.account] if has_accounts else []
        out.writerow((lot.order_id, lot.product_id, *amounts, moment_text(lot.opened_at), *account))


def amount_text(amount: Decimal | None) -> str:
    """Return the amount as a plain decimal without an exponent or zeros at its end, nothing for None."""
    if amount is None:
        return ""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment_text(moment: datetime | None) -> str:
    """Return the moment in UTC with Z, as fine as it is; nothing for None."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"

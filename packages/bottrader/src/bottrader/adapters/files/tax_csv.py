"""A year's disposals and their totals as CSV: the columns of a tax form, and where each row comes from."""

import csv
from typing import TextIO

from bottrader.adapters.files.lots_csv import amount_text
from bottrader.domain.disposals import Disposal, TaxYear, Term
from bottrader.domain.market import quote_of

DISPOSAL_COLUMNS = (
    *("description", "date_acquired", "date_sold", "proceeds", "cost_basis", "gain", "term", "currency"),
    *("note", "symbol", "sell_order_id", "buy_order_id"),
)
TOTAL_COLUMNS = ("year", "zone", "currency", "term", "disposals", "proceeds", "cost_basis", "gain")
UNMATCHED_NOTE = "no known buy: date, basis and gain are yours to find"


def write_disposals(stream: TextIO, year: TaxYear) -> None:
    """Write one line per disposal: gain = proceeds - cost_basis; proceeds are after the sell's fee, the basis with the
    buy's. Where no buy is known, date, basis and gain are empty, the term is unknown and the note says so."""
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(DISPOSAL_COLUMNS)
    out.writerows(_cells(row) for row in year.disposals)


def write_totals(stream: TextIO, year: TaxYear) -> None:
    """Write one line per quote currency and term; of an unknown term only the proceeds are known."""
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(TOTAL_COLUMNS)
    for row in year.totals:
        is_known = row.term is not Term.UNKNOWN
        known = [amount_text(amount) if is_known else "" for amount in (row.cost_basis, row.gain)]
        what = (year.year, year.zone, row.currency, row.term, row.disposals_count)
        out.writerow((*what, amount_text(row.proceeds), *known))


def _cells(row: Disposal) -> tuple[str, ...]:
    return (
        row.description,
        "" if row.acquired_on is None else row.acquired_on.isoformat(),
        row.disposed_on.isoformat(),
        amount_text(row.proceeds),
        amount_text(row.cost_basis),
        amount_text(row.gain),
        row.term,
        quote_of(row.product_id),
        UNMATCHED_NOTE if row.term is Term.UNKNOWN else "",
        row.product_id,
        row.sell_order_id,
        row.buy_order_id or "",
    )

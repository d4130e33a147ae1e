"""Values of a periodic report as text: for people, rounded at display only, and for machines, with every digit."""

from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.adapters.report import figures
from bottrader.app.periodic.document import Agreement, PeriodicReport, Unit, Value

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def shown(value: Value, unit: Unit) -> str:
    """Return the value as people read it; an unknown one reads `n/a` (R51)."""
    if value is None:
        return figures.NOT_AVAILABLE
    if isinstance(value, datetime):
        return figures.moment_text(value)
    if isinstance(value, timedelta):
        return figures.span_text(value)
    if isinstance(value, Decimal):
        return _amount_text(value, unit)
    return str(value)


def exact(value: Value) -> str:
    """Return the value as a machine reads it: every digit, ISO 8601, seconds; empty when it is unknown."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():f}".rstrip("0").rstrip(".")
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_BEGINNINGS) else text


def agreement_text(agreement: Agreement, currency: str) -> str:
    """Return the sentence that says which total equals which sum of the ledger."""
    amount = figures.money_text(agreement.amount)
    return (
        f"{agreement.what} {amount} {currency} {'equal' if agreement.what.endswith('s') else 'equals'}"
        f" the ledger's sum of {agreement.rows_count} {agreement.rows}."
    )


def title_of(report: PeriodicReport) -> str:
    """Return `Daily report`, or `Weekly report`."""
    return f"{report.period.kind.value.capitalize()} report"


def window_text(report: PeriodicReport) -> str:
    """Return the window in UTC: `2026-03-01 10:05 to 2026-03-02 10:05 UTC`."""
    since, until = report.period.since, report.period.until
    return f"{figures.moment_text(since)} to {figures.moment_text(until)} UTC"


def _amount_text(amount: Decimal, unit: Unit) -> str:
    match unit:
        case Unit.SIGNED:
            return figures.signed_money_text(amount)
        case Unit.FRACTION:
            return figures.percent_text(amount)
        case Unit.PRICE:
            return figures.price_text(amount)
        case Unit.MONEY | Unit.NUMBER:
            return figures.money_text(amount)
        case _:
            return figures.exact_text(amount)

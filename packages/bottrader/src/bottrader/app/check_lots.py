"""Check the stored lots: by the laws they must keep, by two other routes to the same rows, and by what the exchange
holds.

Nothing is written. What could not be compared is said to be left out, and never counts as equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.lot_checks import Check, Evidence, Finding, compare_rows, invariants_of, placed
from bottrader.domain.lots import LotMethod, allocate
from bottrader.domain.market import base_of
from bottrader.domain.money import EXACT, ZERO, canonical, exact
from bottrader.domain.orders import Side
from bottrader.domain.reconciliation import ledger_books
from bottrader.ports import AllocationVersion, Balance, Exchange
from bottrader.ports.audit import LotsAudit, LotsAuditor

AT_THE_EXCHANGE = "open lots are what the exchange holds"


@dataclass(frozen=True, slots=True)
class LotsCheck:
    """What was checked of which version; `is_asked_in_vain` when the exchange was to be compared and did not answer."""

    version: AllocationVersion
    checks: Sequence[Check]
    is_asked_in_vain: bool = False

    @property
    def holds(self) -> bool:
        """Whether everything that was to be checked was, and is as it must be."""
        return not self.is_asked_in_vain and not any(check.findings for check in self.checks)


async def check_lots(auditor: LotsAuditor, exchange: Exchange | None, why_none: str = "") -> LotsCheck:
    """Check the active version; without an exchange its balances are left out, and `why_none` says why.

    Raises `StoreUnreachable` when the database does not answer.
    """
    # The balances come first: a fill in between is then too much on our side and shows, not too little at theirs.
    balances: Sequence[Balance] | None = None
    cause = why_none
    if exchange is not None:
        try:
            balances = await exchange.balances()
        except (ExchangeUnreachable, ExchangeRefused) as error:
            cause = f"not compared: {error}"
    audit = await auditor.audit_lots()
    checks = [_version(audit), *invariants_of(_evidence(audit)), *_routes(audit)]
    if balances is None:
        checks.append(Check(AT_THE_EXCHANGE, 0, "coins", left_out=cause))
    else:
        checks.append(_at_the_exchange(audit, balances))
    return LotsCheck(audit.version, checks, is_asked_in_vain=exchange is not None and balances is None)


def _evidence(audit: LotsAudit) -> Evidence:
    return Evidence(audit.executions, audit.rows, audit.queued, audit.version.method)


def _version(audit: LotsAudit) -> Check:
    findings = []
    if not audit.is_complete:
        findings.append(Finding("all", None, f"version {audit.version.number} complete", "still being built"))
    return Check("the active version is complete", 1, "version", findings)


def _routes(audit: LotsAudit) -> list[Check]:
    plain, by_sql = "rows equal the plain computation", "rows equal the database's own computation"
    if audit.version.method is LotMethod.SPECIFIC:
        reason = "which lots were named is not in the database"
        return [Check(name, 0, "rows", left_out=reason) for name in (plain, by_sql)]
    expected = placed(allocate(audit.executions, audit.version.method).allocations)
    checks = [compare_rows(plain, expected, audit.rows)]
    if audit.by_sql is None:
        reason = f"SQL computes first in, first out only, not {audit.version.method}"
        return [*checks, Check(by_sql, 0, "rows", left_out=reason)]
    return [*checks, compare_rows(by_sql, audit.by_sql, audit.rows)]


def _at_the_exchange(audit: LotsAudit, balances: Sequence[Balance]) -> Check:
    """Per coin: what came and went without a trade + open lots - sold without a lot = what the exchange holds."""
    held = {balance.currency: balance.total for balance in balances}
    coins = sorted({base_of(each.product_id) for each in audit.executions})
    findings = []
    for coin in coins:
        ours, theirs = _implied(audit, coin), held.get(coin, ZERO)
        if ours != theirs:
            findings.append(Finding(coin, None, f"the exchange's {canonical(theirs):f}", f"{canonical(ours):f}"))
    return Check(AT_THE_EXCHANGE, len(coins), "coins", findings)


def _implied(audit: LotsAudit, coin: str) -> Decimal:
    """Return how much of a coin the stored lots say there is; the flows of pairs quoted in it come from the facts."""
    traded = [each for each in audit.executions if base_of(each.product_id) == coin]
    quoted = [each for each in audit.executions if base_of(each.product_id) != coin]
    facts = ledger_books([(each.currency, each.amount) for each in audit.movements if each.currency == coin], quoted)
    rows = [each.row for each in audit.rows if base_of(each.row.product_id) == coin]
    with exact():
        bought = sum((each.size for each in traded if each.side is Side.BUY), ZERO)
        matched = sum((row.size for row in rows if row.buy_execution_id is not None), ZERO)
        unmatched = sum((row.size for row in rows if row.buy_execution_id is None), ZERO)
        other = EXACT.add(facts.cash.get(coin, ZERO), facts.holdings.get(coin, ZERO))
        return other + (bought - matched) - unmatched

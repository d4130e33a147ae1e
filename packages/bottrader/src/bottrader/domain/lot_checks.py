"""What must hold of stored allocations, checked row by row against the executions they follow from.

Nothing here matches a sell to a buy: each check is a law of conservation, order or spelling that a right set of rows
keeps and a damaged one breaks, so an error in the matching cannot hide itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from itertools import groupby

from bottrader.domain.dust import is_dust
from bottrader.domain.lots import Allocation, Execution, LotMethod, ledger_key
from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, ZERO, canonical, exact
from bottrader.domain.orders import Side

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A stored allocation and its position among those of its product."""

    position: int
    row: Allocation


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be; `position` is None when it is about no single row."""

    symbol: str
    position: int | None
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `count` things of kind `unit`, or none for the reason in `left_out`."""

    name: str
    count: int
    unit: str
    findings: Sequence[Finding] = ()
    left_out: str = ""


@dataclass(frozen=True)
class Evidence:
    """Executions and rows of all products, rows by product and position, and what a person was told to look at."""

    executions: Sequence[Execution]
    rows: Sequence[PlacedRow]
    queued: frozenset[str]
    method: LotMethod
    by_id: dict[str, Execution] = field(init=False)
    of_sell: dict[str, list[PlacedRow]] = field(init=False)
    of_buy: dict[str, list[PlacedRow]] = field(init=False)

    def __post_init__(self) -> None:
        of_sell: dict[str, list[PlacedRow]] = {}
        of_buy: dict[str, list[PlacedRow]] = {}
        for placed in self.rows:
            of_sell.setdefault(placed.row.sell_execution_id, []).append(placed)
            if placed.row.buy_execution_id is not None:
                of_buy.setdefault(placed.row.buy_execution_id, []).append(placed)
        object.__setattr__(self, "by_id", {each.execution_id: each for each in self.executions})
        object.__setattr__(self, "of_sell", of_sell)
        object.__setattr__(self, "of_buy", of_buy)

    def of_side(self, side: Side) -> list[Execution]:
        return [each for each in self.executions if each.side is side and each.size > ZERO]


def invariants_of(evidence: Evidence) -> list[Check]:
    """Return every check that the rows alone, beside the facts, can pass or fail."""
    return [
        _positions(evidence),
        _facts(evidence),
        _amounts(evidence),
        _sell_sizes(evidence),
        _buy_sizes(evidence),
        _fees(evidence),
        _money(evidence),
        _order(evidence),
        _review(evidence),
    ]


def compare_rows(name: str, expected: Sequence[PlacedRow], found: Sequence[PlacedRow]) -> Check:
    """Return where the rows found differ from those that another route gave, field by field."""
    wanted = {(each.row.product_id, each.position): each.row for each in expected}
    stored = {(each.row.product_id, each.position): each.row for each in found}
    findings = []
    for symbol, position in sorted(wanted.keys() | stored.keys()):
        ours, theirs = stored.get((symbol, position)), wanted.get((symbol, position))
        if ours is None or theirs is None:
            findings.append(Finding(symbol, position, _told(theirs), _told(ours)))
        elif ours != theirs:
            names = [each.name for each in fields(ours) if getattr(ours, each.name) != getattr(theirs, each.name)]
            findings.append(Finding(symbol, position, _told(theirs, names), _told(ours, names)))
    return Check(name, len(wanted), "rows", findings)


def placed(allocations: Iterable[Allocation]) -> list[PlacedRow]:
    """Number allocations, which come by product, within each product."""
    by_product = groupby(allocations, key=lambda row: row.product_id)
    return [PlacedRow(position, row) for _, rows in by_product for position, row in enumerate(rows)]


def _told(row: Allocation | None, names: Sequence[str] = ("sell_execution_id", "buy_execution_id", "size")) -> str:
    return "no row" if row is None else ", ".join(f"{name} {_text(getattr(row, name))}" for name in names)


def _text(value: object) -> str:
    if value is None:
        return NOTHING
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _positions(evidence: Evidence) -> Check:
    findings = []
    for symbol, rows in groupby(evidence.rows, key=lambda each: each.row.product_id):
        for expected, each in enumerate(rows):
            if each.position != expected:
                findings.append(Finding(symbol, each.position, f"position {expected}", f"position {each.position}"))
                break
    return Check("positions are contiguous from 0", len(evidence.rows), "rows", findings)


def _facts(evidence: Evidence) -> Check:
    """Every row repeats of its sell and its buy what the facts say."""
    findings = []
    for each in evidence.rows:
        row = each.row
        sides: list[tuple[Side, str, tuple[object, ...]]] = [
            (Side.SELL, row.sell_execution_id, (row.sell_order_id, row.sell_price, row.sell_time))
        ]
        if row.buy_execution_id is not None:
            sides.append((Side.BUY, row.buy_execution_id, (row.buy_order_id, row.buy_price, row.buy_time)))
        for side, execution_id, said in sides:
            fact = evidence.by_id.get(execution_id)
            known: tuple[object, ...] | None = None
            if fact is not None and (fact.side, fact.product_id) == (side, row.product_id):
                known = (fact.order_id, fact.price, fact.executed_at)
            if known != said:
                expected = f"no {side} {execution_id}" if known is None else _listed(known)
                findings.append(Finding(row.product_id, each.position, expected, f"{side} {_listed(said)}"))
    return Check("rows agree with their executions", len(evidence.rows), "rows", findings)


def _listed(values: Iterable[object]) -> str:
    return " ".join(map(_text, values))


def _amounts(evidence: Evidence) -> Check:
    findings = []
    for each in evidence.rows:
        row = each.row
        expected = _computed(row)
        for name, value in expected.items():
            found = getattr(row, name)
            # Spelled out: the driver reads 40000 as 4E+4, which is no difference, and 1.50 for 1.5 is one.
            if _text(found) != _text(value):
                findings.append(Finding(row.product_id, each.position, f"{name} {_text(value)}", _text(found)))
    return Check("amounts of a row follow from its sizes, prices and fees", len(evidence.rows), "rows", findings)


def _computed(row: Allocation) -> dict[str, Decimal | None]:
    """Return what a row's amounts must be; sizes, prices and fees are repeated, for the way they are spelled."""
    with exact():
        proceeds = row.size * row.sell_price
        net_proceeds = proceeds - row.sell_fee
        basis = pnl = None
        if row.buy_price is not None and row.buy_fee is not None:
            basis = row.size * row.buy_price + row.buy_fee
            pnl = net_proceeds - basis
    given = {name: getattr(row, name) for name in ("size", "buy_price", "sell_price", "buy_fee", "sell_fee")}
    derived = {"proceeds": proceeds, "net_proceeds": net_proceeds, "cost_basis": basis, "pnl": pnl}
    return {name: None if value is None else canonical(value) for name, value in {**given, **derived}.items()}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with exact():
        return sum(amounts, ZERO)


def _sell_sizes(evidence: Evidence) -> Check:
    sells, findings = evidence.of_side(Side.SELL), []
    for sell in sells:
        rows = evidence.of_sell.get(sell.execution_id, [])
        total = _sum(each.row.size for each in rows)
        if total != sell.size:
            findings.append(_of_execution(sell, rows, f"size {sell.size:f}", f"{total:f} in {len(rows)} rows"))
    return Check("each sell is allocated whole, matched or not", len(sells), "sells", findings)


def _buy_sizes(evidence: Evidence) -> Check:
    buys, findings = evidence.of_side(Side.BUY), []
    for buy in buys:
        rows = evidence.of_buy.get(buy.execution_id, [])
        total = _sum(each.row.size for each in rows)
        if total > buy.size:
            findings.append(_of_execution(buy, rows, f"at most size {buy.size:f}", f"{total:f} in {len(rows)} rows"))
    return Check("no buy is sold more than once", len(buys), "buys", findings)


def _fees(evidence: Evidence) -> Check:
    """Shares of a consumed execution add up to its fee; those of an open buy stay within it; none is negative."""
    findings = []
    traded = [*evidence.of_side(Side.SELL), *evidence.of_side(Side.BUY)]
    for execution in traded:
        is_sell = execution.side is Side.SELL
        rows = (evidence.of_sell if is_sell else evidence.of_buy).get(execution.execution_id, [])
        shares = [each.row.sell_fee if is_sell else each.row.buy_fee or ZERO for each in rows]
        total = _sum(shares)
        is_consumed = is_sell or _sum(each.row.size for each in rows) == execution.size
        is_within = min(execution.fee, ZERO) <= total <= max(execution.fee, ZERO)
        has_wrong_sign = any(share * execution.fee < ZERO for share in shares)
        if has_wrong_sign or (total != execution.fee if is_consumed and rows else not is_within):
            expected = f"fee {execution.fee:f}" if is_consumed else f"within fee {execution.fee:f}"
            findings.append(_of_execution(execution, rows, expected, " + ".join(map(_text, shares)) or NOTHING))
    return Check("fee shares add up to the fee", len(traded), "executions", findings)


def _money(evidence: Evidence) -> Check:
    """Cost: rows + open lots = buys. P&L: pnl + unmatched = sells - what the sold part cost."""
    rows_of: dict[ProductId, list[Allocation]] = {each.product_id: [] for each in evidence.executions}
    for each in evidence.rows:
        rows_of.setdefault(each.row.product_id, []).append(each.row)
    findings = []
    for symbol, rows in sorted(rows_of.items()):
        buys = [each for each in evidence.of_side(Side.BUY) if each.product_id == symbol]
        sells = [each for each in evidence.of_side(Side.SELL) if each.product_id == symbol]
        with exact():
            open_sizes: dict[str, Decimal] = {each.execution_id: each.size for each in buys}
            for row in rows:
                if row.buy_execution_id in open_sizes:
                    open_sizes[row.buy_execution_id] -= row.size
            cost = sum(((row.cost_basis or ZERO) - (row.buy_fee or ZERO) for row in rows), ZERO)
            left = sum((open_sizes[each.execution_id] * each.price for each in buys), ZERO)
            paid = sum((each.size * each.price for each in buys), ZERO)
            sold = sum((each.size * each.price - each.fee for each in sells), ZERO)
            basis = sum((row.cost_basis or ZERO for row in rows), ZERO)
            earned = sum((row.net_proceeds if row.pnl is None else row.pnl for row in rows), ZERO)
        if EXACT.add(cost, left) != paid:
            findings.append(Finding(symbol, None, f"cost of all buys {paid:f}", f"{EXACT.add(cost, left):f}"))
        if earned != EXACT.subtract(sold, basis):
            expected = f"net proceeds less basis {EXACT.subtract(sold, basis):f}"
            findings.append(Finding(symbol, None, expected, f"P&L and unmatched {earned:f}"))
    return Check("money is conserved", len(rows_of), "symbols", findings)


def _order(evidence: Evidence) -> Check:
    """Rows come by sell in ledger order, no buy comes after its sell, and the oldest buy is the first to go (FIFO)."""
    findings = []
    for symbol, rows in groupby(evidence.rows, key=lambda each: each.row.product_id):
        last_sell = last_buy = None
        for each in rows:
            sell = evidence.by_id.get(each.row.sell_execution_id)
            buy = evidence.by_id.get(each.row.buy_execution_id or "")
            if sell is None:
                continue
            if last_sell is not None and ledger_key(sell) < ledger_key(last_sell):
                findings.append(_out_of_order(symbol, each, last_sell, sell, "rows by sell"))
            last_sell = sell
            if buy is None:
                continue
            if ledger_key(buy) >= ledger_key(sell):
                findings.append(_out_of_order(symbol, each, buy, sell, "a buy before its sell"))
            if evidence.method is LotMethod.FIFO and last_buy and ledger_key(buy) < ledger_key(last_buy):
                findings.append(_out_of_order(symbol, each, last_buy, buy, "the oldest buy first"))
            last_buy = buy
    return Check("nothing is sold before it was bought, in ledger order", len(evidence.rows), "rows", findings)


def _out_of_order(symbol: str, each: PlacedRow, first: Execution, second: Execution, rule: str) -> Finding:
    found = f"{first.execution_id} of {first.executed_at} before {second.execution_id} of {second.executed_at}"
    return Finding(symbol, each.position, rule, found)


def _review(evidence: Evidence) -> Check:
    unmatched = [each for each in evidence.rows if each.row.buy_execution_id is None and not is_dust(each.row)]
    findings = []
    for each in unmatched:
        subject = review_subject(each.row)
        if subject not in evidence.queued:
            findings.append(Finding(each.row.product_id, each.position, f"{subject} in the review queue", NOTHING))
    return Check("each unmatched sell above dust is queued for review", len(unmatched), "unmatched sells", findings)


def review_subject(row: Allocation) -> str:
    """Return what an unmatched sell is called in the review queue."""
    return f"{row.sell_order_id}/{row.sell_execution_id}"


def _of_execution(execution: Execution, rows: Sequence[PlacedRow], expected: str, found: str) -> Finding:
    position = rows[0].position if rows else None
    return Finding(execution.product_id, position, f"{execution.side} {execution.execution_id}: {expected}", found)

"""The books as a ledger for beancount, a program for double-entry bookkeeping in plain text.

    Assets:Coins:BTC      coins, each lot at its price, with its date and the id of its buy
    Assets:Lot-Fees:USD   fees of buys whose coins are still held; they are part of the cost basis
    Assets:Cash:USD       what trades took and brought; deposits are not in it, so it may be below zero
    Income:Short-Term:USD and Long-Term: the gains, with fees on both sides taken off, to the digit of the tax form
    Equity:Unmatched:BTC  coins sold of which no buy is known, below zero; their proceeds are no gain
    Expenses:Unmatched-Fees:USD

A lot costs its price alone and its fee stands beside it, because a price with a fee in it need not end: 0.10 over three
coins. A sell names its lots itself, so beancount books what we allocated, by whatever method, and refuses the file when
a lot does not have that much left. The file ends with an assertion of the coins that remain.

Worked example. 1 BTC bought at 100 with a fee of 0.60 and sold at 120 with a fee of 0.72:

    Assets:Coins:BTC       -1 BTC {100 USD, 2026-01-01, "b1"} @ 120 USD     takes   -100
    Assets:Cash:USD       120 USD  and  -0.72 USD
    Assets:Lot-Fees:USD    -0.60 USD
    Income:Short-Term:USD  -18.68 USD                                       in all     0
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TextIO

from bottrader.adapters.files.lots_csv import amount_text, moment_text
from bottrader.domain.disposals import TaxYear, Term, local_date, term_of
from bottrader.domain.lots import Allocation, Execution, ledger_key
from bottrader.domain.market import base_of, quote_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import Side

_GAINS = {Term.SHORT: "Short-Term", Term.LONG: "Long-Term"}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


def write_beancount(stream: TextIO, year: TaxYear) -> None:
    """Write all trades up to the end of the year, the accounts they need, and what is left of each coin."""
    ledger = _Ledger(year)
    executions = sorted(year.executions, key=lambda each: ledger_key(each)[2:])
    for execution in executions:
        ledger.add(execution)
    stream.write(f'option "title" "BotTrader, all trades until the end of {year.year}"\n')
    quotes = sorted({quote_of(each.product_id) for each in executions})
    stream.writelines(f'option "operating_currency" "{commodity(quote)}"\n' for quote in quotes)
    stream.write(f"; Dates are those of the time zone {year.zone}. Times are UTC.\n\n")
    stream.writelines(f"{line}\n" for line in ledger.lines())


def commodity(code: str) -> str:
    """Return the name of a currency in beancount, where a letter comes first: `X-1INCH` for 1INCH."""
    name = code if code[0].isalpha() else f"X-{code}"
    # One letter alone is no name there either.
    return name if len(name) > 1 else f"X-{name}"


class _Ledger:
    """Transactions in order of time, and the accounts and commodities that they use."""

    def __init__(self, year: TaxYear) -> None:
        self._year = year
        self._names = _account_names(each.account for each in year.executions)
        self._rows: dict[str, list[Allocation]] = {}
        for row in year.allocations:
            self._rows.setdefault(row.sell_execution_id, []).append(row)
        self._buys = {each.execution_id: each for each in year.executions if each.side is Side.BUY}
        self._dates: dict[str, date] = {}
        self._accounts: dict[str, str] = {}
        self._held: dict[str, Decimal] = {}
        self._first: date | None = None
        self._newest = date.min
        self._transactions: list[str] = []

    def add(self, execution: Execution) -> None:
        """Append what one execution moved; executions come in order of time."""
        if execution.size == ZERO:
            return
        # Where clocks are set back at midnight a later trade may have an earlier date.
        self._newest = max(self._newest, local_date(execution.executed_at, self._year.zone))
        self._first = self._first or self._newest
        rows = self._rows.get(execution.execution_id, [])
        flag = "!" if any(row.pnl is None for row in rows) else "*"
        narration = f"{execution.side} {amount_text(execution.size)} {execution.product_id}"
        postings = self._bought(execution) if execution.side is Side.BUY else self._sold(execution, rows)
        self._transactions += [
            f"{self._newest} {flag} {_text(narration)}",
            f"  order_id: {_text(execution.order_id)}",
            f"  time: {_text(moment_text(execution.executed_at))}",
            *(f"  {posting}" for posting in postings),
            "",
        ]

    def lines(self) -> Iterable[str]:
        """Return the directives: commodities, accounts, transactions, and what is left."""
        first, end = self._first, date(self._year.year + 1, 1, 1)
        for code in sorted(set(self._accounts.values())):
            yield f"{first} commodity {commodity(code)}"
            yield f"  name: {_text(code)}"
        for account, code in sorted(self._accounts.items()):
            yield f"{first} open {account} {commodity(code)}"
        yield ""
        yield from self._transactions
        for account, held in sorted(self._held.items()):
            yield f"{end} balance {account} {amount_text(held)} ~ 0 {commodity(self._accounts[account])}"

    def _bought(self, buy: Execution) -> Iterable[str]:
        self._dates[buy.execution_id] = self._newest
        cash = self._account("Assets", "Cash", buy, quote_of(buy.product_id))
        yield self._lot(buy, buy.size)
        yield from self._amount(cash, EXACT.minus(EXACT.multiply(buy.size, buy.price)))
        yield from self._amount(cash, EXACT.minus(buy.fee))
        yield from self._amount(self._account("Assets", "Lot-Fees", buy, quote_of(buy.product_id)), buy.fee)

    def _sold(self, sell: Execution, rows: Sequence[Allocation]) -> Iterable[str]:
        quote = quote_of(sell.product_id)
        price = f"@ {amount_text(sell.price)} {commodity(quote)}"
        for row in rows:
            if row.buy_execution_id is None or row.buy_fee is None or row.pnl is None:
                coins = self._account("Equity", "Unmatched", sell, base_of(sell.product_id))
                (posting,) = self._amount(coins, EXACT.minus(row.size))
                yield f"{posting} {price}"
                fees = self._account("Expenses", "Unmatched-Fees", sell, quote)
                yield from self._amount(fees, row.sell_fee)
                continue
            yield f"{self._lot(self._buys[row.buy_execution_id], EXACT.minus(row.size))} {price}"
            yield from self._amount(self._account("Assets", "Lot-Fees", sell, quote), EXACT.minus(row.buy_fee))
            gains = self._account("Income", _GAINS[term_of(row, self._year.zone)], sell, quote)
            yield from self._amount(gains, EXACT.minus(row.pnl))
        cash = self._account("Assets", "Cash", sell, quote)
        yield from self._amount(cash, EXACT.multiply(sell.size, sell.price))
        yield from self._amount(cash, EXACT.minus(sell.fee))

    def _lot(self, buy: Execution, size: Decimal) -> str:
        account = self._account("Assets", "Coins", buy, base_of(buy.product_id))
        self._held[account] = EXACT.add(self._held.get(account, ZERO), size)
        cost = f"{amount_text(buy.price)} {commodity(quote_of(buy.product_id))}"
        label = _text(buy.execution_id)
        (posting,) = self._amount(account, size)
        return f"{posting} {{{cost}, {self._dates[buy.execution_id]}, {label}}}"

    def _amount(self, account: str, amount: Decimal) -> Iterable[str]:
        if amount:
            yield f"{account}  {amount_text(amount)} {commodity(self._accounts[account])}"

    def _account(self, root: str, kind: str, execution: Execution, code: str) -> str:
        parts = (root, self._names[execution.account], kind, commodity(code))
        account = ":".join(part for part in parts if part)
        self._accounts[account] = code
        return account


def _account_names(accounts: Iterable[str]) -> dict[str, str]:
    """Return a part of beancount's account names for each of our accounts, none for the one without a name."""
    names: dict[str, str] = {}
    for account in sorted(set(accounts)):
        plain = _NOT_IN_NAMES.sub("-", account).strip("-")
        first = f"{plain[:1].upper()}{plain[1:]}" if plain else "Account" if account else ""
        name, number = first, 1
        while name in names.values():
            number += 1
            name = f"{first}-{number}"
        names[account] = name
    return names


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""`bottrader reconcile`: compare the books with the exchange once."""

import asyncio

import typer
from rich.console import Console

from bottrader.app.reconcile import Reconciliation
from bottrader.bootstrap.reconciling import reconcile_once
from bottrader.cli.options import ConfigFile
from bottrader.config import load_settings

EXIT_EQUAL = 0
EXIT_DIFFERENT = 1


def reconcile(config: ConfigFile = None) -> None:
    """Bring the books in line with the exchange once: orders, fills, trades of others, cash, balances.

    Exit code 0 when they are equal, 1 when differences are left. It may run beside a bot, sends no order and cancels
    none.
    """
    found = asyncio.run(reconcile_once(load_settings(file=config)))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for line in account_of(found):
        console.print(line)
    raise typer.Exit(EXIT_EQUAL if is_equal(found) else EXIT_DIFFERENT)


def is_equal(found: Reconciliation) -> bool:
    """Tell whether the books were compared and nothing differed."""
    return not found.differences and not found.open_orders_count


def account_of(found: Reconciliation) -> list[str]:
    """Return what was found and done, one line each."""
    lines = [
        f"{each.kind} {each.subject}: ours {each.ours}; theirs {each.theirs}; {each.action}"
        for each in found.corrections
    ]
    lines += [f"differs: {each.what}: ours {each.ours:f}, theirs {each.theirs:f}" for each in found.differences]
    if found.open_orders_count:
        lines.append(f"{found.open_orders_count} orders are not settled yet, so balances were not compared: run again")
    elif not found.differences:
        lines.append("the books are equal to the exchange's")
    return lines

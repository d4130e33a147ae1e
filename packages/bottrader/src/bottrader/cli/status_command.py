"""`bottrader status`: how the bot stands, on one screen."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from bottrader.bootstrap.status import Status, take_status
from bottrader.cli.options import ConfigFile, ServiceAddresses, addresses_of
from bottrader.config import load_settings
from bottrader.domain.smoke import BooksUnseen, Verdict
from bottrader.domain.validation import show_amount

EXIT_UNWELL = 1
UNSEEN = "not known: the database cannot be read"


def status(
    service: ServiceAddresses = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigFile = None,
) -> None:
    """Show mode, services, positions and their protection, open orders, the kill switch and today's result.

    Looks and changes nothing. Exit codes: 0 healthy, 1 not, 2 the input must be mended.
    """
    taken = asyncio.run(take_status(load_settings(file=config), addresses_of(service)))
    if is_json:
        typer.echo(json.dumps(shown_status(taken), indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True, markup=False)
        for name, text in status_lines(taken):
            console.print(f"{name:<13} {text}")
    if not taken.is_healthy:
        raise typer.Exit(EXIT_UNWELL)


def status_lines(status: Status) -> list[tuple[str, str]]:
    """Return the screen as names and texts; a name may be empty where a list goes on."""
    verdict = "healthy" if status.is_healthy else "NOT HEALTHY"
    leases = ", ".join(sorted(status.leases)) or "nobody"
    if isinstance(status.seen.books, BooksUnseen):
        leases = UNSEEN
    return [
        ("Bot", f"{verdict}, mode {status.mode}"),
        *((each.name, _told(each.verdict, each.found)) for each in status.checks),
        ("Leases", f"held by {leases}" if leases != UNSEEN else UNSEEN),
        *_listed("Positions", _positions(status)),
        *_listed("Open orders", _orders(status)),
        ("Kill switch", _switch(status)),
        ("Today", UNSEEN if status.standing is None else f"{show_amount(status.standing.day_pnl)} earned by sells"),
        ("Market data", _age(status.market_age_s)),
        ("Lots", _age(status.allocation_age_s)),
        ("Report", status.newest_report or (UNSEEN if leases == UNSEEN else "none made by schedule in nine days")),
    ]


def shown_status(status: Status) -> dict[str, object]:
    """Return the screen as JSON-ready values; amounts are text, and null is what could not be seen."""
    standing = status.standing
    shown: dict[str, object] = {
        "healthy": status.is_healthy,
        "mode": status.mode,
        "checks": [{"name": each.name, "verdict": each.verdict.value, "found": each.found} for each in status.checks],
        "leases": sorted(status.leases),
        "kill_switch": _switch(status),
        "market_age_s": status.market_age_s,
        "allocation_age_s": status.allocation_age_s,
        "newest_report": status.newest_report,
        "positions": None,
        "open_orders": None,
        "day_pnl": None,
    }
    if standing is None:
        return shown
    positions = [
        {
            "symbol": each.product_id,
            "size": f"{each.size:f}",
            "cost": f"{each.cost:f}",
            "protection": status.protection(each),
        }
        for each in standing.positions
    ]
    orders = [
        {
            "id": each.intent.client_order_id,
            "symbol": each.intent.product_id,
            "side": each.intent.side.value,
            "size": f"{each.intent.size_base:f}",
            "kind": each.intent.kind.value,
            "state": each.state.value,
        }
        for each in standing.orders
    ]
    return {**shown, "positions": positions, "open_orders": orders, "day_pnl": f"{standing.day_pnl:f}"}


def _positions(status: Status) -> list[str]:
    if status.standing is None:
        return [UNSEEN]
    return [
        f"{each.product_id} {each.size:f}, cost {show_amount(each.cost)}: {status.protection(each)}"
        for each in status.standing.positions
    ]


def _orders(status: Status) -> list[str]:
    if status.standing is None:
        return [UNSEEN]
    return [
        f"{each.intent.product_id} {each.intent.side} {each.intent.size_base:f} {each.intent.kind},"
        f" {each.state}: {each.intent.client_order_id}"
        for each in status.standing.orders
    ]


def _switch(status: Status) -> str:
    if status.kill_file is not None:
        return f"on, by a file: {status.kill_file}"
    if status.standing is None:
        return UNSEEN
    switch = status.standing.switch
    if switch is None or not switch.is_on:
        return "off"
    return f"on since {switch.at.isoformat()} ({switch.source}): {switch.reason}"


def _listed(name: str, texts: list[str]) -> list[tuple[str, str]]:
    return [(name if number == 0 else "", text) for number, text in enumerate(texts or ["none"])]


def _told(verdict: Verdict, found: str) -> str:
    return found if verdict is Verdict.PASS else f"{verdict.upper()}: {found}"


def _age(age_s: float | None) -> str:
    return "age not known: the webhook does not tell" if age_s is None else f"{age_s:.0f} s old"

"""`bottrader smoke`: ten checks of a bot that was just deployed."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bottrader.bootstrap.smoking import SmokeOptions, look
from bottrader.cli.options import ConfigFile, ServiceAddresses, addresses_of
from bottrader.config import load_settings
from bottrader.domain.smoke import SmokeCheck, Verdict, judge, overall

EXIT_FAILED = 1
STYLES = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def smoke(
    url: Annotated[str | None, typer.Option(help="Where the webhook answers; by default its host and port.")] = None,
    dsn: Annotated[str | None, typer.Option(help="URL of the database; by default DATABASE_URL.")] = None,
    service: ServiceAddresses = None,
    logs: Annotated[
        Path | None,
        typer.Option(
            help="The log, a file or a folder, by default the data folder; - takes from standard input what"
            " `docker logs --timestamps` prints."
        ),
    ] = None,
    compose: Annotated[str | None, typer.Option(help="Compose project of a bot that runs in containers.")] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    config: ConfigFile = None,
) -> None:
    """Check whether a bot is at work: services, database, health, trades, lots, snapshot, links, log, schedules, disk.

    Looks and changes nothing. A [bold]fail[/bold] keeps the bot from its work; a [bold]warn[/bold] is for a person to
    look at. Run it beside the bot, or give --url and --dsn of a bot elsewhere.

    Exit codes: 0 nothing failed, 1 something did, 2 the input must be mended.
    """
    is_piped = logs == Path("-")
    options = SmokeOptions(
        url,
        dsn,
        addresses_of(service),
        None if is_piped else logs,
        compose,
        sys.stdin.read().splitlines() if is_piped else None,
    )
    checks = judge(asyncio.run(look(load_settings(file=config), options)))
    if is_json:
        typer.echo(json.dumps(shown(checks), indent=2))
    else:
        Console(highlight=False).print(smoke_table(checks))
    if overall(checks) is Verdict.FAIL:
        raise typer.Exit(EXIT_FAILED)


def shown(checks: Sequence[SmokeCheck]) -> dict[str, object]:
    """Return the checks as JSON-ready values; `advice` is empty for what passed."""
    return {
        "verdict": overall(checks).value,
        "checks": [
            {"name": each.name, "verdict": each.verdict.value, "found": each.found, "advice": each.advice}
            for each in checks
        ],
    }


def smoke_table(checks: Sequence[SmokeCheck]) -> Table:
    """Return one row a check, and under what did not pass what to do; the caption counts."""
    table = Table(title="Smoke test", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("Check", no_wrap=True)
    table.add_column("Found", overflow="fold")
    for each in checks:
        verdict = Text(each.verdict, style=STYLES[each.verdict])
        # Text, never markup: what a service says of itself may have brackets in it.
        table.add_row(verdict, Text(each.name), Text(each.found))
        if each.advice:
            table.add_row("", "", Text(f"→ {each.advice}", style="dim"))
    counts = [f"{sum(each.verdict is verdict for each in checks)} {verdict}" for verdict in Verdict]
    table.caption, table.caption_justify = ", ".join(counts), "left"
    return table

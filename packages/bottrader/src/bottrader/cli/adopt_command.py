"""`bottrader adopt`: hand coins that came without the bot over to it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bottrader.adapters.report import figures
from bottrader.app.adopt_assets import Adopted, AdoptionRequest
from bottrader.bootstrap.adopting import open_adopter
from bottrader.config import Settings, load_settings
from bottrader.domain.custody import Holding
from bottrader.domain.errors import AmountInvalid, ConfigInvalid
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price, Size, parse_amount
from bottrader.domain.validation import Refusal

MISSING_TERMS = "give a pair, a size and --price, such as `bottrader adopt BTC-USD 0.5 --price 30000`, or --list"


def adopt(
    symbol: Annotated[str | None, typer.Argument(metavar="SYMBOL", help="The pair to sell them in: BTC-USD.")] = None,
    size: Annotated[str | None, typer.Argument(metavar="SIZE", help="How many coins.")] = None,
    price: Annotated[str | None, typer.Option(help="What one of them cost, in quote currency, fees included.")] = None,
    at: Annotated[
        str | None, typer.Option(help="When they were acquired, such as 2026-01-31T12:00:00Z. [default: now]")
    ] = None,
    is_list: Annotated[bool, typer.Option("--list", help="Only show whose each asset is.")] = False,
) -> None:
    """Make coins of the account that the bot did not buy a position of the bot, to be protected and sold like others.

    Without it they are never sold. Repeating a command with the same --at changes nothing. A running bot takes the
    coins up with its next reconciliation.
    """
    settings = load_settings()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if is_list:
        console.print(holdings_table(asyncio.run(_holdings(settings))))
        return
    if symbol is None or size is None or price is None:
        raise ConfigInvalid(MISSING_TERMS)
    request = _request(symbol, size, price, at)
    answer = asyncio.run(_adopt(settings, request))
    if isinstance(answer, Refusal):
        raise ConfigInvalid(answer.message)
    adoption = answer.adoption
    done = "adopted" if answer.is_new else "was adopted already:"
    console.print(
        f"{done} {adoption.size:f} of {adoption.product_id} at {adoption.price:f},"
        f" acquired {adoption.acquired_at.isoformat()}"
    )


def holdings_table(holdings: Sequence[Holding]) -> Table:
    """Return whose each asset is, one a line."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Asset", no_wrap=True)
    table.add_column("Is", no_wrap=True)
    for heading in ("Total", "Bought", "Adopted", "Missing", "Can be adopted"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in holdings:
        amounts = (each.total, each.bought, each.adopted, each.missing, each.adoptable)
        table.add_row(Text(each.currency), Text(each.kind), *(Text(figures.exact_text(figure)) for figure in amounts))
    return table


def _request(symbol: str, size: str, price: str, at: str | None) -> AdoptionRequest:
    try:
        amounts = parse_amount(size), parse_amount(price)
    except AmountInvalid as error:
        raise ConfigInvalid(str(error)) from None
    try:
        moment = None if at is None else datetime.fromisoformat(at)
    except ValueError:
        raise ConfigInvalid(f"--at is a moment such as 2026-01-31T12:00:00Z, was {at!r}") from None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    product_id = ProductId(symbol.upper().replace("/", "-"))
    return AdoptionRequest(product_id, Size(amounts[0]), Price(amounts[1]), moment)


async def _holdings(settings: Settings) -> list[Holding]:
    async with open_adopter(settings) as adopter:
        return await adopter.holdings()


async def _adopt(settings: Settings, request: AdoptionRequest) -> Adopted | Refusal:
    async with open_adopter(settings) as adopter:
        return await adopter.adopt(request)

"""`bottrader order`: send one order by hand, through the running bot."""

import asyncio
import json
import sys
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console

from bottrader.app.order_by_hand import Fate, FateKind
from bottrader.bootstrap.ordering import ManualOrder, Preview, new_signal_id, open_order_desk, signal_id_of
from bottrader.cli.options import ConfigFile
from bottrader.config import Settings, load_settings
from bottrader.domain.errors import AmountInvalid, ConfigInvalid
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.domain.money import EXACT, parse_amount, parse_size
from bottrader.domain.orders import OrderIntent
from bottrader.domain.signals import Action, SignalId
from bottrader.domain.validation import Refusal, show_amount

EXIT_NOT_DONE = 1
EXIT_INPUT = 2
EXIT_UNKNOWN = 3
DONE = frozenset({FateKind.FILLED, FateKind.ACCEPTED})


def order(  # noqa: PLR0913, PLR0917 - one parameter an option
    symbol: Annotated[str, typer.Option(help="The pair, such as BTC-USD.")],
    side: Annotated[Action, typer.Option(help="Buy, or sell what the bot holds.")],
    size: Annotated[str | None, typer.Option(help="How many coins.")] = None,
    quote: Annotated[str | None, typer.Option(help="For how much money to buy, instead of --size.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking.")] = False,
    repeat_id: Annotated[
        str | None, typer.Option("--id", help="The id of an earlier try whose end is not known; it is sent once only.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the end of the order.")] = 30.0,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigFile = None,
) -> None:
    """Preview an order, and have the running bot send it: under its limits, its kill switch and its books.

    Exit codes: 0 filled or accepted, 1 refused or not sent, 2 the input must be mended, 3 the outcome is not known yet
    and the order may be live.
    """
    asked = ManualOrder(
        ProductId(symbol.upper()),
        side,
        None if size is None else parse_size(_above_zero("--size", size)),
        None if quote is None else _above_zero("--quote", quote),
    )
    signal_id = new_signal_id() if repeat_id is None else signal_id_of(repeat_id)
    settings = load_settings(file=config)
    raise typer.Exit(asyncio.run(_run(settings, asked, signal_id, _Manner(wait, asks=not yes, is_json=is_json))))


class _Manner:
    """How the command talks: to a person or a program."""

    def __init__(self, wait_s: float, *, asks: bool, is_json: bool) -> None:
        self.wait_s = wait_s
        self._asks = asks
        self._is_json = is_json
        self._out = Console(highlight=False, soft_wrap=True, markup=False)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

    def show(self, preview: Preview) -> None:
        if not self._is_json:
            for name, text in preview_lines(preview):
                self._out.print(f"{name:<9} {text}")

    def may_send(self) -> bool:
        """Ask, unless told not to; raises `ConfigInvalid` where there is nobody to ask."""
        if not self._asks:
            return True
        if not sys.stdin.isatty():
            raise ConfigInvalid("not sent: nobody can be asked here; add --yes to send the order without a question")
        return typer.confirm("Send it?", err=True)

    def tell(self, fate: Fate) -> None:
        self._err.print(f"UNKNOWN: {fate.message}")

    def close(self, preview: Preview, fate: Fate | None) -> None:
        if self._is_json:
            result = None if fate is None else shown_fate(fate)
            typer.echo(json.dumps({"preview": shown_preview(preview), "result": result}, indent=2))
        elif fate is not None:
            self._out.print(fate_line(fate))


async def _run(settings: Settings, asked: ManualOrder, signal_id: SignalId, manner: _Manner) -> int:
    async with open_order_desk(settings, asked) as desk:
        preview = await desk.preview(asked)
        manner.show(preview)
        # A repeat is judged by its own first try: by now the books may count that very order.
        is_known = await desk.knows(signal_id)
        if not is_known and (isinstance(preview.decided, Refusal) or not manner.may_send()):
            manner.close(preview, None)
            return EXIT_NOT_DONE
        fate = await desk.send(preview, signal_id, manner.wait_s, manner.tell)
        manner.close(preview, fate)
    if fate.kind is FateKind.UNKNOWN:
        return EXIT_UNKNOWN
    return 0 if fate.kind in DONE else EXIT_NOT_DONE


def preview_lines(preview: Preview) -> list[tuple[str, str]]:
    """Return the preview as names and texts, one line each."""
    asked, ticker, decided = preview.order, preview.ticker, preview.decided
    base, quote = base_of(asked.product_id), quote_of(asked.product_id)
    amount = f"{asked.size_base:f} {base}" if asked.size_base is not None else f"{asked.quote_size:f} {quote} of {base}"
    lines = [
        ("Order", f"{asked.side} {amount} ({preview.mode})"),
        ("Market", f"last {ticker.price:f}, bid {ticker.bid:f}, ask {ticker.ask:f} {quote}"),
    ]
    if isinstance(decided, Refusal):
        return [*lines, ("Refused", f"{decided.code}: {decided.message}")]
    bound = "at most" if asked.side is Action.BUY else "at least"
    value, fee = _amounts(preview, decided)
    rate = f"{EXACT.multiply(preview.fee_rates.taker, Decimal(100)).normalize(EXACT):f}"
    return [
        *lines,
        ("Size", f"{decided.size_base:f} {base}"),
        ("Price", f"{bound} {decided.limit_price:f} {quote}; what does not fill at once is cancelled"),
        ("Value", f"{bound} {show_amount(value)} {quote}"),
        ("Fee", f"about {show_amount(fee)} {quote} ({rate} %)"),
    ]


def shown_preview(preview: Preview) -> dict[str, object]:
    """Return the preview as JSON-ready values; amounts are text."""
    asked, decided = preview.order, preview.decided
    shown: dict[str, object] = {"mode": preview.mode, "symbol": asked.product_id, "side": asked.side.value}
    if isinstance(decided, Refusal):
        return {**shown, "refused": {"code": decided.code, "message": decided.message}}
    value, fee = _amounts(preview, decided)
    price = None if decided.limit_price is None else f"{decided.limit_price:f}"
    return {**shown, "size": f"{decided.size_base:f}", "limit_price": price, "value": f"{value:f}", "fee": f"{fee:f}"}


def shown_fate(fate: Fate) -> dict[str, object]:
    """Return what became of the order as JSON-ready values."""
    shown: dict[str, object] = {
        "id": fate.signal_id,
        "outcome": fate.kind.value,
        "code": fate.code,
        "message": fate.message,
        "order_id": None,
    }
    if fate.order is None:
        return shown
    filled, value, fees = fate.order.filled_size, fate.order.filled_value, fate.order.fees
    amounts = {"filled_size": f"{filled:f}", "filled_value": f"{value:f}", "fees": f"{fees:f}"}
    return {**shown, "order_id": fate.order.order_id, **amounts}


def fate_line(fate: Fate) -> str:
    """Return one sentence of what became of the order, with its id."""
    if fate.kind is FateKind.FILLED and fate.order is not None:
        record = fate.order
        amounts = f"{record.filled_size:f} for {show_amount(record.filled_value)}, fee {show_amount(record.fees)}"
        return f"FILLED: {fate.message}, {amounts}; order {record.order_id}, id {fate.signal_id}"
    return f"{fate.kind.upper()}: {fate.code}: {fate.message}; id {fate.signal_id}"


def _amounts(preview: Preview, intent: OrderIntent) -> tuple[Decimal, Decimal]:
    value = EXACT.multiply(intent.size_base, intent.limit_price or preview.ticker.price)
    return value, EXACT.multiply(value, preview.fee_rates.taker)


def _above_zero(option: str, text: str) -> Decimal:
    try:
        amount = parse_amount(text)
    except AmountInvalid as error:
        raise ConfigInvalid(f"{option} is an amount such as 0.001: {error}") from None
    if amount <= 0:
        raise ConfigInvalid(f"{option} is above zero, was {text}")
    return amount

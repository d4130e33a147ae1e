"""Whose the coins in the account are: what the venue holds, against what the bot bought and has not sold.

For each asset, with `owned` the sum of its open lots and `total` what the venue holds:

    foreign    = total - owned, when above zero      came without the bot, which never sells it (F51)
    missing    = owned - total, when above zero      the bot's own coins that are gone
    adoptable  = what of the foreign is not held back by an order that is not the bot's

An asset that is cash, or on the HODL list, is that whatever its figures. Of the others the most pressing thing names
the kind: missing coins, then a position, then foreign coins; what the venue would not take an order for, or what none
of the traded pairs is made of, is dust: it is listed and never sold (B51, R62).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.adoption import is_adopted
from bottrader.domain.lots import OpenLot
from bottrader.domain.market import Product, base_of
from bottrader.domain.money import EXACT, ZERO, exact


class Custody(StrEnum):
    """What an asset in the account is to the bot."""

    CASH = "cash"
    """What it buys with."""
    HODL = "hodl"
    """Never sold, whoever bought it."""
    OWNED = "owned"
    """Bought by the bot, some of it at least."""
    ADOPTED = "adopted"
    """Held by the bot because a person handed it over."""
    FOREIGN = "foreign"
    """Came without the bot."""
    DUST = "dust"
    """Too little to sell, or without a traded pair."""
    MISSING = "missing"
    """Less than the bot's own lots."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """One currency at the venue, and how much of it the bot's own open sells may hold back."""

    currency: str
    total: Decimal
    hold: Decimal
    selling: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Quoted:
    """A traded product with its last price, None when there is none."""

    product: Product
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class CustodyRules:
    """`value_min` is the quote value below which a holding is dust; the venue's own minimum binds where higher."""

    hodl: frozenset[str]
    cash: frozenset[str]
    value_min: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset with its figures, all in units of it; `bought` and `adopted` add up to the open lots."""

    currency: str
    kind: Custody
    total: Decimal
    bought: Decimal
    adopted: Decimal
    foreign: Decimal
    missing: Decimal
    adoptable: Decimal


def judge_holdings(
    wallets: Iterable[Wallet], lots: Iterable[OpenLot], quoted: Iterable[Quoted], rules: CustodyRules
) -> list[Holding]:
    """Return what each asset is that the venue holds or the bot has lots of, by name."""
    bought: dict[str, Decimal] = {}
    adopted: dict[str, Decimal] = {}
    for lot in lots:
        side, currency = adopted if is_adopted(lot.execution_id) else bought, base_of(lot.product_id)
        side[currency] = EXACT.add(side.get(currency, ZERO), lot.size)
    held = {wallet.currency: wallet for wallet in wallets if wallet.total}
    by_base: dict[str, list[Quoted]] = {}
    for each in quoted:
        by_base.setdefault(each.product.base_currency, []).append(each)
    return [
        _judge(
            held.get(currency, Wallet(currency, ZERO, ZERO)),
            (bought.get(currency, ZERO), adopted.get(currency, ZERO)),
            by_base.get(currency, []),
            rules,
        )
        for currency in sorted(held.keys() | bought.keys() | adopted.keys())
    ]


def _judge(wallet: Wallet, lots: tuple[Decimal, Decimal], quoted: list[Quoted], rules: CustodyRules) -> Holding:
    bought, adopted = lots
    with exact():
        owned = bought + adopted
        foreign = max(wallet.total - owned, ZERO)
        missing = max(owned - wallet.total, ZERO)
        held_back = max(wallet.hold - wallet.selling, ZERO)
        adoptable = max(foreign - held_back, ZERO)
    kind = _kind(wallet.currency, (bought, adopted, foreign, missing), quoted, rules)
    if kind in (Custody.CASH, Custody.HODL) or not quoted:
        adoptable = ZERO
    return Holding(wallet.currency, kind, wallet.total, bought, adopted, foreign, missing, adoptable)


def _kind(
    currency: str, figures: tuple[Decimal, Decimal, Decimal, Decimal], quoted: list[Quoted], rules: CustodyRules
) -> Custody:
    bought, adopted, foreign, missing = figures
    if currency in rules.cash:
        return Custody.CASH
    if currency in rules.hodl:
        return Custody.HODL
    if missing:
        return Custody.MISSING
    owned = EXACT.add(bought, adopted)
    # Lots of a pair that is not traded any more are no dust: nobody watches them, and that has to be said.
    if owned and (not quoted or not _is_dust(owned, quoted, rules)):
        return Custody.OWNED if bought else Custody.ADOPTED
    if quoted and not _is_dust(foreign, quoted, rules):
        return Custody.FOREIGN
    return Custody.DUST


def _is_dust(size: Decimal, quoted: list[Quoted], rules: CustodyRules) -> bool:
    """Tell whether none of the pairs could sell this much; without a price only the size counts."""
    return all(
        size < each.product.base_size_min
        or (
            each.price is not None
            and EXACT.multiply(size, each.price) < max(rules.value_min, each.product.quote_size_min)
        )
        for each in quoted
    )

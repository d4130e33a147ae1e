"""Whose each asset is; every figure is worked out by hand."""

from decimal import Decimal

import pytest

from bottrader.domain.custody import Custody, CustodyRules, Holding, Quoted, Wallet, judge_holdings
from bottrader.domain.lots import OpenLot
from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId
from tests.fixtures.facts import BTC, NOON
from tests.fixtures.trading_house import product

RULES = CustodyRules(frozenset({"ETH"}), frozenset({"USD"}), Decimal("1.01"))
EUR_PAIR = ProductId("BTC-EUR")


def lot(size: str, *, adopted: bool = False, product_id: ProductId = BTC) -> OpenLot:
    execution_id = "adoption:one" if adopted else "1001"
    return OpenLot(
        product_id, ClientOrderId("one"), execution_id, Price(Decimal(1)), Size(Decimal(size)), Money(Decimal(0)), NOON
    )


def wallet(total: str, hold: str = "0", selling: str = "0", currency: str = "BTC") -> Wallet:
    return Wallet(currency, Decimal(total), Decimal(hold), Decimal(selling))


def judge(*wallets: Wallet, lots: tuple[OpenLot, ...] = (), price: str | None = "40000") -> dict[str, Holding]:
    quoted = [Quoted(product(BTC), None if price is None else Decimal(price))]
    return {each.currency: each for each in judge_holdings(wallets, lots, quoted, RULES)}


@pytest.mark.parametrize(
    ("total", "lots", "kind", "foreign", "missing"),
    [
        ("0.5", (), Custody.FOREIGN, "0.5", "0"),
        ("0.5", (lot("0.5"),), Custody.OWNED, "0", "0"),
        ("0.5", (lot("0.2"),), Custody.OWNED, "0.3", "0"),
        ("0.5", (lot("0.2", adopted=True),), Custody.ADOPTED, "0.3", "0"),
        ("0.5", (lot("0.2", adopted=True), lot("0.3")), Custody.OWNED, "0", "0"),
        ("0.5", (lot("0.6"),), Custody.MISSING, "0", "0.1"),
        ("0", (lot("0.6"),), Custody.MISSING, "0", "0.6"),
        ("0.0000001", (), Custody.DUST, "0.0000001", "0"),
        ("0.0000001", (lot("0.0000001"),), Custody.DUST, "0", "0"),
        ("0.5", (lot("0.0000001"),), Custody.FOREIGN, "0.4999999", "0"),
    ],
)
def test_what_an_asset_is(total: str, lots: tuple[OpenLot, ...], kind: Custody, foreign: str, missing: str) -> None:
    holding = judge(wallet(total), lots=lots)["BTC"]
    assert (holding.kind, holding.foreign, holding.missing) == (kind, Decimal(foreign), Decimal(missing))
    assert holding.bought + holding.adopted == sum(each.size for each in lots)


def test_money_and_hodl_coins_are_that_whatever_their_figures() -> None:
    """B123, R16"""
    held = judge(wallet("1000", currency="USD"), wallet("0.000001", currency="ETH"))
    assert {currency: (each.kind, each.adoptable) for currency, each in held.items()} == {
        "USD": (Custody.CASH, Decimal(0)),
        "ETH": (Custody.HODL, Decimal(0)),
    }
    eth = lot("2", product_id=ProductId("ETH-USD"))
    assert judge(wallet("1", currency="ETH"), lots=(eth,))["ETH"].missing == 1


def test_235_balances_that_nobody_could_sell_are_dust() -> None:
    """B51, R62: some worth less than an order may be, some without a traded pair."""
    unlisted = [wallet("12345", currency=f"COIN{number}") for number in range(234)]
    held = judge(wallet("0.00002"), *unlisted, wallet("0", currency="GONE"))
    assert {each.kind for each in held.values()} == {Custody.DUST}
    assert len(held) == 235
    assert all(each.adoptable == 0 for currency, each in held.items() if currency != "BTC")


@pytest.mark.parametrize(
    ("size", "price", "kind"),
    [
        # 0.00002525 x 40,000 is 1.01 to the digit.
        ("0.00002525", "40000", Custody.FOREIGN),
        ("0.00002524", "40000", Custody.DUST),
        ("0.00001", "400000", Custody.FOREIGN),
        ("0.00000999", "400000", Custody.DUST),
        # Without a price only the size can tell.
        ("0.00001", None, Custody.FOREIGN),
        ("0.00000999", None, Custody.DUST),
    ],
)
def test_dust_ends_where_the_venue_would_take_an_order(size: str, price: str | None, kind: Custody) -> None:
    """B51"""
    assert judge(wallet(size), price=price)["BTC"].kind is kind


def test_lots_of_a_pair_that_is_not_traded_any_more_are_still_ours() -> None:
    sol = lot("0.000001", product_id=ProductId("SOL-USD"))
    assert judge(wallet("0.000001", currency="SOL"), lots=(sol,))["SOL"].kind is Custody.OWNED


def test_lots_of_two_pairs_are_coins_of_one_asset() -> None:
    holding = judge(wallet("0.5"), lots=(lot("0.2"), lot("0.2", product_id=EUR_PAIR)))["BTC"]
    assert (holding.bought, holding.foreign) == (Decimal("0.4"), Decimal("0.1"))


@pytest.mark.parametrize(
    ("hold", "selling", "adoptable"),
    [("0", "0", "0.3"), ("0.2", "0.2", "0.3"), ("0.3", "0.2", "0.2"), ("0.5", "0", "0"), ("0.1", "0.2", "0.3")],
)
def test_what_an_order_of_somebody_else_holds_back_cannot_be_adopted(hold: str, selling: str, adoptable: str) -> None:
    """0.5 BTC, 0.2 of them ours: what our own sell holds back are our own coins."""
    held = judge(wallet("0.5", hold, selling), lots=(lot("0.2"),))
    assert held["BTC"].adoptable == Decimal(adoptable)

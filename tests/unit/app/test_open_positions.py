"""Entries: what a buy signal becomes, to the last digit, and every reason why it becomes nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.orders import OrderIntent, OrderKind, Side
from bottrader.domain.risk import RiskLimits
from bottrader.domain.signals import Signal
from bottrader.domain.sizing import SizingRules
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import RULES, House, entry, money, price, product, signal

pytestmark = pytest.mark.component("order_manager")


async def refusal_of(house: House, asked: Signal | None = None) -> str:
    decided = await house.entries.decide(asked or signal())
    assert isinstance(decided, Refusal), decided
    assert decided.message
    return decided.code


async def intent_of(house: House, asked: Signal | None = None) -> OrderIntent:
    decided = await house.entries.decide(asked or signal())
    assert isinstance(decided, OrderIntent), decided
    return decided


async def test_limit_price_and_size_are_those_of_the_worst_price() -> None:
    """100 USD at an ask of 40,000 and 0.2 % slippage: limit 40,080; 100 / 40,080 = 0.0024950099..., rounded down."""
    house = await House().open()
    intent = await intent_of(house)
    assert (intent.side, intent.kind) == (Side.BUY, OrderKind.LIMIT_IOC)
    assert intent.limit_price == Decimal(40_080)
    assert intent.size_base == Decimal("0.00249500")
    assert (intent.requested_quote, intent.granted_quote) == (Decimal(100), Decimal(100))
    assert intent.signal_id == signal().signal_id
    assert intent.snapshot_hash == signal().snapshot_hash
    assert intent.parent_id is None
    assert intent.created_at == house.clock.now()


async def test_the_limit_is_rounded_up_to_the_tick() -> None:
    """40,000.01 x 1.002 = 40,080.01002."""
    house = await House().open()
    house.show("40000.01")
    assert (await intent_of(house)).limit_price == Decimal("40080.02")


async def test_the_ask_counts_and_not_the_last_trade() -> None:
    house = await House().open()
    house.show("40000", bid="40500", ask="41000")
    assert (await intent_of(house)).limit_price == Decimal(41_082)


async def test_deciding_sends_nothing_and_the_same_signal_gives_the_same_order() -> None:
    house = await House().open()
    first, second = await intent_of(house), await intent_of(house)
    assert first.client_order_id == second.client_order_id
    assert (await intent_of(house, signal(number=1))).client_order_id != first.client_order_id
    assert house.exchange.placements == []


async def test_an_explicit_amount_wins_over_the_size_of_the_trigger() -> None:
    """B35"""
    house = await House().open()
    intent = await intent_of(house, replace(signal(), quote_size=Decimal("12.50")))
    assert intent.granted_quote == Decimal("12.50")


async def test_the_grant_leaves_room_for_the_fee() -> None:
    """B36: 12.00 / 1.008 = 11.904..., rounded down to the cent."""
    house = await House(balances={"USD": Decimal(12)}).open()
    intent = await intent_of(house)
    assert (intent.requested_quote, intent.granted_quote) == (Decimal(100), Decimal("11.90"))


async def test_too_little_money_is_refused() -> None:
    """B37"""
    house = await House(balances={"USD": Decimal(9)}).open()
    assert await refusal_of(house) == "INSUFFICIENT_QUOTE"


async def test_a_currency_without_a_wallet_is_no_money() -> None:
    house = await House(balances={"EUR": Decimal(500)}).open()
    assert await refusal_of(house) == "INSUFFICIENT_QUOTE"


async def test_an_unknown_product_is_refused() -> None:
    """B49"""
    house = await House().open()
    assert await refusal_of(house, signal(product_id=ProductId("SOL-USD"))) == "PRECISION_ERROR"


async def test_without_a_price_nothing_is_sent() -> None:
    house = await House().open()
    house.portfolio.tickers.clear()
    assert await refusal_of(house) == "STALE_PRICE"


async def test_a_crossed_book_is_no_price() -> None:
    """F30"""
    house = await House().open()
    house.show("40000", bid="40001", ask="39999")
    assert await refusal_of(house) == "STALE_PRICE"


async def test_a_price_may_be_as_old_as_its_limit_and_no_older() -> None:
    house = await House().open()
    house.pass_time(60)
    await intent_of(house)
    house.pass_time(0.001)
    assert await refusal_of(house) == "STALE_PRICE"


async def test_a_shill_coin_is_never_bought() -> None:
    """B41"""
    house = await House(replace(RULES, shill=frozenset({"BTC"}))).open()
    assert await refusal_of(house) == "SHILL_REJECT"


async def test_an_existing_position_is_not_added_to() -> None:
    """B42"""
    house = await House().open()
    await house.buy("0.00025")
    assert await refusal_of(house) == "POSITION_EXISTS"


async def test_a_position_below_the_minimum_does_not_count() -> None:
    """B42: 0.00024975 BTC at 40,000 are worth 9.99."""
    house = await House().open()
    await house.buy("0.00024975")
    await intent_of(house)


async def test_a_hodl_asset_is_added_to_up_to_the_cap() -> None:
    """B43: 403.20 are held; 96.80 more reach the cap of 500, a cent more passes it."""
    house = await House(replace(RULES, hodl=frozenset({"BTC"}))).open()
    await house.buy("0.01")
    await intent_of(house, replace(signal(), quote_size=Decimal("96.80")))
    assert await refusal_of(house, replace(signal(), quote_size=Decimal("96.81"))) == "POSITION_LIMIT"


async def test_an_order_of_unknown_outcome_on_the_product_blocks_it() -> None:
    """B44, S3"""
    house = await House().open()
    house.exchange.script(Lose(is_placed=False))
    await house.buy()
    assert await refusal_of(house) == "SKIPPED_OPEN_ORDER"


async def test_a_product_that_is_closed_is_refused() -> None:
    closed = replace(product(), is_tradable=False)
    house = await House(products=(closed,)).open_one()
    assert await refusal_of(house) == "ORDER_BUILD_FAILED"


async def test_an_order_of_unknown_outcome_counts_as_filled_for_the_exposure() -> None:
    """S3: 950 and their fee, 957.60, of 1000 may be spent on ETH already; 42.40 more may be, a cent more may not."""
    house = await House().open()
    house.exchange.script(Lose(is_placed=False))
    lost = replace(entry("0.475", "lost", ETH, house.clock.now(), price("2000")), granted_quote=money("950"))
    await house.placer.place(lost)
    await intent_of(house, replace(signal(), quote_size=Decimal("42.40")))
    assert await refusal_of(house, replace(signal(), quote_size=Decimal("42.41"))) == "EXPOSURE_LIMIT"


async def test_an_order_of_unknown_outcome_counts_as_spent_for_the_balance() -> None:
    """S3: of 1000 USD 980 and their fee, 987.84, may be gone; 12.16 / 1.008 = 12.063..."""
    house = await House(balances={"USD": Decimal(1000)}).open()
    house.exchange.script(Lose(is_placed=False))
    lost = replace(entry("0.4", "lost", ETH, house.clock.now(), price("2000")), granted_quote=money("980"))
    await house.placer.place(lost)
    intent = await intent_of(house, replace(signal(), quote_size=Decimal(15)))
    assert intent.granted_quote == Decimal("12.06")


async def test_the_cost_of_other_positions_counts_for_the_exposure() -> None:
    """403.20 are held in BTC; 596.80 more reach the limit of 1000."""
    limits = RiskLimits(exposure_quote_max=Decimal(1000), position_quote_max=Decimal(900))
    house = await House(replace(RULES, limits=limits)).open()
    await house.buy("0.01")
    await intent_of(house, replace(signal(product_id=ETH), quote_size=Decimal("596.80")))
    refused = replace(signal(product_id=ETH), quote_size=Decimal("596.81"))
    assert await refusal_of(house, refused) == "EXPOSURE_LIMIT"


async def test_less_than_one_increment_is_refused() -> None:
    coarse = product(base_increment=Decimal(1))
    house = await House(products=(coarse,)).open_one()
    assert await refusal_of(house) == "ORDER_BUILD_FAILED"


async def test_the_venues_minimum_binds_on_whole_increments() -> None:
    """Increments of 0.002: 100 at 40,080 buy 0.002, worth 80.16; a venue minimum of 80.17 refuses them."""
    coarse = product(base_increment=Decimal("0.002"), quote_size_min=Decimal("80.16"))
    assert (await intent_of(await House(products=(coarse,)).open_one())).size_base == Decimal("0.002")
    stricter = replace(coarse, quote_size_min=Decimal("80.17"))
    assert await refusal_of(await House(products=(stricter,)).open_one()) == "INSUFFICIENT_QUOTE"


async def test_no_answer_about_the_balance_means_no_order() -> None:
    house = await House().open()
    house.exchange.query_error = ExchangeUnreachable("down")
    with pytest.raises(ExchangeUnreachable):
        await house.entries.decide(signal())


async def test_the_bots_own_minimum_is_judged_on_the_grant() -> None:
    sizing = SizingRules(order_size_roc=Decimal("9.99"))
    house = await House(replace(RULES, sizing=sizing)).open()
    assert await refusal_of(house) == "INSUFFICIENT_QUOTE"
    assert BTC in house.portfolio.products

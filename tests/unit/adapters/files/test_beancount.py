"""The ledger for beancount, line by line; that beancount takes it is checked in tests/integration/witnesses."""

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

from bottrader.adapters.files.beancount import commodity, write_beancount
from bottrader.adapters.files.tax_csv import write_disposals, write_totals
from bottrader.domain.disposals import TaxYear, tax_year
from bottrader.domain.lots import Execution, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side

BUY = Execution(
    execution_id="b1",
    order_id=ClientOrderId("order b1"),
    product_id=ProductId("BTC-USD"),
    side=Side.BUY,
    price=Price(Decimal("100.00")),
    size=Size(Decimal("1.0")),
    fee=Money(Decimal("0.60")),
    executed_at=datetime(2026, 1, 1, 8, tzinfo=UTC),
    sequence=0,
)
SELL = replace(
    BUY,
    execution_id="s1",
    order_id=ClientOrderId('order "s1"'),
    side=Side.SELL,
    price=Price(Decimal(120)),
    size=Size(Decimal("0.5")),
    fee=Money(Decimal("0.36")),
    executed_at=datetime(2026, 2, 1, tzinfo=UTC),
)

# By hand: 0.5 x 120 - 0.36 - 0.5 x 100 - 0.30 = 9.34.
LEDGER = """\
option "title" "BotTrader, all trades until the end of 2026"
option "operating_currency" "USD"
; Dates are those of the time zone UTC. Times are UTC.

2026-01-01 commodity BTC
  name: "BTC"
2026-01-01 commodity USD
  name: "USD"
2026-01-01 open Assets:Cash:USD USD
2026-01-01 open Assets:Coins:BTC BTC
2026-01-01 open Assets:Lot-Fees:USD USD
2026-01-01 open Income:Short-Term:USD USD

2026-01-01 * "buy 1 BTC-USD"
  order_id: "order b1"
  time: "2026-01-01T08:00:00Z"
  Assets:Coins:BTC  1 BTC {100 USD, 2026-01-01, "b1"}
  Assets:Cash:USD  -100 USD
  Assets:Cash:USD  -0.6 USD
  Assets:Lot-Fees:USD  0.6 USD

2026-02-01 * "sell 0.5 BTC-USD"
  order_id: "order \\"s1\\""
  time: "2026-02-01T00:00:00Z"
  Assets:Coins:BTC  -0.5 BTC {100 USD, 2026-01-01, "b1"} @ 120 USD
  Assets:Lot-Fees:USD  -0.3 USD
  Income:Short-Term:USD  -9.34 USD
  Assets:Cash:USD  60 USD
  Assets:Cash:USD  -0.36 USD

2027-01-01 balance Assets:Coins:BTC 0.5 ~ 0 BTC
"""


def taxes(*trades: Execution, zone: tzinfo = UTC) -> TaxYear:
    return tax_year(trades, allocate(trades).allocations, 2026, zone)


def ledger(*trades: Execution, zone: tzinfo = UTC) -> str:
    stream = StringIO()
    write_beancount(stream, taxes(*trades, zone=zone))
    return stream.getvalue()


def test_a_lot_and_its_sale_are_booked_with_fees_beside_them() -> None:
    assert ledger(SELL, BUY) == LEDGER


def test_a_sale_after_the_anniversary_is_a_long_term_gain() -> None:
    """B230"""
    old = replace(BUY, executed_at=datetime(2025, 1, 31, 12, tzinfo=UTC))
    assert "  Income:Long-Term:USD  -9.34 USD" in ledger(old, SELL)


def test_coins_of_unknown_origin_are_no_gain_and_are_flagged() -> None:
    """B189, R5"""
    text = ledger(SELL)

    assert '2026-02-01 ! "sell 0.5 BTC-USD"' in text
    assert "  Equity:Unmatched:BTC  -0.5 BTC @ 120 USD" in text
    assert "  Expenses:Unmatched-Fees:USD  0.36 USD" in text
    assert "Income" not in text
    assert "balance" not in text


def test_accounts_of_ours_are_accounts_of_their_own() -> None:
    names = ("", "cold wallet", "Cold-wallet", "日本", "…")
    trades = [replace(BUY, execution_id=f"b{number}", account=name) for number, name in enumerate(names)]

    opened = [line.split()[2] for line in ledger(*trades).splitlines() if " open Assets" in line and "Coins" in line]

    assert sorted(opened) == [
        "Assets:Account-2:Coins:BTC",
        "Assets:Account:Coins:BTC",
        "Assets:Coins:BTC",
        "Assets:Cold-wallet-2:Coins:BTC",
        "Assets:Cold-wallet:Coins:BTC",
    ]


def test_a_coin_whose_name_beancount_does_not_take_gets_another_one() -> None:
    assert [commodity(code) for code in ("BTC", "1INCH", "00", "T", "B2")] == ["BTC", "X-1INCH", "X-00", "X-T", "B2"]
    text = ledger(replace(BUY, product_id=ProductId("1INCH-USD")))
    assert '2026-01-01 commodity X-1INCH\n  name: "1INCH"\n' in text
    assert "  Assets:Coins:X-1INCH  1 X-1INCH {100 USD" in text


def test_dates_never_go_back_where_clocks_are_set_back_at_midnight() -> None:
    """In Newfoundland a minute of 7 November 2010 was followed by the last hour of the 6th: the sell is on "the day
    before" the buy, and beancount, which sorts by date, would not know the lot yet."""
    bought = replace(BUY, executed_at=datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC))
    sold = replace(SELL, executed_at=datetime(2010, 11, 7, 2, 45, tzinfo=UTC))
    newfoundland = ZoneInfo("America/St_Johns")
    stream = StringIO()
    write_beancount(stream, tax_year((bought, sold), allocate((bought, sold)).allocations, 2010, newfoundland))

    assert sold.executed_at.astimezone(newfoundland).day == 6
    assert [line.split()[0] for line in stream.getvalue().splitlines() if " * " in line] == ["2010-11-07"] * 2


def test_trades_without_size_and_amounts_of_zero_are_left_out() -> None:
    text = ledger(replace(BUY, fee=Money(Decimal(0))), replace(SELL, size=Size(Decimal(0))))

    assert "sell" not in text
    assert "Lot-Fees:USD  " not in text
    assert text.count("Assets:Cash:USD  ") == 1


def test_no_trade_makes_an_empty_ledger() -> None:
    assert [line for line in ledger().splitlines() if line[:1].isdigit()] == []


def test_the_form_and_its_totals() -> None:
    """B189, B229, R5: proceeds 60 - 0.36, basis 50 + 0.30; of what nobody bought only the proceeds are known."""
    strange = replace(SELL, execution_id="s2", order_id=ClientOrderId("s2"), product_id=ProductId("ETH-EUR"))
    rows, totals = StringIO(), StringIO()
    write_disposals(rows, taxes(BUY, SELL, strange))
    write_totals(totals, taxes(BUY, SELL, strange))

    assert rows.getvalue().splitlines() == [
        "description,date_acquired,date_sold,proceeds,cost_basis,gain,term,currency,note,symbol,sell_order_id,buy_order_id",
        '0.5 BTC,2026-01-01,2026-02-01,59.64,50.3,9.34,short,USD,,BTC-USD,"order ""s1""",order b1',
        '0.5 ETH,,2026-02-01,59.64,,,unknown,EUR,"no known buy: date, basis and gain are yours to find",ETH-EUR,s2,',
    ]
    assert totals.getvalue().splitlines() == [
        "year,zone,currency,term,disposals,proceeds,cost_basis,gain",
        "2026,UTC,EUR,unknown,1,59.64,,",
        "2026,UTC,USD,short,1,59.64,50.3,9.34",
    ]

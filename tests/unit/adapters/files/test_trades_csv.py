"""A file of trades is read exactly, or refused as a whole with all that is wrong in it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.adapters.files import cells
from bottrader.adapters.files.problems import LISTED_MAX
from bottrader.adapters.files.trades_csv import OPTIONAL, REQUIRED, TradesFile, read_trades
from bottrader.domain.errors import FileRefused
from bottrader.domain.lots import LotMethod, allocate
from bottrader.domain.orders import Side

HEADER = "order_id,symbol,side,size,price,fee,time"
GOOD = {
    "order_id": "b1",
    "symbol": "BTC-USD",
    "side": "buy",
    "size": "1.0",
    "price": "100",
    "fee": "0.60",
    "time": "2026-01-01T00:00:00Z",
}


def line(**changes: str) -> str:
    """Return a good line with some cells changed, and one more for each optional column."""
    return ",".join({**GOOD, **changes}.values())


def header(*more: str) -> str:
    return ",".join((HEADER, *more))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trades.csv"


def read(file: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> TradesFile:
    file.write_bytes("".join(each + end for each in lines).encode(encoding))
    return read_trades(file)


def refusals(file: Path, *lines: str) -> list[str]:
    """Return the problems that the file was refused for, having checked their count."""
    with pytest.raises(FileRefused) as refused:
        read(file, *lines)
    first, *problems = str(refused.value).splitlines()
    noun = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    assert first == f"{file} cannot be used, nothing was written; {noun} to mend:"
    return [problem.removeprefix("  ") for problem in problems]


class TestReading:
    def test_a_trade_is_read_digit_for_digit(self, file: Path) -> None:
        """B201: the price is the text, never a float."""
        (trade,) = read(file, HEADER, line(price="0.00034761", size="0.00000001", fee="0")).executions

        assert (trade.execution_id, trade.order_id, trade.product_id) == ("b1", "b1", "BTC-USD")
        assert trade.side is Side.BUY
        assert (trade.price, trade.size, trade.fee) == (Decimal("0.00034761"), Decimal("1E-8"), Decimal(0))
        assert trade.executed_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert (trade.sequence, trade.account) == (0, "")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_a_mark_and_any_line_ends_are_taken(self, file: Path, encoding: str, end: str) -> None:
        assert read(file, HEADER, line(), "", line(order_id="b2"), encoding=encoding, end=end).trades_count == 2

    def test_columns_come_in_any_order_and_with_blanks(self, file: Path) -> None:
        names = sorted(REQUIRED)
        plain = read(file, HEADER, line())

        assert read(file, " , ".join(names), " , ".join(GOOD[name] for name in names)) == plain

    def test_a_moment_keeps_its_instant(self, file: Path) -> None:
        texts = ("2026-01-01T01:00:00+01:00", "2025-12-31 19:00:00.000-0500", "2026-01-01T00:00:00.0000000Z")
        trades = read(file, HEADER, *(line(order_id=text, time=text) for text in texts)).executions

        assert {trade.executed_at for trade in trades} == {datetime(2026, 1, 1, tzinfo=UTC)}

    def test_a_repeated_line_counts_once_however_it_is_spelled(self, file: Path) -> None:
        read_twice = read(file, HEADER, line(), line(), line(size="1.00", side="BUY", time="2026-01-01T01:00:00+01:00"))

        assert (read_twice.trades_count, read_twice.repeated_count) == (1, 2)
        assert len(read_twice.executions) == 1

    def test_the_venues_sequence_orders_trades_of_one_moment(self, file: Path) -> None:
        """B192: a sell of a lower sequence precedes the buy."""
        sell = {"order_id": "s1", "side": "sell"}
        without = read(file, HEADER, line(**sell), line()).executions
        with_it = read(file, header("sequence"), line(**sell) + ",1", line() + ",2").executions

        assert [row.buy_order_id for row in allocate(without).allocations] == ["b1"]
        assert [row.buy_order_id for row in allocate(with_it).allocations] == [None]

    def test_a_lot_serves_sells_of_its_account_only(self, file: Path) -> None:
        """B189"""
        trades = read(
            file,
            header("account"),
            line() + ",cold wallet",
            line(order_id="s1", side="sell", time="2026-02-01T00:00:00Z") + ",exchange",
        )

        assert trades.has_accounts
        assert [row.buy_order_id for row in allocate(trades.executions, LotMethod.LIFO).allocations] == [None]

    def test_an_empty_file_with_a_header_holds_no_trade(self, file: Path) -> None:
        assert read(file, HEADER) == TradesFile((), 0, 0, has_accounts=False)


class TestCoinFees:
    """Fees in coins; what they amount to has its own tests in `domain.lots.fees`."""

    def test_a_fee_in_quote_may_be_named(self, file: Path) -> None:
        assert read(file, header("fee_currency"), line() + ",USD").executions[0].fee == Decimal("0.6")

    def test_a_fee_in_base_makes_the_lot_smaller_at_the_same_cost(self, file: Path) -> None:
        (lot,) = read(file, header("fee_currency"), line(fee="0.01") + ",BTC").executions

        assert (lot.size, lot.fee) == (Decimal("0.99"), Decimal(1))

    def test_a_fee_in_a_third_coin_disposes_of_it_at_its_price(self, file: Path) -> None:
        trade, fee = read(file, header("fee_currency", "fee_price"), line(fee="0.01") + ",BNB,600").executions

        assert trade.fee == 6
        assert (fee.product_id, fee.side, fee.size, fee.price) == ("BNB-USD", Side.SELL, Decimal("0.01"), Decimal(600))

    @pytest.mark.parametrize(
        ("cells_text", "fee", "reason"),
        [
            (
                "BNB,",
                "1",
                "fee_currency BNB is neither BTC nor USD; a column fee_price has to tell how much USD one BNB",
            ),
            ("BNB,0", "1", "fee_price is above zero, was '0'"),
            ("USD,1", "1", "fee_price is only for a fee in a third coin, but USD is of BTC-USD; leave it empty"),
            ("bnb,1", "1", "fee_currency is a code in capitals, such as USD or BTC, was 'bnb'"),
            ("BTC,", "1", "fee cannot be used: trade b1 bought 1.0 and was charged 1.0 of it; a fee leaves something"),
            (
                "BNB,0.0000000001",
                "0.0000000001",
                "fee cannot be used: in quote currency it has at most 15 digits before",
            ),
            ("BNB,1000000", "1000000000", "fee cannot be used: in quote currency it has at most 15 digits before"),
        ],
    )
    def test_a_fee_that_has_no_value_is_refused(self, file: Path, cells_text: str, fee: str, reason: str) -> None:
        (problem,) = refusals(file, header("fee_currency", "fee_price"), f"{line(fee=fee)},{cells_text}")

        assert problem.startswith(f"line 2: {reason}")


BAD_CELLS = [
    ("order_id", "", "is missing"),
    ("order_id", "x" * 129, "has 1 to 128 printable characters"),
    ("order_id", "a\x07b", r"was 'a\x07b'"),
    ("order_id", "b1/fee", "does not end in /fee"),
    ("symbol", "BTCUSD", "is BASE-QUOTE in capitals, such as BTC-USD, was 'BTCUSD'"),
    ("symbol", "btc-usd", "is BASE-QUOTE"),
    ("symbol", "USD-USD", "is BASE-QUOTE"),
    ("symbol", "A-B-C", "is BASE-QUOTE"),
    ("side", "hold", "is buy or sell, was 'hold'"),
    ("side", "", "is buy or sell, was ''"),
    ("size", "0", "is above zero, was '0'"),
    ("size", "0.00", "is above zero"),
    ("size", "-1", "is above zero, was '-1'"),
    ("size", "1e5", "is a plain decimal"),
    ("size", "1E999999999", "is a plain decimal"),
    ("size", "1,5", "is a plain decimal"),
    ("size", "+1", "is a plain decimal"),
    ("size", "1_000", "is a plain decimal"),
    ("size", "١", "is a plain decimal"),  # noqa: RUF001 - a digit, but not one of ours
    ("size", ".", "is a plain decimal"),
    ("size", "", "is missing"),
    ("price", "NaN", "is a plain decimal"),
    ("price", "Infinity", "is a plain decimal"),
    ("price", "0", "is above zero"),
    ("price", "1" * 16, "at most 15 digits before and 18 after the point"),
    ("price", "0." + "1" * 19, "at most 15 digits before and 18 after the point"),
    ("fee", "-0.01", "is zero or more, was '-0.01'"),
    ("fee", "", "is missing"),
    ("time", "2026-01-01T00:00:00", "has no time zone"),
    ("time", "2026-01-01", "is a moment such as 2026-01-31T12:00:00Z"),
    ("time", "1767225600", "is a moment such as"),
    ("time", "2026-02-30T00:00:00Z", "is no moment of the calendar"),
    ("time", "2026-01-01T25:00:00Z", "is no moment of the calendar"),
    ("time", "0001-01-01T00:00:00+01:00", "is no moment of the calendar"),
    ("time", "2026-01-01T00:00:00.1234567Z", "has at most 6 digits after the second"),
]


class TestRefusing:
    @pytest.mark.parametrize(("column", "text", "reason"), BAD_CELLS)
    def test_a_wrong_cell_is_told_with_its_line_column_and_text(
        self, file: Path, column: str, text: str, reason: str
    ) -> None:
        cell = f'"{text}"' if "," in text else text
        (problem,) = refusals(file, HEADER, line(), line(**{"order_id": "b2", column: cell}))

        assert problem.startswith(f"line 3: {column} ")
        assert reason in problem

    @pytest.mark.parametrize("text", ["1.5", "-1", "x", "1" * 19])
    def test_a_sequence_is_a_whole_number(self, file: Path, text: str) -> None:
        (problem,) = refusals(file, header("sequence"), f"{line()},{text}")

        assert problem.startswith("line 2: sequence is a whole number of up to 18 digits")

    @pytest.mark.parametrize(("first", "second", "is_said"), [("", "7", "given"), ("0", "", "empty")])
    def test_a_sequence_is_in_every_line_or_in_none(self, file: Path, first: str, second: str, is_said: str) -> None:
        (problem,) = refusals(file, header("sequence"), f"{line()},{first}", line(order_id="b2") + f",{second}")

        assert problem.startswith(f"line 3: sequence is {is_said} but not so in line 2")

    def test_an_empty_column_of_sequences_is_none(self, file: Path) -> None:
        lines = (line(), line(order_id="b2"))
        assert (
            read(file, header("sequence"), *(f"{each}," for each in lines)).executions
            == read(file, HEADER, *lines).executions
        )

    def test_every_problem_of_every_line_is_told(self, file: Path) -> None:
        problems = refusals(file, HEADER, line(size="0", fee="x"), line(order_id="b2"), line(order_id="", side="no"))

        assert [problem.split(" ", 3)[:3] for problem in problems] == [
            ["line", "2:", "size"],
            ["line", "2:", "fee"],
            ["line", "4:", "order_id"],
            ["line", "4:", "side"],
        ]

    def test_the_list_is_cut_and_the_rest_counted(self, file: Path) -> None:
        bad = [line(order_id=f"b{number}", size="0") for number in range(LISTED_MAX + 7)]
        with pytest.raises(FileRefused) as refused:
            read(file, HEADER, *bad)

        first, *listed, last = str(refused.value).splitlines()
        assert f"; {LISTED_MAX + 7} problems to mend:" in first
        assert len(listed) == LISTED_MAX
        assert last == "  and 7 more"

    def test_one_id_with_two_contents_is_refused_with_both_lines_and_what_differs(self, file: Path) -> None:
        (problem,) = refusals(file, HEADER, line(), line(order_id="b2"), line(size="2", fee="0"))

        assert problem.startswith("line 4: order_id 'b1' was in line 2 with other content (size, fee);")

    def test_a_line_with_too_few_or_too_many_cells_is_refused(self, file: Path) -> None:
        few, many = refusals(file, HEADER, "b1,BTC-USD,buy", line() + ",")

        assert few == "line 2: has 3 cells, the header has 7"
        assert many == "line 3: has 8 cells, the header has 7"

    def test_what_is_not_csv_is_refused_with_its_line(self, file: Path) -> None:
        (problem,) = refusals(file, HEADER, line(), '"b2')

        assert problem == "line 3: is not CSV: unexpected end of data; nothing after it was read"

    @pytest.mark.parametrize(
        ("first", "reason"),
        [
            ("", "there is no header; it names the columns order_id,symbol,side,size,price,fee,time"),
            (HEADER.replace(",", ";"), "columns are separated by commas, the header was 'order_id;symbol;"),
            ("a\x00b,c", r"this is no text in UTF-8, it begins with 'a\x00b,c'"),
            (HEADER.replace(",fee", ""), "column 'fee' is missing; there are order_id, symbol,"),
            (header("exchange"), "column 'exchange' is unknown; there are "),
            (header("fee"), "column 'fee' is named twice"),
            (header("Account"), "column 'Account' is unknown"),
        ],
    )
    def test_a_wrong_header_is_told_alone(self, file: Path, first: str, reason: str) -> None:
        (problem,) = refusals(file, first, "whatever")

        assert problem.startswith(f"line 1: {reason}")

    def test_a_file_of_no_byte_has_no_header(self, file: Path) -> None:
        assert refusals(file)[0].startswith("line 1: there is no header")

    def test_bytes_that_are_no_utf_8_are_told_with_their_line(self, file: Path) -> None:
        file.write_bytes(f"{HEADER}\n{line(order_id='b')}\n".encode().replace(b"b,", b"\xff,"))

        with pytest.raises(FileRefused, match="line 2: order_id has 1 to 128 printable characters"):
            read_trades(file)

    @pytest.mark.parametrize("place", ["nowhere.csv", "."])
    def test_a_file_that_cannot_be_opened_is_refused(self, tmp_path: Path, place: str) -> None:
        with pytest.raises(FileRefused, match="cannot be read: "):
            read_trades(tmp_path / place)

    def test_optional_columns_are_those_documented(self) -> None:
        assert OPTIONAL == ("fee_currency", "fee_price", "sequence", "account")


amounts = st.decimals(min_value=0, max_value=10**15 - 1, places=18, allow_nan=False, allow_infinity=False)


@given(amounts)
def test_an_amount_of_the_longest_length_is_read_exactly(amount: Decimal) -> None:
    assert cells.parse_fee(f"{amount:f}") == amount


@given(st.text(max_size=30))
def test_no_text_makes_a_cell_anything_but_a_value_or_a_refusal(text: str) -> None:
    for parse in (cells.parse_positive, cells.parse_fee, cells.parse_moment, cells.parse_symbol, cells.parse_side):
        try:
            parse(text)
        except cells.CellInvalid as refusal:
            assert "was" in str(refusal) or str(refusal) == "is missing"  # noqa: PT017 - either is right


def test_a_number_with_more_zeros_than_digits_is_that_number() -> None:
    assert cells.parse_positive("000000000000000000001.500000000000000000000") == Decimal("1.5")

"""Candle files: read to the last digit, or refused with one sentence that names file, row and remedy."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

# pyarrow ships no type information.
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from coinbase_sim.model import Bar
from coinbase_sim.replay import CandlesInvalid, bar_width_s, load_bars

D = Decimal
HEADER = "time,open,high,low,close,volume"
FIRST = "2026-01-01T00:00:00Z,100,110,90,105,7"
SECOND = "2026-01-01T00:01:00Z,105,106,104,104,0"
START = datetime(2026, 1, 1, tzinfo=UTC)


def csv_file(folder: Path, *lines: str, name: str = "candles.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def parquet_file(folder: Path, times: object, **columns: object) -> Path:
    """Write two rows of ones at `times`, with columns replaced."""
    ones = {name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")}
    path = folder / "candles.parquet"
    pq.write_table(pa.table({"time": times, **ones, **columns}), path)
    return path


def refusal(path: Path) -> str:
    """Return why the file is refused; the sentence is one line and names the file."""
    with pytest.raises(CandlesInvalid) as caught:
        load_bars(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message.removeprefix(str(path))


def test_a_csv_is_read_to_the_last_digit(tmp_path: Path) -> None:
    row = "2026-01-01T00:00:00Z,0.100000000000000000001,0.2,0.1,0.15,12345678901234567890.123456789"
    assert load_bars(csv_file(tmp_path, HEADER, row, SECOND))[0] == Bar(
        "BTC-USD",
        START,
        D("0.100000000000000000001"),
        D("0.2"),
        D("0.1"),
        D("0.15"),
        D("12345678901234567890.123456789"),
    )


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "1767225600", "1767225600.0"])
def test_a_time_is_iso_text_with_an_offset_or_unix_seconds(tmp_path: Path, time: str) -> None:
    bars = load_bars(csv_file(tmp_path, HEADER, f"{time},1,1,1,1,1", SECOND))
    assert bars[0].start == START
    assert bars[0].start.tzinfo is UTC


def test_columns_stand_in_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    lines = "Volume,note,close,low,high,open,Time", "7,x,105,90,110,100,1767225600", "0,y,1,1,1,1,1767225660"
    assert load_bars(csv_file(tmp_path, *lines))[0] == Bar("BTC-USD", START, D(100), D(110), D(90), D(105), D(7))


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "\ufeff" + HEADER, FIRST, "", SECOND, "")
    assert len(load_bars(path)) == 2


def test_a_parquet_double_counts_as_the_decimal_that_spells_it(tmp_path: Path) -> None:
    """0.1 is stored as 0.1000000000000000055…; the price is 0.1."""
    times = pa.array([START, START + timedelta(minutes=1)], pa.timestamp("us", tz="UTC"))
    bars = load_bars(parquet_file(tmp_path, times, low=[0.1, 1.0], volume=[1e22, 2.3e-7]))
    assert bars[0].low == D("0.1")
    assert [bar.volume for bar in bars] == [D("1E+22"), D("0.00000023")]


def test_parquet_times_may_be_in_another_zone(tmp_path: Path) -> None:
    times = pa.array([START, START + timedelta(minutes=1)], pa.timestamp("us", tz="+05:30"))
    assert load_bars(parquet_file(tmp_path, times))[0].start == START


def test_parquet_times_may_be_unix_seconds(tmp_path: Path) -> None:
    assert load_bars(parquet_file(tmp_path, [1767225600, 1767225660]))[1].start == START + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "product_id"),
    [
        ("BTC-USD.csv", "BTC-USD"),
        ("btc_usd.csv", "BTC-USD"),
        ("ETHUSD_1m.csv", "ETH-USD"),
        ("binanceus_SOLUSDT_1m_2023-03.csv", "SOL-USDT"),
        ("coinbase_ETH-EUR_5m_2025-07_2026-01.csv", "ETH-EUR"),
        ("march.csv", "BTC-USD"),
        ("btc_perp_1m.csv", "BTC-USD"),
    ],
)
def test_the_product_is_taken_from_the_file_name(tmp_path: Path, name: str, product_id: str) -> None:
    path = csv_file(tmp_path, HEADER, FIRST, SECOND, name=name)
    assert {bar.product_id for bar in load_bars(path)} == {product_id}


def test_a_given_product_wins_over_the_file_name(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, FIRST, SECOND, name="BTC-USD.csv")
    assert load_bars(path, "SOL-USD")[0].product_id == "SOL-USD"


def test_gaps_of_whole_widths_are_accepted(tmp_path: Path) -> None:
    bars = load_bars(csv_file(tmp_path, HEADER, *(f"{second},1,1,1,1,1" for second in (0, 900, 1200, 1500))))
    assert bar_width_s(bars) == 300


def test_the_width_of_a_single_bar_is_unknown() -> None:
    with pytest.raises(ValueError, match="between two"):
        bar_width_s([Bar("BTC-USD", START, D(1), D(1), D(1), D(1), D(1))])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-01-01T00:01:00Z,NaN,106,104,104,0", "open is NaN; fill in a finite number"),
        ("2026-01-01T00:01:00Z,105,inf,104,104,0", "high is inf; fill in a finite number"),
        ("2026-01-01T00:01:00Z,105,106,-104,104,0", "low is -104; a price is above zero"),
        ("2026-01-01T00:01:00Z,105,106,104,0,0", "close is 0; a price is above zero"),
        ("2026-01-01T00:01:00Z,105,106,104,104,-1", "volume is -1; it must not be negative"),
        ("2026-01-01T00:01:00Z,105,104,106,105,0", "high 104 is below low 106"),
        ("2026-01-01T00:01:00Z,103,106,104,105,0", "open 103 lies outside low 104 to high 106"),
        ("2026-01-01T00:01:00Z,105,106,104,107,0", "close 107 lies outside low 104 to high 106"),
        ("2026-01-01T00:01:00Z,abc,106,104,104,0", "open is 'abc'; write it as a decimal number"),
        ("2026-01-01T00:01:00Z,105,,104,104,0", "high is missing; fill it in"),
        ("2026-01-01T00:01:00Z,105,106,104,104", "volume is missing; fill it in"),
        (",105,106,104,104,0", "time is missing; fill it in"),
        ("2026-01-01T00:01:00,105,106,104,104,0", "has no offset from UTC; write it with one"),
        ("yesterday,105,106,104,104,0", "time is 'yesterday'; write ISO 8601 with an offset"),
        ("1767225660000,105,106,104,104,0", "counts whole unix seconds, not milliseconds"),
        ("-60,105,106,104,104,0", "counts whole unix seconds"),
        ("1767225660.5,105,106,104,104,0", "counts whole unix seconds"),
        ("2025-12-31T23:59:00Z,105,106,104,104,0", "is earlier than the row before; sort the rows"),
        ("2026-01-01T00:00:00Z,105,106,104,104,0", "occurs twice; remove the duplicate"),
    ],
)
def test_a_wrong_row_is_refused_by_its_number(tmp_path: Path, row: str, said: str) -> None:
    message = refusal(csv_file(tmp_path, HEADER, FIRST, row))
    assert message.startswith(", row 2: ")
    assert said in message


def test_candles_of_mixed_widths_are_refused(tmp_path: Path) -> None:
    rows = [f"{second},1,1,1,1,1" for second in (0, 60, 150)]
    assert refusal(csv_file(tmp_path, HEADER, *rows)) == (
        ", row 3: the step of 90 s is no multiple of the candle width 60 s; give candles of one width"
    )


def test_candles_finer_than_a_second_are_refused(tmp_path: Path) -> None:
    assert "too fine" in refusal(
        csv_file(tmp_path, HEADER, "2026-01-01T00:00:00Z,1,1,1,1,1", "2026-01-01T00:00:00.5Z,1,1,1,1,1")
    )


@pytest.mark.parametrize("name", HEADER.split(","))
def test_a_missing_column_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    header = HEADER.replace(name, "other")
    assert f"the column '{name}' is missing" in refusal(csv_file(tmp_path, header, FIRST, SECOND))


def test_a_column_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    assert "the column 'open' occurs twice" in refusal(csv_file(tmp_path, HEADER + ",open", FIRST, SECOND))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "none.csv")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "the file is empty" in refusal(csv_file(tmp_path, ""))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    assert "no rows of candles" in refusal(csv_file(tmp_path, HEADER))


def test_a_file_of_one_row_is_refused(tmp_path: Path) -> None:
    assert "at least two rows" in refusal(csv_file(tmp_path, HEADER, FIRST))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    assert "read from .csv or .parquet" in refusal(csv_file(tmp_path, HEADER, FIRST, name="candles.json"))


def test_a_csv_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff\xfe\n")
    assert "not UTF-8" in refusal(path)


def test_a_csv_that_cannot_be_parsed_is_refused(tmp_path: Path) -> None:
    """The standard library refuses a cell of more than 131 072 characters."""
    assert "not readable CSV" in refusal(csv_file(tmp_path, HEADER, "1" * 131_073))


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    path.write_bytes(b"PAR1 but no more")
    assert "not readable Parquet" in refusal(path)


def test_a_parquet_file_with_naive_times_is_refused(tmp_path: Path) -> None:
    times = pa.array([START.replace(tzinfo=None)] * 2, pa.timestamp("us"))
    assert "row 1: the time 2026-01-01 00:00:00 has no offset from UTC" in refusal(parquet_file(tmp_path, times))


def test_a_parquet_file_without_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    pq.write_table(pa.table({"time": [0, 60], "open": [1.0, 1.0]}), path)
    assert "the column 'high' is missing" in refusal(path)


@pytest.mark.parametrize(("value", "said"), [(None, "missing"), (float("nan"), "finite"), (-1.0, "above zero")])
def test_a_wrong_parquet_value_is_refused(tmp_path: Path, value: float | None, said: str) -> None:
    message = refusal(parquet_file(tmp_path, [0, 60], close=[1.0, value]))
    assert message.startswith(", row 2: close is")
    assert said in message


def test_an_offset_in_the_text_is_converted_to_utc(tmp_path: Path) -> None:
    moment = START.astimezone(timezone(timedelta(hours=-5)))
    bars = load_bars(csv_file(tmp_path, HEADER, f"{moment.isoformat()},1,1,1,1,1", SECOND))
    assert bars[0].start.isoformat() == "2026-01-01T00:00:00+00:00"

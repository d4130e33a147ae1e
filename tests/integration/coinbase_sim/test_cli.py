"""`coinbase-sim serve` as a process: its ready line, its end, its state, and its answers to bad input."""

import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from coinbase_sim.cli import app

START_S = 20


@asynccontextmanager
async def serving(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "coinbase_sim", "serve", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> tuple[int, bytes, bytes, float]:
    began = time.monotonic()
    process.send_signal(number)
    async with asyncio.timeout(10):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err, time.monotonic() - began


async def refused(*options: str) -> str:
    """What the command says on stderr to input that it refuses with exit code 2."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "coinbase_sim", "serve", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(START_S):
        out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"Traceback" not in err
    return err.decode()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def first_line(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").partition("\n")[0]


async def fetch(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(url) as reply:
        assert reply.status == 200
        return await reply.json()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_once_when_it_is_ready_and_ends_quickly_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with serving("--tls-port", "0", "--key-dir", str(tmp_path / "keys")) as (process, ready):
        assert ready.keys() == {"rest", "ws", "tls", "control", "ca_file", "key_name", "key_file"}
        assert first_line(ready["key_file"]) == "-----BEGIN EC PRIVATE KEY-----"
        assert first_line(ready["ca_file"]) == "-----BEGIN CERTIFICATE-----"
        assert (await fetch(f"{ready['rest']}/api/v3/brokerage/market/products"))["num_products"] == 1
        async with aiohttp.ClientSession() as http, http.ws_connect(ready["ws"]) as stays_open:
            assert not stays_open.closed
            code, out, err, took_s = await ended(process, number)
    assert (code, out, err) == (0, b"", b"")
    assert took_s < 3


async def test_a_paused_exchange_moves_only_by_control(tmp_path: Path) -> None:
    async with serving("--speed", "0", "--product", "BTC-USD", "--product", "ETH-USD", "--warmup", "10") as (_, ready):
        state = await fetch(f"{ready['control']}/state")
        assert (state["position"], state["paused"]) == (10, True)
        step = f"{ready['control']}/step"
        async with aiohttp.ClientSession() as http, http.post(step, json={"count": 6}) as reply:
            assert (await reply.json())["position"] == 16


async def test_the_state_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    options = ("--speed", "0", "--seed", "5", "--state", str(state_file), "--balance", "USD=77.5")
    async with serving(*options, "--warmup", "9") as (process, ready):
        first = await fetch(f"{ready['control']}/state")
        assert (await ended(process, signal.SIGTERM))[0] == 0
    async with serving(*options, "--warmup", "9") as (process, ready):
        assert await fetch(f"{ready['control']}/state") == first
        assert (await fetch(f"{ready['control']}/books"))["totals"]["USD"] == "77.5"
        await ended(process, signal.SIGTERM)
    assert sorted(path.name for path in files_in(tmp_path)) == ["state.json"]


async def test_at_full_speed_the_candles_are_replayed_to_the_end_and_stay_served(tmp_path: Path) -> None:
    candles = tmp_path / "BTC-USD.csv"
    rows = [f"{1_767_225_600 + 60 * minute},100,110,90,105,4" for minute in range(30)]
    candles.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    async with serving("--candles", str(candles), "--speed", "max") as (process, ready):
        async with asyncio.timeout(10):
            # The exchange tells nobody that its market has ended, so it has to be asked.
            while not (state := await fetch(f"{ready['control']}/state"))["ended"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert state["position"] == 120
        assert (await ended(process, signal.SIGTERM))[0] == 0


async def test_a_speed_is_venue_seconds_per_second(tmp_path: Path) -> None:
    # A tick every 15 venue seconds at 750 times real time is one every 20 ms.
    async with serving("--speed", "750") as (_, ready):
        before, began = (await fetch(f"{ready['control']}/state"))["position"], time.monotonic()
        await asyncio.sleep(0.5)
        ticks = (await fetch(f"{ready['control']}/state"))["position"] - before
        ideal = (time.monotonic() - began) / 0.02
    assert ideal * 0.5 - 2 <= ticks <= ideal * 1.2 + 2


async def test_a_running_exchange_can_be_paused_and_resumed() -> None:
    async with serving("--speed", "max") as (_, ready), aiohttp.ClientSession() as http:

        async def position(path: str) -> int:
            async with http.post(f"{ready['control']}/{path}") as reply:
                return int((await reply.json())["position"])

        await position("pause")
        before = await position("pause")
        await asyncio.sleep(0.05)
        assert await position("pause") == before
        await position("resume")
        await asyncio.sleep(0.05)
        assert await position("pause") > before


async def test_a_manual_market_stands_at_its_price() -> None:
    async with serving("--manual", "40000") as (_, ready):
        product = await fetch(f"{ready['rest']}/api/v3/brokerage/market/products/BTC-USD")
        assert float(product["price"]) == 40_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--candles", "no-such-file.csv"), "no-such-file.csv"),
        (("--balance", "USD"), "--balance must be CURRENCY=AMOUNT, such as USD=10000; was 'USD'"),
        (("--balance", "USD=-5"), "--balance must be CURRENCY=AMOUNT"),
        (("--taker-fee", "2"), "--taker-fee must be a share below 1"),
        (("--maker-fee", "0.5"), "maker"),
        (("--speed", "fast"), "--speed must be a number"),
        (("--product", "bitcoin"), "BASE-QUOTE"),
        (("--manual", "free"), "price must be a positive number"),
        (("--manual", "1", "--candles", "x.csv"), "exclude each other"),
        (("--manual", "1", "--speed", "2"), "--manual stands still"),
        (("--durable",), "--durable needs the file that is to be kept: give --state"),
        (("--no-such-option",), "No such option"),
        (("--port", "70000"), "65535"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_exit_code_two(options: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, ["serve", *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_malformed_candles_are_named_with_their_row(tmp_path: Path) -> None:
    candles = tmp_path / "BTC-USD.csv"
    candles.write_text("time,open,high,low,close,volume\n1767225600,100,110,90,105,4\n1767225660,100,80,90,105,4\n")
    result = CliRunner().invoke(app, ["serve", "--candles", str(candles)])
    assert result.exit_code == 2
    assert "BTC-USD.csv" in result.stderr
    assert "row 2" in result.stderr


def test_a_state_in_a_folder_that_does_not_exist_is_refused_at_the_start(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["serve", "--state", str(tmp_path / "nowhere" / "state.json")])
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr


async def test_pytest_and_the_package_itself_do_not_load_the_web_server() -> None:
    code = "import sys, coinbase_sim.pytest_plugin; sys.exit('aiohttp' in sys.modules or 'msgspec' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


async def test_a_state_that_is_none_is_refused_and_kept(tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    state_file.write_text("{}")
    assert "state.json is not a state of this exchange" in await refused("--state", str(state_file))
    assert state_file.read_text() == "{}"


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on port {port}" in await refused("--port", str(port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no host"])
async def test_an_address_that_is_not_of_this_machine_is_named(host: str) -> None:
    told = await refused("--host", host)
    assert f"cannot listen on {host} (" in told
    assert "give --host an address of this machine" in told


async def test_it_listens_where_it_is_told_to() -> None:
    async with serving("--speed", "0", "--host", "127.0.0.2") as (_, ready):
        assert ready["rest"].startswith("http://127.0.0.2:")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(ready["rest"].rpartition(":")[2])), timeout=1).close()


async def asked(url: str, count: int) -> list[int]:
    """The statuses of so many requests at once."""
    async with aiohttp.ClientSession() as http:
        statuses = []
        for _ in range(count):
            async with http.get(url) as reply:
                statuses.append(reply.status)
        return statuses


async def test_limits_quiet_sockets_duplicates_depth_and_faults_are_options_too(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    script.write_text('[{"fault": "F18_pending"}, {"on": "GET /portfolios", "do": "http_401", "times": 0}]')
    options = ("--public-limit", "0.001", "--quiet-close", "0.05", "--duplicate-ids", "reject", "--levels", "20")
    async with serving("--manual", "40000", "--no-auth", *options, "--faults", str(script)) as (_, ready):
        rest = f"{ready['rest']}/api/v3/brokerage"
        assert await asked(f"{rest}/time", 2) == [200, 429]
        assert await asked(f"{rest}/accounts", 2) == [200, 200]
        assert await asked(f"{rest}/portfolios", 1) == [401]
        terms = {"base_size": "0.01", "limit_price": "39000"}
        order: dict[str, Any] = {"client_order_id": "one", "product_id": "BTC-USD", "side": "BUY"}
        order |= {"order_configuration": {"limit_limit_gtc": terms}}
        async with aiohttp.ClientSession() as http:
            async with http.ws_connect(ready["ws"]) as quiet:
                await quiet.send_str('{"type":"subscribe","channel":"status"}')
                async with asyncio.timeout(5):
                    while (message := await quiet.receive()).type is aiohttp.WSMsgType.TEXT:
                        pass
                assert message.data == 1000
            for success in (True, False):
                async with http.post(f"{rest}/orders", json=order) as reply:
                    assert (await reply.json())["success"] is success
            async with http.get(f"{rest}/orders/historical/batch") as reply:
                assert [row["status"] for row in (await reply.json())["orders"]] == ["PENDING"]


async def test_a_book_as_deep_as_asked_for_is_a_snapshot_of_more_than_a_megabyte() -> None:
    async with serving("--speed", "0", "--warmup", "1", "--levels", "6000") as (_, ready):
        async with aiohttp.ClientSession() as http, http.ws_connect(ready["ws"], max_msg_size=0) as socket:
            await socket.send_str('{"type":"subscribe","channel":"level2","product_ids":["BTC-USD"]}')
            await socket.receive()
            async with asyncio.timeout(10):
                snapshot = await socket.receive()
        assert len(snapshot.data) > 1_000_000


async def test_candles_may_be_parquet(tmp_path: Path) -> None:
    import pyarrow as pa  # type: ignore[import-untyped] # noqa: PLC0415 - heavy, and for this test alone
    import pyarrow.parquet as pq  # type: ignore[import-untyped] # noqa: PLC0415 - as above

    table = {"time": [1_767_225_600, 1_767_225_660]} | {
        name: [100.0, 101.0] for name in ("open", "high", "low", "close")
    }
    pq.write_table(pa.table(table | {"volume": [4.0, 4.0]}), tmp_path / "BTC-USD.parquet")
    async with serving("--candles", str(tmp_path / "BTC-USD.parquet"), "--speed", "0", "--warmup", "8") as (_, ready):
        product = await fetch(f"{ready['rest']}/api/v3/brokerage/market/products/BTC-USD")
        assert float(product["price"]) == 101


async def test_an_order_that_waits_when_the_exchange_ends_is_in_its_state_as_it_went_on(tmp_path: Path) -> None:
    state, script = tmp_path / "state.json", tmp_path / "faults.json"
    script.write_text('{"fault": "F18_pending", "seconds": 600}')
    options = ("--speed", "0", "--warmup", "1", "--no-auth", "--state", str(state))
    terms = {"base_size": "0.01", "limit_price": "39000", "post_only": True}
    order: dict[str, Any] = {"client_order_id": "one", "product_id": "BTC-USD", "side": "BUY"}
    order |= {"order_configuration": {"limit_limit_gtc": terms}}
    async with serving(*options, "--faults", str(script)) as (process, ready):
        async with aiohttp.ClientSession() as http:
            await http.post(f"{ready['rest']}/api/v3/brokerage/orders", json=order)
        assert (await ended(process, signal.SIGTERM))[0] == 0
    async with serving(*options) as (process, ready):
        (kept,) = (await fetch(f"{ready['control']}/orders"))["orders"]
        assert kept["status"] == "OPEN"
        await ended(process, signal.SIGTERM)


async def test_a_durable_exchange_that_is_killed_goes_on_with_what_it_told(tmp_path: Path) -> None:
    """F31: an order that was answered is there after a SIGKILL, and time and price go on from there."""
    options = ("--manual", "40000", "--no-auth", "--durable", "--state", str(tmp_path / "state.json"))
    order: dict[str, Any] = {"client_order_id": "one", "product_id": "BTC-USD", "side": "BUY"}
    order |= {"order_configuration": {"market_market_ioc": {"quote_size": "100"}}}
    async with serving(*options) as (process, ready), aiohttp.ClientSession() as http:
        await http.post(f"{ready['control']}/price", json={"product_id": "BTC-USD", "price": "41000"})
        await http.post(f"{ready['rest']}/api/v3/brokerage/orders", json=order)
        books, before = await fetch(f"{ready['control']}/books"), await fetch(f"{ready['control']}/state")
        process.kill()
        await process.wait()
    assert float(books["totals"]["BTC"]) > 0
    async with serving(*options) as (process, ready), aiohttp.ClientSession() as http:
        assert await fetch(f"{ready['control']}/books") == books
        assert await fetch(f"{ready['control']}/state") == before
        product = await fetch(f"{ready['rest']}/api/v3/brokerage/market/products/BTC-USD")
        assert float(product["price"]) == 41_000
        await http.post(f"{ready['control']}/price", json={"product_id": "BTC-USD", "price": "41500"})
        after = await fetch(f"{ready['control']}/state")
        assert (after["position"], after["time"] > before["time"]) == (before["position"] + 1, True)
        await ended(process, signal.SIGTERM)


@pytest.mark.parametrize(
    ("content", "said"), [("{", "not a fault script"), ('{"fault": "F99"}', "there is no fault 'F99'")]
)
def test_a_script_that_makes_no_sense_is_refused_at_the_start(tmp_path: Path, content: str, said: str) -> None:
    script = tmp_path / "faults.json"
    script.write_text(content)
    result = CliRunner().invoke(app, ["serve", "--faults", str(script)])
    assert result.exit_code == 2
    assert said in result.stderr

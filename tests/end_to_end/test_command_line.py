"""The installed command: what it says to wrong input, and what it shows."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bottrader.adapters.postgres.connection import connect
from tests.fixtures.candle_files import BROKEN_FILES, BrokenFile, lively_rows, write_csv
from tests.fixtures.command_line import Shell, refused
from tests.fixtures.processes import Bot, Exchange

CANARY = "canary-that-nobody-may-see"
NOWHERE = {
    "BOTTRADER_EXCHANGE_REST_URL": "http://127.0.0.1:1",
    "BOTTRADER_EXCHANGE_MARKET_WS_URL": "ws://127.0.0.1:1",
    "BOTTRADER_EXCHANGE_USER_WS_URL": "ws://127.0.0.1:1",
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on for as long as the test lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("broken", BROKEN_FILES, ids=lambda broken: broken.name)
def test_candles_that_cannot_be_replayed_are_refused(shell: Shell, broken: BrokenFile) -> None:
    (shell.folder / broken.name).write_bytes(broken.content)

    sentence = refused(shell.run("paper", "--candles", broken.name, "--speed", "max"))

    assert sentence.startswith(broken.name)
    assert broken.complaint in sentence
    assert files_in(shell.data_dir) == []


@pytest.mark.parametrize("path", ["nowhere.csv", "."])
def test_candles_that_are_not_there_are_refused(shell: Shell, path: str) -> None:
    assert "there is no such file" in refused(shell.run("paper", "--candles", path))
    assert files_in(shell.data_dir) == []


def test_the_exchange_refuses_the_same_files(shell: Shell) -> None:
    broken = next(broken for broken in BROKEN_FILES if broken.name == "nan.csv")
    (shell.folder / broken.name).write_bytes(broken.content)

    result = shell.run("serve", "--candles", broken.name, program="coinbase-sim")

    assert broken.complaint in refused(result, "coinbase-sim")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--speed", "fast"), "--speed is a number of venue seconds per second, or max; was 'fast'"),
        (("--speed", "0"), "was '0'"),
        (("--balance", "much"), "--balance is an amount"),
        (("--balance", "0"), "above zero"),
        (("--symbols", "btc"), "BASE-QUOTE in capitals, such as BTC-USD, was 'btc'"),
        (("--symbols", ""), "BOTTRADER_SYMBOLS: name at least one pair"),
        (("--symbols", "BTC-USD,ETH-EUR"), "one quote currency, were in EUR, USD"),
        (("--symbols", "BTC-USD,ETH-USD", "--candles", "two.csv"), "--candles replays one pair"),
    ],
)
def test_wrong_options_of_paper_are_refused(shell: Shell, options: tuple[str, ...], complaint: str) -> None:
    write_csv(shell.folder / "two.csv", lively_rows(2))

    assert complaint in refused(shell.run("paper", *options))
    assert files_in(shell.data_dir) == []


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("paper", "--seed", "lucky"), "--seed"),
        (("run", "--role", "boss"), "--role"),
        (("paper", "--canldes", "x.csv"), "--canldes"),
    ],
)
def test_what_no_option_allows_is_a_usage_error(shell: Shell, words: tuple[str, ...], option: str) -> None:
    result = shell.run(*words)

    assert result.returncode == 2
    assert option in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"mysql://u:{CANARY}@127.0.0.1/db", "a mysql address, but BotTrader needs PostgreSQL"),
        (f"sqlite:///{CANARY}.db", "a sqlite address"),
        ("localhost", "no URL"),
        (f"postgresql://u:{CANARY}@127.0.0.1:1/db", "127.0.0.1:1/db cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused(shell: Shell, url: str, complaint: str) -> None:
    sentence = refused(shell.run("paper", DATABASE_URL=url))

    assert complaint in sentence
    assert "DATABASE_URL" in sentence
    assert CANARY not in sentence
    assert files_in(shell.data_dir) == []


async def test_a_web_server_is_no_database(shell: Shell) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"postgresql://u:{CANARY}@127.0.0.1:{port}/db"
        result = await asyncio.to_thread(shell.run, "db", "check", DATABASE_URL=url)

    sentence = refused(result)
    assert f"127.0.0.1:{port}/db cannot be used" in sentence
    assert CANARY not in sentence


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest_one(shell: Shell) -> None:
    """R57: a limit with a typing error in its name is a limit that does not hold."""
    sentence = refused(shell.run("config", "show", BOTTRADER_MAX_EXPOSUR="100"))

    assert sentence.startswith("BOTTRADER_MAX_EXPOSUR is no setting; the nearest one is BOTTRADER_MAX_EXPOSURE")


@pytest.mark.component("config_manager")
def test_wrong_settings_are_listed_together(shell: Shell) -> None:
    result = shell.run(
        *("config", "show"),
        BOTTRADER_SYMBOL="BTC-USD",
        BOTTRADER_ORDER_SIZE_ROC="-3",
        BOTTRADER_MAX_EXPOSURE="lots",
        BOTTRADER_LOG_LEVEL="LOUD",
        BOTTRADER_WEBHOOK_SECRET=CANARY[:20],
    )

    assert result.returncode == 2
    named = {line.removeprefix("bottrader: ").split()[0].rstrip(":") for line in result.stderr.splitlines()}
    assert named == {
        "BOTTRADER_SYMBOL",
        "BOTTRADER_ORDER_SIZE_ROC",
        "BOTTRADER_MAX_EXPOSURE",
        "BOTTRADER_LOG_LEVEL",
        "BOTTRADER_WEBHOOK_SECRET",
    }
    assert CANARY[:20] not in result.stderr


def test_two_roles_need_a_shared_secret(shell: Shell) -> None:
    for role in ("sighook", "webhook"):
        said = shell.run("run", "--role", role, **NOWHERE)
        assert (said.returncode, said.stdout) == (2, "")
        # All that is wrong is listed together, a line each.
        secret, key = said.stderr.splitlines()
        assert "set BOTTRADER_WEBHOOK_SECRET in both" in secret
        assert "set BOTTRADER_EXCHANGE_KEY_FILE" in key
    assert files_in(shell.data_dir) == []


def test_a_missing_key_is_refused(shell: Shell) -> None:
    (shell.folder / "not.pem").write_text("not a key")
    settings = {**NOWHERE, "BOTTRADER_WEBHOOK_SECRET": CANARY}

    assert "set BOTTRADER_EXCHANGE_KEY_FILE" in refused(shell.run("run", **settings))
    for file, complaint in (("nowhere.pem", "nowhere.pem cannot be read"), ("not.pem", "not.pem")):
        assert complaint in refused(shell.run("run", BOTTRADER_EXCHANGE_KEY_FILE=file, **settings))
    assert files_in(shell.data_dir) == []


def test_paper_mode_does_not_go_to_the_real_exchange(shell: Shell) -> None:
    sentence = refused(shell.run("run"))

    assert sentence.startswith("BOTTRADER_MODE is paper, but https://api.coinbase.com is no simulator")
    assert files_in(shell.data_dir) == []


def test_a_data_folder_that_cannot_be_written_is_refused(shell: Shell) -> None:
    (shell.folder / "occupied").write_text("a file stands where the folder should be")

    sentence = refused(shell.run("paper", BOTTRADER_DATA_DIR=str(shell.folder / "occupied")))

    assert "occupied cannot be written" in sentence
    assert "BOTTRADER_DATA_DIR" in sentence


def test_an_exchange_that_does_not_answer_is_refused(shell: Shell, exchange: Exchange, database_url: str) -> None:
    result = shell.run(
        *("run", "--role", "sighook"),
        **NOWHERE,
        DATABASE_URL=database_url,
        BOTTRADER_EXCHANGE_KEY_NAME=exchange.ready["key_name"],
        BOTTRADER_EXCHANGE_KEY_FILE=exchange.ready["key_file"],
        BOTTRADER_WEBHOOK_SECRET=CANARY,
    )

    assert result.returncode == 2
    assert "the exchange at http://127.0.0.1:1 did not let us in" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


async def test_a_taken_port_is_refused(bot: Bot, taken_port: int) -> None:
    webhook = await bot.start("webhook", webhook_port=str(taken_port))

    async with asyncio.timeout(20):
        assert await webhook.process.wait() == 2
    await webhook.reader  # type: ignore[attr-defined]

    assert f"cannot listen on 127.0.0.1:{taken_port}" in webhook.lines[-1]
    assert "BOTTRADER_WEBHOOK_PORT" in webhook.lines[-1]
    assert not any("Traceback" in line for line in webhook.lines)


def test_the_exchange_refuses_a_taken_port(shell: Shell, taken_port: int) -> None:
    result = shell.run("serve", "--port", str(taken_port), program="coinbase-sim")

    assert f"cannot listen on port {taken_port}" in refused(result, "coinbase-sim")


@pytest.mark.component("config_manager")
def test_the_configuration_is_shown_without_secrets(shell: Shell) -> None:
    result = shell.run(
        *("config", "show"),
        DATABASE_URL=f"postgresql://u:{CANARY}@127.0.0.1/db",
        BOTTRADER_WEBHOOK_SECRET=CANARY,
        BOTTRADER_MAX_EXPOSURE="777.5",
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert CANARY not in result.stdout
    shown = {words[1]: words[3] for line in result.stdout.splitlines() if len(words := line.split()) > 3}
    assert shown["BOTTRADER_MAX_EXPOSURE"] == "777.5"
    assert set(shown["BOTTRADER_WEBHOOK_SECRET"]) == {"*"}
    assert set(shown["DATABASE_URL"]) == {"*"}


async def test_the_schema_goes_up_and_down_and_up_again(shell: Shell, empty_database_url: str) -> None:
    def db(*words: str) -> tuple[int, str]:
        result = shell.run("db", *words, DATABASE_URL=empty_database_url)
        assert "Traceback" not in result.stderr
        return result.returncode, result.stdout + result.stderr

    steps = [("check",), ("upgrade",), ("upgrade",), ("check",), ("downgrade", "base"), ("upgrade", "nowhere")]
    said = [await asyncio.to_thread(db, *step) for step in steps]

    assert [code for code, _ in said] == [2, 0, 0, 0, 0, 2]
    assert "run `bottrader db upgrade`" in said[0][1]
    assert said[1] == said[2] == said[3]
    assert "revision base" in said[4][1]
    assert "cannot go to revision nowhere" in said[5][1]
    connection = await connect(empty_database_url)
    left = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert {row["tablename"] for row in left} <= {"alembic_version"}
    assert (await asyncio.to_thread(db, "upgrade"))[0] == 0


async def test_books_without_a_trade_are_reported(shell: Shell, database_url: str) -> None:
    result = await asyncio.to_thread(shell.run, "report", "--out", "page.html", DATABASE_URL=database_url)

    assert (result.returncode, result.stderr) == (0, "")
    assert "No trade has closed yet." in result.stdout
    assert "<html" in (shell.folder / "page.html").read_text()


@pytest.mark.parametrize(
    ("words", "promises"),
    [
        ("", ("demo", "paper", "run", "report", "db", "config")),
        ("demo", ("minute", "no keys, no database and no Docker", "--seed", "--report")),
        ("paper", ("Ctrl-C", "--candles", "--speed", "--symbols", "--fresh", "goes on where it stopped")),
        ("run", ("all", "sighook", "webhook", "reporter", "5003", "JSON")),
        ("report", ("P&L", "fees", "equity curve", "DATABASE_URL")),
        ("db", ("upgrade", "downgrade", "check", "DATABASE_URL")),
        ("config show", ("secrets as stars", ".env", "BOTTRADER_")),
        ("config check", ("exit code 2", "--role", "--config")),
    ],
)
def test_the_help_says_what_the_command_does(shell: Shell, words: str, promises: tuple[str, ...]) -> None:
    result = shell.run(*words.split(), "--help")

    assert result.returncode == 0
    text = " ".join(result.stdout.replace("│", " ").split())
    assert [promise for promise in promises if promise not in text] == []

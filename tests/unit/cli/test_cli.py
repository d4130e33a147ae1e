"""The command line: one sentence for what is wrong, and an exit code."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bottrader import cli
from bottrader.cli import app, paper_command
from bottrader.cli.stopping import run_until_stopped
from bottrader.config import Settings, load_settings, variable_name
from bottrader.domain.errors import ConfigInvalid, ExchangeUnreachable

runner = CliRunner()


@pytest.fixture(autouse=True)
def _clean_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_name(name), raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


COMMANDS = ("demo", "paper", "run", "report", "db", "config")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    shown = runner.invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout


def test_the_help_names_every_command() -> None:
    shown = runner.invoke(app, ["--help"]).stdout
    assert all(command in shown for command in COMMANDS)


def test_config_show_lists_every_setting_with_its_value_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTTRADER_MAX_EXPOSURE", "1234.5")
    monkeypatch.setenv("BOTTRADER_WEBHOOK_SECRET", "kept-from-every-eye-0123456789")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/books")
    shown = runner.invoke(app, ["config", "show"])
    assert shown.exit_code == 0
    for name in Settings.model_fields:
        assert variable_name(name) in shown.stdout
    assert "1234.5" in shown.stdout
    assert load_settings().config_hash() in shown.stdout
    assert "kept-from" not in shown.stdout
    assert "hunter2" not in shown.stdout


def test_config_show_says_where_each_value_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """R42, R43"""
    Path("mine.toml").write_text('[risk]\nmax_exposure = 900\nmax_daily_loss = "12.5"\n')
    monkeypatch.setenv("BOTTRADER_MAX_EXPOSURE", "800")
    shown = runner.invoke(app, ["config", "show", "--config", "mine.toml"])
    assert shown.exit_code == 0

    def row(variable: str) -> list[str]:
        line = next(line for line in shown.stdout.splitlines() if variable in line)
        return [cell.strip() for cell in line.split("│")[2:4]]

    assert row("BOTTRADER_MAX_EXPOSURE ") == ["800", "environment"]
    assert row("BOTTRADER_MAX_DAILY_LOSS ") == ["12.5", "mine.toml"]
    assert row("BOTTRADER_COOL_OFF_S ") == ["3600", "default"]


@pytest.mark.cpu_budget(300, "reads and judges a whole configuration")
def test_config_check_of_a_good_configuration_ends_with_0_and_makes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOTTRADER_DATA_DIR", str(tmp_path / "deep" / "down"))
    checked = runner.invoke(app, ["config", "check"])
    assert checked.exit_code == 0
    assert "the configuration is fine" in checked.stdout
    assert "not for `bottrader run`" in checked.stdout
    assert list(tmp_path.iterdir()) == []
    verbose = runner.invoke(app, ["config", "check", "--verbose"])
    assert "BOTTRADER_MAX_EXPOSURE" in verbose.stdout
    assert "BOTTRADER_MAX_EXPOSURE" not in checked.stdout


def test_config_check_tells_everything_that_a_start_would_be_refused_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """B283, R31: a path on a volume that is not there is told at once, with its name."""
    monkeypatch.setenv("BOTTRADER_DATA_DIR", str(tmp_path / "volume" / "data"))
    (tmp_path / "volume").touch()
    Path("bottrader.toml").write_text('[strategy]\nstrategy = "moonshot"\n[exchange]\nexchange_key_file = "no.json"\n')
    for name in ("REST", "MARKET_WS", "USER_WS"):
        monkeypatch.setenv(f"BOTTRADER_EXCHANGE_{name}_URL", "http://127.0.0.1:9")
    assert run_main(monkeypatch, "config", "check", "--role", "webhook") == 2
    told = capsys.readouterr().err
    for word in ("'moonshot'", "BOTTRADER_WEBHOOK_SECRET", "no.json", f"{tmp_path}/volume/data cannot be written"):
        assert word in told
    assert len(told.splitlines()) == 4


def test_config_check_without_a_role_needs_neither_key_nor_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOTTRADER_MODE", "live")
    assert run_main(monkeypatch, "config", "check") == 0
    assert run_main(monkeypatch, "config", "check", "--role", "all") == 2
    assert "no API key" in capsys.readouterr().err


def test_brackets_that_cannot_pay_and_unknown_names_fail_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """B66, B281, R24, R57"""
    Path("bottrader.toml").write_text(
        '[brackets]\nbracket_enabled = true\nstop_mode = "fixed"\nstop_loss = "-0.0255"\ntake_profit = "0.0155"\n'
    )
    monkeypatch.setenv("ORDER_SIZE_ROK", "5")
    assert run_main(monkeypatch, "config", "check") == 2
    told = capsys.readouterr().err
    assert "of the time" in told
    assert "ORDER_SIZE_ROK is no setting; the nearest one is BOTTRADER_ORDER_SIZE_ROC" in told


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["bottrader", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_wrong_settings_are_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """B281"""
    monkeypatch.setenv("BOTTRADER_ORDER_SIZE_ROK", "1")
    assert run_main(monkeypatch, "config", "show") == 2
    told = capsys.readouterr().err
    assert told.startswith("bottrader: BOTTRADER_ORDER_SIZE_ROK is no setting")
    assert "Traceback" not in told


def test_a_run_without_a_key_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOTTRADER_WEBHOOK_SECRET", "kept-from-every-eye-0123456789")
    for name in ("REST", "MARKET_WS", "USER_WS"):
        monkeypatch.setenv(f"BOTTRADER_EXCHANGE_{name}_URL", "http://127.0.0.1:9")
    assert run_main(monkeypatch, "run", "--role", "webhook") == 2
    assert "BOTTRADER_EXCHANGE_KEY_FILE" in capsys.readouterr().err


def test_what_breaks_while_running_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down() -> None:
        raise ExchangeUnreachable("no answer")

    monkeypatch.setattr(cli, "app", break_down)
    assert run_main(monkeypatch) == 1
    assert capsys.readouterr().err == "bottrader: no answer\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--speed", "fast"], "--speed is a number"),
        (["--speed", "0"], "--speed is a number"),
        (["--balance", "-5"], "--balance is an amount"),
        (["--symbols", "btc"], "BOTTRADER_SYMBOLS"),
        (["--symbols", "BTC-USD,ETH-EUR"], "share one quote currency"),
        (["--candles", "x.csv", "--symbols", "BTC-USD,ETH-USD"], "--candles replays one pair"),
        (["--candles", "missing.csv"], "missing.csv"),
    ],
)
def test_paper_says_what_is_wrong_with_an_argument(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], word: str
) -> None:
    monkeypatch.setenv("BOTTRADER_DATA_DIR", str(tmp_path))
    asked = runner.invoke(app, ["paper", *arguments])
    assert isinstance(asked.exception, ConfigInvalid)
    assert word in str(asked.exception)


def test_an_argument_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs named on the command line are traded, whatever BOTTRADER_SYMBOLS says."""
    seen: list[Settings] = []

    def stop_here(settings: Settings, candles: Path | None) -> tuple[str, ...]:
        seen.append(settings)
        raise ConfigInvalid("far enough")

    monkeypatch.setattr(paper_command, "_pairs", stop_here)
    monkeypatch.setenv("BOTTRADER_SYMBOLS", "BTC-USD")
    runner.invoke(app, ["paper", "--symbols", "ETH-USD"])
    assert seen[0].symbols == ("ETH-USD",)


@pytest.fixture
def _own_signals() -> Iterator[None]:
    """Put the handlers back that a run leaves behind."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_own_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_an_orderly_stop(number: signal.Signals) -> None:
    async def work(stop: asyncio.Event) -> str:
        os.kill(os.getpid(), number)
        await stop.wait()
        return "finished"

    assert run_until_stopped(work) == "finished"


@pytest.mark.usefixtures("_own_signals")
def test_a_second_signal_ends_at_once_and_without_a_traceback() -> None:
    async def work(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(typer.Exit) as ended:
        run_until_stopped(work)
    assert ended.value.exit_code == 130

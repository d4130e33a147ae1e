"""The settings file: who wins over it, how its values are written, and what it may not hold."""

from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.config import Settings, load_configuration, load_settings, variable_name
from bottrader.config.settings import SECRETS
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.signals import Trigger
from bottrader.domain.sizing import Grant, size_entry

pytestmark = pytest.mark.component("config_manager")

SECRET = "kept-from-every-eye-0123456789"


@pytest.fixture(autouse=True)
def _clean_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*Settings.model_fields, "config"):
        monkeypatch.delenv(variable_name(name), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file() -> Path:
    return Path("bottrader.toml")


def faults_of(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(env_file=None, file=file)
    return str(caught.value).splitlines()


LAYERS = ("profile", "bottrader.toml", ".env", "environment", "option")


@pytest.mark.parametrize(
    ("weaker", "stronger"), [(LAYERS[i], LAYERS[j]) for i in range(len(LAYERS)) for j in range(i + 1, len(LAYERS))]
)
def test_of_two_that_set_the_same_name_the_stronger_wins_and_is_named(
    monkeypatch: pytest.MonkeyPatch, weaker: str, stronger: str
) -> None:
    """B282, R42: each pair of profile < TOML < .env < environment < option."""
    amounts = {weaker: "11", stronger: "22"}
    name, variable = "order_size_fiat", "BOTTRADER_ORDER_SIZE_FIAT"
    if "bottrader.toml" in amounts:
        Path("bottrader.toml").write_text(f'[sizing]\n{name} = "{amounts["bottrader.toml"]}"\n')
    if ".env" in amounts:
        Path(".env").write_text(f"{variable}={amounts['.env']}\n")
    if "environment" in amounts:
        monkeypatch.setenv(variable, amounts["environment"])
    given = {layer: {name: amounts[layer]} for layer in ("profile", "option") if layer in amounts}
    configuration = load_configuration(given.get("profile"), options=given.get("option"))
    assert configuration.settings.order_size_fiat == Decimal(22)
    assert configuration.origins[name] == stronger
    assert configuration.origins["order_size_roc"] == "default"


def test_a_setting_stands_in_its_table_or_before_the_first_one(file: Path) -> None:
    file.write_text(
        'max_exposure = 900\nsymbols = ["BTC-USD", "ETH-USD"]\n'
        '[exits]\nhard_stop_pct = "0.06"\ntrailing_stop_enabled = true\n'
        '[strategy]\nstrategy = "score_matrix"\nstrategy_parameters = { "indicators.bb_window" = 21 }\n'
        "[service]\nwebhook_port = 5004\n"
    )
    settings = load_settings(env_file=None)
    assert (settings.max_exposure, settings.symbols) == (Decimal(900), ("BTC-USD", "ETH-USD"))
    assert (settings.hard_stop_pct, settings.trailing_stop_enabled) == (Decimal("0.06"), True)
    assert (settings.strategy, settings.strategy_parameters) == ("score_matrix", {"indicators.bb_window": "21"})
    assert settings.webhook_port == 5004


def test_an_amount_with_a_point_is_written_as_text(file: Path) -> None:
    """A TOML float is a binary fraction; 0.1 of it would not be a tenth."""
    assert faults_of(file, "[exits]\nhard_stop_pct = 0.05\n") == [
        'bottrader.toml: hard_stop_pct: a number with a point is written as text, so that it stays exact: "0.05"'
    ]


def test_an_unknown_key_names_the_nearest_setting(file: Path) -> None:
    """B281, R57"""
    assert faults_of(file, "[sizing]\norder_size_rok = 5\n") == [
        "bottrader.toml: order_size_rok is no setting; the nearest one is order_size_roc. Rename or unset it."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[exits]\nmax_exposure = 5\n", "max_exposure stands in the table [risk], or before the first table, not in"),
        ("[riks]\nmax_exposure = 5\n", "max_exposure stands in the table [risk]"),
        ("max_exposure = 5\n[risk]\nmax_exposure = 6\n", "max_exposure stands in it twice; keep one"),
        ("[strategy]\nmin_cooldown = 5\n", "min_cooldown is retired: its unit was disputed"),
        ("min_buy_value = 5\n", "min_buy_value is called min_order_amount_fiat now. Rename or unset it."),
        (
            "[sizing]\nmin_buy_value = 5\nmin_order_amount_fiat = 6\n",
            "min_buy_value and min_order_amount_fiat are both",
        ),
        ("BOTTRADER_MODE = 'live'\n", "BOTTRADER_MODE is read by nobody when written so; write mode"),
        ("MAX_EXPOSURE = 5\n", "MAX_EXPOSURE is read by nobody when written so; write max_exposure"),
        ("[service]\nwebhook_port = true\n", "webhook_port: input should be a valid integer"),
        ("[sizing]\norder_size_roc = true\n", "order_size_roc: an amount is a decimal number, was 'true'"),
        ("[sizing]\norder_size_roc = [5]\n", "order_size_roc: an amount is written as text or as a whole number"),
        ("[risk]\nmax_exposure = 1979-05-27\n", "max_exposure: an amount is written as text or as a whole number"),
        ("[service]\nlog_level = 5\n", "log_level: string should match pattern"),
        ("max_exposure\n", "the settings file bottrader.toml is no TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_sentence_that_names_the_file(file: Path, text: str, said: str) -> None:
    """B281, R57"""
    faults = faults_of(file, text)
    assert len([fault for fault in faults if said in fault and "bottrader.toml" in fault]) == 1
    assert len(faults) == 1


def test_a_name_given_by_a_variable_or_an_option_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot that ignored a file it was pointed to would trade by the defaults."""
    with pytest.raises(ConfigInvalid, match=r"the settings file other\.toml cannot be read: No such file"):
        load_settings(file=Path("other.toml"))
    monkeypatch.setenv("BOTTRADER_CONFIG", "third.toml")
    with pytest.raises(ConfigInvalid, match=r"third\.toml cannot be read"):
        load_settings()
    Path("third.toml").write_text("max_exposure = 777\n")
    assert load_settings().max_exposure == Decimal(777)
    Path("other.toml").write_text("max_exposure = 888\n")
    assert load_settings(file=Path("other.toml")).max_exposure == Decimal(888)
    monkeypatch.delenv("BOTTRADER_CONFIG")
    Path(".env").write_text("BOTTRADER_CONFIG=third.toml\n")
    assert load_settings().max_exposure == Decimal(777)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_with_a_secret_is_for_its_owner_alone(file: Path, mode: int) -> None:
    text = f'webhook_secret = "{SECRET}"\n'
    file.touch(mode)
    file.chmod(mode)
    faults = faults_of(file, text)
    assert faults == ["bottrader.toml holds webhook_secret, and others may read it: run `chmod 600 bottrader.toml`"]
    file.chmod(0o600)
    secret = load_settings(env_file=None).webhook_secret
    assert secret is not None
    assert secret.get_secret_value() == SECRET


def test_a_file_without_a_secret_may_be_read_by_anybody(file: Path) -> None:
    file.write_text("max_exposure = 900\n")
    file.chmod(0o644)
    assert load_settings(env_file=None).max_exposure == Decimal(900)


def test_every_secret_is_guarded() -> None:
    assert {name for name, field in Settings.model_fields.items() if "SecretStr" in repr(field)} == SECRETS


def test_faults_of_every_source_are_told_together(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("BOTTRADER_NONSENSE", "1")
    monkeypatch.setenv("BOTTRADER_ROC_WINDOW", "many")
    faults = faults_of(file, "max_exposure = 0.5\nsymbol = 'BTC-USD'\n[service]\nlog_level = 'LOUD'\n")
    assert sorted(fault.split(" ")[0].rstrip(":") for fault in faults) == [
        "BOTTRADER_NONSENSE",
        "BOTTRADER_ROC_WINDOW",
        *["bottrader.toml"] * 3,
    ]


def test_two_contradictions_are_told_together() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load_settings({"trailing_activation_pct": "0.02", "rsi_buy_min": "60", "rsi_buy_max": "50"}, None)
    assert len(str(caught.value).splitlines()) == 2


def test_another_order_size_is_what_a_manual_order_gets_and_another_hash(file: Path) -> None:
    """B39, R43: 35 becomes 60 in the file, and the next start sizes a manual order by it."""
    hashes, sizes = [], []
    for amount in (35, 60):
        file.write_text(f"[sizing]\norder_size_fiat = {amount}\n")
        settings = load_settings(env_file=None)
        grant = size_entry(Trigger.MANUAL, None, Decimal(1000), Decimal("0.008"), settings.sizing_rules())
        assert isinstance(grant, Grant)
        sizes.append(grant.granted)
        hashes.append(settings.config_hash())
    assert sizes == [Decimal(35), Decimal(60)]
    assert hashes[0] != hashes[1]

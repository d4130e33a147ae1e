"""Settings: who wins, what is refused, what is never shown."""

from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.config import Mode, Settings, load_settings, variable_name
from bottrader.domain.brackets import BracketRules, FeeSide, StopMode
from bottrader.domain.errors import ConfigInvalid

pytestmark = pytest.mark.component("config_manager")

SECRET = "kept-from-every-eye-0123456789"
DSN = "postgresql://bot:hunter2@db.example/books"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_name(name), raising=False)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def faults_of(**profile: object) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(profile, None)
    return str(caught.value)


def test_the_defaults_are_the_cautious_choice() -> None:
    settings = load_settings(env_file=None)
    assert settings.mode is Mode.PAPER
    assert settings.symbols == ("BTC-USD",)
    assert settings.database_url is None
    assert (settings.webhook_host, settings.webhook_port) == ("127.0.0.1", 5003)
    assert settings.max_value_to_buy == Decimal(250)  # B52
    assert not settings.trailing_stop_enabled


def test_option_beats_environment_beats_file_beats_profile(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    """B282, R42"""
    profile = {"order_size_roc": "1", "order_size_signal": "1", "order_size_webhook": "1", "order_size_fiat": "1"}
    env_file.write_text("BOTTRADER_ORDER_SIZE_SIGNAL=2\nBOTTRADER_ORDER_SIZE_WEBHOOK=2\nBOTTRADER_ORDER_SIZE_FIAT=2\n")
    monkeypatch.setenv("BOTTRADER_ORDER_SIZE_WEBHOOK", "3")
    monkeypatch.setenv("BOTTRADER_ORDER_SIZE_FIAT", "3")
    settings = load_settings(profile, env_file, options={"order_size_fiat": "4"})
    assert [
        settings.order_size_roc,
        settings.order_size_signal,
        settings.order_size_webhook,
        settings.order_size_fiat,
    ] == [Decimal(1), Decimal(2), Decimal(3), Decimal(4)]


def test_the_database_keeps_its_common_name_and_the_same_order(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    def url() -> str | None:
        found = load_settings({"database_url": "postgresql://profile"}, env_file).database_url
        return None if found is None else found.get_secret_value()

    assert url() == "postgresql://profile"
    env_file.write_text("DATABASE_URL=postgresql://file\n")
    assert url() == "postgresql://file"
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment")
    assert url() == "postgresql://environment"


def test_a_file_that_is_not_there_is_no_fault(env_file: Path) -> None:
    assert load_settings(env_file=env_file) == load_settings(env_file=None)


def test_an_unknown_variable_names_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """B281, R57"""
    monkeypatch.setenv("BOTTRADER_ORDER_SIZE_ROK", "5")
    assert faults_of() == (
        "BOTTRADER_ORDER_SIZE_ROK is no setting; the nearest one is BOTTRADER_ORDER_SIZE_ROC. Rename or unset it."
    )


def test_an_unknown_name_in_the_file_is_a_fault_too(env_file: Path) -> None:
    """B281"""
    env_file.write_text("BOTTRADER_MAX_EXPOSRE=5\n")
    with pytest.raises(ConfigInvalid, match=r"BOTTRADER_MAX_EXPOSRE is no setting; .* BOTTRADER_MAX_EXPOSURE"):
        load_settings(env_file=env_file)


@pytest.mark.parametrize("name", ["ORDER_SIZE_ROK", "order_size_rok", "bottrader_order_size_rok"])
def test_a_name_without_its_prefix_or_in_small_letters_is_a_fault_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, env_file: Path, name: str
) -> None:
    """B281, R57"""
    said = r"ORDER_SIZE_ROK is no setting; the nearest one is BOTTRADER_ORDER_SIZE_ROC"
    env_file.write_text(f"{name}=5\n")
    with pytest.raises(ConfigInvalid, match=said):
        load_settings(env_file=env_file)
    monkeypatch.setenv(name, "5")
    with pytest.raises(ConfigInvalid, match=said):
        load_settings(env_file=None)


def test_other_programs_variables_in_the_file_are_none_of_our_business(env_file: Path) -> None:
    env_file.write_text("POSTGRES_PASSWORD=x\nCOMPOSE_PROFILES=paper\n")
    load_settings(env_file=env_file)


def test_all_faults_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTTRADER_ROC_WINDOW", "many")
    monkeypatch.setenv("BOTTRADER_WEBHOOK_PORT", "70000")
    monkeypatch.setenv("BOTTRADER_NONSENSE", "1")
    monkeypatch.setenv("BOTTRADER_SYMBOLS", "btcusd")
    lines = faults_of(order_size_roc="-1").splitlines()
    assert {line.split(":")[0].split(" ")[0] for line in lines} == {
        "BOTTRADER_NONSENSE",
        "BOTTRADER_ROC_WINDOW",
        "BOTTRADER_WEBHOOK_PORT",
        "BOTTRADER_SYMBOLS",
        "BOTTRADER_ORDER_SIZE_ROC",
    }


def test_rules_that_contradict_each_other_are_refused_at_start() -> None:
    """B147: (1 + 0.02) x (1 - 0.02) = 0.9996, so a trail could start below break-even."""
    assert "0.9996" in faults_of(trailing_activation_pct="0.02")
    assert "rsi" in faults_of(rsi_buy_min="60", rsi_buy_max="50").lower()


@pytest.mark.parametrize("value", ["0", "-5"])
def test_a_sell_threshold_is_a_positive_magnitude(value: str) -> None:
    """B171"""
    assert faults_of(roc_5min_sell_threshold=value).startswith("BOTTRADER_ROC_5MIN_SELL_THRESHOLD")


def test_an_amount_is_exact() -> None:
    assert load_settings({"order_size_roc": "15.10"}, None).order_size_roc == Decimal("15.10")
    assert "float" in faults_of(order_size_roc=15.1)
    assert "decimal number" in faults_of(order_size_roc="a lot")
    assert "finite" in faults_of(order_size_roc="NaN")
    assert "finite" in faults_of(order_size_roc="Infinity")


def test_pairs_are_a_list_in_capitals_each_once() -> None:
    assert load_settings({"symbols": " BTC-USD , ETH-USD "}, None).symbols == ("BTC-USD", "ETH-USD")
    for wrong in ("btc-usd", "BTC", "BTC-", "-USD", "BTC/USD", "BTC-USD-X", "", " , ", "BTC-USD,BTC-USD"):
        assert faults_of(symbols=wrong).startswith("BOTTRADER_SYMBOLS: "), wrong


def test_coins_are_spelt_as_the_venue_spells_them() -> None:
    """A HODL rule for `eth` or `ETH-USD` would protect nothing, so it is refused instead of ignored."""
    settings = load_settings({"hodl": "ETH, 1INCH", "shill_coins": ""}, None)
    assert (settings.hodl, settings.shill_coins) == (frozenset({"ETH", "1INCH"}), frozenset())
    for wrong in ("eth", "ETH-USD"):
        assert faults_of(hodl=wrong).startswith("BOTTRADER_HODL: a coin is written in capitals")


def test_secrets_are_never_shown() -> None:
    settings = load_settings({"webhook_secret": SECRET, "database_url": DSN}, None)
    assert settings.webhook_secret is not None
    assert settings.webhook_secret.get_secret_value() == SECRET
    for text in (str(settings.shown()), repr(settings), str(settings)):
        assert SECRET not in text
        assert "hunter2" not in text
    assert settings.shown()["webhook_secret"].strip("*") == ""
    assert settings.shown()["webhook_secret"]


@pytest.mark.parametrize("secret", ["short", "x" * 23, "change-me", "your-secret-here"])
def test_a_short_or_sample_secret_is_refused_without_being_repeated(secret: str) -> None:
    fault = faults_of(webhook_secret=secret)
    assert fault.startswith("BOTTRADER_WEBHOOK_SECRET: a webhook secret has at least 24 characters")
    assert secret not in fault


def test_former_secrets_are_judged_like_the_current_one() -> None:
    good = "a-former-secret-of-this-bot-0001"
    assert load_settings({"webhook_secrets_old": f"{good}, {good[::-1]}"}, None).old_secrets() == (good, good[::-1])
    assert load_settings({"webhook_secrets_old": ""}, None).old_secrets() == ()
    fault = faults_of(webhook_secrets_old=f"{good},short")
    assert fault.startswith("BOTTRADER_WEBHOOK_SECRETS_OLD: a webhook secret has at least 24 characters")
    assert good not in fault


def test_a_secret_that_stands_in_the_documents_is_refused() -> None:
    """Promise P6"""
    assert faults_of(webhook_secret="example-secret-of-24-characters-or-more")
    assert faults_of(webhook_secret="please_CHANGE_ME_please_change_me")


def test_a_secret_of_the_smallest_length_is_taken() -> None:
    load_settings({"webhook_secret": "x" * 24}, None)


def test_faults_beside_a_secret_do_not_repeat_it() -> None:
    fault = faults_of(webhook_secret=SECRET, database_url=DSN, order_size_roc="x")
    assert SECRET not in fault
    assert "hunter2" not in fault


def test_an_empty_variable_is_an_unset_one_where_there_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass unset variables on as empty ones."""
    names = ("webhook_url", "webhook_secret", "exchange_key_name", "exchange_key_file", "database_url")
    for name in names:
        monkeypatch.setenv(variable_name(name), "")
    settings = load_settings(env_file=None)
    assert [getattr(settings, name) for name in names] == [None] * len(names)


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(env_file=None)
    with pytest.raises(ValueError, match="frozen"):
        settings.max_exposure = Decimal(1)


def test_every_setting_is_shown_with_its_value() -> None:
    shown = load_settings({"symbols": "ETH-USD,BTC-USD", "max_exposure": "12.50"}, None).shown()
    assert set(shown) == set(Settings.model_fields)
    assert shown["max_exposure"] == "12.50"
    assert shown["symbols"] == "BTC-USD,ETH-USD"
    assert shown["webhook_url"] == ""
    assert all(Settings.model_fields[name].description for name in shown)


def test_the_hash_follows_every_rule_and_no_secret() -> None:
    """B39, R43"""
    plain = load_settings(env_file=None).config_hash()
    assert load_settings(env_file=None).config_hash() == plain
    assert load_settings({"order_size_fiat": "60"}, None).config_hash() != plain
    with_secret = load_settings({"webhook_secret": SECRET}, None).config_hash()
    assert load_settings({"webhook_secret": SECRET[::-1]}, None).config_hash() == with_secret


def test_the_rules_are_made_of_the_settings() -> None:
    settings = load_settings(
        {
            "order_size_roc": "20",
            "min_order_amount_fiat": "11",
            "max_value_to_buy": "300",
            "max_exposure": "900",
            "max_price_age_s": "45",
            "hard_stop_pct": "0.05",
            "min_profit_pct": "0.04",
            "trailing_stop_enabled": "true",
            "min_hold_seconds": "90",
            "roc_window": "6",
            "cooldown_bars": "3",
        },
        None,
    )
    assert (settings.sizing_rules().order_size_roc, settings.sizing_rules().order_size_min) == (
        Decimal(20),
        Decimal(11),
    )
    limits = settings.risk_limits()
    assert (limits.position_quote_max, limits.exposure_quote_max, limits.price_age_s_max) == (
        Decimal(300),
        Decimal(900),
        45,
    )
    exits = settings.exit_rules()
    assert (exits.hard_stop_pct, exits.take_profit_pct) == (Decimal("0.05"), Decimal("0.04"))
    assert (exits.trailing_enabled, exits.hold_s_min) == (True, 90)
    parameters = settings.strategy_values()
    assert (parameters["roc_window"], parameters["cooldown_candles"]) == (6, 3)


def test_the_matrix_takes_its_parameters_from_their_settings_and_the_others_by_name() -> None:
    settings = load_settings(
        {
            "strategy": "score_matrix",
            "strategy_parameters": " weights.buy_rsi = 1.6, indicators.bb_window=21 ,",
            "score_buy_target": "2.5",
            "cooldown_bars": "3",
        },
        None,
    )
    values = settings.strategy_values()
    assert (values["weights.buy_rsi"], values["indicators.bb_window"]) == ("1.6", "21")
    assert (values["rules.buy_target"], values["rules.cooldown_candles"]) == (Decimal("2.5"), 3)
    assert settings.shown()["strategy_parameters"] == "indicators.bb_window=21,weights.buy_rsi=1.6"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"strategy_parameters": "weights.buy_rsi"},
            "BOTTRADER_STRATEGY_PARAMETERS: parameters are written name=value",
        ),
        ({"strategy_parameters": "weights.moon=1"}, "score_matrix has no parameter 'weights.moon'"),
        ({"strategy_parameters": "weights.buy_rsi=-1"}, "weight buy_rsi is at least 0, was -1"),
        ({"roc_5min_sell_threshold": "-5"}, "BOTTRADER_ROC_5MIN_SELL_THRESHOLD"),
        ({"roc_5min_sell_threshold": "0"}, "BOTTRADER_ROC_5MIN_SELL_THRESHOLD"),
        ({"min_indicators_required": "0"}, "BOTTRADER_MIN_INDICATORS_REQUIRED"),
    ],
    ids=str,
)
def test_a_parameter_of_the_matrix_that_cannot_be_stops_the_start(given: dict[str, str], said: str) -> None:
    """B171, R26, R57"""
    assert said in faults_of(strategy="score_matrix", **given)


@pytest.mark.parametrize("value", ["maybe", "2", ""])
def test_a_switch_is_on_or_off(value: str) -> None:
    assert faults_of(trailing_stop_enabled=value).startswith("BOTTRADER_TRAILING_STOP_ENABLED")


def test_the_log_level_is_one_of_four() -> None:
    assert faults_of(log_level="LOUD").startswith("BOTTRADER_LOG_LEVEL")


def test_a_profile_with_an_unknown_name_is_a_fault() -> None:
    assert "BOTTRADER_ORDER_SIZ_ROC" in faults_of(order_siz_roc="1")


def test_brackets_are_off_and_pay_with_the_defaults() -> None:
    """B65, R24: stop 0.012 and target 0.025, with 0.0015 and 0.008 on top of both, need to win 0.5584 of the time."""
    settings = load_settings({}, None)
    assert not settings.bracket_enabled
    assert settings.bracket_rules() == BracketRules()
    assert load_settings({"bracket_enabled": "true"}, None).bracket_enabled


def test_brackets_that_cannot_pay_are_refused_at_start_with_both_sides() -> None:
    """B66, R24: sl 0.035 and tp 0.025 of which 0.0095 are cushions; the same settings do nothing while they are off."""
    losing = {"stop_mode": "fixed", "stop_loss": "-0.0255", "take_profit": "0.0155"}
    with pytest.raises(ConfigInvalid, match=r"0\.7344 of the time .* target of 0\.0250 .* stop of 0\.0350"):
        load_settings({"bracket_enabled": "true", **losing}, None)
    assert not load_settings(losing, None).bracket_enabled
    # Allowed once so many wins are allowed, or once the fees are lower.
    load_settings({"bracket_enabled": "true", "max_breakeven_win_rate": "0.74", **losing}, None)


def test_the_rules_of_brackets_are_made_of_the_settings() -> None:
    """B59: the sign of the fixed stop says nothing."""
    chosen = {
        "stop_mode": "fixed",
        "stop_min_pct": "0.013",
        "atr_multiplier_stop": "1.9",
        "stop_loss": "-0.02",
        "take_profit": "0.05",
        "roc_sl_multiplier": "2.5",
        "roc_tp_multiplier": "3.5",
        "spread_cushion_pct": "0.002",
        "fee_side": "maker",
        "tp_min_ticks": "4",
        "sl_limit_offset_ticks": "5",
        "spread_to_fee_min": "1.5",
        "prebracket_sigma_ratio": "1.2",
        "min_l1_notional_usd": "300",
    }
    assert load_settings(chosen, None).bracket_rules() == BracketRules(
        stop_mode=StopMode.FIXED,
        stop_min_pct=Decimal("0.013"),
        atr_multiplier_stop=Decimal("1.9"),
        stop_loss_pct=Decimal("0.02"),
        take_profit_pct=Decimal("0.05"),
        roc_sl_multiplier=Decimal("2.5"),
        roc_tp_multiplier=Decimal("3.5"),
        spread_cushion_pct=Decimal("0.002"),
        fee_side=FeeSide.MAKER,
        tp_ticks_min=4,
        sl_limit_offset_ticks=5,
        spread_to_fee_min=Decimal("1.5"),
        sigma_ratio=Decimal("1.2"),
        far_notional_min=Decimal(300),
    )
    with pytest.raises(ConfigInvalid, match="stop_loss_pct is above 0"):
        load_settings({"bracket_enabled": "true", "stop_loss": "0"}, None)

"""One frozen, typed settings object, read once from the environment and an optional `.env` file.

What the command line says wins over the environment, that over the file, and the file over the profile of the command
(R42). Every setting is `BOTTRADER_` plus its name in capitals; `DATABASE_URL` alone keeps its common name. A
`BOTTRADER_` variable that no setting reads is a start-up error that names the nearest one, because a limit with a typo
in its name is a limit that does not hold (R57). All errors are listed together. Secrets are a type that prints as
stars.
"""

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

from bottrader.config_fields import Amount, Coins, Pairing, Pairs, Triggers, Unset, not_a_sample
from bottrader.domain.brackets import BracketRules, FeeSide, StopMode, check_win_rate
from bottrader.domain.errors import BotTraderError, ConfigInvalid
from bottrader.domain.exit_rules import ExitRules
from bottrader.domain.market import FeeRates, ProductId
from bottrader.domain.risk import RiskLimits
from bottrader.domain.signals import Trigger
from bottrader.domain.sizing import SizingRules
from bottrader.domain.strategies import BUILT_IN, plan_strategy

PREFIX = "BOTTRADER_"


class Mode(StrEnum):
    """`paper` trades against a simulated exchange, `live` against Coinbase with real money."""

    PAPER = "paper"
    LIVE = "live"


# The settings that are parameters of a strategy, by the strategy's own names for them.
_SETTING_OF: dict[str, dict[str, str]] = {
    "roc_momentum": {
        **{name: name for name in ("roc_window", "rsi_window", "atr_window", "rsi_buy_min", "rsi_buy_max")},
        "roc_buy_threshold_pct": "roc_5min_buy_threshold",
        "roc_sell_threshold_pct": "roc_5min_sell_threshold",
        "cooldown_candles": "cooldown_bars",
    },
    "score_matrix": {
        **{f"indicators.{name}": name for name in ("roc_window", "rsi_window", "atr_window")},
        "rules.buy_target": "score_buy_target",
        "rules.sell_target": "score_sell_target",
        "rules.indicators_min": "min_indicators_required",
        "rules.flip_hysteresis": "flip_hysteresis_pct",
        "rules.cooldown_candles": "cooldown_bars",
        "rules.allow_buys_on_red_day": "allow_buys_on_red_day",
        "rules.roc_buy_threshold_pct": "roc_5min_buy_threshold",
        "rules.roc_sell_threshold_pct": "roc_5min_sell_threshold",
        "rules.momentum_rsi_min": "rsi_buy_min",
        "rules.momentum_rsi_max": "rsi_buy_max",
    },
}


class Settings(BaseSettings):
    """Everything that can be set; defaults are the cautious choice, amounts are in quote currency."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True)

    mode: Mode = Field(Mode.PAPER, description="paper: simulated exchange; live: real money")
    symbols: Pairs = Field((ProductId("BTC-USD"),), description="pairs to trade, separated by commas")
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("bottrader")),
        description="where the embedded database, paper sessions and reports live",
    )
    database_url: Annotated[SecretStr | None, Unset] = Field(
        None, validation_alias="DATABASE_URL", description="a Postgres server; without it an embedded one is started"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR")

    exchange_rest_url: str = Field("https://api.coinbase.com", description="origin of the exchange's REST API")
    exchange_market_ws_url: str = Field(
        "wss://advanced-trade-ws.coinbase.com", description="market data WebSocket of the exchange"
    )
    exchange_user_ws_url: str = Field(
        "wss://advanced-trade-ws-user.coinbase.com", description="user WebSocket of the exchange"
    )
    exchange_key_name: Annotated[str | None, Unset] = Field(
        None, description="name of the API key, for a bare PEM file: organizations/…/apiKeys/…"
    )
    exchange_key_file: Annotated[Path | None, Unset] = Field(
        None, description="the API key's file: Coinbase's JSON, or PEM with the name"
    )

    webhook_host: str = Field("127.0.0.1", description="address the webhook listens on")
    webhook_port: int = Field(5003, ge=0, le=65535, description="port the webhook listens on; 0 takes a free one")
    webhook_url: Annotated[str | None, Unset] = Field(
        None, description="where sighook delivers; default: the host and port above"
    )
    webhook_secret: Annotated[Annotated[SecretStr, AfterValidator(not_a_sample)] | None, Unset] = Field(
        None, description="shared HMAC secret of sighook and webhook, at least 24 characters"
    )
    signal_ttl_s: int = Field(30, gt=0, description="seconds a signal may be acted on")
    reconcile_interval_s: int = Field(300, gt=0, description="seconds of venue time between reconciliations")

    order_size_roc: Amount = Field(Decimal(15), gt=0, description="size of a momentum entry")
    order_size_signal: Amount = Field(Decimal(15), gt=0, description="size of an entry by signal or score")
    order_size_webhook: Amount = Field(Decimal(15), gt=0, description="size of an entry by an outside sender")
    order_size_fiat: Amount = Field(Decimal(35), gt=0, description="size of a manual order")
    min_order_amount_fiat: Amount = Field(Decimal(10), gt=0, description="smallest entry")
    max_value_to_buy: Amount = Field(Decimal(250), gt=0, description="largest position in one pair")
    max_exposure: Amount = Field(Decimal(1000), gt=0, description="largest sum of all positions")
    max_position_equity_pct: Amount = Field(
        Decimal("0.25"), gt=0, le=1, description="largest position in one pair as a share of equity"
    )
    max_exposure_equity_pct: Amount = Field(
        Decimal("0.80"), gt=0, le=1, description="largest sum of all positions as a share of equity"
    )
    max_daily_loss: Amount = Field(
        Decimal(50), gt=0, description="loss of a UTC day, realized and unrealized, that stops entries"
    )
    daily_loss_flattens: bool = Field(False, description="sell everything when the day's loss is reached")
    max_losses_in_row: int = Field(5, ge=0, description="losing trades in a row after which entries rest; 0: never")
    cool_off_s: int = Field(3600, ge=0, description="seconds entries rest after a losing run")
    max_orders_per_minute: int = Field(30, gt=0, description="orders within a minute after which entries wait")
    max_refusals_per_minute: int = Field(
        5, gt=0, description="refusals by the exchange within a minute after which entries wait"
    )
    max_price_age_s: int = Field(60, gt=0, description="seconds after which a price is too old to act on")
    price_jump_max_pct: Amount = Field(
        Decimal("0.1"), gt=0, lt=1, description="a price that jumps further waits for a second one that agrees"
    )
    min_sell_value: Amount = Field(Decimal("1.01"), ge=0, description="smallest value that is sold; less is dust")
    entry_slippage_pct: Amount = Field(Decimal("0.002"), ge=0, lt=1, description="an entry pays at most ask x (1 + it)")
    entry_needs_range: bool = Field(
        True, description="buy only what has 15 candles; false suits a simulated market that is moved by hand"
    )
    hodl: Coins = Field(frozenset(), description="coins that are never sold, separated by commas")
    shill_coins: Coins = Field(frozenset(), description="coins that are never bought, separated by commas")

    strategy: str = Field("roc_momentum", description="roc_momentum, score_matrix, or one that another package offers")
    strategy_parameters: Pairing = Field(
        default_factory=dict, description="any further parameters of the strategy: name=value, separated by commas"
    )
    roc_window: int = Field(5, gt=0, description="candles over which the rate of change is taken")
    roc_5min_buy_threshold: Amount = Field(Decimal(10), gt=0, description="rate of change in percent that buys")
    roc_5min_sell_threshold: Amount = Field(
        Decimal(10), gt=0, description="fall in percent that sells, a positive magnitude"
    )
    rsi_window: int = Field(14, gt=0, description="candles of the relative strength index")
    rsi_buy_min: Amount = Field(Decimal(45), ge=0, le=100, description="lowest RSI at which momentum buys")
    rsi_buy_max: Amount = Field(Decimal(55), ge=0, le=100, description="highest RSI at which momentum buys")
    atr_window: int = Field(14, gt=0, description="candles of the average true range")
    cooldown_bars: int = Field(7, ge=0, description="candles after a decision in which no other follows")

    score_buy_target: Amount = Field(Decimal("5.5"), gt=0, description="score that buys, of 12.2")
    score_sell_target: Amount = Field(Decimal("5.5"), gt=0, description="score that sells, of 12.2")
    min_indicators_required: int = Field(3, gt=0, description="indicators of a side that have to fire for a signal")
    flip_hysteresis_pct: Amount = Field(
        Decimal("0.10"), ge=0, description="how much more than its target a score needs to turn the last side"
    )
    allow_buys_on_red_day: bool = Field(True, description="let the score matrix buy below the price of 24 hours ago")

    hard_stop_pct: Amount = Field(Decimal("0.05"), gt=0, lt=1, description="net loss that leaves at the market, always")
    max_loss_pct: Amount = Field(
        Decimal("0.025"), gt=0, lt=1, description="net loss of the soft stop, which sells near the bid"
    )
    soft_stop_market_pct: Amount = Field(
        Decimal("0.03"), gt=0, lt=1, description="net loss from which the soft stop sells at the market"
    )
    min_profit_pct: Amount = Field(Decimal("0.035"), gt=0, lt=1, description="net profit that is taken")
    trailing_stop_enabled: bool = Field(False, description="let profits run behind a trailing stop instead")
    trailing_activation_pct: Amount = Field(Decimal("0.035"), gt=0, lt=1, description="net profit that starts a trail")
    trailing_stop_atr_mult: Amount = Field(Decimal(2), gt=0, description="distance of the trail in ATRs")
    trailing_min_distance_pct: Amount = Field(Decimal("0.01"), gt=0, lt=1, description="smallest trail distance")
    trailing_max_distance_pct: Amount = Field(Decimal("0.02"), gt=0, lt=1, description="largest trail distance")
    signal_exit_enabled: bool = Field(True, description="let a sell signal end a position that has gained")
    signal_exit_min_profit_pct: Amount = Field(
        Decimal("0.01"), ge=0, lt=1, description="net profit a signal exit takes"
    )
    min_hold_seconds: int = Field(60, ge=0, description="seconds a position is held before a signal exit")
    max_hold_minutes: int = Field(0, ge=0, description="minutes after which a position is sold; 0: never")
    peak_tracking_enabled: bool = Field(False, description="let momentum positions run until they fall from their peak")
    peak_tracking_triggers: Triggers = Field(
        frozenset({Trigger.ROC_MOMO, Trigger.ROC_MOMO_OVERRIDE, Trigger.ROC}),
        description="triggers whose positions are tracked, separated by commas",
    )
    peak_tracking_min_profit_pct: Amount = Field(
        Decimal("0.06"), gt=0, lt=1, description="net profit that starts the tracking, for good"
    )
    peak_tracking_drawdown_pct: Amount = Field(
        Decimal("0.05"), gt=0, lt=1, description="fall of the smoothed price from its peak that sells"
    )
    peak_tracking_smoothing_mins: int = Field(5, ge=0, description="minutes the price is smoothed over")
    peak_tracking_max_hold_mins: int = Field(
        1440, ge=0, description="minutes after which a tracked position is sold; 0: never"
    )

    bracket_enabled: bool = Field(False, description="rest a bracket at the exchange around every position")
    stop_mode: StopMode = Field(StopMode.ATR, description="measure a bracket's stop by atr, or fixed")
    stop_min_pct: Amount = Field(
        Decimal("0.012"), gt=0, lt=1, description="smallest stop distance by ATR, cushions extra"
    )
    atr_multiplier_stop: Amount = Field(Decimal("1.8"), gt=0, description="stop distance in ATRs")
    stop_loss: Amount = Field(
        Decimal("-0.01"), gt=-1, lt=1, description="fixed stop distance; its sign does not matter"
    )
    take_profit: Amount = Field(Decimal("0.025"), gt=0, lt=1, description="target of a bracket, cushions extra")
    roc_sl_multiplier: Amount = Field(Decimal(2), gt=0, description="stop distance of momentum entries times this")
    roc_tp_multiplier: Amount = Field(Decimal(3), gt=0, description="target of momentum entries times this")
    spread_cushion_pct: Amount = Field(
        Decimal("0.0015"), ge=0, lt=1, description="spread to reckon with without a book"
    )
    fee_side: FeeSide = Field(FeeSide.TAKER, description="fee in a bracket's cushion: taker or maker")
    tp_min_ticks: int = Field(3, ge=0, description="ticks that a target keeps from the ask")
    sl_limit_offset_ticks: int = Field(2, ge=0, description="ticks from a stop to its limit")
    spread_to_fee_min: Amount = Field(
        Decimal(2), ge=0, description="spread over fees below which a bracket is doubtful"
    )
    prebracket_sigma_ratio: Amount = Field(
        Decimal(1), gt=0, description="price deviation over target distance above which a bracket is doubtful"
    )
    min_l1_notional_usd: Amount = Field(
        Decimal(250), ge=0, description="value at the best ask below which a bracket is doubtful"
    )
    max_breakeven_win_rate: Amount = Field(
        Decimal("0.60"), gt=0, le=1, description="share of trades that brackets may have to win to break even"
    )
    maker_fee: Amount = Field(Decimal("0.004"), ge=0, lt=1, description="maker fee rate for checks before the start")
    taker_fee: Amount = Field(Decimal("0.008"), ge=0, lt=1, description="taker fee rate for checks before the start")

    def bracket_rules(self) -> BracketRules:
        """Return how positions are bracketed; raises `ConfigInvalid` when that could not pay (B66)."""
        rules = BracketRules(
            stop_mode=self.stop_mode,
            stop_min_pct=self.stop_min_pct,
            atr_multiplier_stop=self.atr_multiplier_stop,
            stop_loss_pct=abs(self.stop_loss),
            take_profit_pct=self.take_profit,
            roc_sl_multiplier=self.roc_sl_multiplier,
            roc_tp_multiplier=self.roc_tp_multiplier,
            spread_cushion_pct=self.spread_cushion_pct,
            fee_side=self.fee_side,
            tp_ticks_min=self.tp_min_ticks,
            sl_limit_offset_ticks=self.sl_limit_offset_ticks,
            spread_to_fee_min=self.spread_to_fee_min,
            sigma_ratio=self.prebracket_sigma_ratio,
            far_notional_min=self.min_l1_notional_usd,
        )
        check_win_rate(rules, FeeRates(self.maker_fee, self.taker_fee), self.max_breakeven_win_rate)
        return rules

    def sizing_rules(self) -> SizingRules:
        return SizingRules(
            order_size_roc=self.order_size_roc,
            order_size_signal=self.order_size_signal,
            order_size_webhook=self.order_size_webhook,
            order_size_fiat=self.order_size_fiat,
            order_size_min=self.min_order_amount_fiat,
        )

    def risk_limits(self) -> RiskLimits:
        return RiskLimits(
            position_quote_max=self.max_value_to_buy,
            exposure_quote_max=self.max_exposure,
            price_age_s_max=self.max_price_age_s,
            position_equity_pct_max=self.max_position_equity_pct,
            exposure_equity_pct_max=self.max_exposure_equity_pct,
            daily_loss_quote_max=self.max_daily_loss,
            daily_loss_flattens=self.daily_loss_flattens,
            losses_in_row_max=self.max_losses_in_row,
            cool_off_s=self.cool_off_s,
            orders_per_minute_max=self.max_orders_per_minute,
            refusals_per_minute_max=self.max_refusals_per_minute,
        )

    def exit_rules(self) -> ExitRules:
        return ExitRules(
            hard_stop_pct=self.hard_stop_pct,
            soft_stop_pct=self.max_loss_pct,
            soft_stop_market_pct=self.soft_stop_market_pct,
            take_profit_pct=self.min_profit_pct,
            trailing_enabled=self.trailing_stop_enabled,
            trailing_activation_pct=self.trailing_activation_pct,
            trailing_atr_mult=self.trailing_stop_atr_mult,
            trailing_distance_min_pct=self.trailing_min_distance_pct,
            trailing_distance_max_pct=self.trailing_max_distance_pct,
            signal_exit_enabled=self.signal_exit_enabled,
            signal_exit_min_profit_pct=self.signal_exit_min_profit_pct,
            hold_s_min=self.min_hold_seconds,
            hold_s_max=60 * self.max_hold_minutes,
            peak_enabled=self.peak_tracking_enabled,
            peak_triggers=self.peak_tracking_triggers,
            peak_activation_pct=self.peak_tracking_min_profit_pct,
            peak_drawdown_pct=self.peak_tracking_drawdown_pct,
            peak_smoothing_s=60 * self.peak_tracking_smoothing_mins,
            peak_hold_s_max=60 * self.peak_tracking_max_hold_mins,
            price_age_s_max=self.max_price_age_s,
        )

    def strategy_values(self) -> dict[str, Any]:
        """Return the parameters of the chosen strategy by name: those with a setting of their own, then the others."""
        named = {parameter: getattr(self, setting) for parameter, setting in _SETTING_OF.get(self.strategy, {}).items()}
        return named | self.strategy_parameters

    def shown(self) -> dict[str, str]:
        """Return every setting as text, in order of definition, secrets as stars."""
        return {name: _show(getattr(self, name)) for name in type(self).model_fields}

    def config_hash(self) -> str:
        """Return a hash of every setting that is not a secret; two processes with equal rules show equal hashes."""
        canonical = json.dumps(self.shown(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def variable_name(setting: str) -> str:
    """Return the environment variable of a setting."""
    return "DATABASE_URL" if setting == "database_url" else PREFIX + setting.upper()


def load_settings(
    profile: Mapping[str, Any] | None = None,
    env_file: Path | None = Path(".env"),
    *,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings from command-line options, environment, file and profile, in that order of precedence.

    Raises:
        ConfigInvalid: one sentence for each thing that is wrong, all of them together.
    """
    written = {} if env_file is None else _by_variable(DotEnvSettingsSource(Settings, env_file=env_file)())
    given = _by_variable(EnvSettingsSource(Settings)())
    known = {variable_name(name): name for name in Settings.model_fields}
    unknown = {name for name in (*os.environ, *written) if name.startswith(PREFIX) and name not in known}
    faults = [_unknown(name) for name in sorted(unknown)]
    values: dict[str, Any] = dict(profile or {})
    for source in (written, given):
        values |= {known[name]: value for name, value in source.items() if name in known}
    values |= options or {}
    try:
        settings = Settings(**values)
        _check_rules(settings)
    except ValidationError as error:
        faults += [_sentence(detail) for detail in error.errors()]
    except BotTraderError as error:
        faults.append(str(error))
    if faults:
        raise ConfigInvalid("\n".join(faults))
    return settings


def _check_rules(settings: Settings) -> None:
    """Build every rule once, so that settings which only contradict each other are refused here too."""
    settings.sizing_rules()
    settings.risk_limits()
    settings.exit_rules()
    # What another package offers is judged when it has been found.
    if settings.strategy in BUILT_IN:
        plan_strategy(settings.strategy, settings.strategy_values())
    if settings.bracket_enabled:
        settings.bracket_rules()


def _by_variable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's values under the names of their variables; it knows some by setting, some by variable."""
    return {
        variable_name(name) if name in Settings.model_fields else name.upper(): value for name, value in values.items()
    }


def _unknown(name: str) -> str:
    known = [variable_name(setting) for setting in Settings.model_fields]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"{name} is no setting; the nearest one is {nearest[0]}. Rename or unset it."


def _sentence(detail: Any) -> str:  # pydantic's ErrorDetails, whose type is not public
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    field = "database_url" if name == "DATABASE_URL" else name
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{variable_name(field)}: {message[:1].lower()}{message[1:]}"


def _show(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return str(value)
        case tuple() | frozenset():
            return ",".join(sorted(str(item) for item in value))
        case dict():
            return ",".join(f"{name}={value[name]}" for name in sorted(value))
        case _:
            return str(value)

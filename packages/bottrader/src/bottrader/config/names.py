"""How settings are called, and what a name that is none of them most likely means.

A limit with a typo in its name is a limit that does not hold, and so is one under a name that nobody reads (R57). So a
`BOTTRADER_` variable and a key of the TOML file that is no setting stop the start. Without the prefix nothing is read;
a bare name that begins like a setting of this bot, such as `ORDER_SIZE_ROK`, stops the start too. Other bare names
belong to other programs.
"""

import difflib
from collections.abc import Callable, Collection

PREFIX = "BOTTRADER_"
CONFIG_VARIABLE = "BOTTRADER_CONFIG"
DATABASE_VARIABLE = "DATABASE_URL"
GIT_SHA_VARIABLE = "BOTTRADER_GIT_SHA"
"""Says which commit an image was built from; no setting, since it decides nothing."""

# Beginnings that only a trading bot's names have; LOG_LEVEL or MODE without prefix may be anybody's.
FAMILIES = (
    *("ORDER_SIZE_", "MIN_ORDER_", "MIN_BUY_", "MIN_SELL_", "MAX_VALUE_TO_", "MAX_EXPOSURE", "MAX_DAILY_LOSS"),
    *("HODL", "SHILL_COINS", "EXCLUDED_SYMBOLS", "PERMANENT_EXCLUSIONS"),
    *("ROC_", "RSI_", "ATR_", "SCORE_BUY_", "SCORE_SELL_", "MIN_INDICATORS_", "FLIP_HYSTERESIS_", "COOLDOWN_BARS"),
    *("HARD_STOP", "MAX_LOSS_", "SOFT_STOP", "MIN_PROFIT_", "TRAILING_", "SIGNAL_EXIT_", "PEAK_TRACKING_", "MIN_HOLD_"),
    *("STOP_MODE", "STOP_MIN_", "STOP_LOSS", "TAKE_PROFIT", "SPREAD_CUSHION_", "MAKER_FEE", "TAKER_FEE"),
    *("REPORT_SENDER", "REPORT_RECIPIENTS"),
)

# Names of the earlier bot whose setting is called otherwise now.
RENAMED = {"min_buy_value": "min_order_amount_fiat"}

# Names of the earlier bot whose unit or meaning was disputed, or that nothing read, with what replaces them.
RETIRED = {
    "min_cooldown": "its unit was disputed; BOTTRADER_COOLDOWN_BARS counts candles",
    "trailing_stop": "BOTTRADER_TRAILING_STOP_ENABLED turns a trail on, BOTTRADER_TRAILING_STOP_ATR_MULT is its width",
    "trailing_limit": "BOTTRADER_TRAILING_MAX_DISTANCE_PCT is the largest distance of a trail",
    "trailing_percentage": "BOTTRADER_TRAILING_MIN_DISTANCE_PCT and BOTTRADER_TRAILING_MAX_DISTANCE_PCT bound a trail",
    "bb_lower_band": "a band has one width, in standard deviations: BOTTRADER_STRATEGY_PARAMETERS=indicators.bb_std=2",
    "bb_upper_band": "a band has one width, in standard deviations: BOTTRADER_STRATEGY_PARAMETERS=indicators.bb_std=2",
    "starting_equity_usd": "nothing replaces it; equity is read from the account",
    "fifo_allocation_version": "nothing replaces it; profits are always reckoned by the newest rules",
}


def variable_name(setting: str) -> str:
    """Return the environment variable of a setting."""
    return DATABASE_VARIABLE if setting == "database_url" else PREFIX + setting.upper()


def variable_faults(given: Collection[str], settings: Collection[str]) -> list[str]:
    """Return one sentence for each variable of `given` that looks like a setting and is none of `settings`."""
    known = {variable_name(setting) for setting in settings} | {CONFIG_VARIABLE, GIT_SHA_VARIABLE}
    named = {setting for setting in settings if variable_name(setting) in given}
    return [
        fault_of_name(name, name.removeprefix(PREFIX).lower(), settings, named)
        for name in sorted(given)
        if name not in known and _is_meant(name)
    ]


def _is_meant(variable: str) -> bool:
    bare = variable.lower()
    return variable.startswith((PREFIX, *FAMILIES)) or bare in RETIRED or bare in RENAMED


def fault_of_name(
    shown: str,
    name: str,
    settings: Collection[str],
    given: Collection[str],
    spelled: Callable[[str], str] = variable_name,
) -> str:
    """Return what is wrong with `name`, which is no setting as it is written.

    `shown` is how it is written, `given` are the settings beside it, `spelled` writes a setting in the same style.
    """
    if name in RETIRED:
        return f"{shown} is retired: {RETIRED[name]}. Unset it."
    if name in RENAMED:
        new = spelled(RENAMED[name])
        if RENAMED[name] in given:
            return f"{shown} and {new} are both set and are one setting; unset {shown}."
        return f"{shown} is called {new} now. Rename or unset it."
    if name in settings:
        return f"{shown} is read by nobody when written so; write {spelled(name)}, or unset it."
    nearest = difflib.get_close_matches(name, settings, n=1, cutoff=0.0)[0]
    return f"{shown} is no setting; the nearest one is {spelled(nearest)}. Rename or unset it."

"""Names that are no settings: typed wrongly, without the prefix, retired, or twice under two names."""

import pytest

from bottrader.config import Settings
from bottrader.config.names import RENAMED, RETIRED, variable_faults

KNOWN = list(Settings.model_fields)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        # Without the prefix nobody reads it, however it is spelt.
        (["ORDER_SIZE_ROK"], "ORDER_SIZE_ROK is no setting; the nearest one is BOTTRADER_ORDER_SIZE_ROC."),
        (["ORDER_SIZE_ROC"], "ORDER_SIZE_ROC is read by nobody when written so; write BOTTRADER_ORDER_SIZE_ROC"),
        (["HODL"], "HODL is read by nobody when written so; write BOTTRADER_HODL"),
        (["BOTTRADER_ORDER_SIZE_ROK"], "BOTTRADER_ORDER_SIZE_ROK is no setting; the nearest one is BOTTRADER_ORDER_"),
        (["BOTTRADER_DATABASE_URL"], "write DATABASE_URL, or unset it"),
        (
            ["BOTTRADER_MIN_COOLDOWN"],
            "BOTTRADER_MIN_COOLDOWN is retired: its unit was disputed; BOTTRADER_COOLDOWN_BARS",
        ),
        (
            ["STARTING_EQUITY_USD"],
            "STARTING_EQUITY_USD is retired: nothing replaces it; equity is read from the account",
        ),
        (["MIN_BUY_VALUE"], "MIN_BUY_VALUE is called BOTTRADER_MIN_ORDER_AMOUNT_FIAT now. Rename or unset it."),
        (
            ["BOTTRADER_MIN_BUY_VALUE", "BOTTRADER_MIN_ORDER_AMOUNT_FIAT"],
            "BOTTRADER_MIN_BUY_VALUE and BOTTRADER_MIN_ORDER_AMOUNT_FIAT are both set and are one setting;",
        ),
    ],
)
def test_a_name_that_nobody_reads_is_one_sentence_that_says_what_to_do(given: list[str], said: str) -> None:
    """B281, R57"""
    faults = variable_faults(given, KNOWN)
    assert len(faults) == 1
    assert faults[0].startswith(said) or said in faults[0]


@pytest.mark.parametrize(
    "name", ["MODE", "LOG_LEVEL", "SYMBOLS", "PATH", "ROCM_PATH", "POSTGRES_PASSWORD", "MIN_HEAP", "DATABASE_URL"]
)
def test_other_programs_variables_are_none_of_our_business(name: str) -> None:
    assert variable_faults([name], KNOWN) == []


@pytest.mark.parametrize(
    "name",
    [
        *("MIN_COOLDOWN", "TRAILING_STOP", "TRAILING_LIMIT", "BB_LOWER_BAND", "BB_UPPER_BAND"),
        *("STARTING_EQUITY_USD", "FIFO_ALLOCATION_VERSION"),
    ],
)
def test_a_retired_name_is_refused_with_and_without_the_prefix(name: str) -> None:
    """R57: a name whose meaning was disputed is set by somebody who believes that it does something."""
    for variable in (name, f"BOTTRADER_{name}"):
        assert variable_faults([variable], KNOWN)[0].startswith(f"{variable} is retired: ")


def test_what_replaces_an_earlier_name_is_a_setting() -> None:
    assert set(RENAMED.values()) <= set(KNOWN)
    assert not {*RETIRED, *RENAMED} & set(KNOWN)
    named = {word.strip(",;:=").split("=")[0] for text in RETIRED.values() for word in text.split()}
    assert {word for word in named if word.startswith("BOTTRADER_")} <= {f"BOTTRADER_{name.upper()}" for name in KNOWN}

"""Strategies of other packages, as an installer leaves them on the path, and what a process decides by."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bottrader.bootstrap.strategies import decision_basis, find_strategies
from bottrader.config import Settings
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.money import Price
from bottrader.domain.signals import Action
from bottrader.domain.strategies import BUILT_IN
from bottrader.domain.strategy import Decision
from tests.unit.domain.examples import candle

PAGE = Path(__file__).parents[3] / "docs" / "strategies.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, as site-packages is; modules imported from it are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(folder: Path, module: str, source: str, offers: str, *, package: str = "") -> None:
    """Put a distribution there: its module, and the metadata that names its entry point."""
    (folder / f"{module}.py").write_text(source)
    metadata = folder / f"{package or module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package or module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[bottrader.strategies]\n{offers}\n")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def settings(**given: Any) -> Settings:
    return Settings(**given)


def test_the_example_of_the_page_is_found_made_and_decides(installed: Path) -> None:
    """From 100 to 97 is a fall of 3 %; with dip_pct=2.5 a fall of 2.6 % is enough and one of 2.4 % is not."""
    (source,) = blocks("python")
    (entry,) = blocks("toml")
    assert len([line for line in source.splitlines() if line and not line.startswith("#")]) <= 20
    group, offers = entry.strip().splitlines()
    assert group == '[project.entry-points."bottrader.strategies"]'
    install(installed, "dip_buyer", source, offers.replace('"', ""))
    basis = decision_basis(settings(strategy="dip_buyer", strategy_parameters="dip_pct=2.5"))
    strategy = basis.plan.make()
    assert strategy.warmup_candles == 1

    def fallen(close: str) -> Decision | None:
        falling = replace(candle(0, "100", low=close), close=Price(Decimal(close)))
        decided = strategy.on_candle(falling, None)
        assert decided is None or isinstance(decided, Decision)
        return decided

    bought = fallen("97.4")
    assert bought is not None
    assert (bought.action, bought.note) == (Action.BUY, "fell 2.60 %")
    assert fallen("97.6") is None
    assert basis.snapshot.strategy == "dip_buyer"
    assert '"dip_pct":"2.5"' in basis.snapshot.parameters


def test_only_the_package_that_is_asked_for_is_imported(installed: Path) -> None:
    install(installed, "broken_strategy", "raise RuntimeError('imported')", "broken = broken_strategy:Broken")
    assert find_strategies("score_matrix") == BUILT_IN


def test_an_unknown_strategy_is_refused_with_all_that_are_there(installed: Path) -> None:
    install(installed, "other_strategy", "", "other = other_strategy:Other")
    with pytest.raises(
        ConfigInvalid, match="one of: other, passive_market_making, roc_momentum, score_matrix; was 'moon'"
    ):
        decision_basis(settings(strategy="moon"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere_at_all", "cannot be loaded from lame_strategy:Lame: No module named 'nowhere_at_all'"),
        ("", "cannot be loaded from lame_strategy:Lame"),
        ("Lame = 5", "is no strategy: it is a class with on_candle and Parameters, a dataclass"),
        ("class Lame:\n    Parameters = int\n    def on_candle(self, candle, last): ...", "is no strategy"),
        ("class Lame:\n    pass", "is no strategy"),
    ],
    ids=["import", "attribute", "number", "parameters", "method"],
)
def test_what_is_no_strategy_is_refused_in_one_sentence(installed: Path, source: str, said: str) -> None:
    install(installed, "lame_strategy", source, "lame = lame_strategy:Lame")
    with pytest.raises(ConfigInvalid) as refused:
        find_strategies("lame")
    assert said in str(refused.value)


def test_a_name_that_two_packages_offer_is_refused(installed: Path) -> None:
    for package in ("one", "two"):
        install(installed, f"{package}_strategy", "", f"same = {package}_strategy:Same", package=package)
    with pytest.raises(ConfigInvalid, match="more than one package: one, two; remove all but one"):
        find_strategies("same")


def test_the_parameters_of_another_package_are_checked_by_name(installed: Path) -> None:
    """R57"""
    (source,) = blocks("python")
    install(installed, "dip_buyer", source, "dip_buyer = dip_buyer:DipBuyer")
    with pytest.raises(ConfigInvalid, match="dip_buyer has no parameter 'dip', its parameters are dip_pct"):
        decision_basis(settings(strategy="dip_buyer", strategy_parameters="dip=2"))


BASE = {"strategy": "score_matrix"}
DECIDED_BY = {
    "bracket_enabled": True,
    "strategy": "roc_momentum",
    "strategy_parameters": "weights.buy_rsi=1.6",
    "signal_ttl_s": 31,
    "order_size_roc": "16",
    "order_size_signal": "16",
    "order_size_webhook": "16",
    "order_size_fiat": "36",
    "min_order_amount_fiat": "11",
    "max_value_to_buy": "251",
    "max_exposure": "1001",
    "max_price_age_s": 61,
    "entry_slippage_pct": "0.003",
    "hodl": "BTC",
    "shill_coins": "DOGE",
    "roc_window": 6,
    "rsi_window": 15,
    "atr_window": 15,
    "roc_5min_buy_threshold": "11",
    "roc_5min_sell_threshold": "11",
    "rsi_buy_min": "46",
    "rsi_buy_max": "54",
    "cooldown_bars": 8,
    "score_buy_target": "5.6",
    "score_sell_target": "5.6",
    "min_indicators_required": 4,
    "flip_hysteresis_pct": "0.11",
    "allow_buys_on_red_day": False,
    "hard_stop_pct": "0.046",
    "min_profit_pct": "0.036",
    "trailing_stop_enabled": True,
    "trailing_activation_pct": "0.036",
    "trailing_stop_atr_mult": "2.1",
    "trailing_min_distance_pct": "0.011",
    "trailing_max_distance_pct": "0.021",
    "signal_exit_min_profit_pct": "0.011",
    "min_hold_seconds": 61,
    "order_size_passive": "33",
    "min_spread_pct": "0.0003",
    "edge_buffer_pct": "0.0001",
    "passive_ignore_fees_for_spread": True,
    "max_lifetime": 601,
    "inventory_bias_factor": "0.2",
    "min_quote_volume": "5",
    "passive_needs_history": False,
}


@pytest.mark.parametrize("name", DECIDED_BY)
def test_every_setting_that_is_decided_by_changes_the_snapshot(name: str) -> None:
    """B279, R79: weights and thresholds, and take profit, stop, sizes and limits as well."""
    before = decision_basis(settings(**BASE)).snapshot
    after_ = decision_basis(settings(**{**BASE, name: DECIDED_BY[name]})).snapshot
    assert after_.content_hash != before.content_hash


BRACKETS = {
    "take_profit": "0.026",
    "stop_min_pct": "0.013",
    "stop_mode": "fixed",
    "atr_multiplier_stop": "1.9",
    "fee_side": "maker",
    "prebracket_sigma_ratio": "1.1",
}


@pytest.mark.parametrize("name", BRACKETS)
def test_every_setting_of_a_bracket_changes_the_snapshot(name: str) -> None:
    """B279, R79: TAKE_PROFIT among them."""
    base = {**BASE, "bracket_enabled": True, "max_breakeven_win_rate": "1"}
    before = decision_basis(settings(**base)).snapshot
    after_ = decision_basis(settings(**{**base, name: BRACKETS[name]})).snapshot
    assert after_.content_hash != before.content_hash


def test_what_nothing_is_decided_by_leaves_the_snapshot_alone() -> None:
    before = decision_basis(settings(**BASE)).snapshot
    after_ = decision_basis(settings(**BASE, webhook_port=5004, log_level="DEBUG", data_dir="elsewhere")).snapshot
    assert after_ == before


def test_quotes_and_brackets_are_not_both_allowed_to_hold_the_coins() -> None:
    """S5"""
    with pytest.raises(ConfigInvalid, match="BOTTRADER_BRACKET_ENABLED to false"):
        decision_basis(settings(strategy="passive_market_making", bracket_enabled=True))


def test_a_setting_reaches_the_quotes() -> None:
    basis = decision_basis(settings(strategy="passive_market_making", max_lifetime=60, maker_fee="0.001"))
    assert basis.plan.parameters.rules == basis.rules.passive
    assert (basis.rules.passive.lifetime_s, basis.plan.parameters.maker_rate) == (60, Decimal("0.001"))


def test_a_setting_reaches_the_matrix() -> None:
    basis = decision_basis(settings(**BASE, score_buy_target="2.5", strategy_parameters="weights.buy_rsi=9"))
    assert basis.plan.parameters.rules.buy_target == Decimal("2.5")
    assert basis.plan.parameters.weights.buy_rsi == Decimal(9)

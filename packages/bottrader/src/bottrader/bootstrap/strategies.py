"""The strategy of a process: found by name, made from settings, frozen with every rule around it."""

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from importlib.metadata import EntryPoint, entry_points

from bottrader.app.trading_rules import TradingRules
from bottrader.config import Settings
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.strategies import BUILT_IN, StrategyPlan, StrategyType, plan_strategy
from bottrader.domain.strategy import StrategySnapshot, freeze_parameters

PASSIVE = "passive_market_making"
GROUP = "bottrader.strategies"


@dataclass(frozen=True, slots=True)
class DecisionBasis:
    """All that a process decides by; the snapshot covers the strategy and the rules for size, risk and exit (R79)."""

    plan: StrategyPlan
    rules: TradingRules
    snapshot: StrategySnapshot


def decision_basis(settings: Settings) -> DecisionBasis:
    """Return what these settings decide by; raises `ConfigInvalid` for a strategy that is not there or not whole."""
    plan = plan_strategy(settings.strategy, settings.strategy_values(), find_strategies(settings.strategy))
    if plan.name == PASSIVE and settings.bracket_enabled:
        raise ConfigInvalid(
            f"{PASSIVE} offers what it bought itself, and a bracket would hold the coins; set BOTTRADER_BRACKET_ENABLED"
            " to false or choose another strategy"
        )
    rules = TradingRules(
        sizing=settings.sizing_rules(),
        limits=settings.risk_limits(),
        exits=settings.exit_rules(),
        entry_slippage_rate=settings.entry_slippage_pct,
        hodl=settings.hodl,
        shill=settings.shill_coins,
        brackets=settings.bracket_rules() if settings.bracket_enabled else None,
        sell_value_min=settings.min_sell_value,
        selection=settings.selection_rules(),
        entry_needs_range=settings.entry_needs_range,
        passive=settings.passive_rules(),
    )
    decided_by = {"parameters": plan.parameters, "rules": rules, "signal_ttl_s": settings.signal_ttl_s}
    return DecisionBasis(plan, rules, freeze_parameters(plan.name, decided_by))


def find_strategies(name: str) -> Mapping[str, StrategyType]:
    """Return the strategies by name, of other packages only the one asked for: nobody else's code is run.

    Raises:
        ConfigInvalid: when two packages offer the name, or what is offered cannot be imported or is no strategy.
    """
    if name in BUILT_IN:
        return BUILT_IN
    offered = entry_points(group=GROUP)
    found = [each for each in offered if each.name == name]
    if len(found) > 1:
        packages = ", ".join(sorted(each.dist.name for each in found if each.dist is not None))
        raise ConfigInvalid(
            f"the strategy {name!r} is offered by more than one package: {packages}; remove all but one"
        )
    if not found:
        names = ", ".join(sorted({*BUILT_IN, *(each.name for each in offered)}))
        raise ConfigInvalid(f"BOTTRADER_STRATEGY is one of: {names}; was {name!r}")
    return {**BUILT_IN, name: _load(found[0])}


def _load(offered: EntryPoint) -> StrategyType:
    try:
        kind = offered.load()
    except (ImportError, AttributeError) as error:
        raise ConfigInvalid(f"the strategy {offered.name!r} cannot be loaded from {offered.value}: {error}") from None
    if not (isinstance(kind, type) and hasattr(kind, "on_candle") and is_dataclass(getattr(kind, "Parameters", None))):
        raise ConfigInvalid(
            f"the strategy {offered.name!r} at {offered.value} is no strategy: it is a class with on_candle and"
            " Parameters, a dataclass"
        )
    return kind

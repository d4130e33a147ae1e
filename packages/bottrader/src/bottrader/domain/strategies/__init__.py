"""The strategies that come with the bot, and how one is made from its name and its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.strategies.parameters import read_parameters
from bottrader.domain.strategies.passive_market_making import PassiveMarketMaking
from bottrader.domain.strategies.roc_momentum import RocMomentum
from bottrader.domain.strategies.score_matrix import ScoreMatrixStrategy
from bottrader.domain.strategy import Strategy

StrategyType = type[Strategy]
BUILT_IN: Mapping[str, StrategyType] = {
    "passive_market_making": PassiveMarketMaking,
    "roc_momentum": RocMomentum,
    "score_matrix": ScoreMatrixStrategy,
}


@dataclass(frozen=True, slots=True)
class StrategyPlan:
    """A strategy by name with its checked parameters; `make` gives a new one, one for each product."""

    name: str
    parameters: Any
    make: Callable[[], Strategy]


def plan_strategy(
    name: str, given: Mapping[str, Any], strategies: Mapping[str, StrategyType] = BUILT_IN
) -> StrategyPlan:
    """Return the plan of the strategy of this name; parameters that are not given keep their defaults.

    Raises:
        ConfigInvalid: for an unknown strategy, an unknown parameter, or a value of the wrong kind, each by name.
    """
    kind = strategies.get(name)
    if kind is None:
        raise ConfigInvalid(f"a strategy is one of: {', '.join(sorted(strategies))}; was {name!r}")
    parameters = read_parameters(name, kind.Parameters, given)

    def make() -> Strategy:
        # A protocol says nothing of how it is made; the class behind it takes its parameters.
        build: Callable[[Any], Strategy] = kind
        return build(parameters)

    return StrategyPlan(name, parameters, make)


def make_strategy(name: str, given: Mapping[str, Any], strategies: Mapping[str, StrategyType] = BUILT_IN) -> Strategy:
    """Return a new strategy of this name; raises as `plan_strategy` does."""
    return plan_strategy(name, given, strategies).make()

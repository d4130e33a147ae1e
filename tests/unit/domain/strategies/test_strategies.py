"""A strategy by its name, with the parameters that are given."""

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.strategies import make_strategy, plan_strategy
from bottrader.domain.strategies.roc_momentum import RocMomentum
from bottrader.domain.strategies.score_matrix import ScoreMatrixStrategy


def test_each_strategy_is_made_by_its_name() -> None:
    assert isinstance(make_strategy("roc_momentum", {}), RocMomentum)
    assert isinstance(make_strategy("score_matrix", {}), ScoreMatrixStrategy)


def test_a_plan_makes_a_new_one_for_each_product() -> None:
    plan = plan_strategy("score_matrix", {})
    assert plan.make() is not plan.make()


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigInvalid, match="one of: passive_market_making, roc_momentum, score_matrix; was 'moon'"):
        make_strategy("moon", {})


@pytest.mark.parametrize(
    ("strategy", "name"), [("roc_momentum", "roc_sell_threshold_pct"), ("score_matrix", "rules.roc_sell_threshold_pct")]
)
@pytest.mark.parametrize("value", ["-5", "0"])
def test_a_sell_threshold_that_is_no_fall_stops_the_start(strategy: str, name: str, value: str) -> None:
    """B171, R26: with a threshold of +1 or less a rising market would sell."""
    with pytest.raises(ConfigInvalid, match="roc_sell_threshold_pct"):
        plan_strategy(strategy, {name: value})

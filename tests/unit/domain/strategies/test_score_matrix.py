"""The matrix on candles: whatever the indicators see, decisions and holds can be checked from what they carry."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.indicators import IndicatorParameters
from bottrader.domain.market import Candle
from bottrader.domain.money import Price, Size
from bottrader.domain.scoring import ScoreRules, ScoreWeights
from bottrader.domain.signals import Action, Breakdown, LastSide, Trigger, derive_signal_id
from bottrader.domain.strategies import make_strategy, plan_strategy
from bottrader.domain.strategies.score_matrix import ScoreMatrixParameters, ScoreMatrixStrategy
from bottrader.domain.strategy import Decision, Hold, freeze_parameters
from tests.unit.domain.examples import BTC, at, candle

LOOSE = {"rules.buy_target": "2.5", "rules.sell_target": "2.5", "rules.indicators_min": "2"}
DAY = 288
"""Five-minute candles in 24 hours."""


def swinging(count: int, seed: int = 4) -> list[Candle]:
    """Candles of a market that swings by some percent, with wicks and changing volume."""
    chance = random.Random(seed)
    candles, last = [], 100.0
    for index in range(count):
        close = max(100 + 12 * math.sin(index / 17) + 4 * math.sin(index / 3) + chance.uniform(-1, 1), 1.0)
        high, low = max(last, close) + chance.random(), min(last, close) - chance.random()
        opened, high_, low_, closed = (Price(Decimal(f"{value:.2f}")) for value in (last, high, low, close))
        volume = Size(Decimal(f"{chance.uniform(1, 9):.3f}"))
        candles.append(Candle(BTC, at(5 * index), opened, high_, low_, closed, volume))
        last = float(candles[-1].close)
    return candles


@dataclass
class Session:
    """Feeds the strategy and accepts each decision at once, as a webhook that is up does."""

    strategy: ScoreMatrixStrategy
    last: LastSide | None = None

    def run(self, candles: list[Candle]) -> Iterator[tuple[Candle, LastSide | None, Decision | Hold]]:
        for each in candles:
            before = self.last
            made = self.strategy.on_candle(each, before)
            if isinstance(made, Decision):
                is_flip = before is None or before.side is not made.action
                flipped_at = each.opened_at if is_flip or before is None else before.flipped_at
                self.last = LastSide(made.action, flipped_at, each.opened_at)
            yield each, before, made


def matrix(given: dict[str, str] | None = None) -> ScoreMatrixStrategy:
    strategy = make_strategy("score_matrix", given or {})
    assert isinstance(strategy, ScoreMatrixStrategy)
    return strategy


def opened_up(made: Decision | Hold) -> tuple[dict[str, Decimal], Breakdown]:
    if isinstance(made, Hold):
        return made.explain()
    assert made.breakdown is not None
    return made.scores, made.breakdown


SWINGING = swinging(720)
MADE = list(Session(matrix(LOOSE)).run(SWINGING))


def decided() -> list[tuple[Candle, LastSide | None, Decision]]:
    return [(each, last, made) for each, last, made in MADE if isinstance(made, Decision)]


def test_a_swinging_market_is_bought_and_sold() -> None:
    actions = [made.action for _, _, made in decided()]
    assert actions.count(Action.BUY) > 5
    assert actions.count(Action.SELL) > 5


def test_every_decision_and_every_hold_adds_up() -> None:
    """The naive sum of what is shown is the score that is shown, and a signal reached its target with enough votes."""
    for _, last, made in MADE:
        scores, breakdown = opened_up(made)
        assert len(breakdown.components) == 14
        for name, side in (("buy", Action.BUY), ("sell", Action.SELL)):
            voted = [each for each in breakdown.components if each.side is side and each.decision]
            assert sum(each.weight for each in voted) == scores[f"{name}_score"]
            is_flip = last is not None and last.side is not side
            assert scores[f"target_{name}"] == (Decimal("2.75") if is_flip else Decimal("2.5"))
            if isinstance(made, Decision) and made.action is side:
                assert made.trigger is Trigger.SCORE
                assert len(voted) >= 2
                assert scores[f"{name}_score"] >= scores[f"target_{name}"]


def test_no_side_is_turned_within_seven_candles() -> None:
    """B163, B164: across 720 candles, by their opening times."""
    turns = [
        (last, each.opened_at) for each, last, made in decided() if last is not None and last.side is not made.action
    ]
    assert len(turns) > 5
    assert all(opened_at - last.flipped_at >= timedelta(minutes=35) for last, opened_at in turns)
    suppressed = [made for _, _, made in MADE if isinstance(made, Hold) and "cooldown" in made.explain()[1].reason]
    assert suppressed


def test_nothing_is_bought_before_a_day_is_known() -> None:
    """B166: in the first 24 hours only sells come."""
    first_day = [made for each, _, made in decided() if each.opened_at < at(24 * 60)]
    assert {made.action for made in first_day} == {Action.SELL}
    reasons = {made.explain()[1].reason for _, _, made in MADE[:DAY] if isinstance(made, Hold)}
    assert "buy_suppressed_unknown_24h_change" in reasons


def test_the_change_over_a_day_is_that_of_the_close_24_hours_before() -> None:
    strategy = matrix()
    closes = [Decimal(100)] * DAY + [Decimal(90), Decimal(120)]
    scores = [opened_up(strategy.on_candle(candle(index, str(close)), None))[0] for index, close in enumerate(closes)]
    assert "change_24h_pct" not in scores[DAY - 1]
    assert scores[DAY]["change_24h_pct"] == Decimal(-10)
    assert scores[DAY + 1]["change_24h_pct"] == Decimal(20)


def test_a_day_ago_without_a_trade_counts_the_trade_before() -> None:
    """Candle 1 is absent, so 24 hours before candle 289 the last price is that of candle 0."""
    strategy = matrix()
    strategy.on_candle(candle(0, "200"), None)
    strategy.on_candle(candle(2, "100"), None)
    scores, _ = opened_up(strategy.on_candle(candle(DAY + 1, "150"), None))
    assert scores["change_24h_pct"] == Decimal(-25)
    scores, _ = opened_up(strategy.on_candle(candle(DAY + 2, "150"), None))
    assert scores["change_24h_pct"] == Decimal(50)


def test_an_unknown_figure_is_absent() -> None:
    """R33: absent, never 0 or 50."""
    scores, breakdown = opened_up(matrix().on_candle(candle(0, "100"), None))
    assert set(scores) <= {"buy_score", "sell_score", "target_buy", "target_sell", "roc_diff", "roc_diff_spread"}
    assert {each.decision for each in breakdown.components} == {None}


def test_a_known_market_has_every_figure() -> None:
    scores, _ = opened_up(MADE[-1][2])
    assert {"roc", "roc_diff", "roc_diff_spread", "rsi", "atr", "macd_hist", "upper", "lower"} <= set(scores)


def test_a_score_says_in_its_note_what_voted() -> None:
    for _, _, made in decided():
        name = made.action.value
        assert made.breakdown is not None
        voted = [
            each.indicator.partition(" ")[2]
            for each in made.breakdown.components
            if each.decision and each.side is made.action
        ]
        score, target = made.scores[f"{name}_score"], made.scores[f"target_{name}"]
        assert made.note == f"{name} score {score} of {target}: {', '.join(voted)}"


def test_momentum_says_in_its_note_how_strong_it_was() -> None:
    """B167: an override from candles; the RSI gate is opened wide so that a plain rise passes it."""
    wide = {"rules.momentum_rsi_min": "0", "rules.momentum_rsi_max": "100"}
    strategy = matrix(wide)
    for index in range(DAY + 20):
        strategy.on_candle(candle(index, "100"), None)
    made = strategy.on_candle(candle(DAY + 20, "112"), None)
    assert isinstance(made, Decision)
    assert (made.action, made.trigger) == (Action.BUY, Trigger.ROC_MOMO)
    assert made.note.startswith("ROC +12.00 % by +12.00, RSI 100.00; buy score ")
    assert made.scores["buy_score"] == sum(
        each.contribution for each in (made.breakdown or Breakdown("")).components[:7]
    )


def test_the_same_candles_give_the_same_decisions_and_ids() -> None:
    """B174"""

    def run() -> list[tuple[str, Decision]]:
        session = Session(matrix(LOOSE))
        return [
            (derive_signal_id(BTC, each.opened_at, "5eed", made.action), made)
            for each, _, made in session.run(SWINGING[: DAY + 100])
            if isinstance(made, Decision)
        ]

    first = run()
    assert len({signal_id for signal_id, _ in first}) == len(first) > 10
    assert run() == first


def test_a_restart_decides_as_if_it_had_never_stopped() -> None:
    """B164: the state that cannot come from candles comes from the accepted signals."""
    cut = 600
    restarted = matrix(LOOSE)
    for each in SWINGING[:cut]:
        restarted.on_candle(each, None)
    last = MADE[cut][1]
    assert last is not None
    again = [made for _, _, made in Session(restarted, last).run(SWINGING[cut:])]
    for before, after_ in zip([made for _, _, made in MADE[cut:]], again, strict=True):
        assert opened_up(before) == opened_up(after_)


@pytest.mark.parametrize("index", [1, 0], ids=["the same again", "an earlier one"])
def test_a_candle_that_does_not_follow_stops_the_bot(index: int) -> None:
    strategy = matrix()
    strategy.on_candle(candle(0, "100"), None)
    strategy.on_candle(candle(1, "100"), None)
    with pytest.raises(InvariantBroken, match="come once and in order"):
        strategy.on_candle(candle(index, "100"), None)


def test_the_warm_up_is_a_day_and_a_candle_or_what_the_indicators_need() -> None:
    assert matrix({"indicators.pattern_median_window": "20"}).warmup_candles == DAY + 1
    assert matrix().warmup_candles == IndicatorParameters().warmup_candles > DAY + 1


def _nudged(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value + Decimal("0.001")


TABLES = {"indicators": IndicatorParameters, "weights": ScoreWeights, "rules": ScoreRules}
EVERY = [(table, each.name) for table, kind in TABLES.items() for each in fields(kind)]


@pytest.mark.parametrize(("table", "name"), EVERY, ids=".".join)
def test_every_parameter_changes_the_snapshot_hash(table: str, name: str) -> None:
    """B279, R79: one weight, one threshold, one window."""
    defaults = ScoreMatrixParameters()
    values = getattr(defaults, table)
    changed = replace(defaults, **{table: replace(values, **{name: _nudged(getattr(values, name))})})
    before, after_ = (freeze_parameters("score_matrix", {"parameters": each}) for each in (defaults, changed))
    assert before.content_hash != after_.content_hash


@pytest.mark.parametrize(("table", "name"), EVERY, ids=".".join)
def test_every_parameter_can_be_set_by_its_name(table: str, name: str) -> None:
    value = _nudged(getattr(getattr(ScoreMatrixParameters(), table), name))
    plan = plan_strategy("score_matrix", {f"{table}.{name}": str(value)})
    assert getattr(getattr(plan.parameters, table), name) == value

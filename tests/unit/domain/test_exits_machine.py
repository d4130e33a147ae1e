"""The exit rules against a second, naive model that was written for this test only, over random price tapes.

The model knows rational numbers and nothing of the program: it keeps every price since the position was opened and
reckons everything anew at each step. The tapes have gaps, prices exactly on a threshold, prices that are none, and
restarts that keep only what is stored.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bottrader.domain.exit_rules import ExitRules
from bottrader.domain.exits import Exit, ExitState, Hold, MarketView, PriceUnusable, decide_exit
from bottrader.domain.money import Price
from bottrader.domain.peaks import Peak, PriceSample
from bottrader.domain.trailing import Trail
from tests.unit.domain.examples import position

pytestmark = pytest.mark.component("position_monitor")

COST, FEE = Fraction("100.4"), Fraction("0.008")
SMOOTHING_S = 60
STEP_S = SMOOTHING_S / 30
HARD, SOFT, MARKET, TARGET = Fraction("0.05"), Fraction("0.025"), Fraction("0.03"), Fraction("0.035")
# Prices of interest: whole cents around every threshold of a unit that cost 100.4 and pays 0.8 % to be sold.
CORNERS = (
    "96.14",
    "96.15",
    "98.17",
    "98.18",
    "98.67",
    "98.68",
    "101.20",
    "101.21",
    "102.22",
    "102.23",
    "104.75",
    "107.29",
)
PRICES = st.one_of(st.decimals("80", "125", places=2), st.sampled_from([Decimal(text) for text in CORNERS]))
UNUSABLE = st.sampled_from(["NaN", "0", "-1", "Infinity", "crossed", "stale"])


@dataclass
class Model:
    """What a person with paper and pencil would keep."""

    manager: str
    drawdown: Fraction
    highest: Fraction | None = None
    stop: Fraction | None = None
    is_tracking: bool = False
    top: Fraction | None = None
    samples: list[tuple[float, Fraction]] = field(default_factory=list)

    def net(self, price: Fraction) -> Fraction:
        return price * (1 - FEE) / COST - 1

    def see(self, now_s: float, price: Fraction, atr: Fraction | None) -> Fraction:
        """Take a price in and return the smoothed one."""
        recent = [each for at, each in self.samples if at > now_s - SMOOTHING_S]
        smooth = (sum(recent, Fraction(0)) + price) / (len(recent) + 1)
        if self.manager == "peak":
            self.is_tracking = self.is_tracking or self.net(price) >= Fraction("0.06")
            if self.is_tracking:
                self.top = smooth if self.top is None else max(self.top, smooth)
            newest = max((at for at, _ in self.samples if at > now_s - SMOOTHING_S), default=None)
            if newest is None or now_s - newest >= STEP_S:
                self.samples.append((now_s, price))
        if self.manager == "trail" and (self.highest is not None or self.net(price) >= TARGET):
            self.highest = price if self.highest is None else max(self.highest, price)
            widest, nearest = self.highest / 50, self.highest / 100
            distance = widest if atr is None else min(widest, max(nearest, 2 * atr))
            stop = self.highest - distance
            self.stop = stop if self.stop is None else max(self.stop, stop)
        return smooth

    def reason(
        self, price: Fraction, smooth: Fraction, held_s: float, *, sell: bool, bracket: Fraction | None
    ) -> str | None:
        net = self.net(price)
        soft_price = COST * (1 - SOFT) / (1 - FEE)
        waits = bracket is not None and abs(bracket - soft_price) <= COST / 200 and net > -MARKET
        rests = self.is_tracking or self.stop is not None
        fired = {
            "HARD_STOP": net <= -HARD,
            "PEAK_DRAWDOWN": self.top is not None and smooth <= self.top * (1 - self.drawdown),
            "PEAK_BREAKEVEN": self.is_tracking and net <= 0,
            "SOFT_STOP": net <= -SOFT and not waits,
            "TRAILING_STOP": self.stop is not None and price <= self.stop,
            "MAX_HOLD": held_s >= 7200 or (self.manager == "peak" and held_s >= 3600),
            "SIGNAL_EXIT": sell and not rests and net >= Fraction("0.01") and held_s >= 60,
            "TAKE_PROFIT": self.manager == "fixed" and net >= TARGET,
        }
        return next((name for name, is_true in fired.items() if is_true), None)


class ExitMachine(RuleBasedStateMachine):
    """One position from its purchase on; an exit does not end it, since an order may find no buyer."""

    @initialize(manager=st.sampled_from(["fixed", "trail", "peak"]), drawdown=st.sampled_from(["0.05", "0.10"]))
    def open(self, manager: str, drawdown: str) -> None:
        self.held = replace(position("1", "100.4"), trigger="ROC")
        self.exit_rules = ExitRules(
            trailing_enabled=manager != "fixed",
            peak_enabled=manager == "peak",
            peak_drawdown_pct=Decimal(drawdown),
            peak_smoothing_s=SMOOTHING_S,
            peak_hold_s_max=3600,
            hold_s_max=7200,
        )
        self.model = Model(manager, Fraction(drawdown))
        self.state = ExitState()
        self.held_s = 0.0
        self.last_stop: Decimal | None = None

    @property
    def now(self) -> datetime:
        return self.held.opened_at + timedelta(seconds=self.held_s)

    @rule(seconds=st.sampled_from([0, 0.5, 1, 2, 7, 31, 59, 60, 61, 600]))
    def wait(self, seconds: float) -> None:
        self.held_s += seconds

    @rule(
        value=PRICES,
        atr=st.one_of(st.none(), st.decimals("0", "3", places=2)),
        sell=st.booleans(),
        bracket=st.one_of(st.none(), st.decimals("97", "100", places=2)),
    )
    def see(self, value: Decimal, atr: Decimal | None, bracket: Decimal | None, *, sell: bool) -> None:
        price = Price(value)
        view = MarketView(price, price, price, self.now, atr, sell, None if bracket is None else Price(bracket))
        decision, self.state = decide_exit(self.held, view, self.exit_rules, self.state, Decimal("0.008"))
        smooth = self.model.see(self.held_s, Fraction(value), None if atr is None else Fraction(atr))
        expected = self.model.reason(
            Fraction(value), smooth, self.held_s, sell=sell, bracket=None if bracket is None else Fraction(bracket)
        )
        if expected is None:
            assert decision == Hold()
        else:
            assert isinstance(decision, Exit)
            assert decision.reason == expected
            assert decision.emergency == (self.model.net(Fraction(value)) <= -MARKET)

    @rule(kind=UNUSABLE, value=PRICES)
    def see_nothing_usable(self, kind: str, value: Decimal) -> None:
        """F30: nothing fires, nothing is forgotten, and the next price is judged as if this one had not been."""
        bad = value if kind in {"crossed", "stale"} else Decimal(kind)
        bid, ask = (value, value - 1) if kind == "crossed" else (value, value)
        age_s = 61.0 if kind == "stale" else 0.0
        view = MarketView(Price(bad), Price(bid), Price(ask), self.now, None, sell_signal=True, age_s=age_s)
        decision, after_ = decide_exit(self.held, view, self.exit_rules, self.state, Decimal("0.008"))
        assert isinstance(decision, PriceUnusable)
        assert after_ is self.state

    @precondition(lambda self: self.state != ExitState())
    @rule()
    def restart(self) -> None:
        """Only figures survive, as text, the way a database keeps them."""
        trail, peak = self.state.trail, self.state.peak
        if trail is not None:
            trail = Trail(Price(Decimal(str(trail.high))), Price(Decimal(str(trail.stop))))
        if peak is not None:
            samples = tuple(PriceSample(each.at, Price(Decimal(str(each.price)))) for each in peak.samples)
            peak = Peak(None if peak.high is None else Price(Decimal(str(peak.high))), samples)
        self.state = ExitState(trail, peak)

    @invariant()
    def the_stop_never_falls(self) -> None:
        if not hasattr(self, "state") or self.state.trail is None:
            return
        stop = self.state.trail.stop
        assert self.last_stop is None or stop >= self.last_stop
        assert Fraction(stop) == self.model.stop
        self.last_stop = stop


@pytest.mark.cpu_budget(1000, "sixty lives of a position, of thirty steps each")
def test_the_exit_rules_agree_with_the_naive_model() -> None:
    """B132, B146, R25, R66, R67, R68, F30"""
    run_state_machine_as_test(ExitMachine, settings=settings(deadline=None, max_examples=60, stateful_step_count=30))

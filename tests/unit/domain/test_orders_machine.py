"""An order's states against a second, naive model: what may follow what, told as the story of an order."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bottrader.adapters.memory.store import MemoryStore
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.orders import OrderState, check_transition
from tests.fixtures.facts import make_intent, step

ENDS = {"refused", "filled", "cancelled", "expired", "failed"}


def may_follow(past: list[str], then: str) -> bool:
    """Tell whether a person would accept `then` as the next thing that happened to this order."""
    last = past[-1]
    # Sent once, or again with the same id after an answer that never came. What the venue has said it has
    # it cannot refuse any more, and nothing that was never sent can have been taken, lost or filled.
    stories = {
        "planned": set(),
        "sent": {"planned", "unknown"},
        "refused": {"planned", "sent", "unknown"},
        "unknown": {"sent"},
        "accepted": {"sent", "unknown"},
    }
    return last not in ENDS and last in stories.get(then, {"sent", "unknown", "accepted"})


class OrderMachine(RuleBasedStateMachine):
    """One order and whatever anybody claims became of it."""

    @initialize()
    def plan(self) -> None:
        self.past = ["planned"]
        self.state = OrderState.PLANNED

    @rule(then=st.sampled_from(list(OrderState)))
    def claim(self, then: OrderState) -> None:
        try:
            check_transition(self.state, then)
        except InvariantBroken:
            assert not may_follow(self.past, then.value)
        else:
            assert may_follow(self.past, then.value)
            self.past.append(then.value)
            self.state = then

    @invariant()
    def it_ends_once(self) -> None:
        if hasattr(self, "past"):
            assert sum(state in ENDS for state in self.past) <= 1
            assert self.state.is_terminal == (self.past[-1] in ENDS)


@pytest.mark.cpu_budget(1000, "150 lives of an order, of twelve steps each")
def test_an_order_moves_as_its_story_is_told() -> None:
    """S4"""
    run_state_machine_as_test(OrderMachine, settings=settings(deadline=None, max_examples=150, stateful_step_count=12))


async def test_a_store_keeps_the_same_story() -> None:
    """S4: every pair of states, claimed to a store whose order is led to the first of them the shortest way."""
    ways = {
        "planned": [],
        "sent": ["sent"],
        "unknown": ["sent", "unknown"],
        "accepted": ["sent", "accepted"],
        **{end: ["sent", end] for end in ENDS},
    }
    for number, (way, then) in enumerate((way, then) for way in ways.values() for then in OrderState):
        store, intent = MemoryStore(), make_intent(str(number))
        await store.record_intent(intent, 0, None)
        for seconds, state in enumerate(way, start=121):
            await store.record_transition(step(intent, OrderState(state), seconds))
        past = ["planned", *way]
        try:
            is_new = await store.record_transition(step(intent, then, 200))
        except InvariantBroken:
            assert not may_follow(past, then.value)
            assert past[-1] != then.value
        else:
            # The same claim again is no step.
            assert is_new == may_follow(past, then.value)
            assert is_new or past[-1] == then.value

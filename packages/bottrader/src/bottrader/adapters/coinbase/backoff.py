"""How long to wait before the next try."""

from bottrader.ports import Entropy

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
LARGEST_EXPONENT = 16


def wait_s(attempt: int, entropy: Entropy) -> float:
    """Return the wait after failed try number `attempt` (from 0): 0.25 s, doubled each time, at most 30 s.

    The lower half is certain, the upper half drawn, so that clients thrown out together do not return together.
    """
    ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempt, LARGEST_EXPONENT))
    return entropy.uniform(ceiling / 2, ceiling)

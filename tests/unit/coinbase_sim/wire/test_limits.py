"""The token buckets of the venue's request limits (coinbase.md §11), on a clock that the test turns."""

import pytest

from coinbase_sim.wire.limits import Limiter, RateLimits


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(limiter: Limiter, tries: int, *, is_public: bool = False) -> int:
    return sum(limiter.admit(is_public=is_public) for _ in range(tries))


def test_without_limits_everything_passes_and_nothing_is_said(clock: Clock) -> None:
    limiter = Limiter(None, clock)
    assert admitted(limiter, 1000) == 1000
    assert limiter.headers(is_public=False) == {}


def test_a_bucket_holds_one_seconds_worth_and_refills_with_time(clock: Clock) -> None:
    limiter = Limiter(RateLimits(private_per_s=32), clock)
    assert admitted(limiter, 40) == 32
    clock.s += 0.125
    assert admitted(limiter, 40) == 4
    clock.s += 3600
    assert admitted(limiter, 40) == 32


def test_members_and_the_public_have_buckets_of_their_own(clock: Clock) -> None:
    limiter = Limiter(RateLimits(private_per_s=4, public_per_s=2), clock)
    assert admitted(limiter, 10, is_public=True) == 2
    assert admitted(limiter, 10) == 4


def test_a_rate_below_one_lets_a_first_request_pass(clock: Clock) -> None:
    limiter = Limiter(RateLimits(private_per_s=0.5), clock)
    assert admitted(limiter, 3) == 1
    clock.s += 1.9
    assert admitted(limiter, 3) == 0
    clock.s += 0.2
    assert admitted(limiter, 3) == 1


def test_the_headers_say_what_is_left_and_when_it_is_full_again(clock: Clock) -> None:
    limiter = Limiter(RateLimits(private_per_s=10), clock)
    admitted(limiter, 4)
    assert limiter.headers(is_public=False) == {
        "x-ratelimit-limit": "10",
        "x-ratelimit-remaining": "6",
        "x-ratelimit-reset": "0.400",
    }
    limiter.set(RateLimits(headers=False))
    assert limiter.headers(is_public=False) == {}


def test_new_limits_begin_with_full_buckets(clock: Clock) -> None:
    limiter = Limiter(RateLimits(private_per_s=1), clock)
    admitted(limiter, 5)
    limiter.set(RateLimits(private_per_s=3))
    assert admitted(limiter, 5) == 3

"""The fault script: what fires, when, and what is refused as a script."""

import asyncio

import pytest

from coinbase_sim.faults import Action, Fault, FaultInvalid, Faults, Tick, parse_faults

POST = ("POST", "/orders", "/orders")


def test_a_fault_fires_once_at_its_nth_match() -> None:
    faults = Faults([Fault("POST /orders", Action.DROP_REPLY, nth=2)])
    fired = [faults.at_request(*POST) for _ in range(4)]
    assert [fault is not None for fault in fired] == [False, True, False, False]
    assert faults.counts() == [{"on": "POST /orders", "do": "drop_reply", "nth": 2, "seen": 4, "fired": True}]


def met(faults: Faults, count: int) -> list[bool]:
    return [faults.at_request(*POST) is not None for _ in range(count)]


def test_a_fault_may_last_for_several_requests_or_for_good() -> None:
    assert met(Faults([Fault("POST /orders", Action.HTTP_429, nth=2, times=2)]), 5) == [False, True, True, False, False]
    assert met(Faults([Fault("POST /orders", Action.HTTP_429, nth=2, times=0)]), 4) == [False, True, True, True]


def test_a_storm_lasts_for_its_seconds_from_the_first_request_it_spoiled() -> None:
    now_s = iter([100.0, 109.9, 110.0, 111.0])
    faults = Faults([Fault("POST /orders", Action.HTTP_429, lasts_s=10)], clock=lambda: next(now_s))
    assert met(faults, 4) == [True, True, False, False]


def test_random_faults_repeat_for_a_seed_and_keep_to_their_rate() -> None:
    def run(seed: int) -> list[bool]:
        return met(Faults([Fault("POST /orders", Action.DROP_REPLY, rate=0.25, seed=seed, times=0)]), 1000)

    assert run(7) == run(7)
    assert run(7) != run(8)
    # Four standard deviations of a fair coin of 0.25 over 1,000 throws are 55.
    assert 195 <= sum(run(7)) <= 305


def test_a_star_stands_for_any_path_and_any_method() -> None:
    for on, hits in (("POST *", [True, False]), ("GET *", [False, True]), ("* *", [True, True])):
        faults = Faults([Fault(on, Action.HTTP_401, times=0)])
        answers = [faults.at_request(*POST), faults.at_request("GET", "/time", "/time")]
        assert [fault is not None for fault in answers] == hits


def test_a_subscription_is_spoiled_apart_from_its_messages() -> None:
    faults = Faults([Fault("subscribe user", Action.DROP_ACK)])
    assert faults.at_message("user") is None
    assert faults.at_subscription("ticker") is None
    assert faults.at_subscription("user") is not None


def test_other_methods_and_paths_do_not_count() -> None:
    faults = Faults([Fault("POST /orders", Action.DROP_REPLY)])
    assert faults.at_request("GET", "/orders", "/orders") is None
    assert faults.at_request("POST", "/orders/batch_cancel", "/orders/batch_cancel") is None
    assert faults.counts()[0]["seen"] == 0


def test_a_path_matches_as_template_or_as_it_is() -> None:
    template = "/orders/historical/{order_id}"
    for on in (template, "/orders/historical/o-1"):
        faults = Faults([Fault(f"GET {on}", Action.HTTP_500_PLACED)])
        assert faults.at_request("GET", "/orders/historical/o-1", template) is not None
    concrete = Faults([Fault("GET /orders/historical/o-2", Action.HTTP_500_PLACED)])
    assert concrete.at_request("GET", "/orders/historical/o-1", template) is None


def test_faults_on_the_same_request_count_side_by_side() -> None:
    faults = Faults([Fault("POST /orders", Action.DROP_REPLY), Fault("POST /orders", Action.DROP_REQUEST, nth=2)])
    first, second = faults.at_request(*POST), faults.at_request(*POST)
    assert first is not None
    assert first.do is Action.DROP_REPLY
    assert second is not None
    assert second.do is Action.DROP_REQUEST


def test_a_stream_fault_counts_the_messages_of_its_channel_only() -> None:
    faults = Faults([Fault("ws user", Action.DROP_CONNECTION, nth=2)])
    met = [faults.at_message(channel) for channel in ("user", "ticker", "user", "user")]
    assert [fault is not None for fault in met] == [False, False, True, False]


def test_cleared_faults_do_nothing() -> None:
    faults = Faults([Fault("POST /orders", Action.DROP_REPLY), Fault("ws user", Action.DROP_CONNECTION)])
    faults.clear()
    assert faults.at_request(*POST) is None
    assert faults.at_message("user") is None
    assert faults.counts() == []


async def test_a_release_lets_go_what_is_held_by_then_and_no_more() -> None:
    faults = Faults()
    first = [asyncio.create_task(faults.until_released()) for _ in range(2)]
    await asyncio.sleep(0)
    assert faults.held_count == 2
    assert faults.release() == 2
    assert faults.release() == 0
    later = asyncio.create_task(faults.until_released())
    await asyncio.gather(*first)
    assert faults.held_count == 1
    later.cancel()
    await asyncio.wait({later})
    assert faults.held_count == 0
    assert faults.release() == 0


def test_a_script_is_one_fault_or_a_list() -> None:
    one = b'{"on": "POST /orders", "nth": 3, "do": "delay_reply", "seconds": 1.5}'
    expected = Fault("POST /orders", Action.DELAY_REPLY, nth=3, seconds=1.5)
    assert parse_faults(one) == [expected]
    assert parse_faults(b"[%b,%b]" % (one, one)) == [expected, expected]


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"{",
        b"7",
        b"{}",
        b'{"on": "POST /orders", "do": "explode"}',
        b'{"on": "POST /orders", "do": "drop_reply", "nth": 0}',
        b'{"on": "POST /orders", "do": "delay_reply", "seconds": -1}',
        b'{"on": "POST /orders", "do": "drop_reply", "nht": 2}',
        b'{"on": "POST /orders", "do": "tick_first", "tick": {"price": "0"}}',
        b'{"on": "POST /orders", "do": "tick_first", "tick": {"price": "NaN"}}',
    ],
)
def test_what_is_no_script_is_refused(script: bytes) -> None:
    with pytest.raises(FaultInvalid, match="not a fault script"):
        parse_faults(script)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("orders", Action.DROP_REPLY),
        Fault("POST orders", Action.DROP_REPLY),
        Fault("FETCH /orders", Action.DROP_REPLY),
        Fault("ws ", Action.DROP_CONNECTION),
        Fault("ws user", Action.DROP_REPLY),
        Fault("POST /orders", Action.DROP_CONNECTION),
        Fault("POST /orders", Action.DROP_REPLY, seconds=1),
        Fault("POST /orders", Action.TICK_FIRST),
        Fault("POST /orders", Action.DROP_REPLY, tick=Tick("38000")),
        Fault("* /orders", Action.DROP_REPLY),
        Fault("subscribe user", Action.MUTE),
        Fault("ws user", Action.DROP_ACK),
        Fault("ws user", Action.ZERO_TICK),
        Fault("POST /orders", Action.NOT_SUCCESS),
        Fault("GET /accounts", Action.NOT_SUCCESS, code="INSUFFICIENT_FUND"),
        Fault("POST /orders", Action.HTTP_429, code="INSUFFICIENT_FUND"),
    ],
)
def test_a_fault_that_could_never_fire_is_refused_and_nothing_is_installed(fault: Fault) -> None:
    faults = Faults()
    with pytest.raises(FaultInvalid):
        faults.install([Fault("POST /orders", Action.DROP_REPLY), fault])
    assert faults.counts() == []

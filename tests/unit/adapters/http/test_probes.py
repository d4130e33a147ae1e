"""What probes are answered, without sockets."""

from dataclasses import replace

from bottrader.adapters.http.probes import Probes
from bottrader.app.check_health import Health
from tests.fixtures.facts import NOON

WELL = Health("webhook", True, (), "c0ffee", "0014", "5eed", NOON, "1.0")


def statuses(health: Health) -> tuple[int | None, int | None, int | None]:
    probes = Probes(lambda: health, list)
    return probes.health().status_code, probes.ready().status_code, probes.metrics().status_code or 200


def test_health_and_readiness_have_their_own_statuses() -> None:
    """B264: and numbers are told whatever is wrong."""
    assert statuses(WELL) == (200, 200, 200)
    assert statuses(replace(WELL, faults=("the market stream is down",))) == (503, 200, 200)
    assert statuses(replace(WELL, is_ready=False)) == (503, 503, 200)


def test_health_says_what_is_wrong() -> None:
    """B264"""
    ill = Probes(lambda: replace(WELL, faults=("the market stream is down",)), list)
    assert ill.health().content["faults"] == ["the market stream is down"]
    assert Probes(lambda: replace(WELL, is_ready=False), list).ready().content == {"ready": False}

"""Near and far, by the address as it is written: nothing is looked up."""

import pytest

from bottrader.domain.hosts import is_near


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.2", "172.16.0.1", "fd00::1", "localhost", "db", "/run/postgres"]
)
def test_this_machine_and_private_networks_are_near(host: str) -> None:
    assert is_near(host)


@pytest.mark.parametrize("host", ["", "8.8.8.8", "2606:4700::1", "api.coinbase.com", "db.example.org", "localhost."])
def test_everything_else_is_far(host: str) -> None:
    assert not is_near(host)

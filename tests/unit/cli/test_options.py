"""What several commands are told in the same way."""

import pytest

from bottrader.cli.options import addresses_of
from bottrader.domain.errors import StartupRefused


@pytest.mark.parametrize("given", ["sighook", "sighook=", "sighook=host:5004", "database=http://db:5432"])
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(StartupRefused, match="NAME=URL"):
        addresses_of([given])


def test_addresses_are_taken_by_name() -> None:
    assert addresses_of(["sighook=http://sighook:5004"]) == {"sighook": "http://sighook:5004"}
    assert addresses_of(None) == {}

"""The Postgres store keeps the contract that the store in memory keeps."""

import pytest

from tests.fixtures.store_contract import StoreContract

pytestmark = pytest.mark.component("trade_recorder")


class TestPostgresStore(StoreContract):
    """The contract on a real server; `store` comes from the layer's fixtures."""

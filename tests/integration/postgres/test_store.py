"""The Postgres store keeps the contract that the store in memory keeps."""

from tests.fixtures.store_contract import StoreContract


class TestPostgresStore(StoreContract):
    """The contract on a real server; `store` comes from the layer's fixtures."""

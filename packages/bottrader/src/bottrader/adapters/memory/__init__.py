"""Adapters that live in memory, for tests of the use cases."""

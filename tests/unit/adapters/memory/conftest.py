import pytest

pytest.register_assert_rewrite("tests.fixtures.store_contract")

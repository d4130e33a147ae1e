"""The database of a failed test can be read afterwards."""

from tests.fixtures.evidence import dump


def test_a_dump_holds_the_tables_of_the_bot(database_url: str) -> None:
    assert "CREATE TABLE public.signals" in dump(database_url)


def test_a_database_that_cannot_be_read_says_why_and_hides_nothing() -> None:
    assert dump("postgresql://nobody@127.0.0.1:1/none").startswith("-- no dump: ")

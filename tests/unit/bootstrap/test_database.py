"""The data folder, and what --fresh never does."""

from pathlib import Path

import pytest

from bottrader.bootstrap.database import open_database, open_server, prepare_data_dir
from bottrader.config import load_settings
from bottrader.domain.errors import StartupRefused


def test_a_data_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert prepare_data_dir(folder) == folder
    assert list(folder.iterdir()) == []
    prepare_data_dir(folder)


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """B283, R31"""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StartupRefused, match=f"{file}.*BOTTRADER_DATA_DIR"):
        prepare_data_dir(file / "below")


async def test_fresh_never_empties_a_database_that_was_given() -> None:
    settings = load_settings({"database_url": "postgresql://u:p@h/books"}, None)
    with pytest.raises(StartupRefused, match="--fresh never empties"):
        async with open_database(settings, fresh=True):
            pass


async def test_a_database_that_was_given_is_taken_as_it_is() -> None:
    settings = load_settings({"database_url": "postgresql://u:p@h/books"}, None)
    async with open_server(settings) as dsn:
        assert dsn == "postgresql://u:p@h/books"

"""Files are there completely or not at all."""

import os
from pathlib import Path
from typing import NoReturn, TextIO

import pytest

from bottrader.adapters.files.whole_file import refuse_same_file, refuse_unwritable, write_whole
from bottrader.domain.errors import FileRefused


def say(text: str, stream: TextIO) -> None:
    stream.write(text)


def fail(stream: TextIO) -> NoReturn:
    stream.write("half")
    raise OSError(28, "No space left on device", "disk")


def test_all_files_take_the_place_of_those_before(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("old")

    write_whole({one: lambda stream: say("first\n", stream), two: lambda stream: say("second\n", stream)})

    assert (one.read_bytes(), two.read_bytes()) == (b"first\n", b"second\n")
    assert sorted(tmp_path.iterdir()) == [one, two]


@pytest.mark.parametrize("order", [1, -1])
def test_when_one_cannot_be_written_none_is_replaced_and_nothing_is_left(tmp_path: Path, order: int) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    writers = [(old, lambda stream: say("changed", stream)), (new, fail)]

    with pytest.raises(FileRefused, match="disk cannot be written: No space left on device"):
        write_whole(dict(writers[::order]))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old", "old")]


def test_an_error_of_a_writer_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_down(stream: TextIO) -> None:
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        write_whole({tmp_path / "new": break_down})

    assert list(tmp_path.iterdir()) == []


def test_one_file_by_two_names_is_refused(tmp_path: Path) -> None:
    trades = tmp_path / "trades.csv"
    trades.write_text("precious")
    linked, hard = tmp_path / "linked.csv", tmp_path / "hard.csv"
    linked.symlink_to(trades)
    os.link(trades, hard)

    for other in (trades, tmp_path / "x" / ".." / "trades.csv", linked, hard):
        with pytest.raises(FileRefused, match="--in and --out are the same file"):
            refuse_same_file([("--in", trades), ("--out", other)])
    with pytest.raises(FileRefused, match="--out and --open are the same file"):
        refuse_same_file([("--in", trades), ("--out", tmp_path / "new"), ("--open", tmp_path / "new")])
    refuse_same_file([("--in", trades), ("--out", tmp_path / "new"), ("--open", tmp_path / "newer")])


def test_a_place_where_no_file_can_be_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"there is no folder .*deep; make it first"):
        refuse_unwritable(tmp_path / "deep" / "out.csv")
    with pytest.raises(FileRefused, match="it is a folder; name a file"):
        refuse_unwritable(tmp_path)
    refuse_unwritable(tmp_path / "out.csv")

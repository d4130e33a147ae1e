"""Files that are there completely or not at all."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from bottrader.domain.errors import FileRefused

Writer = Callable[[TextIO], None]
"""Writes the whole content of one file."""


def write_whole(writers: Mapping[Path, Writer]) -> None:
    """Write every file beside its place, and move all of them there once each of them is complete on the disk.

    A reader finds the file that was there before or the new one, never a part of one.

    Raises:
        FileRefused: when one cannot be written; then none is replaced and nothing is left behind.
    """
    unfinished: dict[Path, Path] = {}
    try:
        for file, write in writers.items():
            beside = file.with_name(f".{file.name}.{os.getpid()}.new")
            unfinished[file] = beside
            with beside.open("x", encoding="utf-8", newline="") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
        for file, beside in unfinished.items():
            _refuse_folder(file)
            beside.replace(file)
    except OSError as error:
        raise FileRefused(f"{error.filename or 'the file'} cannot be written: {error.strerror}") from None
    finally:
        for beside in unfinished.values():
            beside.unlink(missing_ok=True)


def refuse_same_file(files: Sequence[tuple[str, Path]]) -> None:
    """Refuse two options that name one file, by whatever path, so that nothing is written over what is read.

    Raises:
        FileRefused: naming both options.
    """
    for position, (option, file) in enumerate(files):
        for other_option, other in files[:position]:
            if file.resolve() == other.resolve() or _is_same_inode(file, other):
                raise FileRefused(f"{other_option} and {option} are the same file {file}; name another one")


def refuse_unwritable(file: Path) -> None:
    """Refuse a path at which no file can be, before any work is done for it.

    Raises:
        FileRefused: when the folder is not there, or a folder stands where the file should be.
    """
    if not file.parent.is_dir():
        raise FileRefused(f"{file} cannot be written: there is no folder {file.parent}; make it first")
    _refuse_folder(file)


def _refuse_folder(file: Path) -> None:
    if file.is_dir():
        raise FileRefused(f"{file} cannot be written: it is a folder; name a file")


def _is_same_inode(file: Path, other: Path) -> bool:
    return file.exists() and other.exists() and file.samefile(other)

"""The compiler of the bulk path, which an installation may lack: `pip install bottrader[bulk]` brings it.

Compiled code is kept on disk, so that only the first run after an update waits for the compiler. It is kept in the
user's cache folder, not beside the source, which may belong to another user or be read-only; where no folder can be
written, each process compiles for itself.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

from platformdirs import user_cache_path

Function = TypeVar("Function", bound=Callable[..., Any])


def is_available() -> bool:
    """Tell whether the compiler is installed."""
    return all(find_spec(name) is not None for name in ("numba", "numpy"))


def jit(function: Function) -> Function:
    """Return the function, compiled on its first call. Divisors are checked by the caller; overflow wraps."""
    # Imported here: a quarter of a second that only a bulk run pays.
    numba: Any = import_module("numba")

    is_cached = bool(numba.config.CACHE_DIR) or _use(numba.config, _cache_folder())
    # "numpy": a division is a bare machine instruction.
    compile_function = numba.njit(cache=is_cached, nogil=True, error_model="numpy")
    return cast("Function", compile_function(function))


@cache
def _cache_folder() -> Path:
    """Return a folder named for these sources: the compiler itself notices a change only in the file of a function,
    not in one of those that it calls."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return user_cache_path("bottrader") / f"compiled-{digest.hexdigest()[:12]}"


def _use(config: Any, folder: Path) -> bool:
    """Make this the compiler's cache; return False when it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    if not os.access(folder, os.W_OK):
        return False
    config.CACHE_DIR = str(folder)
    return True

"""Which layer a test belongs to: that of the folder it lies in, however pytest was started."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
FOLDERS = {
    "unit": "unit",
    "integration": "integration",
    "e2e": "end_to_end",
    "system": "system",
    "performance": "performance",
}


def layer_of(path: Path) -> str:
    """Return the layer of the test file `path`; `other` for a file that lies in none of the folders."""
    for layer, folder in FOLDERS.items():
        if TESTS / folder in path.parents:
            return layer
    return "other"

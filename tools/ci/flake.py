"""Run tests again and again, each time in another order: `python -m tools.ci.flake [COUNT] [FOLDER] [-- OPTION ...]`.

A test that depends on another's leavings passes in one order and fails in the next. Every seed is printed, so that a
red order can be replayed.
"""

import argparse
import secrets
import subprocess
import sys
from collections.abc import Sequence

# Five digits can be typed, and ninety thousand orders are enough.
FIRST_SEED, SEEDS_COUNT = 10_000, 90_000


def arguments_of(words: Sequence[str]) -> tuple[int, str, list[str]]:
    """Return how often, which tests, and pytest's further options."""
    own, _, options = " ".join(words).partition("--")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10)
    parser.add_argument("folder", nargs="?", default="tests/unit")
    parsed = parser.parse_args(own.split())
    return parsed.count, parsed.folder, options.split()


def run(seed: int, folder: str, options: Sequence[str]) -> bool:
    """Run the tests in the order of `seed`; true when all passed."""
    command = [sys.executable, "-m", "pytest", "--quiet", f"--randomly-seed={seed}", *options, folder]
    return subprocess.run(command, check=False).returncode == 0


def main(words: Sequence[str]) -> int:
    """Run, print a line for each seed at the end, and return the exit code."""
    count, folder, options = arguments_of(words)
    seeds = [FIRST_SEED + secrets.randbelow(SEEDS_COUNT) for _ in range(count)]
    verdicts = [(seed, run(seed, folder, options)) for seed in seeds]
    for seed, is_green in verdicts:
        print(f"{folder} in the order of seed {seed}: {'green' if is_green else 'RED'}")
    green_count = sum(is_green for _, is_green in verdicts)
    print(f"flake: {green_count} of {count} random orders green; replay one with --randomly-seed=SEED")
    return 0 if green_count == count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

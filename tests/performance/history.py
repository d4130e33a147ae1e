"""What the benchmarks found, kept over time: a line for each run in `build/performance/history.jsonl`, and its trend.

A line names the commit, the machine and the interpreter, because figures of different ones say nothing to each other.
"""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

FOLDER = Path("build/performance")
HISTORY, TREND = "history.jsonl", "trend.svg"
WIDTH, ROW, LEFT, PAD = 900, 46, 430, 8


def keep(figures: Mapping[str, float], folder: Path = FOLDER) -> None:
    """Append the figures of this run, and draw all runs of this machine and interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    run = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **_place(), "figures": dict(figures)}
    with (folder / HISTORY).open("a", encoding="utf-8") as file:
        file.write(json.dumps(run) + "\n")
    runs = [json.loads(line) for line in (folder / HISTORY).read_text(encoding="utf-8").splitlines()]
    alike = [each for each in runs if (each["machine"], each["python"]) == (run["machine"], run["python"])]
    (folder / TREND).write_text(draw(alike), encoding="utf-8")


def draw(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG with a line for each figure, from the oldest run to the newest, each to its own scale."""
    names = sorted({name for run in runs for name in run["figures"]})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {ROW * (len(names) + 1)}"'
        ' font-family="sans-serif" font-size="13">',
        f'<text x="{PAD}" y="24">{len(runs)} runs, newest right; numbers are the newest, lowest and highest</text>',
    ]
    for row, name in enumerate(names, 1):
        values = [float(run["figures"][name]) for run in runs if name in run["figures"]]
        label = f"{escape(name)} {values[-1]:.4g} ({min(values):.4g} to {max(values):.4g})"
        parts.append(f'<text x="{PAD}" y="{row * ROW + ROW / 2 + 4:.0f}">{label}</text>')
        parts.append(f'<polyline fill="none" stroke="#2563eb" stroke-width="1.5" points="{_points(values, row)}"/>')
    return "\n".join([*parts, "</svg>", ""])


def _points(values: Sequence[float], row: int) -> str:
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = (WIDTH - LEFT - PAD) / max(len(values) - 1, 1)
    bottom, height = (row + 1) * ROW - PAD, ROW - 2 * PAD
    return " ".join(
        f"{LEFT + number * step:.1f},{bottom - (value - low) / span * height:.1f}"
        for number, value in enumerate(values)
    )


def _place() -> dict[str, str]:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "commit": asked.stdout.strip() or "unknown",
        "machine": f"{platform.node()} {platform.machine()}",
        "python": platform.python_version(),
    }

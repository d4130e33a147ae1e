"""What `bottrader smoke` prints."""

import io

from rich.console import Console

from bottrader.cli.smoke_command import shown, smoke_table
from bottrader.domain.smoke import SmokeCheck, Verdict

CHECKS = (
    SmokeCheck("services", Verdict.PASS, "webhook running"),
    SmokeCheck("webhook health", Verdict.FAIL, "[red]blind[/red]", "mend it"),
    SmokeCheck("disk", Verdict.WARN, "81% used", "make room"),
)


def test_the_table_has_a_row_a_check_and_what_to_do_and_counts() -> None:
    stream = io.StringIO()
    Console(file=stream, width=80).print(smoke_table(CHECKS))
    lines = [" ".join(line.split()) for line in stream.getvalue().splitlines()]
    assert "pass services webhook running" in lines
    # What a service says of itself is text, and never styled.
    assert "fail webhook health [red]blind[/red]" in lines
    assert "→ mend it" in lines
    assert "→ make room" in lines
    assert lines[-1] == "1 pass, 1 warn, 1 fail"


def test_json_names_the_worst_verdict_and_every_check() -> None:
    assert shown(CHECKS[::2]) == {
        "verdict": "warn",
        "checks": [
            {"name": "services", "verdict": "pass", "found": "webhook running", "advice": ""},
            {"name": "disk", "verdict": "warn", "found": "81% used", "advice": "make room"},
        ],
    }

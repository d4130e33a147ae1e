"""Write `docs/configuration.md` from the settings: `python -m tools.configuration_page`; `--check` only compares."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bottrader.cli.paper_command import DEMO_PROFILE, PAPER_PROFILE
from bottrader.config import groups, variable_name
from tools.checks.configuration import PAGE, REMEDY, digest, sources

HEAD = """\
<!-- Written from the settings by `nox -s gen`; not edited by hand.
settings sha256: {digest} -->

# Configuration

Every setting is an environment variable, or a line of a file `.env` in the folder where `bottrader` is started. The
environment wins over the file, the file over the defaults of the command, and an option such as `--symbols` over all of
them. `bottrader config show` prints what is in force, secrets as stars.

A `BOTTRADER_` variable that no setting reads, and a value out of its range, stop the start with one sentence each and
exit code 2. Amounts are in quote currency, and shares are fractions: 0.045 is 4.5 %.
"""
PROFILES: Mapping[str, Mapping[str, object]] = {
    "`bottrader paper` and `bottrader demo` start from these defaults instead:": PAPER_PROFILE,
    "and `bottrader demo` from these as well:": {
        name: value for name, value in DEMO_PROFILE.items() if PAPER_PROFILE.get(name) != value
    },
}
BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def render(
    groups: Mapping[str, type[BaseModel]], profiles: Mapping[str, Mapping[str, object]], sources: list[str]
) -> str:
    """Return the page: a table for each group of settings, then the defaults that differ, each profile in its turn."""
    lines = [HEAD.format(digest=digest(sources))]
    for group in groups.values():
        title = (group.__doc__ or "").splitlines()[0].removesuffix(".")
        lines += [f"## {title}", "", "| variable | default | allowed | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{variable_name(name)}` | {_default(field)} | {_allowed(field)} | {field.description} |"
            for name, field in group.model_fields.items()
        ]
        lines.append("")
    lines.append("## Profiles")
    for title, profile in profiles.items():
        pairs = [f"`{variable_name(name)}={value}`" for name, value in profile.items()]
        lines += ["", title, "", *(f"* {pair}" for pair in pairs)]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "depends on the machine"
    match field.default:
        case None:
            return "none"
        case bool():
            return f"`{str(field.default).lower()}`"
        case Enum():
            return f"`{field.default.value}`"
        case tuple() | frozenset():
            return f"`{','.join(sorted(field.default))}`" if field.default else "empty"
        case _:
            return f"`{field.default}`"


def _allowed(field: FieldInfo) -> str:
    return ", ".join(_bounds(field))


def _bounds(field: FieldInfo) -> Iterator[str]:
    if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        yield " or ".join(f"`{member.value}`" for member in field.annotation)
    for constraint in field.metadata:
        for name, word in BOUNDS.items():
            bound = getattr(constraint, name, None)
            if bound is not None:
                yield f"{word} {bound}"


def main(arguments: list[str]) -> int:
    """Write or compare the page and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is out of date instead of writing it")
    only_check = parser.parse_args(arguments).check
    text = render(groups(), PROFILES, sources(Path.cwd()))
    if not only_check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PAGE} is out of date; {REMEDY}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write `docs/configuration.md` from the settings: `python -m tools.configuration_page`; `--check` only compares."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import time
from enum import Enum
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bottrader.cli.paper_command import DEMO_PROFILE, PAPER_PROFILE
from bottrader.config import CONFIG_VARIABLE, groups, variable_name
from bottrader.config.names import RENAMED, RETIRED
from bottrader.config.secret_files import file_variables
from bottrader.config.settings import SECRETS
from tools.checks.configuration import PAGE, REMEDY, digest, sources

HEAD = """\
<!-- Written from the settings by `nox -s gen`; not edited by hand.
settings sha256: {digest} -->

# Configuration

Every setting is an environment variable, a line of a file `.env` in the folder where `bottrader` is started, or a key
of a TOML file: `bottrader.toml` in that folder, or the file that `--config` or `{config}` names. Of two that
set the same name the stronger wins, in this order:

1. an option of the command, such as `--symbols`
2. the environment
3. `.env`
4. the TOML file
5. the profile of the command (at the end of this page)
6. the default

`bottrader config show` prints what is in force and where each value comes from, secrets as stars. `bottrader config
check` judges everything that a start would, without starting: exit code 0, or 2 and a sentence for each fault. With
`--role all` it also asks for what `bottrader run` needs: the key, and the secret of two processes.

In the TOML file a setting has its name without `BOTTRADER_` and in small letters, in the table of its group or before
the first table:

```toml
symbols = ["BTC-USD", "ETH-USD"]

[sizing]
order_size_roc = 20

[exits]
hard_stop_pct = "0.05"
```

An amount is text or a whole number there. A number with a point is refused, since TOML makes a binary fraction of it.
A file that holds a secret ({secrets}) is refused while anybody but its owner may read it.

A secret may also stand in a file of its own, which {files} name: the whole file is the secret, without
the newline at its end. A file that is empty or cannot be read is refused, and so is a secret given both ways.

Unknown names stop the start with exit code 2 and name the nearest setting: each variable that begins with `BOTTRADER_`,
each key of the TOML file, and each variable that begins like a setting of this bot but lacks the prefix, such as
`ORDER_SIZE_ROC`, which nobody reads. A value out of its range stops it too. Amounts are in quote currency, and shares
are fractions: 0.045 is 4.5 %.
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
    secrets = " or ".join(f"`{name}`" for name in sorted(SECRETS))
    files = " or ".join(f"`{name}`" for name in sorted(file_variables(SECRETS)))
    lines = [HEAD.format(digest=digest(sources), config=CONFIG_VARIABLE, secrets=secrets, files=files)]
    for table, group in groups.items():
        title = (group.__doc__ or "").splitlines()[0].removesuffix(".")
        lines += [
            f"## {title}",
            "",
            f"Table `[{table}]` of the TOML file.",
            "",
            "| variable | default | allowed | meaning |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{variable_name(name)}` | {_default(field)} | {_allowed(field)} | {field.description} |"
            for name, field in group.model_fields.items()
        ]
        lines.append("")
    lines.append("## Profiles")
    for title, profile in profiles.items():
        pairs = [f"`{variable_name(name)}={value}`" for name, value in profile.items()]
        lines += ["", title, "", *(f"* {pair}" for pair in pairs)]
    lines += ["", "## Earlier names", "", "Setting one of these stops the start, with or without `BOTTRADER_`.", ""]
    lines += [f"* `{name.upper()}`: now `{variable_name(setting)}`" for name, setting in RENAMED.items()]
    lines += [f"* `{name.upper()}`: {replacement}" for name, replacement in RETIRED.items()]
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
            return f"`{','.join(sorted(map(_written, field.default)))}`" if field.default else "empty"
        case _:
            return f"`{_written(field.default)}`"


def _written(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


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

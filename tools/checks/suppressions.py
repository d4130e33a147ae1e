"""Whoever silences a check says which one and why: the reason on the same line or in a comment on the line above."""

import io
import re
import tokenize
from collections.abc import Iterator

from tools.checks.source import Offence, Source

# The first group is the suppression with its codes, the second what follows it.
SUPPRESSION = re.compile(
    r"#\s*(noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w\-, ]+\])?|pragma: no \w+)(.*)$"
)


def check(source: Source) -> Iterator[Offence]:
    tokens = tokenize.generate_tokens(io.StringIO(source.text).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    reason_stands = False
    for number, line in enumerate(source.text.splitlines(), 1):
        if not line.strip():
            continue
        found = SUPPRESSION.search(comments.get(number, ""))
        if found is None:
            # A reason holds for the suppressed lines that follow it directly.
            reason_stands = line.strip().startswith("#")
            continue
        what, reason = found.groups()
        if what in {"noqa", "type: ignore"}:
            yield source.offence(number, f"{what!r} silences everything; name the code")
            continue
        if what.startswith("type:") and not source.is_product:
            # A test that makes a wrong call says by its name why.
            continue
        reason_stands = reason_stands or re.search(r"\w", reason) is not None
        if not reason_stands:
            yield source.offence(number, f"{what!r} has no reason; say why on the line or above it")

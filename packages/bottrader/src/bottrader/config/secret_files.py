"""Secrets that stand in files of their own, as containers and services hand them over: `DATABASE_URL_FILE` names one.

An environment is seen by whoever may inspect the process; a file has an owner. Each secret may come either way, and by
both it is refused, since one of the two would be forgotten when the secret changes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bottrader.config.names import variable_name

SUFFIX = "_FILE"


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """What the files say, by setting, the path of each, and one sentence for each thing that is wrong."""

    values: Mapping[str, str]
    paths: Mapping[str, str]
    faults: tuple[str, ...]


def file_variables(secrets: Collection[str]) -> frozenset[str]:
    """Return the variables that name files of secrets."""
    return frozenset(variable_name(secret) + SUFFIX for secret in secrets)


def read_secret_files(variables: Mapping[str, object], secrets: Collection[str]) -> SecretFiles:
    """Return what is in the files that `variables` name; a variable that is empty is not set.

    A newline at the end of a file is not part of the secret, because editors and `echo` write one. Contents are never
    repeated in a sentence.
    """
    values, paths, faults = {}, {}, []
    for secret in sorted(secrets):
        variable = variable_name(secret)
        path = str(variables.get(variable + SUFFIX) or "")
        if not path:
            continue
        if variables.get(variable):
            faults.append(f"{variable} and {variable}{SUFFIX} are both set and are one setting; unset one of them")
            continue
        text, fault = _read(Path(path))
        if fault is not None:
            faults.append(f"{variable}{SUFFIX}: the file {path} {fault}")
            continue
        values[secret], paths[secret] = text, path
    return SecretFiles(values, paths, tuple(faults))


def _read(path: Path) -> tuple[str, str | None]:
    """Return a file's text and what is wrong with it, if anything is."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        return "", f"cannot be read: {error.strerror}; name a file that this user may read"
    except UnicodeDecodeError:
        return "", "is no text in UTF-8; write the secret into it and nothing else"
    return (text, None) if text.strip() else ("", "is empty; write the secret into it")

"""Send the layers' reports to Codecov: `python -m tools.ci.codecov LAYER ... [--dry-run]`.

Each layer is sent under its flag: coverage (`build/cov/LAYER.xml`) and test results (`build/junit/LAYER-*.xml`).
In GitHub Actions a short-lived identity token stands in for a secret; elsewhere `CODECOV_TOKEN` is used when it is set.
"""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

BUILD = Path("build")
AUDIENCE = "https://codecov.io"
PATIENCE_S = 30


def uploads(layers: Sequence[str], build: Path) -> Iterator[tuple[str, ...]]:
    """Yield codecov-cli's options for each upload.

    Raises:
        FileNotFoundError: for a layer without a report; a mirror with a hole would look like lost coverage.
    """
    for layer in layers:
        coverage = build / "cov" / f"{layer}.xml"
        results = sorted((build / "junit").glob(f"{layer}-*.xml"))
        if not coverage.exists() or not results:
            raise FileNotFoundError(f"no reports of {layer} in {build}; run `nox -s cover` first")
        # No plugin: they look for the reports of other languages.
        common = ("--plugin", "noop", "--disable-search", "--flag", layer)
        yield ("--report-type", "coverage", *common, "--file", str(coverage))
        for result in results:
            yield ("--report-type", "test_results", *common, "--file", str(result))


def identity_token(environ: Mapping[str, str]) -> str | None:
    """Return the token by which GitHub vouches for this job, None outside of a job that may ask for one."""
    url, secret = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not secret:
        return None
    # The address is GitHub's own, from the environment of the job.
    request = urllib.request.Request(f"{url}&audience={AUDIENCE}", headers={"Authorization": f"bearer {secret}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - see above
        return str(json.load(answer)["value"])


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Upload everything, and return 1 when an upload failed, after all were tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layers", nargs="+", metavar="LAYER")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent; nothing leaves the machine")
    options = parser.parse_args(arguments)
    try:
        wanted = list(uploads(options.layers, BUILD))
    except FileNotFoundError as error:
        print(error)
        return 1
    # `upload-process` makes the commit known to the server even in a dry run; `do-upload` then only prints.
    verb = ["do-upload", "--dry-run"] if options.dry_run else ["upload-process"]
    program = [str(Path(sys.executable).with_name("codecovcli")), "--disable-telem", *verb, "--fail-on-error"]
    token = None if options.dry_run else identity_token(environ)
    # By the environment, because a command line can be read by every process of the machine.
    env = {**environ, "CODECOV_TOKEN": token} if token else dict(environ)
    failed = []
    for upload in wanted:
        command = [*program, *upload]
        print(" ".join(command[1:]), flush=True)
        if subprocess.run(command, env=env, check=False).returncode:
            failed.append(upload[-1])
    word = "would be sent" if options.dry_run else "sent"
    print(f"codecov: {len(wanted) - len(failed)} of {len(wanted)} reports {word}")
    for path in failed:
        print(f"not sent: {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))

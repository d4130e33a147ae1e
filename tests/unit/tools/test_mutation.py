"""The verdict on mutants: what survives is told, what is explained must still be there."""

import subprocess
from pathlib import Path

import pytest

from tools import mutation
from tools.mutation import Mutant, judge, parse_diff, read_explained

ROOT = Path(__file__).parents[3]
DIFF = """\
# bottrader.domain.sizing.x_size_entry__mutmut_19: survived
--- src/bottrader/domain/sizing.py
+++ src/bottrader/domain/sizing.py
@@ -3,7 +3,7 @@
     if granted < minimum:
-        return None
+        return 1
     return granted
"""
KNOWN = Mutant("bottrader.domain.sizing.size_entry", "return None", "return 1")
OTHER = Mutant("bottrader.domain.sizing.size_entry", "a", "b")
LIST = """
[[mutant]]
function = "bottrader.domain.sizing.size_entry"
old = "return None"
new = "return 1"
reason = "{reason}"
"""


def test_a_mutant_is_known_by_its_lines_and_not_by_its_number() -> None:
    assert parse_diff("bottrader.domain.sizing.x_size_entry__mutmut_19", DIFF) == KNOWN


def test_a_method_is_named_with_its_class() -> None:
    assert parse_diff("bottrader.domain.lots.xǁLotQueueǁapply__mutmut_1", DIFF).function == (
        "bottrader.domain.lots.LotQueue.apply"
    )


def test_a_private_function_keeps_its_name() -> None:
    assert parse_diff("bottrader.domain.money.x__round__mutmut_2", DIFF).function == "bottrader.domain.money._round"


def test_a_survivor_that_nobody_explained_fails() -> None:
    verdict = judge(9, [OTHER, KNOWN], {KNOWN: "same"})
    assert (verdict.survivors, verdict.explained_count, verdict.is_passed) == ((OTHER,), 1, False)


def test_an_explanation_of_a_mutant_that_is_killed_fails() -> None:
    verdict = judge(9, [], {KNOWN: "same"})
    assert (verdict.stale, verdict.is_passed) == ((KNOWN,), False)


def test_explained_survivors_alone_pass() -> None:
    assert judge(9, [KNOWN, KNOWN], {KNOWN: "same"}).is_passed


def test_only_explanations_of_the_modules_that_ran_count() -> None:
    assert read_explained(LIST.format(reason="same"), ["sizing"]) == {KNOWN: "same"}
    assert read_explained(LIST.format(reason="same"), ["money"]) == {}


def test_an_explanation_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="has a reason"):
        read_explained(LIST.format(reason=" "), ["sizing"])


def test_an_unknown_module_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as told:
        mutation.main(["engine"])
    assert told.value.code == 2
    assert "no mutants are made of engine" in capsys.readouterr().err


def test_every_explanation_of_the_project_has_its_reason() -> None:
    listed = read_explained(mutation.EQUIVALENT.read_text(encoding="utf-8"), ["money"])
    assert all(len(reason) > 20 for reason in listed.values())


@pytest.mark.parametrize(
    ("path", "modules"),
    [
        ("packages/bottrader/src/bottrader/domain/money.py", ["money"]),
        ("packages/bottrader/src/bottrader/domain/lots/queue.py", ["lots"]),
        ("tests/unit/domain/test_lots_properties.py", ["lots"]),
        ("tests/unit/domain/lots/test_queue.py", ["lots"]),
        ("tests/unit/domain/test_money.py", ["money"]),
        ("packages/bottrader/src/bottrader/domain/money_market.py", []),
        ("tests/unit/app/test_money.py", []),
        ("README.md", []),
    ],
)
def test_a_change_of_a_rule_or_of_its_tests_chooses_the_module(
    monkeypatch: pytest.MonkeyPatch, path: str, modules: list[str]
) -> None:
    def diff(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=f"docs/x.md\n{path}\n", stderr="")

    monkeypatch.setattr(subprocess, "run", diff)
    assert mutation.changed_modules("origin/main", ["money", "lots"]) == modules


def test_a_base_that_is_not_there_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diff(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 128, stdout="", stderr="fatal: bad revision 'nowhere'\n")

    monkeypatch.setattr(subprocess, "run", diff)
    with pytest.raises(SystemExit) as told:
        mutation.main(["--changed", "nowhere"])
    assert told.value.code == 2
    assert "git cannot compare with nowhere: fatal: bad revision 'nowhere'" in capsys.readouterr().err


def test_when_no_rule_changed_nothing_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutation, "changed_modules", lambda base, modules: [])
    monkeypatch.setattr(mutation, "stage", lambda modules: pytest.fail("it staged mutants of nothing"))
    assert mutation.main(["--changed", "origin/main"]) == 0
    assert "nothing to break" in capsys.readouterr().out


def test_the_report_shows_a_survivor_before_and_after_and_ends_with_the_counts() -> None:
    told = mutation.report(judge(9, [OTHER, KNOWN], {KNOWN: "same"}), ["sizing", "money"])
    assert told.splitlines() == [
        "no test notices: bottrader.domain.sizing.size_entry",
        "  - a",
        "  + b",
        "mutation: 9 mutants of sizing, money; 1 survived, 1 are equivalent and explained",
    ]

"""Each house rule finds the offence planted here and leaves the honest neighbour alone."""

import pytest

from tools.checks import handlers, lengths, names, suppressions, waiting
from tools.checks.source import Source

APP = "packages/bottrader/src/bottrader/app/trade.py"
CLI = "packages/bottrader/src/bottrader/cli/main.py"
TEST = "tests/unit/app/test_trade.py"


def source(text: str, path: str = APP) -> Source:
    return Source.parse(path, text)


def function_of(lines: int) -> str:
    """Return a function of that many lines, its `def` included."""
    return "def long():\n" + "    x = 1\n" * (lines - 1)


class TestLengths:
    def test_a_file_of_401_lines_is_too_long_and_one_of_400_is_not(self) -> None:
        assert [str(found) for found in lengths.check(source("x = 1\n" * 401))] == [
            f"{APP}:1: the file has 401 lines, at most 400; give a part its own module"
        ]
        assert not list(lengths.check(source("x = 1\n" * 400)))

    def test_a_function_of_41_lines_is_too_long_and_one_of_40_is_not(self) -> None:
        found = list(lengths.check(source("y = 2\n" + function_of(41))))
        assert [(offence.line, offence.message) for offence in found] == [
            (2, "long has 41 lines, at most 40; name its parts")
        ]
        assert not list(lengths.check(source(function_of(40))))

    def test_a_coroutine_and_a_method_are_measured_too(self) -> None:
        assert list(lengths.check(source("async " + function_of(41))))
        method = "class Desk:\n" + "".join(f"    {line}\n" for line in function_of(41).splitlines())
        assert list(lengths.check(source(method)))

    def test_tests_may_be_long(self) -> None:
        assert not list(lengths.check(source("x = 1\n" * 500, TEST)))


class TestHandlers:
    @pytest.mark.parametrize(
        "caught", ["", " Exception", " BaseException as e", " (ValueError, Exception)", " builtins.Exception"]
    )
    def test_a_broad_handler_outside_cli_is_found(self, caught: str) -> None:
        found = list(handlers.check(source(f"try:\n    f()\nexcept{caught}:\n    pass\n")))
        assert [(offence.line, "broad" in offence.message) for offence in found] == [(3, True)]

    def test_cli_may_catch_broadly(self) -> None:
        assert not list(handlers.check(source("try:\n    f()\nexcept Exception:\n    pass\n", CLI)))

    def test_a_module_called_cli_is_that_room_too(self) -> None:
        path = "packages/coinbase-sim/src/coinbase_sim/cli.py"
        assert not list(handlers.check(source("try:\n    f()\nexcept Exception:\n    pass\n", path)))

    def test_a_narrow_handler_is_fine(self) -> None:
        assert not list(handlers.check(source("try:\n    f()\nexcept (ValueError, KeyError):\n    pass\n")))

    def test_a_swallowed_cancellation_is_found_even_in_cli(self) -> None:
        text = "try:\n    f()\nexcept asyncio.CancelledError:\n    log()\n"
        assert [found.message for found in handlers.check(source(text, CLI))] == [
            "CancelledError is swallowed; re-raise it"
        ]

    def test_a_cancellation_that_is_raised_again_is_fine(self) -> None:
        assert not list(handlers.check(source("try:\n    f()\nexcept CancelledError:\n    log()\n    raise\n")))


class TestNames:
    @pytest.mark.parametrize("name", ["utils.py", "order_manager.py", "_helpers.py", "common/lots.py"])
    def test_a_drawer_for_everything_is_found(self, name: str) -> None:
        assert list(names.check(source("", f"packages/bottrader/src/bottrader/app/{name}")))

    def test_a_name_that_only_contains_such_a_word_is_fine(self) -> None:
        assert not list(names.check(source("", "packages/bottrader/src/bottrader/app/database.py")))


class TestWaiting:
    @pytest.mark.parametrize(
        "text",
        [
            "import asyncio\nasyncio.wait_for(f(), 1)\n",
            "import asyncio as aio\naio.wait_for(f(), 1)\n",
            "x = 1\nfrom asyncio import wait_for\n",
            "x = 1\nfrom asyncio import wait_for as bounded\n",
        ],
    )
    def test_wait_for_is_found_under_every_name_and_in_tests(self, text: str) -> None:
        assert [found.line for found in waiting.check(source(text, TEST))] == [2]

    def test_another_objects_wait_for_is_fine(self) -> None:
        assert not list(waiting.check(source("import asyncio\ncondition.wait_for(ready)\nasyncio.timeout(1)\n")))


class TestSuppressions:
    @pytest.mark.parametrize("mark", ["noqa", "type: ignore"])
    def test_a_blanket_suppression_is_found_even_with_a_reason(self, mark: str) -> None:
        assert [found.line for found in suppressions.check(source(f"x = 1  # {mark} because\n"))] == [1]

    @pytest.mark.parametrize("mark", ["noqa: S101", "type: ignore[arg-type]", "pragma: no cover"])
    def test_a_suppression_without_a_reason_is_found(self, mark: str) -> None:
        found = list(suppressions.check(source(f"y = 2\nx = 1  # {mark}\n")))
        assert [(offence.line, "no reason" in offence.message) for offence in found] == [(2, True)]

    def test_a_reason_on_the_line_or_above_it_is_enough(self) -> None:
        text = "x = 1  # noqa: S101 - the venue sends it so\n# The stub is wrong.\ny = 2  # type: ignore[arg-type]\n"
        assert not list(suppressions.check(source(text)))

    def test_a_text_that_speaks_of_one_is_no_suppression(self) -> None:
        assert not list(suppressions.check(source('x = "# noqa"\n')))

    def test_a_test_may_make_a_wrong_call_without_a_reason_but_not_without_the_code(self) -> None:
        assert not list(suppressions.check(source("f(0.1)  # type: ignore[arg-type]\n", TEST)))
        assert list(suppressions.check(source("f(0.1)  # type: ignore\n", TEST)))

    @pytest.mark.parametrize("first", ["# Loaded late.", "import z  # noqa: PLC0415 - loaded late"])
    def test_a_reason_covers_the_suppressed_lines_that_follow_directly(self, first: str) -> None:
        text = f"{first}\nimport a  # noqa: PLC0415\n\nimport b  # noqa: PLC0415\nx = 1\nimport c  # noqa: PLC0415\n"
        assert [found.line for found in suppressions.check(source(text))] == [6]

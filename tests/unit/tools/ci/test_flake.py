"""Random orders: how many, of what, and one line for each seed."""

import pytest

from tools.ci import flake


def test_ten_orders_of_the_unit_layer_are_what_is_run_unless_told_otherwise() -> None:
    assert flake.arguments_of([]) == (10, "tests/unit", [])
    assert flake.arguments_of(["3", "tests/e2e", "--", "-n", "2"]) == (3, "tests/e2e", ["-n", "2"])


@pytest.mark.parametrize(("red_places", "code"), [((), 0), ((1,), 1)])
def test_every_seed_is_told_with_its_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], red_places: tuple[int, ...], code: int
) -> None:
    seeds: list[int] = []

    def run(seed: int, folder: str, options: list[str]) -> bool:
        seeds.append(seed)
        assert (folder, options) == ("tests/unit", ["-n", "0"])
        return len(seeds) - 1 not in red_places

    monkeypatch.setattr(flake, "run", run)
    assert flake.main(["3", "--", "-n", "0"]) == code
    *lines, last = capsys.readouterr().out.splitlines()
    colours = ["RED" if place in red_places else "green" for place in range(3)]
    assert lines == [f"tests/unit in the order of seed {s}: {c}" for s, c in zip(seeds, colours, strict=True)]
    assert last.startswith(f"flake: {3 - len(red_places)} of 3 random orders green")

"""`bottrader lots rebuild`, `versions` and `drop` on the embedded database."""

from tests.fixtures.command_line import Shell, refused


def test_versions_are_made_listed_and_dropped_by_command(shell: Shell) -> None:
    rebuilt = shell.run("lots", "rebuild", "--method", "lifo")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "version 2 (lifo) is active: 0 executions, 0 allocations, 0 without a buy, P&L 0" in rebuilt.stdout

    assert "is the active one; rebuild first, then drop it" in refused(shell.run("lots", "drop", "2"))
    assert "version 1 is dropped: 0 allocations" in shell.run("lots", "drop", "1").stdout

    lines = shell.run("lots", "versions").stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["1", "fifo", "dropped"], ["2", "lifo", "active"]]

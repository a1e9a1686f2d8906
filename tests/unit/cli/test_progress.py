"""What whoever waits at a terminal sees, and nobody else."""

import asyncio

import pytest

from collector.cli import progress


@pytest.fixture
def terminal(monkeypatch):
    """Say whether stderr is a terminal."""

    def answer(*, yes):
        monkeypatch.setattr("sys.stderr.isatty", lambda: yes, raising=False)
        monkeypatch.setattr(progress, "_EVERY_S", 0.0)

    return answer


@pytest.mark.parametrize("yes", [True, False])
async def test_waiting_is_told_at_a_terminal_and_wiped_away(terminal, capsys, yes):
    terminal(yes=yes)
    calls = iter(range(1000))
    async with progress.waiting(lambda: f"{next(calls)} calls"):
        for _ in range(5):
            await asyncio.sleep(0)
    said = capsys.readouterr().err
    assert ("0 calls, 0 s" in said, "1 calls, 0 s" in said) == (yes, yes)
    assert said.endswith("\r\x1b[K") == yes
    assert yes or said == ""


@pytest.mark.parametrize("yes", [True, False])
def test_a_bar_fills_as_a_file_is_read(terminal, capsys, tmp_path, yes):
    file = tmp_path / "fleet.jsonl.gz"
    file.write_bytes(b"x" * 100)
    terminal(yes=yes)
    with progress.reading(file) as at:
        for position in (10, 10, 100):
            at(position)
    said = capsys.readouterr().err
    assert ("fleet.jsonl.gz" in said, said == "") == (yes, not yes)

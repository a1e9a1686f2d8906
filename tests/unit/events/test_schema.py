"""How the file is opened: a new one, one of another program, a damaged one, other versions."""

import sqlite3

import pytest

from collector.errors import HistoryError
from collector.events import schema
from collector.events.history import History
from tests.support.events import START, event


async def test_a_file_of_another_program_is_refused(path):
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE secrets (text)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match=r"another program .*events\.history\.path"):
        await History(path).__aenter__()
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"accounts:\n  - name: main\n" * 100)
    with pytest.raises(HistoryError, match="is not a database"):
        await History(path).__aenter__()
    assert path.read_bytes().startswith(b"accounts:")


async def test_a_newer_version_is_refused(path):
    schema.open_history(path, version=schema.VERSION + 1).close()
    with pytest.raises(HistoryError, match=f"schema version {schema.VERSION + 1}.*newer release"):
        await History(path).__aenter__()


async def test_an_older_version_is_migrated(path):
    async with History(path, unix_time=lambda: START) as first:
        await first.append([event(1)])
    migrations = {schema.VERSION: "CREATE TABLE outbox (id INTEGER PRIMARY KEY); INSERT INTO outbox VALUES (7)"}
    opened = schema.open_history(path, version=schema.VERSION + 1, migrations=migrations)
    assert opened.execute("SELECT id FROM outbox").fetchall() == [(7,)]
    assert opened.execute("SELECT count(*) FROM event").fetchone() == (1,)
    assert opened.execute("PRAGMA user_version").fetchone() == (schema.VERSION + 1,)
    opened.close()


async def test_a_migration_that_fails_changes_nothing(path):
    async with History(path, unix_time=lambda: START) as first:
        await first.append([event(1)])
    migrations = {schema.VERSION: "CREATE TABLE outbox (id INTEGER PRIMARY KEY); SELECT nonsense"}
    with pytest.raises(HistoryError):
        schema.open_history(path, version=schema.VERSION + 1, migrations=migrations)
    async with History(path, unix_time=lambda: START) as again:
        assert await again.append([event(1)]) == ["duplicate"]


async def test_a_version_without_a_migration_is_refused(path):
    schema.open_history(path, version=0).close()
    with pytest.raises(HistoryError, match="schema version 0, which this release cannot migrate"):
        await History(path).__aenter__()


async def test_a_folder_that_cannot_be_created_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="cannot be opened"):
        await History(tmp_path / "file" / "events.db").__aenter__()


async def test_a_file_of_one_byte_is_not_overwritten(path):
    path.parent.mkdir()
    path.write_bytes(b"x")
    with pytest.raises(HistoryError, match="is not a database"):
        await History(path).__aenter__()
    assert path.read_bytes() == b"x"


async def test_a_second_collector_is_refused(path):
    async with History(path):
        with pytest.raises(HistoryError, match="in use by another collector"):
            await History(path).__aenter__()
    async with History(path):
        pass

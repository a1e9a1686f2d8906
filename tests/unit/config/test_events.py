"""The section `events`: durations, sizes, `history: memory`, and where the file is."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.config.events import EventsConfig
from collector.errors import HistoryError
from collector.events.configured import history_of
from collector.events.history import History
from collector.events.memory import MemoryHistory


def section(**history):
    return EventsConfig.model_validate({"history": history})


@pytest.mark.parametrize(
    ("text", "seconds"), [("14d", 14 * 86_400), ("90m", 5400), ("2w", 14 * 86_400), ("1.5h", 5400), (3600, 3600)]
)
def test_durations(text, seconds):
    assert section(retention=text).history.retention == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("1GiB", 2**30), ("512 MiB", 2**29), ("20GB", 20 * 10**9), (2**26, 2**26), ("1.5GiB", 3 * 2**29)]
)
def test_sizes(text, size):
    assert section(max_size=text).history.max_size == size


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"retention": "14 days"}, "is not a duration"),
        ({"retention": "1s"}, "greater than or equal to 60"),
        ({"retention": True}, "is not a duration"),
        ({"max_size": "1G"}, "is not a size"),
        ({"max_size": "1MiB"}, "greater than or equal to 16777216"),
        ({"on_error": "ignore"}, "'count' or 'refuse'"),
        ({"retain": "14d"}, "Extra inputs"),
        ("disk", "is neither a section nor memory"),
    ],
)
def test_invalid_values(history, message):
    with pytest.raises(ValidationError, match=message):
        EventsConfig.model_validate({"history": history})


def test_the_history_is_in_memory_by_default():
    config = EventsConfig()
    assert config.file is None
    assert config.key_file is None


def test_a_path_makes_it_durable():
    config = EventsConfig.model_validate({"history": {"path": "/var/lib/mist-collector/events.db"}})
    assert config.file == Path("/var/lib/mist-collector/events.db")
    assert config.key_file == Path("/var/lib/mist-collector/identities.key")


def test_positions_and_raw_scans_are_kept_out_by_default():
    assert {"location*", "asset-raw*", "wifi-conn-raw"} <= set(EventsConfig().excluded_topics)
    assert EventsConfig.model_validate({"history": {"exclude_topics": []}}).excluded_topics == ()


def test_the_configuration_selects_the_history(tmp_path):
    config = section(path=str(tmp_path / "events.db"))
    assert isinstance(history_of(config), History)
    assert (tmp_path / "identities.key").exists()
    memory = EventsConfig.model_validate({"history": "memory"})
    assert isinstance(history_of(memory), MemoryHistory)


def test_a_key_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "identities.key").write_text("x")
    with pytest.raises(HistoryError, match="contains no key"):
        history_of(section(path=str(tmp_path / "events.db")))

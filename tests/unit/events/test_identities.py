"""Personal data is replaced wherever it occurs; equal values stay equal."""

import stat

import pytest

from collector.errors import HistoryError
from collector.events.identities import HASH_PREFIX, Identities, load_key
from tests.support.events import event

MAC = "0200000000aa"
JOIN = event(
    1,
    topic="client-join",
    text=f"Client {MAC} joined SSID corp on AP lobby",
    fields={
        "mac": MAC,
        "ap": "5c5b35000001",
        "username": "Anna.Muster",
        "client_ip": "192.0.2.7",
        "text": "anna.muster (0200000000AA) from 192.0.2.7, cause 192.0.2.70",
        "ssid": "corp",
        "number": 1,
        "mobile": 491700000000,
    },
)


@pytest.fixture
def identities():
    return Identities(b"k" * 32)


def test_personal_data_is_nowhere_in_the_event(identities):
    after = identities.apply(JOIN)
    shown = repr(after).casefold()
    assert not [value for value in (MAC, "anna", "192.0.2.7,", "491700000000") if value in shown]
    assert after.fields["ap"] == "5c5b35000001"
    assert after.fields["ssid"] == "corp"
    assert after.text == f"Client {identities.hash_value(MAC)} joined SSID corp on AP lobby"
    assert "192.0.2.70" in str(after.fields["text"])
    assert after.id != JOIN.id


def test_equal_values_stay_equal(identities):
    hashes = {identities.hash_value(text) for text in (MAC, "02:00:00:00:00:AA", "0200.0000.00aa", " 0200000000aa ")}
    assert len(hashes) == 1
    assert identities.apply(JOIN) == Identities(b"k" * 32).apply(JOIN)
    assert Identities(b"l" * 32).hash_value(MAC) != identities.hash_value(MAC)


@pytest.mark.parametrize(
    ("topic", "field", "is_hashed"),
    [
        ("device-events", "mac", False),
        ("device-events", "ip", False),
        ("device-events", "client_mac", True),
        ("client-info", "hostname", True),
        ("location-sdk", "name", True),
        ("nac-events", "idp_username", True),
        ("a-topic-of-tomorrow", "mac", True),
        ("audits", "admin_name", False),
        ("audits", "src_ip", True),
        ("alarms", "client_macs.0", True),
        ("alarms", "hostnames.0", False),
        ("alarms", "details.username", True),
        ("zone", "zone.name", False),
    ],
)
def test_the_topic_decides(identities, topic, field, is_hashed):
    after = identities.apply(event(1, topic=topic, fields={field: "value-1"}))
    assert str(after.fields[field]).startswith(HASH_PREFIX) == is_hashed


def test_the_entity_of_an_alarm_is_personal_if_it_is_a_client(identities):
    fields = {"impacted_entities.0.entity_type": "ap", "impacted_entities.0.entity_mac": "5c5b35000001"}
    assert identities.apply(event(1, topic="alarms", fields=fields)).fields == fields
    fields["impacted_entities.0.entity_type"] = "wired_client"
    after = identities.apply(event(1, topic="alarms", fields=fields))
    assert str(after.fields["impacted_entities.0.entity_mac"]).startswith(HASH_PREFIX)


def test_the_device_of_an_unknown_topic_is_kept(identities):
    after = identities.apply(event(1, topic="new-topic", device_mac=MAC, fields={"mac": MAC}))
    assert after.fields["mac"] == MAC


def test_values_that_mean_unknown_are_kept(identities):
    fields = {"username": "unknown", "client_ip": "0.0.0.0", "client_mac": "000000000000"}  # noqa: S104 - text
    assert identities.apply(event(1, topic="client-join", fields=fields)).fields == fields


def test_addresses_in_texts_are_replaced_except_those_of_administrators(identities):
    text = "User anna@example.com rejected"
    assert "anna" not in identities.apply(event(1, fields={"text": text})).fields["text"]
    assert identities.apply(event(1, topic="audits", text=text)).text == text


def test_a_key_is_created_once_and_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "state" / "identities.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "no key", "ab" * 8])
def test_a_file_without_a_key_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "identities.key"
    path.write_text(content)
    with pytest.raises(HistoryError, match="contains no key"):
        load_key(path)
    assert path.read_text() == content


def test_an_event_with_too_many_occurrences_loses_the_text_as_a_whole(identities):
    names = [f"user-{number:03d}" for number in range(100)]
    fields = {f"wcids.{number}": name for number, name in enumerate(names)}
    texts = {f"text{number}": " ".join(names) for number in range(100)}
    after = identities.apply(event(1, topic="client-join", fields=fields | texts))
    assert "user-" not in repr(after)
    assert after.fields["text99"] == identities.hash_value(texts["text99"])
    assert after.fields["text0"].split() == [identities.hash_value(name) for name in names]


def test_an_address_is_searched_in_one_pass(identities):
    # from every letter anew this would take hours
    after = identities.apply(event(1, fields={"text": "a" * 5_000_000 + "@", "other": "to x.y+z@example.com."}))
    assert after.fields["text"].endswith("a@")
    assert after.fields["other"] == f"to {identities.hash_value('x.y+z@example.com')}."


def test_the_columns_of_a_client_are_hidden(identities):
    entity = {"entity_type": "client", "entity_name": "ivan", "entity_mac": MAC}
    fields = {f"impacted_entities.0.{name}": value for name, value in entity.items()}
    after = identities.apply(event(1, topic="alarms", device_name="ivan", device_mac=MAC, text="ivan", fields=fields))
    assert (after.device_name, after.device_mac) == (identities.hash_value("ivan"), identities.hash_value(MAC))


@pytest.mark.parametrize("spelling", ["02:00:00:00:00:aa", "02-00-00-00-00-AA", "0200.0000.00aa", "0200000000AA"])
def test_every_notation_of_a_mac_address_is_replaced(spelling, identities):
    after = identities.apply(event(1, topic="client-join", text=f"Client {spelling} left", fields={"mac": MAC}))
    assert after.text == f"Client {identities.hash_value(MAC)} left"


@pytest.mark.parametrize("path", ["client.mac", "clients.0.hostname", "client.ip", "userName", "dhcp_hostname"])
def test_fields_of_a_nested_client_are_personal(path, identities):
    after = identities.apply(event(1, topic="client-join", fields={path: "anna"}))
    assert after.fields[path] == identities.hash_value("anna")

"""Templates of event texts."""

import pytest

from collector.catalog.event_texts import ID_FIELDS, TEXTS
from collector.feeds.event_text import MAX_TEXT_CHARS, Template, clean, in_words

VALUES = {"device": "AP Lobby", "port": 7, "reason": "power_cycle", "latency": 0.018, "ratio": 0.6, "seconds": 7500.0}


def render(text):
    return Template(text).render(lambda name: VALUES.get(name, ""))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{device} restarted", "AP Lobby restarted"),
        ("{device} restarted[: {reason:phrase}]", "AP Lobby restarted: power cycle"),
        ("{device} restarted[: {cause}]", "AP Lobby restarted"),
        ("[{cause}, ]port {port}[ of {device}]", "Port 7 of AP Lobby"),
        ("{cause} restarted", ""),
        ("{cause|reason}", "Power_cycle"),
        ("{cause|effect}", ""),
        ("{latency:ms}, {ratio:percent}, {seconds:duration}", "18 ms, 60 %, 2 h 5 min"),
        ("{device:ms}", "AP Lobby"),
        ("", ""),
    ],
)
def test_rendering(template, text):
    assert render(template) == text


def test_an_unknown_format_is_an_error():
    with pytest.raises(KeyError):
        Template("{a:unknown}")


def test_the_names_of_a_template():
    assert Template("{a|b} [{c:ms}]").names == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" a\tb\n\nc\x1b[31m ", "A b c [31m"),
        ("x" * 1000, "X" + "x" * (MAX_TEXT_CHARS - 2) + "…"),
        ("état", "État"),
        ("", ""),
    ],
)
def test_a_text_is_one_line_of_limited_length(text, cleaned):
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("AP_CONFIG_CHANGED_BY_RRM", "Configuration changed by RRM"),
        ("SW_ALARM_CHASSIS_PSU", "Chassis PSU alarm"),
        ("rogue-ap-detected", "Rogue AP detected"),
        ("MISSING_VLAN", "Missing VLAN"),
        ("sw_dhcp_pool_exhausted", "DHCP pool exhausted"),
        ("NAC_IDP_AUTHC_FAILURE", "IdP authentication failure"),
        ("", ""),
    ],
)
def test_types_in_words(type_, words):
    assert in_words(type_) == words


@pytest.mark.parametrize("topic", TEXTS)
def test_every_template_compiles(topic):
    texts = [TEXTS[topic].text, *(row.text for row in TEXTS[topic].types.values())]
    for text in texts:
        assert text.count("[") == text.count("]")
        assert text.count("{") == text.count("}")
        assert Template(text).names or text == ""


def test_ids_of_maps_and_zones_are_not_in_templates():
    used = {
        name for topic in TEXTS.values() for row in (topic, *topic.types.values()) for name in Template(row.text).names
    }
    assert not used & set(ID_FIELDS.values())

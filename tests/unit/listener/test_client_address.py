"""Who sends, as far as it can be believed, and how often one may."""

import ipaddress

import pytest

from collector.listener.client_address import MOST_SOURCES, ClientAddressPolicy, RateLimiter, address_of

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("192.0.2.300", None),
        ("192.0.2.1/24", None),
    ],
)
def test_addresses_as_proxies_write_them(text, address):
    assert address_of(text) == (ipaddress.ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # no proxy of ours: what it says is not believed
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),  # the left one was the sender's own
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a machine behind the proxies
        ("10.0.0.1", ["203.0.113.9, rubbish"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, rubbish, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["[2001:db8::1]:55"], "2001:db8::1"),
        ("10.0.0.1", ["1.1.1.1," * 5000 + "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.1.1.1," * 5000 + "10.2.2.2"], "10.1.1.1"),
    ],
)
def test_the_source_behind_trusted_proxies(peer, forwarded, source):
    assert ClientAddressPolicy(proxies=PROXIES).source(peer, forwarded) == ipaddress.ip_address(source)


def test_an_allow_list_lets_in_whom_it_names():
    sources = ClientAddressPolicy([ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")])
    assert sources.allows(address_of("192.0.2.77"))
    assert sources.allows(address_of("2001:db8::9"))
    assert not sources.allows(address_of("198.51.100.1"))
    assert not sources.allows(None)
    assert ClientAddressPolicy().allows(None)


def test_a_rate_is_a_burst_and_then_so_many_a_second():
    rates = RateLimiter(10.0, 5)
    one, other = address_of("192.0.2.1"), address_of("192.0.2.2")
    assert [rates.wait_s(one, 0.0) for _ in range(6)] == [0.0] * 5 + [0.1]
    assert rates.wait_s(other, 0.0) == 0.0
    assert [rates.wait_s(one, 0.2) for _ in range(3)] == [0.0, 0.0, 0.1]
    assert [rates.wait_s(one, 100.0) for _ in range(6)] == [0.0] * 5 + [0.1], "a rest fills it up to the burst"


def test_the_zone_of_a_link_local_address_is_left_out():
    proxies = ClientAddressPolicy(proxies=[ipaddress.ip_network("fe80::/64")])
    assert proxies.is_proxy("fe80::1%eth0")
    assert str(proxies.source("fe80::1%eth0", ["192.0.2.7"])) == "192.0.2.7"
    assert address_of("[fe80::1%eth0]:443") == address_of("fe80::1")
    assert address_of("192.0.2.1%eth0; drop") is None


def test_an_ipv4_address_in_ipv6_notation_is_the_ipv4_address():
    sources = ClientAddressPolicy([ipaddress.ip_network("192.0.2.0/24")], [ipaddress.ip_network("127.0.0.0/8")])
    assert sources.allows(sources.source("::ffff:192.0.2.9", ()))
    assert sources.allows(sources.source("::ffff:127.0.0.1", ["::ffff:192.0.2.9"]))
    assert not sources.allows(sources.source("::ffff:198.51.100.1", ["192.0.2.9"]))


def test_all_addresses_of_an_ipv6_network_are_one_source():
    rates = RateLimiter(1.0, 1)
    assert rates.wait_s(address_of("2001:db8::1"), 0.0) == 0.0
    assert rates.wait_s(address_of("2001:db8::ffff:2"), 0.0) == 1.0
    assert rates.wait_s(address_of("2001:db8:0:1::1"), 0.0) == 0.0


def test_the_memory_of_rates_is_bounded():
    rates = RateLimiter(1.0, 1)
    for number in range(MOST_SOURCES + 500):
        rates.wait_s(ipaddress.ip_address(number), 0.0)
    assert len(rates) == MOST_SOURCES
    assert rates.wait_s(ipaddress.ip_address(MOST_SOURCES + 400), 0.0) > 0

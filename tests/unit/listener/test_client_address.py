"""Client addresses behind proxies, rates, and authenticated sources."""

import ipaddress

import pytest

from collector.listener.client_address import (
    AUTHENTICATED_FOR_S,
    MAX_AUTHENTICATED_SOURCES,
    MAX_RATE_LIMITED_SOURCES,
    AuthenticatedSources,
    ClientAddressPolicy,
    RateLimiter,
    address_of,
    source_of,
)

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
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_source(address, source):
    assert source_of(address_of(address)) == source


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # not a trusted proxy
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),  # the left one was written by the client
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a host behind the proxies
        ("10.0.0.1", ["203.0.113.9, invalid"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, invalid, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1", ["[2001:db8::1]:55"], "2001:db8::1"),
        ("10.0.0.1", ["1.1.1.1," * 5000 + "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.1.1.1," * 5000 + "10.2.2.2"], "10.1.1.1"),
    ],
)
def test_the_client_behind_trusted_proxies(peer, forwarded, client):
    assert ClientAddressPolicy(proxies=PROXIES).client(peer, forwarded) == ipaddress.ip_address(client)


def test_allowed_networks():
    policy = ClientAddressPolicy([ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32")])
    assert policy.allows(address_of("192.0.2.77"))
    assert policy.allows(address_of("2001:db8::9"))
    assert not policy.allows(address_of("198.51.100.1"))
    assert not policy.allows(None)
    assert ClientAddressPolicy().allows(None)


def test_the_zone_of_a_link_local_address_is_ignored():
    policy = ClientAddressPolicy(proxies=[ipaddress.ip_network("fe80::/64")])
    assert policy.is_proxy("fe80::1%eth0")
    assert str(policy.client("fe80::1%eth0", ["192.0.2.7"])) == "192.0.2.7"
    assert address_of("[fe80::1%eth0]:443") == address_of("fe80::1")
    assert address_of("192.0.2.1%eth0; drop") is None


def test_an_ipv4_mapped_address_is_the_ipv4_address():
    policy = ClientAddressPolicy([ipaddress.ip_network("192.0.2.0/24")], [ipaddress.ip_network("127.0.0.0/8")])
    assert policy.allows(policy.client("::ffff:192.0.2.9", ()))
    assert policy.allows(policy.client("::ffff:127.0.0.1", ["::ffff:192.0.2.9"]))
    assert not policy.allows(policy.client("::ffff:198.51.100.1", ["192.0.2.9"]))


def test_a_rate_is_a_burst_and_then_a_number_a_second():
    rates = RateLimiter(10.0, 5)
    assert [rates.wait_s("a", 0.0) for _ in range(6)] == [0.0] * 5 + [0.1]
    assert rates.wait_s("b", 0.0) == 0.0
    assert [rates.wait_s("a", 0.2) for _ in range(3)] == [0.0, 0.0, 0.1]
    assert [rates.wait_s("a", 100.0) for _ in range(6)] == [0.0] * 5 + [0.1], "the bucket fills up to the burst"


def test_the_number_of_rate_limited_sources_is_bounded():
    rates = RateLimiter(1.0, 1)
    for number in range(MAX_RATE_LIMITED_SOURCES + 500):
        rates.wait_s(str(number), 0.0)
    assert len(rates) == MAX_RATE_LIMITED_SOURCES
    assert rates.wait_s(str(MAX_RATE_LIMITED_SOURCES + 400), 0.0) > 0


def test_a_source_stays_authenticated_for_an_hour():
    now = [0.0]
    sources = AuthenticatedSources(lambda: now[0])
    assert "a" not in sources
    sources.add("a")
    now[0] = AUTHENTICATED_FOR_S
    assert "a" in sources
    now[0] += 1.0
    assert "a" not in sources
    sources.add("a")
    assert "a" in sources


def test_the_number_of_authenticated_sources_is_bounded():
    sources = AuthenticatedSources(lambda: 0.0)
    for number in range(MAX_AUTHENTICATED_SOURCES):
        sources.add(str(number))
    sources.add("0")
    sources.add("one more")
    assert "0" in sources
    assert "1" not in sources

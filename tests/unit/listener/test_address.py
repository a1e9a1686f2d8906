"""Listen addresses: notation, collisions, and the errors of the system."""

import socket

import pytest

from collector.errors import ListenError
from collector.listener import address
from collector.listener.address import ListenAddress


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9733", "127.0.0.1", 9733),
        ("localhost:0", "localhost", 0),
        ("[::]:9733", "::", 9733),
        ("[0:0::1]:65535", "::1", 65535),
        (":9733", "", 9733),
    ],
)
def test_valid_addresses(text, host, port):
    assert address.parse(text) == ListenAddress(host, port)
    assert address.parse(str(ListenAddress(host, port))) == ListenAddress(host, port)


@pytest.mark.parametrize("text", ["", "9733", "::1:9733", "[::1]", "host:", "host:x", "host:99999", "[x]:1", "a b:1"])
def test_invalid_addresses(text):
    with pytest.raises(ValueError, match="must"):
        address.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ("127.0.0.1:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("0.0.0.0:1", "127.0.0.1:1", True),
        ("[::]:1", "127.0.0.1:1", True),
        (":1", "10.0.0.1:1", True),
        ("localhost:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.2:1", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_collisions(one, other, collide):
    one, other = address.parse(one), address.parse(other)
    assert one.collides(other) is collide
    assert other.collides(one) is collide


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "LocalHost"])
def test_loopback(host):
    assert address.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "127.evil", "localhost.evil", "", "1"])  # noqa: S104
def test_not_loopback(host):
    assert not address.is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_bind_and_port_in_use(host):
    with ListenAddress(host, 0).bind() as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(ListenError, match="the port is already in use"):
            ListenAddress(host, port).bind()


@pytest.mark.parametrize(
    ("host", "cause"),
    [("192.0.2.1", "does not have that address"), ("no-such-host.invalid", "the host name cannot be resolved")],
)
def test_address_of_another_host(host, cause):
    with pytest.raises(ListenError, match=cause) as caught:
        ListenAddress(host, 0).bind()
    assert caught.value.where == f"{host}:0"
    assert len(caught.value.cause) > 5

"""Addresses to listen on: how they are written, which collide, and what the system's refusals become."""

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
def test_what_is_understood(text, host, port):
    assert address.parse(text) == ListenAddress(host, port)
    assert address.parse(str(ListenAddress(host, port))) == ListenAddress(host, port)


@pytest.mark.parametrize("text", ["", "9733", "::1:9733", "[::1]", "host:", "host:x", "host:99999", "[x]:1", "a b:1"])
def test_what_is_not(text):
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
def test_which_collide(one, other, collide):
    one, other = address.parse(one), address.parse(other)
    assert one.collides(other) is collide
    assert other.collides(one) is collide


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "LocalHost"])
def test_what_is_this_machine(host):
    assert address.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "127.evil", "localhost.evil", "", "1"])  # noqa: S104
def test_what_is_not_this_machine(host):
    assert not address.is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_binding(host):
    with ListenAddress(host, 0).bind() as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(ListenError, match="the port is already taken"):
            ListenAddress(host, port).bind()


@pytest.mark.parametrize(
    ("host", "cause"), [("192.0.2.1", "no such address"), ("no-such-host.invalid", "the name cannot be resolved")]
)
def test_an_address_that_is_not_ours(host, cause):
    with pytest.raises(ListenError, match=cause) as caught:
        ListenAddress(host, 0).bind()
    assert caught.value.where == f"{host}:0"
    assert len(caught.value.cause) > 5

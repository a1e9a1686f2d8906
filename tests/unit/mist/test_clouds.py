from __future__ import annotations

import pytest

from collector.mist.clouds import CLOUDS, Cloud, from_api_url


def test_all_regions_are_known():
    assert list(CLOUDS) == [
        *(f"global0{n}" for n in range(1, 6)),
        *(f"emea0{n}" for n in range(1, 5)),
        *(f"apac0{n}" for n in range(1, 4)),
    ]
    assert len({cloud.api_url for cloud in CLOUDS.values()}) == 12


def test_the_first_region():
    assert CLOUDS["global01"] == Cloud("global01", "https://api.mist.com", "wss://api-ws.mist.com/api-ws/v1/stream")
    assert CLOUDS["emea04"].stream_url == "wss://api-ws.gc6.mist.com/api-ws/v1/stream"


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
@pytest.mark.parametrize("tail", ["", "/", "/api/v1", "/api/v1/"])
def test_a_known_address_is_its_region(cloud, tail):
    assert from_api_url(cloud.api_url + tail) == cloud


@pytest.mark.parametrize(
    ("api_url", "stream_url", "cloud"),
    [
        (
            "https://api.gc9.mist.com",
            None,
            Cloud("api.gc9.mist.com", "https://api.gc9.mist.com", "wss://api-ws.gc9.mist.com/api-ws/v1/stream"),
        ),
        (
            "https://API.GC9.mist.com:8443",
            None,
            Cloud(
                "api.gc9.mist.com:8443",
                "https://api.gc9.mist.com:8443",
                "wss://api-ws.gc9.mist.com:8443/api-ws/v1/stream",
            ),
        ),
        (
            "http://127.0.0.1:8080",
            "ws://127.0.0.1:8081/api-ws/v1/stream",
            Cloud("127.0.0.1:8080", "http://127.0.0.1:8080", "ws://127.0.0.1:8081/api-ws/v1/stream"),
        ),
        ("https://[::1]:1", "wss://[::1]:2/s", Cloud("[::1]:1", "https://[::1]:1", "wss://[::1]:2/s")),
    ],
)
def test_an_unknown_address_is_a_cloud_of_its_own(api_url, stream_url, cloud):
    assert from_api_url(api_url, stream_url) == cloud


@pytest.mark.parametrize(
    ("api_url", "stream_url", "message"),
    [
        ("api.mist.com", None, "must begin with https:// or http://"),
        ("ftp://api.mist.com", None, "must begin with https:// or http://"),
        ("https://", None, "and a host"),
        ("https://user:swordfish@api.mist.com", None, "not contain a user name or a password"),
        ("https://api.mist.com?a=b", None, "a query or a fragment"),
        ("https://api.mist.com:0", None, "the port must be"),
        ("https://api.mist.com:seven", None, "seven"),
        ("http://127.0.0.1:8080", None, "stream_url must be set"),
        ("https://manage.mist.com", None, "stream_url must be set"),
        ("https://api", None, "stream_url must be set"),
        ("https://api.mist.com", "https://api-ws.mist.com", "must begin with wss:// or ws://"),
    ],
)
def test_an_address_that_is_not_valid_is_rejected_without_repeating_it(api_url, stream_url, message):
    with pytest.raises(ValueError, match=message) as refusal:
        from_api_url(api_url, stream_url)
    assert "swordfish" not in str(refusal.value)

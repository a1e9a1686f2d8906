"""The webhook endpoint over a real socket: verification, counts and responses."""

import asyncio
import socket
from unittest.mock import AsyncMock

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from collector.errors import ConfigError, ListenError, Rejected
from collector.ingest.webhook.endpoint import REASON_EXPIRES_S, Webhook, WebhookLimits, WebhookPolicy
from collector.listener.address import ListenAddress
from collector.mist import signature
from collector.status import WebhookStatus
from tests.support.clock import ManualClock

BODY = b'{"topic":"device-events","events":[{"type":"AP_RESTARTED","mac":"5c5b35000001"}]}'
SOME_SIGNATURE = {"X-Mist-Signature-v2": "0" * 64}
OLD, NEW = b"old secret", b"new secret"


class Endpoint:
    """A webhook listener on a free port, and what it delivered."""

    def __init__(self, *, secrets=(NEW,), allow_unsigned=False, outcome=None, limits=None):
        self.delivered = []
        self.secrets = list(secrets)
        self.outcome = outcome
        self.status = WebhookStatus()
        self.clock = ManualClock()
        self.webhook = Webhook(
            ListenAddress("127.0.0.1", 0),
            deliver=self._deliver,
            status=self.status,
            clock=self.clock,
            policy=WebhookPolicy("/webhook", self._read_secrets, allow_unsigned, limits or WebhookLimits()),
        )

    def _read_secrets(self):
        if isinstance(self.outcome, ConfigError):
            raise self.outcome
        return self.secrets

    async def _deliver(self, body, now):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.delivered.append((body, now))
        return self.outcome

    async def __aenter__(self):
        await self.webhook.__aenter__()
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{self.webhook.port}")
        return self

    async def __aexit__(self, *exc):
        await self.session.close()
        await self.webhook.__aexit__(*exc)

    async def post(self, body=BODY, secret=NEW, path="/webhook", **headers):
        signed = {"X-Mist-Signature-v2": signature.sign(body, secret)} if secret else {}
        async with self.session.post(path, data=body, headers=signed | headers) as response:
            return response.status, await response.text()


async def test_a_signed_delivery_is_applied_before_it_is_answered():
    async with Endpoint() as endpoint:
        assert await endpoint.post() == (200, "ok\n")
        assert endpoint.delivered == [(BODY, endpoint.clock.time())]
    assert endpoint.status.answers == {200: 1}
    assert endpoint.status.bytes == len(BODY)
    assert endpoint.status.last_accepted_at == endpoint.clock.now()


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_during_a_rotation_both_secrets_are_valid(secret):
    async with Endpoint(secrets=(OLD, NEW)) as endpoint:
        assert (await endpoint.post(secret=secret))[0] == 200


async def test_a_secret_is_replaced_without_a_restart():
    async with Endpoint(secrets=(OLD,)) as endpoint:
        assert (await endpoint.post(secret=NEW))[0] == 401
        endpoint.secrets[:] = [NEW]
        assert (await endpoint.post(secret=NEW))[0] == 200
        assert (await endpoint.post(secret=OLD))[0] == 401


UNSIGNED = {
    "missing": {},
    "mismatch": {"X-Mist-Signature-v2": "0" * 64},
    "malformed": {"X-Mist-Signature-v2": "malformed"},
}


@pytest.mark.parametrize(("reason", "headers"), UNSIGNED.items())
async def test_invalid_signatures_are_rejected_before_parsing(reason, headers):
    async with Endpoint() as endpoint:
        assert await endpoint.post(b"\x00not json", secret=None, **headers) == (401, f"{reason}\n")
    assert endpoint.delivered == []
    assert endpoint.status.refused == {reason: 1}
    assert endpoint.status.last_refused_reason == reason


async def test_a_sha1_signature_does_not_count():
    async with Endpoint() as endpoint:
        assert await endpoint.post(secret=None, **{"X-Mist-Signature": "0" * 40}) == (401, "missing\n")


async def test_without_secrets_nothing_is_accepted():
    async with Endpoint(secrets=()) as endpoint:
        assert (await endpoint.post(secret=b""))[0] == 401
        assert (await endpoint.post(secret=None))[0] == 401


async def test_unsigned_deliveries_are_accepted_only_where_allowed():
    async with Endpoint(secrets=(), allow_unsigned=True) as endpoint:
        assert (await endpoint.post(secret=None))[0] == 200
    async with Endpoint(secrets=(NEW,), allow_unsigned=True) as endpoint:
        assert (await endpoint.post(secret=None))[0] == 200
        assert await endpoint.post(secret=OLD) == (401, "mismatch\n")


@pytest.mark.parametrize("reason", ["not_json", "not_an_object", "no_topic"])
async def test_a_body_that_is_not_a_delivery_is_answered_400(reason):
    async with Endpoint(outcome=Rejected(reason)) as endpoint:
        assert await endpoint.post(b"{") == (400, f"{reason}\n")
    assert endpoint.status.refused == {reason: 1}


async def test_an_internal_error_is_answered_500_and_logged_once():
    async with Endpoint(outcome=RuntimeError("a detail")) as endpoint:
        with capture_logs() as logged:
            answers = [await endpoint.post() for _ in range(3)]
    assert answers == [(500, "internal_error\n")] * 3
    assert [entry["event"] for entry in logged] == ["webhook_delivery_failed", "webhook_refused"]


async def test_an_unreadable_secret_is_answered_500():
    async with Endpoint(outcome=ConfigError("file", [])) as endpoint:
        assert await endpoint.post() == (500, "secret_unreadable\n")


async def test_other_methods_and_paths():
    async with Endpoint() as endpoint:
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            async with endpoint.session.request(method, "/webhook") as response:
                assert response.status == 405
                assert response.headers["Allow"] == "POST"
        assert (await endpoint.post(path="/"))[0] == 404
        assert (await endpoint.post(path="/webhook/more"))[0] == 404
    assert endpoint.delivered == []


async def test_a_body_over_the_limit_is_rejected_with_and_without_a_length():
    async with Endpoint(limits=WebhookLimits(max_body_bytes=100)) as endpoint:
        assert await endpoint.post(b"x" * 100) == (200, "ok\n")
        assert await endpoint.post(b"x" * 101) == (413, "too_large\n")

        async def chunks():
            for _ in range(4):
                yield b"x" * 50

        async with endpoint.session.post("/webhook", data=chunks(), headers=SOME_SIGNATURE) as response:
            assert response.status == 413
    assert endpoint.status.refused == {"too_large": 2}


@pytest.mark.parametrize("reason", ["too_many_events", "too_many_values"])
async def test_a_delivery_with_too_many_events_is_answered_413(reason):
    async with Endpoint(outcome=Rejected(reason)) as endpoint:
        assert await endpoint.post() == (413, f"{reason}\n")


async def test_a_body_that_arrives_slowly_is_rejected():
    limits = WebhookLimits(min_rate_bytes_per_s=1000.0, rate_window_s=0.05)
    async with Endpoint(limits=limits) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.webhook.port)
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n")
        writer.write(b"X-Mist-Signature-v2: " + b"0" * 64 + b"\r\n\r\n")
        while not endpoint.status.answers:
            writer.write(b"x")
            await asyncio.sleep(0.001)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()
    assert endpoint.status.refused == {"too_slow": 1}
    assert endpoint.webhook.body_bytes == 0


async def test_a_body_that_keeps_the_minimum_rate_is_accepted():
    limits = WebhookLimits(min_rate_bytes_per_s=10.0, rate_window_s=0.5)  # five bytes a window
    async with Endpoint(limits=limits) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.webhook.port)
        head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n"
        writer.write(f"{head}X-Mist-Signature-v2: {signature.sign(BODY, NEW)}\r\n\r\n".encode())
        for octet in BODY:
            writer.write(bytes([octet]))
            await asyncio.sleep(0.001)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_body_that_is_not_complete_in_time_is_rejected():
    async with Endpoint(limits=WebhookLimits(read_timeout_s=0.01)) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.webhook.port)
        signature_line = b"X-Mist-Signature-v2: " + b"0" * 64
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n%b\r\n\r\nonly this" % signature_line)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()
        await writer.wait_closed()
    assert endpoint.status.refused == {"timeout": 1}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_a_compressed_body_is_rejected(encoding):
    async with Endpoint() as endpoint:
        answer = await endpoint.post(b"\x1f\x8bmalformed", **{"Content-Encoding": encoding})
        assert answer == (415, "compressed\n")
        assert (await endpoint.post(**{"Content-Encoding": "identity"}))[0] == 200
    assert endpoint.status.refused == {"compressed": 1}


async def test_repeated_rejections_are_logged_once():
    async with Endpoint() as endpoint:
        with capture_logs() as logged:
            for _ in range(5):
                await endpoint.post(secret=OLD)
                await endpoint.post(secret=NEW)
            await endpoint.clock.advance(REASON_EXPIRES_S)
            await endpoint.post(secret=NEW)
    assert [(entry["event"], entry["reason"]) for entry in logged] == [
        ("webhook_refused", "mismatch"),
        ("webhook_refusals_ended", "mismatch"),
    ]


async def test_a_port_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = ListenAddress("127.0.0.1", taken.getsockname()[1])
        webhook = Webhook(
            where,
            deliver=None,
            status=WebhookStatus(),
            clock=ManualClock(),
            policy=WebhookPolicy("/webhook", list),
        )
        with pytest.raises(ListenError, match=f"cannot listen on {where}: the port is already in use"):
            await webhook.__aenter__()


async def test_a_sender_that_disconnects_before_100_continue_is_counted():
    async with Endpoint() as endpoint:
        headers = {"Expect": "100-continue", signature.HEADER: signature.sign(BODY, NEW)}
        request = make_mocked_request("POST", "/webhook", headers)
        request.writer.write = AsyncMock(side_effect=ConnectionResetError)
        response = await endpoint.webhook._check_expectation(request)
        assert response.status == 400
    assert endpoint.status.refused == {"disconnected": 1}

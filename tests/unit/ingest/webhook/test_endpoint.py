"""The webhook endpoint over a real socket: what is verified, what is counted, and what Mist is told."""

import asyncio
import socket

import aiohttp
import pytest
from structlog.testing import capture_logs

from collector.errors import ConfigError, ListenError, Rejected
from collector.ingest.webhook.endpoint import FAULT_OVER_S, Webhook, WebhookLimits, WebhookRules
from collector.listener.address import ListenAddress
from collector.mist import signature
from collector.status import WebhookStatus
from tests.support.clock import ManualClock

BODY = b'{"topic":"device-events","events":[{"type":"AP_RESTARTED","mac":"5c5b35000001"}]}'
SOME_SIGNATURE = {"X-Mist-Signature-v2": "0" * 64}
OLD, NEW = b"old secret", b"new secret"


class Endpoint:
    """A webhook on a free port, and what it handed on."""

    def __init__(self, *, secrets=(NEW,), allow_unsigned=False, answer=None, limits=None):
        self.delivered = []
        self.secrets = list(secrets)
        self.answer = answer
        self.status = WebhookStatus()
        self.clock = ManualClock()
        self.webhook = Webhook(
            ListenAddress("127.0.0.1", 0),
            deliver=self._deliver,
            status=self.status,
            clock=self.clock,
            rules=WebhookRules("/webhook", self._read_secrets, allow_unsigned, limits or WebhookLimits()),
        )

    def _read_secrets(self):
        if isinstance(self.answer, ConfigError):
            raise self.answer
        return self.secrets

    def _deliver(self, body, now):
        if isinstance(self.answer, Exception):
            raise self.answer
        self.delivered.append((body, now))
        return self.answer

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
async def test_during_a_rotation_both_secrets_hold(secret):
    async with Endpoint(secrets=(OLD, NEW)) as endpoint:
        assert (await endpoint.post(secret=secret))[0] == 200


async def test_a_rotated_secret_is_seen_without_a_restart():
    async with Endpoint(secrets=(OLD,)) as endpoint:
        assert (await endpoint.post(secret=NEW))[0] == 401
        endpoint.secrets[:] = [NEW]
        assert (await endpoint.post(secret=NEW))[0] == 200
        assert (await endpoint.post(secret=OLD))[0] == 401


UNSIGNED = {
    "missing": {},
    "mismatch": {"X-Mist-Signature-v2": "0" * 64},
    "malformed": {"X-Mist-Signature-v2": "rubbish"},
}


@pytest.mark.parametrize(("reason", "headers"), UNSIGNED.items())
async def test_what_is_not_signed_is_refused_before_it_is_parsed(reason, headers):
    async with Endpoint() as endpoint:
        assert await endpoint.post(b"\x00not json", secret=None, **headers) == (401, f"{reason}\n")
    assert endpoint.delivered == []
    assert endpoint.status.refused == {reason: 1}
    assert endpoint.status.last_refused_reason == reason


async def test_sha1_alone_is_no_signature():
    async with Endpoint() as endpoint:
        assert await endpoint.post(secret=None, **{"X-Mist-Signature": "0" * 40}) == (401, "missing\n")


async def test_no_secret_at_all_is_never_a_welcome():
    async with Endpoint(secrets=()) as endpoint:
        assert (await endpoint.post(secret=b""))[0] == 401
        assert (await endpoint.post(secret=None))[0] == 401


async def test_unsigned_is_accepted_only_where_it_is_allowed():
    async with Endpoint(secrets=(), allow_unsigned=True) as endpoint:
        assert (await endpoint.post(secret=None))[0] == 200
    async with Endpoint(secrets=(NEW,), allow_unsigned=True) as endpoint:
        assert (await endpoint.post(secret=None))[0] == 200
        assert await endpoint.post(secret=OLD) == (401, "mismatch\n")


@pytest.mark.parametrize("reason", ["not_json", "not_an_object", "no_topic"])
async def test_what_will_never_parse_is_no_reason_for_mist_to_repeat(reason):
    async with Endpoint(answer=Rejected(reason)) as endpoint:
        assert await endpoint.post(b"{") == (400, f"{reason}\n")
    assert endpoint.status.refused == {reason: 1}


async def test_our_own_fault_asks_mist_to_repeat_and_tells_nothing_of_it():
    async with Endpoint(answer=RuntimeError("a detail")) as endpoint:
        with capture_logs() as logged:
            answers = [await endpoint.post() for _ in range(3)]
    assert answers == [(500, "internal_error\n")] * 3
    assert [entry["event"] for entry in logged] == ["webhook_delivery_failed", "webhook_refused"]


async def test_an_unreadable_secret_is_our_fault():
    async with Endpoint(answer=ConfigError("file", [])) as endpoint:
        assert await endpoint.post() == (500, "secret_unreadable\n")


async def test_only_post_and_only_on_the_path():
    async with Endpoint() as endpoint:
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            async with endpoint.session.request(method, "/webhook") as response:
                assert response.status == 405
                assert response.headers["Allow"] == "POST"
        assert (await endpoint.post(path="/"))[0] == 404
        assert (await endpoint.post(path="/webhook/more"))[0] == 404
    assert endpoint.delivered == []


async def test_a_body_over_the_limit_is_refused_with_and_without_a_length():
    async with Endpoint(limits=WebhookLimits(max_body_bytes=100)) as endpoint:
        assert await endpoint.post(b"x" * 100) == (200, "ok\n")
        assert await endpoint.post(b"x" * 101) == (413, "too_large\n")

        async def chunks():
            for _ in range(4):
                yield b"x" * 50

        async with endpoint.session.post("/webhook", data=chunks(), headers=SOME_SIGNATURE) as response:
            assert response.status == 413
    assert endpoint.status.refused == {"too_large": 2}


async def test_a_body_that_never_ends_is_given_up():
    async with Endpoint(limits=WebhookLimits(read_timeout_s=0.01)) as endpoint:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.webhook.port)
        signature_line = b"X-Mist-Signature-v2: " + b"0" * 64
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n%b\r\n\r\nonly this" % signature_line)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()
        await writer.wait_closed()
    assert endpoint.status.refused == {"timeout": 1}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_a_compressed_body_is_not_unpacked_by_us(encoding):
    async with Endpoint() as endpoint:
        answer = await endpoint.post(b"\x1f\x8brubbish", **{"Content-Encoding": encoding})
        assert answer == (415, "compressed\n")
        assert (await endpoint.post(**{"Content-Encoding": "identity"}))[0] == 200
    assert endpoint.status.refused == {"compressed": 1}


async def test_a_flood_of_refusals_is_two_lines_of_log():
    async with Endpoint() as endpoint:
        with capture_logs() as logged:
            for _ in range(5):
                await endpoint.post(secret=OLD)
                await endpoint.post(secret=NEW)
            await endpoint.clock.advance(FAULT_OVER_S)
            await endpoint.post(secret=NEW)
    assert [(entry["event"], entry["reason"]) for entry in logged] == [
        ("webhook_refused", "mismatch"),
        ("webhook_refusals_ended", "mismatch"),
    ]


async def test_a_taken_port_is_said_in_words():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = ListenAddress("127.0.0.1", taken.getsockname()[1])
        webhook = Webhook(
            where,
            deliver=lambda _body, _now: None,
            status=WebhookStatus(),
            clock=ManualClock(),
            rules=WebhookRules("/webhook", list),
        )
        with pytest.raises(ListenError, match=f"cannot listen on {where}: the port is already taken"):
            await webhook.__aenter__()

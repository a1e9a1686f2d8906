"""Hostile input to the webhook listener, whose port is open to the internet: behaviour, cost and signals."""

import asyncio
import gzip
import io
import ipaddress
import json
import os
from pathlib import Path

import pytest

from collector.ingest.webhook.endpoint import WebhookLimits
from collector.listener.client_address import ClientAddressPolicy
from collector.listener.connection_limits import ConnectionLimits
from tests.support import samples
from tests.support.endpoint import BODY, SECRET, delivery, head, listening
from tests.support.house import keeping_house
from tests.support.misbehaving import until

REFUSED = "mist_collector_webhook_refused_total"
CLOSED = "mist_collector_webhook_connections_closed_total"
EVENTS = "mist_collector_webhook_events"
WEBHOOK = {"listen": "127.0.0.1:0", "allow_unsigned": True, "rate_per_s": 0}
SHORT = ConnectionLimits(first_request_timeout_s=0.02, keepalive_timeout_s=0.02, lingering_time_s=0.0)
PATIENT = ConnectionLimits(lingering_time_s=0.02)
V2, V1 = "X-Mist-Signature-v2: ", "X-Mist-Signature: "

UNSIGNED = {
    "missing": (head(length=len(BODY)), BODY),
    "SHA-1 only": (head(V1 + "0" * 40, length=len(BODY)), BODY),
    "malformed": (head(V2 + "malformed", length=len(BODY)), BODY),
    "two of them": (head(V2 + "0" * 64, V2 + "1" * 64, length=len(BODY)), BODY),
    "wrong": (head(V2 + "0" * 64, length=len(BODY)), BODY),
    "of another body": (head(length=len(BODY), signed=BODY + b" "), BODY),
}


@pytest.mark.fault(
    "Webhooks",
    "Deliveries that are unsigned, wrongly signed, signed with SHA-1 only, signed twice, or signed for another body",
    held="They are rejected before parsing.",
)
@pytest.mark.parametrize("name", UNSIGNED)
async def test_invalid_signatures_are_rejected_before_parsing(name, fault):
    async with listening() as endpoint:
        status, text = await endpoint.request(*UNSIGNED[name])
        assert status == 401
        assert endpoint.bodies == []
        fault.told(endpoint.samples(), REFUSED, reason=text.decode().strip())
        assert (await endpoint.request(delivery()))[0] == 200
        fault.answered(401)


@pytest.mark.fault(
    "Webhooks",
    "A recorded delivery is replayed",
    held="Its events are recognised as duplicates and counted once.",
)
async def test_a_replayed_delivery_changes_nothing(tmp_path, fault):
    body = json.dumps({"topic": "device-events", "events": [{"type": "AP_RESTARTED", "mac": "5c5b35000001"}]})
    async with keeping_house(tmp_path) as house:
        for _ in range(5):
            async with house.http.post(f"http://127.0.0.1:{house.daemon.webhook.port}/webhook", data=body) as answer:
                assert answer.status == 200
        found = await house.samples()
    assert samples.total(found, f"{EVENTS}_applied_total") == 1
    fault.told(found, f"{EVENTS}_dropped_total", at_least=4, topic="device-events", reason="duplicate")


@pytest.mark.fault(
    "Webhooks",
    "A body whose announced length exceeds the limit",
    held="It is rejected by its headers; the body is not read.",
)
async def test_a_body_that_announces_too_much_is_rejected_unread(fault):
    async with listening(WebhookLimits(connections=PATIENT)) as endpoint:
        status, _ = await endpoint.request(head(length=11_000_000, signed=b""))
        assert status == 413
        assert endpoint.webhook.body_bytes == 0
        fault.told(endpoint.samples(), REFUSED, reason="too_large")
        fault.answered(413)


@pytest.mark.fault(
    "Webhooks",
    "A chunked body without an end",
    held="Reading stops at the size limit.",
)
async def test_an_endless_chunked_body_is_cut_at_the_limit(fault):
    async with listening(WebhookLimits(max_body_bytes=100_000, connections=PATIENT)) as endpoint:
        client = await endpoint.client()
        await client.send(head("Transfer-Encoding: chunked", signed=b""))
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"

        async def pour():
            while not client.writer.transport.is_closing():
                await client.send(chunk)
                await asyncio.sleep(0)

        pouring = asyncio.ensure_future(pour())
        assert (await client.response())[0] == 413
        await client.closed()
        pouring.cancel()
        assert endpoint.webhook.body_bytes == 0
        fault.told(endpoint.samples(), REFUSED, reason="too_large")
        fault.answered(413)


@pytest.mark.fault(
    "Webhooks",
    "A body is sent too slowly",
    held="The request times out.",
)
async def test_a_slow_body_times_out(fault):
    async with listening(WebhookLimits(read_timeout_s=0.02, connections=PATIENT)) as endpoint:
        assert (await endpoint.request(head(length=500, signed=BODY), b"only this"))[0] == 408
        fault.told(endpoint.samples(), REFUSED, reason="timeout")
        fault.answered(408)


@pytest.mark.fault(
    "Webhooks",
    "Many large bodies at once, none of them complete",
    held="One source is limited to the size of two bodies, all sources together to that of four.",
)
async def test_incomplete_bodies_share_a_limit(fault):
    async with listening(WebhookLimits(max_body_bytes=100_000, connections=PATIENT)) as endpoint:
        clients = [await endpoint.client() for _ in range(10)]
        for client in clients:
            await client.send(head(length=100_000, signed=BODY), b"x" * 99_000)
        await until(lambda: endpoint.status.refused.get("body_memory_full", 0) >= 8)
        assert endpoint.webhook.body_bytes <= 400_000
        fault.told(endpoint.samples(), REFUSED, reason="body_memory_full")
        fault.answered(503)
        for client in clients:
            client.close()
        await until(lambda: endpoint.webhook.body_bytes == 0)
        assert (await endpoint.request(delivery()))[0] == 200


@pytest.mark.fault(
    "Webhooks",
    "A gzip bomb: 100 MB in 0.5 MB",
    held="Compressed bodies are rejected; nothing is decompressed.",
)
async def test_a_compressed_body_is_rejected_unread(fault):
    bomb = gzip.compress(b"\0" * 100_000_000, 1)
    async with listening() as endpoint:
        request = head("Content-Encoding: gzip", length=len(bomb), signed=bomb)
        assert (await endpoint.request(request, bomb))[0] == 415
        assert endpoint.status.bytes == 0
        fault.told(endpoint.samples(), REFUSED, reason="compressed")
        fault.answered(415)


@pytest.mark.fault(
    "Webhooks",
    "Other methods and paths",
    held="They are rejected before the body is read.",
)
async def test_other_methods_and_paths(fault):
    async with listening() as endpoint:
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
            assert (await endpoint.request(head(method=method)))[0] in (405, 400), method
        for path in ("/", "/webhook/", "/webhook/more", "/metrics", "/%2e%2e/etc/passwd", "//webhook"):
            assert (await endpoint.request(head(path=path, length=0)))[0] == 404, path
        fault.told(endpoint.samples(), REFUSED, at_least=5, reason="wrong_method")
        fault.told(endpoint.samples(), REFUSED, at_least=6, reason="wrong_path")
        fault.answered(404, 405)
        assert endpoint.bodies == []


@pytest.mark.fault(
    "Webhooks",
    "`Expect: 100-continue`, and unknown expectations",
    held="`100 Continue` is sent only when the headers are acceptable.",
)
async def test_a_body_is_requested_only_when_the_headers_are_acceptable(fault):
    waits = "Expect: 100-continue"
    async with listening() as endpoint:
        assert (await endpoint.request(head(waits, length=9_000_000)))[0] == 401
        assert (await endpoint.request(head(waits, length=9_000_000_000, signed=b"")))[0] == 413
        assert (await endpoint.request(head(waits, length=5, signed=b"", path="/other")))[0] == 404
        assert await endpoint.request(head("Expect: the-unexpected", length=5, signed=b"")) == (417, b"expectation\n")
        client = await endpoint.client()
        await client.send(head(waits, length=len(BODY), signed=BODY))
        assert (await client.response())[0] == 100
        await client.send(BODY)
        assert (await client.response())[0] == 200
        assert endpoint.bodies == [BODY]
        fault.told(endpoint.samples(), REFUSED, reason="missing")
        fault.told(endpoint.samples(), REFUSED, reason="expectation")
        fault.answered(401, 404, 413, 417)


async def test_a_body_is_not_requested_from_a_source_that_is_not_allowed():
    async with listening(sources=ClientAddressPolicy([ipaddress.ip_network("127.0.0.8/29")])) as endpoint:
        assert (await endpoint.request(head("Expect: 100-continue", length=5, signed=b"")))[0] == 403


@pytest.mark.fault(
    "Webhooks",
    "Requests without a path, and for other servers: `OPTIONS *`, `CONNECT`, absolute URLs",
    held="They are not forwarded; each is rejected and counted.",
)
async def test_it_is_not_a_proxy(fault):
    async with listening() as endpoint:
        for line in (
            b"OPTIONS * HTTP/1.1",
            b"CONNECT other.example:443 HTTP/1.1",
            b"POST http://other.example/ HTTP/1.1",
        ):
            assert await endpoint.request(line + b"\r\nHost: a\r\n\r\n") == (404, b"wrong_path\n")
        fault.told(endpoint.samples(), REFUSED, at_least=3, reason="wrong_path")
        fault.answered(404)


async def test_no_response_names_versions():
    async with listening() as endpoint:
        for request in (
            delivery(),
            head(),
            head("Expect: x"),
            b"malformed\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        ):
            client = await endpoint.client()
            await client.send(request)
            headers = (await client.reader.readuntil(b"\r\n\r\n")).lower()
            assert b"server: mist-collector\r\n" in headers
            assert b"python" not in headers
            assert b"aiohttp" not in headers


async def test_a_second_content_encoding_counts():
    async with listening() as endpoint:
        request = delivery(BODY, "Content-Encoding: identity", "Content-Encoding: gzip")
        assert await endpoint.request(request) == (415, b"compressed\n")


CHUNKED = {
    "chunks": b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunks with extensions": b'%x;a="b"\r\n%b\r\n0\r\n\r\n' % (len(BODY), BODY),
    "chunks of one byte": b"".join(b"1\r\n%c\r\n" % octet for octet in BODY) + b"0\r\n\r\n",
    "chunks with a trailer": b"%x\r\n%b\r\n0\r\nX-More: 1\r\n\r\n" % (len(BODY), BODY),
}


@pytest.mark.parametrize("name", CHUNKED)
async def test_a_chunked_delivery(name):
    async with listening() as endpoint:
        assert (await endpoint.request(head("Transfer-Encoding: chunked", signed=BODY), CHUNKED[name]))[0] == 200
        assert endpoint.bodies == [BODY]


INVALID = {
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "binary data": bytes(range(256)) * 8,
    "no method": b"/webhook HTTP/1.1\r\n\r\n",
    "a line without end": b"POST /" + b"a" * 60_000,
    "a header without end": head()[:-2] + b"X: " + b"a" * 60_000,
    "200 headers": head(*(f"X-{number}: 1" for number in range(200)), length=0),
    "two lengths": head("Content-Length: 5", length=6) + b"123456",
    "more than its length": head(length=len(BODY) - 1, signed=BODY) + BODY,
    "a negative length": head("Content-Length: -5"),
    "length and chunks": head("Transfer-Encoding: chunked", length=5) + b"0\r\n\r\n",
    "NUL in a header": head("X: a\0b", length=0),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100,
    "two hosts": head("Host: other", length=0),
    "a folded header": head("X: a\r\n b", length=0),
    "a blank before the colon": head("X : a", length=0),
    "lines that end in LF": head(length=0).replace(b"\r\n", b"\n"),
    "a length with a sign": head("Content-Length: +5") + b"12345",
    "the same length twice": head("Content-Length: 5", length=5) + b"12345",
    "a length beyond 64 bits": head("Content-Length: 99999999999999999999"),
    "chunks twice": head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "an unknown transfer coding": head("Transfer-Encoding: xchunked") + b"0\r\n\r\n",
}


@pytest.mark.fault(
    "Webhooks",
    "Invalid HTTP: too many or endless headers, two lengths, other protocols",
    held=(
        "The connection is closed with a fixed response that quotes nothing of the request. The log has one line, "
        "not one for each request."
    ),
)
@pytest.mark.parametrize("name", INVALID)
async def test_invalid_http(name, fault):
    async with listening() as endpoint:
        for _ in range(3):
            client = await endpoint.client()
            await client.send(INVALID[name])
            assert await client.response() == (400, b"bad request\n")
            assert await client.closed()
        assert len(fault.lines) == 1
        fault.told(endpoint.samples(), CLOSED, at_least=3, reason="bad_request")
        fault.logged("webhook_refused", reason="bad_request")
        assert (await endpoint.request(delivery()))[0] == 200


@pytest.mark.fault(
    "Webhooks",
    "Request headers are sent too slowly",
    held="The connection is closed after a timeout.",
)
async def test_slow_headers_time_out(fault):
    async with listening(WebhookLimits(connections=SHORT)) as endpoint:
        client = await endpoint.client()
        await client.send(head(length=5)[:-20])
        assert await client.closed()
        fault.told(endpoint.samples(), CLOSED, reason="slow_head")


@pytest.mark.fault(
    "Webhooks",
    "2,000 connections that send nothing",
    held=(
        "The connection limit holds: the longest idle connection is closed in favour of a new one. Deliveries and "
        "scrapes are answered."
    ),
)
async def test_two_thousand_idle_connections(tmp_path, fault):
    async with keeping_house(tmp_path, sections={"webhook": WEBHOOK | {"max_connections": 200}}) as house:
        port = house.daemon.webhook.port
        idle = []
        for number in range(2000):
            source = f"127.0.{number % 50}.2"
            try:
                idle.append(await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
            except OSError:
                continue  # closed for the next one before it was open
            if number % 500 == 499:
                body = json.dumps({"topic": "ping", "events": [{"n": number}]})
                async with house.http.post(f"http://127.0.0.1:{port}/webhook", data=body) as answer:
                    assert answer.status == 200
                assert samples.total(await house.samples(), "mist_collector_webhook_connections") <= 200
        found = await house.samples()
        fault.told(found, "mist_collector_webhook_connections")
        fault.told(found, CLOSED, at_least=1000, reason="evicted")
        for _, writer in idle:
            writer.transport.abort()


@pytest.mark.fault(
    "Webhooks",
    "One source opens connections without limit",
    held="It is limited to its share; other sources are accepted.",
)
async def test_one_source_has_its_share(fault):
    async with listening(WebhookLimits(connections=ConnectionLimits(max_connections=20, max_per_source=5))) as endpoint:
        greedy = [await endpoint.client("127.0.0.3") for _ in range(12)]
        await until(lambda: endpoint.status.closed.get("too_many") == 7)
        assert endpoint.status.connections == 5
        assert (await endpoint.request(delivery(), source="127.0.0.4"))[0] == 200
        fault.told(endpoint.samples(), CLOSED, at_least=7, reason="too_many")
        assert len(greedy) == 12


@pytest.mark.fault(
    "Webhooks",
    "A connection is idle for too long",
    held="It is closed and no longer counts towards the limit.",
)
async def test_an_idle_connection_is_closed(fault):
    async with listening(WebhookLimits(connections=SHORT)) as endpoint:
        client = await endpoint.client()
        await client.send(delivery())
        assert (await client.response())[0] == 200
        assert await client.closed()
        await until(lambda: endpoint.status.connections == 0)
        fault.told(endpoint.samples(), CLOSED, reason="idle")


@pytest.mark.fault(
    "Webhooks",
    "10,000 requests pipelined on one connection",
    held="64 at most wait in memory, the others in the socket. Other senders are served.",
)
async def test_pipelined_requests_wait(fault):
    number = 10_000
    async with listening() as endpoint:
        client = await endpoint.client()
        request = head(length=0)

        async def count():
            statuses = [(await client.response())[0] for _ in range(number)]
            return statuses.count(401)

        counting = asyncio.ensure_future(count())
        sending = asyncio.ensure_future(client.send(request * number))
        await until(lambda: endpoint.status.refused)
        (inside,) = endpoint.webhook._server._runner.server.connections
        assert len(inside._messages) <= 64
        assert (await endpoint.request(delivery()))[0] == 200
        await sending
        assert await counting == number
        fault.told(endpoint.samples(), REFUSED, at_least=number, reason="missing")


@pytest.mark.fault(
    "Webhooks",
    "Requests from source addresses that are not allowed",
    held="They are rejected; a forged `X-Forwarded-For` has no effect.",
)
async def test_only_allowed_sources_may_send(fault):
    allowed = ClientAddressPolicy([ipaddress.ip_network("127.0.0.8/29")])
    async with listening(sources=allowed) as endpoint:
        assert (await endpoint.request(delivery(), source="127.0.0.9"))[0] == 200
        assert await endpoint.request(delivery(), source="127.0.0.1") == (403, b"source_not_allowed\n")
        forged = delivery(BODY, "X-Forwarded-For: 127.0.0.9")
        assert (await endpoint.request(forged, source="127.0.0.1"))[0] == 403, "no proxy of ours wrote that"
        fault.told(endpoint.samples(), REFUSED, at_least=2, reason="source_not_allowed")
        fault.answered(403)


async def test_behind_a_trusted_proxy_the_client_counts():
    sources = ClientAddressPolicy([ipaddress.ip_network("203.0.113.0/24")], [ipaddress.ip_network("127.0.0.2")])
    async with listening(sources=sources) as endpoint:
        good = delivery(BODY, "X-Forwarded-For: 198.51.100.1, 203.0.113.9")
        assert (await endpoint.request(good, source="127.0.0.2"))[0] == 200
        bad = delivery(BODY, "X-Forwarded-For: 203.0.113.9, 198.51.100.1")
        assert (await endpoint.request(bad, source="127.0.0.2"))[0] == 403
        assert (await endpoint.request(delivery(), source="127.0.0.2"))[0] == 403, "the proxy itself is not on the list"


@pytest.mark.fault(
    "Webhooks",
    "One source exceeds its request rate",
    held="It gets 429 until its rate permits another request. Other sources are not affected.",
)
async def test_a_rate_for_each_source(fault):
    async with listening(WebhookLimits(rate_per_s=1.0, rate_burst=3)) as endpoint:
        client = await endpoint.client("127.0.0.5")
        statuses = []
        for _ in range(5):
            await client.send(delivery())
            statuses.append((await client.response())[0])
        assert statuses == [200, 200, 200, 429, 429]
        assert (await endpoint.request(delivery(), source="127.0.0.6"))[0] == 200
        await endpoint.clock.advance(1.0)
        await client.send(delivery())
        assert (await client.response())[0] == 200
        fault.right_after(1.0, 1.0)
        fault.told(endpoint.samples(), REFUSED, at_least=2, reason="rate_limited")
        fault.answered(429)


@pytest.mark.fault(
    "Webhooks",
    "1,000,000 events of distinct types, with special characters in every label",
    held=(
        "The number of label values is bounded, the rest is `other`. Memory grows by less than 200 MB and the "
        "exposition stays valid."
    ),
)
async def test_a_million_distinct_types(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        url = f"http://127.0.0.1:{house.daemon.webhook.port}/webhook"
        hostile = ['a"b', "a\nb", "a\\", "}", "# TYPE x counter", "\u202e", "\0", "x" * 10_000, "", "é" * 500]
        await _post_types(house, url, [f"{word}{number}" for number in range(50) for word in hostile])
        rows = samples.total(await house.samples(), "mist_collector_rows")
        before = resident_bytes()
        for part in range(200):
            await _post_types(house, url, [f"TYPE_{part}_{number}" for number in range(5_000)])
        grown = resident_bytes() - before
        found = await house.samples()
    assert samples.total(found, f"{EVENTS}_applied_total") == 1_000_500
    assert samples.total(found, "mist_collector_rows") - rows < 1000
    assert grown < 200_000_000, "the memory of duplicates (bounded) and little else"
    fault.told(found, "mist_collector_label_values_refused_total")


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _post_types(house, url, types):
    events = [{"type": word, "mac": "5c5b35000001"} for word in types]
    body = json.dumps({"topic": "device-events", "events": events}).encode()
    async with house.http.post(url, data=io.BytesIO(body)) as answer:
        assert answer.status == 200


def test_the_secret_is_not_in_the_body():
    assert SECRET not in BODY

"""Faults and hostile answers of the REST API, over real sockets."""

from __future__ import annotations

import asyncio
import traceback

import orjson
import pytest

from collector.errors import Fatal, MalformedAnswer, RateLimited, RemoteError, Retryable
from collector.ingest.rest import bodies
from collector.ingest.rest.bodies import MIB, RestBodyMemory
from tests.support.faults import of_status
from tests.support.rest_cloud import TOKEN, Reply, RestCloud, SkippingClock, page_of, rest_of

HTML = Reply(b"<!doctype html><title>Please sign in</title>", headers={"Content-Type": "text/html"})
GOOD = {"privileges": []}


async def append_all(read, listing):
    async for entry in listing:
        read.append(entry)


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        yield running


@pytest.mark.fault(
    "REST",
    "A call is rejected: 400, 401, 403, 404",
    held="The call fails immediately and is not retried.",
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_rejected_call_fails_at_once_and_is_not_retried(cloud, status, fault):
    cloud.answer("/self", Reply({"detail": "No."}, status=status))
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Fatal) as caught:
            await rest.get("/self")
    assert caught.value.status == status
    assert len(cloud.calls) == 1
    assert rest.status.calls == {"refused": 1}
    assert f"HTTP {status}" in rest.status.last_error
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="refused")


@pytest.mark.fault(
    "REST",
    "A response contains the token: in its body, a header, the reason phrase or a malformed status line",
    held="The token is masked in the error, its traceback, the status and the log.",
)
@pytest.mark.parametrize(
    ("reply", "masked", "outcome"),
    [
        (Reply({"detail": f"no such token: {TOKEN}"}, status=401), "no such token: ***", "refused"),
        (Reply({"detail": f"no such token: {TOKEN}"}, status=503), "no such token: ***", "retry"),
        (Reply(b"<html>", headers={"Content-Type": TOKEN}), "of ***", "malformed"),
        (Reply(b"<html>", status=503, reason=f"not for {TOKEN}"), "(HTTP 503)", "retry"),
        (Reply(raw=f"HTTP/1.1 {TOKEN} nonsense\r\n\r\n".encode()), "no connection, or it was lost", "retry"),
    ],
    ids=["401", "503", "content-type", "reason", "status-line"],
)
async def test_a_token_that_is_sent_back_is_masked(cloud, reply, masked, outcome, fault):
    cloud.answer("/self", reply)
    async with rest_of(cloud.url, attempts=1) as rest:
        with pytest.raises(RemoteError) as caught:
            await rest.get("/self")
    shown = "".join(traceback.format_exception(caught.value)) + rest.status.last_error + repr(rest) + str(fault.lines)
    assert TOKEN not in shown
    assert masked in rest.status.last_error
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome=outcome)


async def test_a_token_in_a_good_answer_is_masked(cloud):
    cloud.listing("/orgs/o/sites", [{"id": "s", "name": f"Site {TOKEN}"}])
    async with rest_of(cloud.url) as rest:
        assert [entry["name"] async for entry in rest.pages("/orgs/o/sites")] == ["Site ***"]


@pytest.mark.fault(
    "REST",
    "5xx, HTML instead of JSON, a truncated or an empty response",
    held="The call is retried with exponential backoff. A truncated response is not used.",
)
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply("", status=500), "retry"),
        (Reply(b"upstream timed out", status=504), "retry"),
        (HTML, "malformed"),
        (Reply(b'{"privileges": [{"scope": "o'), "malformed"),
        (Reply({"privileges": list(range(50_000))}, cut=True), "retry"),
        (Reply(b""), "malformed"),
    ],
    ids=["500", "504", "html", "truncated-json", "cut-connection", "empty"],
)
async def test_a_failed_call_is_retried_with_backoff(cloud, reply, outcome, fault):
    cloud.answer("/self", reply, reply, GOOD)
    clock = SkippingClock()
    async with rest_of(cloud.url, clock=clock) as rest:
        assert await rest.get("/self") == GOOD
    assert rest.status.calls == {outcome: 2, "ok": 1}
    assert len(clock.naps) == 2
    assert clock.naps[0] <= 2.0
    assert clock.naps[1] <= 4.0
    fault.right_after(sum(clock.naps), 6)
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome=outcome)


ROW = {"id": "a"}
NESTED = orjson.dumps({"results": [ROW, {"id": "b", "value": None}]}).replace(b"null", b"[" * 400 + b"]" * 400)


@pytest.mark.fault(
    "REST",
    "A response cannot be parsed: a count of 5,000 digits, 200 kB of `[`, JSON nested 400 deep, a NUL byte in `next`",
    held="The call is retried, then fails as an unexpected answer; it is counted, and nothing else is affected.",
)
@pytest.mark.parametrize(
    ("form", "reply", "calls"),
    [
        ("pages", Reply([ROW], headers={"X-Page-Total": "9" * 5000}), {"malformed": 2}),
        ("pages", Reply([ROW], headers={"X-Page-Limit": "9" * 5000}), {"malformed": 2}),
        ("pages", Reply(b"[" * 200_000), {"malformed": 2}),
        ("pages", Reply(b'[{"a":' * 40_000), {"malformed": 2}),
        ("search", Reply(b'{"results": ' + b"[" * 200_000), {"malformed": 2}),
        ("search", Reply({"results": [ROW], "next": "/api/v1/x\0y"}), {"malformed": 2}),
        ("search", Reply({"results": [ROW], "next": "/api/v1/x\r\nHost: y"}), {"malformed": 2}),
        ("search", Reply(NESTED), {"ok": 1, "malformed": 1}),
        ("numbered", Reply(NESTED), {"ok": 1, "malformed": 1}),
        ("pages", Reply(b'[{"id": "\xff\xfe"}, {}]'), {"malformed": 2}),
        ("pages", Reply(b'[{}, {"id": "\xff\xfe"}, {}]'), {"ok": 1, "malformed": 1}),
        ("get", Reply(b"[" * 200_000), {"malformed": 2}),
        ("get", Reply(b"[" * 400 + b"]" * 400), {"malformed": 2}),
        ("get", Reply(b'{"a": 1e999999}'), {"malformed": 2}),
        ("pages", Reply(b"[" + b"1," * 1_500_000 + b"1]"), {"malformed": 2}),
        ("pages", Reply(b"[" + b"{}," * 60_000 + b"{}]"), {"malformed": 2}),
    ],
)
async def test_an_answer_that_cannot_be_parsed_costs_itself_only(cloud, form, reply, calls, fault):
    cloud.answer("/orgs/o/x", reply)
    cloud.answer("/self", GOOD)
    async with rest_of(cloud.url, attempts=2) as rest:
        with pytest.raises(MalformedAnswer, match="unexpected answer"):
            await (rest.get("/orgs/o/x") if form == "get" else append_all([], getattr(rest, form)("/orgs/o/x")))
        assert rest.status.calls == calls
        assert rest._memory.used_bytes == 0
        assert await rest.get("/self") == GOOD
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="malformed")


@pytest.mark.fault(
    "REST",
    "5xx that lasts",
    held="After a fixed number of attempts the call fails with a transient error.",
)
async def test_a_lasting_failure_is_raised_after_some_attempts(cloud, fault):
    cloud.answer("/self", Reply("", status=503))
    async with rest_of(cloud.url, attempts=3) as rest:
        with pytest.raises(Retryable) as caught:
            await rest.get("/self")
    assert caught.value.status == 503
    assert len(cloud.calls) == 3
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


@pytest.mark.fault(
    "REST",
    "429 with `Retry-After`",
    held="All calls with that token wait until `Retry-After` has passed.",
)
async def test_every_call_waits_as_long_as_a_429_requests(cloud, fault):
    cloud.answer("/self", Reply(status=429, headers={"Retry-After": "798"}), GOOD)
    cloud.answer("/other", GOOD)
    clock = SkippingClock()
    async with rest_of(cloud.url, clock=clock, attempts=1) as rest:
        with pytest.raises(RateLimited) as caught:
            await rest.get("/self")
        limited_at = clock.now()
        await rest.get("/other")
    assert caught.value.retry_after_s == 798
    assert clock.now() - limited_at >= 798
    assert rest.status.calls == {"rate_limited": 1, "ok": 1}
    assert "retry after 798 s" in rest.status.last_error
    fault.right_after(clock.now() - limited_at, 880)
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="rate_limited")


@pytest.mark.fault(
    "REST",
    "429 without a valid `Retry-After`, also with a date whose year has 20 digits",
    held="The next attempt is made after 30 s or more.",
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": "soon"},
        {"Retry-After": "9" * 5000},
        {"Retry-After": "Tue, 14 Nov 99999999999999999999 22:14:20 GMT"},
        {"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT", "Date": "Tue, 14 Nov 99999999999999999999 22:14:20 GMT"},
    ],
)
async def test_calls_wait_30_s_after_a_429_without_a_time(cloud, headers, fault):
    cloud.answer("/self", Reply(status=429, headers=headers), Reply(status=429, headers=headers), GOOD)
    clock = SkippingClock()
    async with rest_of(cloud.url, clock=clock) as rest:
        assert await rest.get("/self") == GOOD
    assert clock.now() - 1000.0 >= 60.0
    assert rest.status.calls == {"rate_limited": 2, "ok": 1}
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="rate_limited")


@pytest.mark.fault(
    "REST",
    "The hourly call budget of the token is used up",
    held="Calls wait for the next hour; the budget is not exceeded.",
)
async def test_calls_wait_for_the_next_hour_when_the_budget_is_used_up(cloud, fault):
    cloud.answer("/self", GOOD)
    clock = SkippingClock(unix=1_699_999_200.0 + 1800)
    async with rest_of(cloud.url, clock=clock) as rest:
        rest.status.budget_limit = 10
        for _ in range(12):
            await rest.get("/self")
    assert len(clock.naps) == 1
    assert 1800 <= clock.naps[0] <= 1801
    assert rest.status.budget_used == 3
    assert [entry["event"] for entry in fault.lines] == ["rest_budget_exhausted", "rest_budget_renewed"]
    fault.logged("rest_budget_exhausted")
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_budget_used_calls")


@pytest.mark.fault(
    "REST",
    "The connection to the API is refused",
    held="The call is retried, then fails with a transient error.",
)
async def test_a_refused_connection_is_a_transient_error(fault):
    async with RestCloud() as gone:
        url = gone.url
    async with rest_of(url) as rest:
        with pytest.raises(Retryable, match="no connection"):
            await rest.get("/self")
    assert rest.status.calls == {"retry": 4}
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


@pytest.mark.fault(
    "REST",
    "A call is not answered",
    held="The call times out and is retried.",
)
async def test_a_call_that_is_not_answered_times_out_and_is_retried(cloud, fault):
    cloud.answer("/self", Reply(hangs=True), GOOD)
    async with rest_of(cloud.url, timeout_s=0.2) as rest:
        assert await rest.get("/self") == GOOD
    assert rest.status.calls == {"retry": 1, "ok": 1}
    assert "no answer within the timeout" in rest.status.last_error
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


@pytest.mark.fault(
    "REST",
    "A redirect of a REST call, to the same host or another",
    held="It is not followed and the call fails. The token is not sent again.",
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "{other}/api/v1/self", "//{other_host}/api/v1/self"])
async def test_a_redirect_is_not_followed(cloud, status, location, fault):
    async with RestCloud() as other:
        other.answer("/self", GOOD)
        location = location.format(other=other.url, other_host=other.url[7:])
        cloud.answer("/self", Reply(status=status, headers={"Location": location}))
        async with rest_of(cloud.url) as rest:
            with pytest.raises(Fatal, match="redirect"):
                await rest.get("/self")
        assert other.calls == []
    assert cloud.paths() == ["/self"]
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="refused")


@pytest.mark.fault(
    "REST",
    "A response larger than the limit",
    held="Reading stops at the limit and the call fails.",
)
async def test_an_answer_beyond_the_limit_is_not_read_to_its_end(cloud, monkeypatch, fault):
    monkeypatch.setattr(bodies, "MAX_OBJECT_BYTES", 1000)
    monkeypatch.setattr(bodies, "MAX_LISTING_BYTES", 1000)
    cloud.answer("/self", Reply(b"[" + b" " * 100_000 + b"]"))
    async with rest_of(cloud.url, attempts=1) as rest:
        with pytest.raises(MalformedAnswer, match="larger than"):
            await rest.get("/self")
        with pytest.raises(MalformedAnswer, match="larger than"):
            await append_all([], rest.pages("/self"))
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="malformed")


@pytest.mark.fault(
    "REST",
    "A response without an end, with status 200, 401 or 503",
    held="Reading stops at the limit: 8 MiB, 64 MiB for a page of a listing, 64 KiB for an error.",
)
@pytest.mark.parametrize(
    ("form", "status", "outcome", "limit"),
    [
        ("get", 200, "malformed", bodies.MAX_OBJECT_BYTES),
        ("pages", 200, "malformed", bodies.MAX_LISTING_BYTES),
        ("get", 401, "refused", bodies.MAX_ERROR_BYTES),
        ("get", 503, "retry", bodies.MAX_ERROR_BYTES),
    ],
)
async def test_a_body_without_an_end_is_not_read_on(cloud, form, status, outcome, limit, fault):  # noqa: PLR0917
    cloud.answer("/x", Reply(b" " * 65_536, status=status, endless=True))
    async with rest_of(cloud.url, attempts=1, timeout_s=60.0) as rest:
        with pytest.raises(RemoteError):
            await (rest.get("/x") if form == "get" else append_all([], rest.pages("/x")))
        assert rest._memory.used_bytes == 0
    assert cloud.sent_bytes < limit + 16 * MIB  # what the buffers of both sockets hold
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome=outcome)


class WatchedMemory(RestBodyMemory):
    """Keeps the most that was ever used."""

    most_bytes = 0

    async def take(self, count, where):
        await super().take(count, where)
        self.most_bytes = max(self.most_bytes, self.used_bytes)


@pytest.mark.fault(
    "REST",
    "Many large pages are received at once",
    held="Those of more than 1 MiB share 128 MiB of memory: they wait for each other, and all are read.",
)
async def test_large_pages_wait_for_each_other(cloud, fault):
    page = orjson.dumps([{"id": str(number), "text": "x" * 1000} for number in range(3000)])
    cloud.answer("/x", lambda _query: Reply(page, headers={"X-Page-Total": "3000"}))
    async with rest_of(cloud.url, timeout_s=60.0) as rest:
        rest._memory = WatchedMemory(limit_bytes=5 * MIB)
        reads = [[] for _ in range(8)]
        await asyncio.gather(*(append_all(read, rest.pages("/x")) for read in reads))
        assert {len(read) for read in reads} == {3000}
        assert len(page) <= rest._memory.most_bytes <= 5 * MIB
        assert rest._memory.used_bytes == 0
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="ok")


async def test_a_page_that_fails_once_is_retried(cloud):
    everything = [{"id": str(number)} for number in range(2500)]

    def flaky(query):
        if query["page"] == "2" and len(cloud.calls) == 2:
            return HTML
        return page_of(everything, query, headers=True)

    cloud.answer("/orgs/o/stats/devices", flaky)
    async with rest_of(cloud.url) as rest:
        assert [entry async for entry in rest.pages("/orgs/o/stats/devices", type="all")] == everything
    assert [call.query["page"] for call in cloud.calls] == ["1", "2", "2", "3"]
    assert {call.query["type"] + call.query["limit"] for call in cloud.calls} == {"all1000"}


@pytest.mark.fault(
    "REST",
    "A page in the middle of a listing fails",
    held="The whole listing fails, so objects on the missing page are not treated as removed.",
)
async def test_a_page_that_fails_in_the_middle_fails_the_listing(cloud, fault):
    everything = [{"id": str(number)} for number in range(2500)]

    def holed(query):
        return Reply(status=502) if query["page"] == "2" else page_of(everything, query, headers=True)

    cloud.answer("/orgs/o/sites", holed)
    read = []
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Retryable):
            await append_all(read, rest.pages("/orgs/o/sites"))
    assert len(read) == 1000
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


@pytest.mark.fault(
    "REST",
    "A `next` link points to another host",
    held="It is not followed. The token is not sent there.",
)
@pytest.mark.parametrize(
    "link",
    [
        "{other}/api/v1/orgs/o/search",
        "//{other_host}/api/v1/orgs/o/search",
        "http://127.0.0.1@{other_host}/api/v1/orgs/o/search",
        "https://{own_host}/api/v1/orgs/o/search",
        "/login?next=/api/v1/orgs/o/search",
        "http://[broken",
        "ftp://{own_host}/api/v1/x",
    ],
)
async def test_a_link_to_another_host_is_not_followed(cloud, link, fault):
    async with RestCloud() as other:
        other.answer("/orgs/o/search", {"results": []})
        names = {"other": other.url, "other_host": other.url[7:], "own_host": cloud.url[7:]}
        cloud.answer("/orgs/o/search", {"results": [{"id": 1}], "next": link.format(**names)})
        async with rest_of(cloud.url) as rest:
            with pytest.raises(Fatal, match="not followed"):
                await append_all([], rest.search("/orgs/o/search"))
        assert other.calls == []
    assert len(cloud.calls) == 1
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="ok")


@pytest.mark.fault(
    "REST",
    "`next` links without an end",
    held="The listing fails after a maximum number of pages.",
)
async def test_an_endless_search_ends(cloud, monkeypatch, fault):
    monkeypatch.setattr("collector.ingest.rest.paging.MAX_PAGES", 20)

    def serve(query):
        number = int(query.get("search_after", "0")) + 1
        return {"results": [{"id": number}], "next": f"/api/v1/orgs/o/search?search_after={number}"}

    cloud.answer("/orgs/o/search", serve)
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Retryable, match="more than 20 pages"):
            await append_all([], rest.search("/orgs/o/search"))
    assert len(cloud.calls) == 20
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="ok")

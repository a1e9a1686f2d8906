"""Everything that a REST cloud can do wrong, from a real socket."""

from __future__ import annotations

import asyncio
import traceback

import pytest

from collector.errors import ConfigError, Fatal, Fault, RateLimited, Retryable
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


async def test_the_token_travels_as_mist_wants_it_and_is_asked_for_at_each_call(cloud):
    cloud.answer("/self", GOOD)
    tokens = iter(["first", "second\n"])
    async with rest_of(cloud.url, token=lambda: next(tokens)) as rest:
        assert await rest.get("/self") == GOOD
        await rest.get("/self", limit=5, vc=True)
    assert [call.headers["Authorization"] for call in cloud.calls] == ["Token first", "Token second"]
    assert cloud.calls[1].query == {"limit": "5", "vc": "true"}
    assert rest.status.calls == {"ok": 2}
    assert rest.status.budget_used == 2


@pytest.mark.fault(
    "REST",
    "A call is rejected: 400, 401, 403, 404",
    held="The call fails immediately and is not retried.",
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_told_at_once_and_never_repeated(cloud, status, fault):
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
    "An error response contains the token",
    held="The token is masked in the error, its traceback and the status.",
)
async def test_an_error_page_that_echoes_the_token_does_not_spread_it(cloud, fault):
    cloud.answer("/self", Reply({"detail": f"no such token: {TOKEN}"}, status=401))
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Fatal) as caught:
            await rest.get("/self")
    shown = "".join(traceback.format_exception(caught.value)) + rest.status.last_error + repr(rest)
    assert TOKEN not in shown
    assert "no such token: (token)" in rest.status.last_error
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="refused")


@pytest.mark.fault(
    "REST",
    "5xx, HTML instead of JSON, a truncated or an empty response",
    held="The call is retried with exponential backoff. A truncated response is not used.",
)
@pytest.mark.parametrize(
    "trouble",
    [
        Reply("", status=500),
        Reply(b"upstream timed out", status=504),
        HTML,
        Reply(b'{"privileges": [{"scope": "o'),
        Reply({"privileges": list(range(50_000))}, cut=True),
        Reply(b""),
    ],
    ids=["500", "504", "html", "truncated-json", "cut-connection", "empty"],
)
async def test_trouble_is_tried_again_with_growing_pauses_until_it_heals(cloud, trouble, fault):
    cloud.answer("/self", trouble, trouble, GOOD)
    clock = SkippingClock()
    async with rest_of(cloud.url, clock=clock) as rest:
        assert await rest.get("/self") == GOOD
    assert rest.status.calls == {"retry": 2, "ok": 1}
    assert len(clock.naps) == 2
    assert 1.0 <= clock.naps[0] <= 2.0 <= clock.naps[1] <= 4.0
    fault.right_after(sum(clock.naps), 6)
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


@pytest.mark.fault(
    "REST",
    "5xx that lasts",
    held="After a fixed number of attempts the call fails with a transient error.",
)
async def test_lasting_trouble_is_handed_on_after_some_attempts(cloud, fault):
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
async def test_a_429_is_obeyed_to_the_second_by_every_call(cloud, fault):
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
    "429 without `Retry-After`",
    held="The next attempt is made after 30 s or more.",
)
async def test_a_429_without_a_time_backs_off_half_a_minute_at_least(cloud, fault):
    cloud.answer("/self", Reply(status=429), Reply(status=429), GOOD)
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
async def test_the_budget_is_waited_for_and_not_overrun(cloud, fault):
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
async def test_nobody_listening_is_trouble_that_may_heal(fault):
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
async def test_a_cloud_that_comes_up_late_is_found(cloud, fault):
    cloud.answer("/self", Reply(hangs=True), GOOD)
    async with rest_of(cloud.url, timeout_s=0.2) as rest:
        assert await rest.get("/self") == GOOD
    assert rest.status.calls == {"retry": 1, "ok": 1}
    assert "no answer in time" in rest.status.last_error
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


@pytest.mark.fault(
    "REST",
    "A redirect of a REST call, to the same host or another",
    held="It is not followed and the call fails. The token is not sent again.",
)
@pytest.mark.parametrize("where", ["/elsewhere", "http://127.0.0.2:1/api/v1/self"])
async def test_a_redirect_is_not_followed(cloud, where, fault):
    cloud.answer("/self", Reply(status=302, headers={"Location": where}))
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Fatal, match="redirect"):
            await rest.get("/self")
    assert cloud.paths() == ["/self"]
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="refused")


@pytest.mark.fault(
    "REST",
    "A response larger than the limit",
    held="Reading stops at the limit and the call fails.",
)
async def test_an_answer_beyond_all_measure_is_not_read_to_its_end(cloud, monkeypatch, fault):
    monkeypatch.setattr("collector.ingest.rest.client.LARGEST_BODY", 1000)
    cloud.answer("/self", Reply(b"[" + b" " * 100_000 + b"]"))
    async with rest_of(cloud.url, attempts=1) as rest:
        with pytest.raises(Retryable, match="larger than"):
            await rest.get("/self")
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="retry")


async def test_a_token_that_cannot_be_had_is_the_operators_matter(cloud):
    def missing():
        raise FileNotFoundError(2, "No such file or directory", "token")

    def refused():
        raise ConfigError("configuration", [Fault("accounts[main].token_env", "is not set")])

    for token, words in (
        (missing, "No such file"),
        (refused, "is not set"),
        (str, "empty"),
        (lambda: "a\nb", "characters"),
    ):
        async with rest_of(cloud.url, token=token) as rest:
            with pytest.raises(Fatal, match=words):
                await rest.get("/self")
    assert cloud.calls == []


async def test_outside_its_context_it_does_not_call(cloud):
    async with rest_of(cloud.url) as rest:
        pass
    with pytest.raises(RuntimeError, match="outside"):
        await rest.get("/self")


async def test_a_cancelled_call_ends_at_once(cloud):
    cloud.answer("/self", Reply(hangs=True))
    async with rest_of(cloud.url) as rest:
        task = asyncio.ensure_future(rest.get("/self"))
        await cloud.called.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_pages_carry_the_query_and_survive_a_bad_moment(cloud):
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
async def test_a_page_lost_in_the_middle_spoils_the_listing(cloud, fault):
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


async def test_next_is_followed_as_mist_writes_it(cloud):
    pages = {
        None: {"results": [{"id": 1}], "next": "/api/v1/orgs/o/search?limit=1000&search_after=%5B17%2C%20%22a%22%5D"},
        '[17, "a"]': {"results": [{"id": 2}], "next": "{url}/api/v1/orgs/o/search?limit=1000&search_after=z"},
        "z": {"results": [{"id": 3}], "next": None},
    }

    def serve(query):
        answer = dict(pages[query.get("search_after")])
        answer["next"] = answer["next"] and answer["next"].format(url=cloud.url)
        return answer

    cloud.answer("/orgs/o/search", serve)
    async with rest_of(cloud.url) as rest:
        assert [entry["id"] async for entry in rest.search("/orgs/o/search", type="wan")] == [1, 2, 3]
    assert cloud.calls[0].query == {"type": "wan", "limit": "1000"}


@pytest.mark.fault(
    "REST",
    "A `next` link points to another host",
    held="It is not followed. The token is not sent there.",
)
@pytest.mark.parametrize(
    "link",
    [
        "{thief}/api/v1/orgs/o/search",
        "//{thief_host}/api/v1/orgs/o/search",
        "http://127.0.0.1@{thief_host}/api/v1/orgs/o/search",
        "https://{own_host}/api/v1/orgs/o/search",
        "/login?next=/api/v1/orgs/o/search",
        "http://[broken",
        "ftp://{own_host}/api/v1/x",
    ],
)
async def test_a_next_that_leads_elsewhere_takes_no_token_there(cloud, link, fault):
    async with RestCloud() as thief:
        thief.answer("/orgs/o/search", {"results": []})
        names = {"thief": thief.url, "thief_host": thief.url[7:], "own_host": cloud.url[7:]}
        cloud.answer("/orgs/o/search", {"results": [{"id": 1}], "next": link.format(**names)})
        async with rest_of(cloud.url) as rest:
            with pytest.raises(Fatal, match="not followed"):
                await append_all([], rest.search("/orgs/o/search"))
        assert thief.calls == []
    assert len(cloud.calls) == 1
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="ok")


async def test_credentials_in_a_next_link_do_not_replace_the_token(cloud):
    link = cloud.url.replace("//", "//user:word@") + "/api/v1/orgs/o/search?search_after=2"
    cloud.answer("/orgs/o/search", {"results": [{"id": 1}], "next": link}, {"results": []})
    async with rest_of(cloud.url) as rest:
        assert [entry async for entry in rest.search("/orgs/o/search")] == [{"id": 1}]
    assert {call.headers["Authorization"] for call in cloud.calls} == {f"Token {TOKEN}"}


@pytest.mark.fault(
    "REST",
    "`next` links without an end",
    held="The listing fails after a maximum number of pages.",
)
async def test_an_endless_search_does_not_eat_the_budget(cloud, monkeypatch, fault):
    monkeypatch.setattr("collector.ingest.rest.client.paging.MAX_PAGES", 20)

    def serve(query):
        number = int(query.get("search_after", "0")) + 1
        return {"results": [{"id": number}], "next": f"/api/v1/orgs/o/search?search_after={number}"}

    cloud.answer("/orgs/o/search", serve)
    async with rest_of(cloud.url) as rest:
        with pytest.raises(Retryable, match="no end"):
            await append_all([], rest.search("/orgs/o/search"))
    assert len(cloud.calls) == 20
    fault.told(of_status(rest=[rest.status]), "mist_collector_rest_calls_total", outcome="ok")

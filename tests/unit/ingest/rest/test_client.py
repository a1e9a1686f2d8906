"""The REST client against a server that behaves: requests, pages, links, the token and the gate."""

from __future__ import annotations

import asyncio

import pytest

from collector.errors import ConfigError, Fatal, Fault, Retryable
from collector.ingest.rest import client
from collector.ingest.rest.client import WritingRestClient
from collector.ingest.token_gate import PAUSE_S, TokenGate
from collector.mist.clouds import Cloud
from collector.status import RestStatus
from tests.support.rest_cloud import TOKEN, Reply, RestCloud, SkippingClock, rest_of

GOOD = {"privileges": []}


@pytest.fixture
async def cloud():
    async with RestCloud() as running:
        yield running


async def test_the_token_is_sent_as_mist_requires_and_read_for_each_call(cloud):
    cloud.answer("/self", GOOD)
    tokens = iter(["first", "second\n"])
    async with rest_of(cloud.url, token=lambda: next(tokens)) as rest:
        assert await rest.get("/self") == GOOD
        await rest.get("/self", limit=5, vc=True)
    assert [call.headers["Authorization"] for call in cloud.calls] == ["Token first", "Token second"]
    assert cloud.calls[1].query == {"limit": "5", "vc": "true"}
    assert rest.status.calls == {"ok": 2}
    assert rest.status.budget_used == 2


async def test_a_token_that_cannot_be_sent_is_an_error_for_the_operator(cloud):
    def missing():
        raise FileNotFoundError(2, "No such file or directory", "token")

    def refused():
        raise ConfigError("configuration", [Fault("accounts[main].token_env", "is not set")])

    for token, message in (
        (missing, "No such file"),
        (refused, "is not set"),
        (str, "the token is empty"),
        (lambda: "a\nb", "the token contains characters"),
        (lambda: "a b", "the token contains spaces"),
    ):
        async with rest_of(cloud.url, token=token) as rest:
            with pytest.raises(Fatal, match=message):
                await rest.get("/self")
    assert cloud.calls == []


@pytest.mark.parametrize("method", ["get", "pages", "numbered", "search"])
async def test_outside_its_context_it_does_not_call(cloud, method):
    async with rest_of(cloud.url) as rest:
        pass
    with pytest.raises(RuntimeError, match="outside"):
        await getattr(rest, method)("/self")


async def test_a_cancelled_call_ends_at_once(cloud):
    cloud.answer("/self", Reply(hangs=True))
    async with rest_of(cloud.url) as rest:
        task = asyncio.ensure_future(rest.get("/self"))
        await cloud.called.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_links_are_followed_as_mist_writes_them(cloud):
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


async def test_credentials_in_a_link_do_not_replace_the_token(cloud):
    link = cloud.url.replace("//", "//user:word@") + "/api/v1/orgs/o/search?search_after=2"
    cloud.answer("/orgs/o/search", {"results": [{"id": 1}], "next": link}, {"results": []})
    async with rest_of(cloud.url) as rest:
        assert [entry async for entry in rest.search("/orgs/o/search")] == [{"id": 1}]
    assert {call.headers["Authorization"] for call in cloud.calls} == {f"Token {TOKEN}"}


async def test_a_listing_may_not_take_hours(cloud):
    cloud.answer("/orgs/o/sites", lambda query: [{"id": f"{query['page']}-{n}"} for n in range(1000)])
    clock = SkippingClock()
    async with rest_of(cloud.url, clock=clock) as rest:
        with pytest.raises(Retryable, match="takes longer than 7200 s"):  # noqa: PT012 - the reader is slow, too
            async for _ in rest.pages("/orgs/o/sites"):
                await clock.sleep(2.0)
    assert len(cloud.calls) == 4


async def test_the_memory_of_a_listing_is_released_page_by_page(cloud, monkeypatch):
    monkeypatch.setattr("collector.ingest.rest.bodies.UNRESERVED_BYTES", 0)
    cloud.listing("/orgs/o/sites", [{"id": str(number)} for number in range(2500)])
    async with rest_of(cloud.url) as rest:
        held = {rest._memory.used_bytes async for _ in rest.pages("/orgs/o/sites")}
        assert len(held) == 3
        assert 0 not in held
        assert rest._memory.used_bytes == 0
        await rest.get("/orgs/o/sites", limit=1000)
        assert rest._memory.used_bytes == 0


# The gate


class Revocable:
    """A cloud that accepts the tokens in `good`."""

    def __init__(self, cloud):
        self.good = {TOKEN}
        self.token = TOKEN
        self.cloud = cloud
        cloud.answer("/self", self.serve)

    def serve(self, _query):
        given = self.cloud.calls[-1].headers["Authorization"].removeprefix("Token ")
        return GOOD if given in self.good else Reply(status=401)


async def test_a_rejected_token_pauses_every_call_until_it_is_replaced(cloud):
    account, clock = Revocable(cloud), SkippingClock()
    gate = TokenGate(clock)
    async with rest_of(cloud.url, token=lambda: account.token, clock=clock, gate=gate) as rest:
        await rest.get("/self")
        account.good = {"another-token"}
        for _ in range(3):
            with pytest.raises(Fatal):
                await rest.get("/self")
        assert clock.now() == 1000.0 + 2 * PAUSE_S
        account.token = "another-token"
        gate.token_changed()
        await rest.get("/self")
        assert clock.now() == 1000.0 + 2 * PAUSE_S
    assert gate.is_open


async def test_a_rejection_of_a_token_that_was_just_replaced_does_not_close_the_gate(cloud):
    account = Revocable(cloud)
    account.good = {"another-token"}

    def serve(query):
        account.token = "another-token"  # while the call with the old one is under way
        return account.serve(query)

    cloud.answer("/self", serve)
    gate = TokenGate(SkippingClock())
    async with rest_of(cloud.url, token=lambda: account.token, gate=gate) as rest:
        with pytest.raises(Fatal):
            await rest.get("/self")
        assert gate.is_open


@pytest.mark.parametrize(("status", "is_open"), [(200, True), (403, True), (404, True), (503, False), (401, False)])
async def test_the_outcome_of_the_probe(cloud, status, is_open):
    clock = SkippingClock()
    gate = TokenGate(clock)
    gate.rejected()
    cloud.answer("/self", Reply(GOOD, status=status))
    async with rest_of(cloud.url, clock=clock, gate=gate, attempts=1) as rest:
        await asyncio.gather(rest.get("/self"), return_exceptions=True)
    assert gate.is_open is is_open


# Writing


async def writing(cloud):
    return WritingRestClient(
        Cloud("test", cloud.url, "ws://127.0.0.1:9/unused"), lambda: TOKEN, RestStatus("main"), SkippingClock()
    )


async def test_a_write_is_made_once(cloud):
    cloud.answer("/orgs/o/webhooks", Reply({"id": "w"}), Reply(status=503))
    async with await writing(cloud) as rest:
        assert await rest.write("POST", "/orgs/o/webhooks", {"name": "a"}) == {"id": "w"}
        with pytest.raises(Retryable):
            await rest.write("POST", "/orgs/o/webhooks", {"name": "a"})
    assert len(cloud.calls) == 2
    assert rest.status.calls == {"ok": 1, "retry": 1}


async def test_a_write_without_write_access_is_an_error_for_the_operator(cloud):
    cloud.answer("/orgs/o/webhooks", Reply(status=403))
    async with await writing(cloud) as rest:
        with pytest.raises(Fatal, match="needs a token with write access") as caught:
            await rest.write("PUT", "/orgs/o/webhooks", {})
    assert caught.value.where == "PUT /orgs/o/webhooks"


async def test_an_answer_with_its_headers(cloud):
    cloud.answer("/self", Reply(GOOD, headers={"Date": "Tue, 14 Nov 2023 22:14:20 GMT"}))
    async with await writing(cloud) as rest:
        body, answer = await rest.get_with_headers("/self")
    assert body == GOOD
    assert answer.headers["date"] == "Tue, 14 Nov 2023 22:14:20 GMT"


def test_a_session_keeps_no_cookies():
    async def jar():
        async with client.open_session() as session:
            return type(session.cookie_jar).__name__

    assert asyncio.run(jar()) == "DummyCookieJar"

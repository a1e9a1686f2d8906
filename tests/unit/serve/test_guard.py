"""The operator's listener behind TLS, certificates and passwords, over real sockets."""

import asyncio
import ssl

import aiohttp
import bcrypt
import pytest
import yaml

from collector.config import web_file
from collector.listener import basic_auth
from collector.listener.address import ListenAddress
from collector.listener.basic_auth import BasicAuth, Crowded, credentials
from collector.serve.listener import OperatorListener, Rules
from collector.serve.status_page import StatusPage
from collector.status import ServerStatus
from tests.support.certificates import Authority


def basic(name, password):
    return aiohttp.encode_basic_auth(name, password)


ALICE = {"Authorization": basic("alice", "open sesame")}
HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
PATHS = ("/metrics", "/", "/-/healthy", "/-/ready")


class Guarded:
    """A listener that goes by a web-config.yml, and what it counted."""

    def __init__(self, folder, document, **rules):
        self.file = folder / "web-config.yml"
        self.counts = ServerStatus()
        self.reloads = []
        self.listener = OperatorListener(
            ListenAddress("127.0.0.1", 0),
            render=self._render,
            ready=list,
            status=lambda: StatusPage(now=1.0, unix=0.0, started_at=0.0, version="1"),
            reload=self._reload,
            counts=self.counts,
            rules=self._rules(document, **rules),
        )
        self.session = None

    def _rules(self, document, **rules):
        self.file.write_text(yaml.safe_dump(document))
        return Rules(web_file.load(self.file), **rules)

    async def _render(self, _selection):
        yield b"up 1\n"

    async def _reload(self):
        self.reloads.append(1)
        return [] if len(self.reloads) == 1 else ["accounts: is missing"]

    async def use(self, document, **rules):
        await self.listener.use(self._rules(document, **rules))

    async def __aenter__(self):
        await self.listener.__aenter__()
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc):
        await self.session.close()
        await self.listener.__aexit__(*exc)

    async def ask(self, path="/metrics", *, method="GET", scheme="http", **how):
        url = f"{scheme}://127.0.0.1:{self.listener.port}{path}"
        async with self.session.request(method, url, **how) as answer:
            self.headers = answer.headers
            return answer.status


USERS = {"basic_auth_users": {"alice": HASH}}


async def test_without_a_password_only_the_health_is_told(tmp_path):
    async with Guarded(tmp_path, USERS) as guarded:
        assert [await guarded.ask(path) for path in PATHS] == [401, 401, 200, 200]
        assert [await guarded.ask(path, headers=ALICE) for path in PATHS] == [200] * 4
        assert await guarded.ask("/no/such/page") == 401, "nobody learns what there is"
        assert guarded.counts.refused == {}
        assert await guarded.ask(headers={"Authorization": basic("alice", "guess")}) == 401
        assert await guarded.ask(headers={"Authorization": basic("mallory", "open sesame")}) == 401
        assert await guarded.ask(headers={"Authorization": "Bearer open sesame"}) == 401
        assert guarded.counts.refused == {"wrong_password": 3}
        assert guarded.headers["WWW-Authenticate"].startswith("Basic")


async def test_the_health_may_be_closed_too(tmp_path):
    async with Guarded(tmp_path, USERS, health_open=False) as guarded:
        assert [await guarded.ask(path) for path in PATHS] == [401] * 4


async def test_users_change_without_a_restart(tmp_path):
    async with Guarded(tmp_path, {}) as guarded:
        assert await guarded.ask() == 200
        await guarded.use(USERS)
        assert await guarded.ask() == 401
        assert await guarded.ask(headers=ALICE) == 200
        await guarded.use({"basic_auth_users": {"bob": HASH}})
        assert await guarded.ask(headers=ALICE) == 401


async def test_every_answer_carries_the_headers(tmp_path):
    headers = {"http_server_config": {"headers": {"X-Frame-Options": "SAMEORIGIN"}}}
    async with Guarded(tmp_path, headers) as guarded:
        for path in (*PATHS, "/none"):
            await guarded.ask(path)
            assert guarded.headers["X-Content-Type-Options"] == "nosniff"
            assert guarded.headers["X-Frame-Options"] == "SAMEORIGIN"
        await guarded.ask("/")
        assert "default-src 'none'" in guarded.headers["Content-Security-Policy"]


async def test_reload_by_post_where_it_is_allowed(tmp_path):
    async with Guarded(tmp_path, USERS) as guarded:
        assert await guarded.ask("/-/reload", method="POST", headers=ALICE) == 403
        assert guarded.reloads == []
        await guarded.use(USERS, allow_reload=True)
        assert await guarded.ask("/-/reload", method="POST") == 401
        assert await guarded.ask("/-/reload", headers=ALICE) == 405
        forged = {"Sec-Fetch-Site": "cross-site"}
        assert await guarded.ask("/-/reload", method="POST", headers=ALICE | forged) == 403
        assert guarded.reloads == []
        assert await guarded.ask("/-/reload", method="POST", headers=ALICE) == 200
        assert await guarded.ask("/-/reload", method="POST", headers=ALICE) == 400


# TLS


@pytest.fixture
def authority(tmp_path):
    authority = Authority(tmp_path)
    authority.issue("127.0.0.1", file="server")
    return authority


def tls(**more):
    return {"tls_server_config": {"cert_file": "server.crt", "key_file": "server.key"} | more}


def trusting(authority, pair=None):
    context = ssl.create_default_context(cafile=authority.file)
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


async def test_tls_and_a_renewed_certificate_without_a_gap(tmp_path, authority):
    async with Guarded(tmp_path, tls()) as guarded:
        first = trusting(authority)
        assert await guarded.ask(scheme="https", ssl=first) == 200
        with pytest.raises(aiohttp.ClientError):
            await guarded.ask()  # plain HTTP
        other = Authority(tmp_path, "other")
        other.issue("127.0.0.1", file="server")
        await guarded.use(tls())
        assert await guarded.ask(scheme="https", ssl=trusting(other)) == 200
        async with aiohttp.ClientSession() as fresh:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await fresh.get(f"https://127.0.0.1:{guarded.listener.port}/", ssl=trusting(authority))
        await guarded.use({})
        assert await guarded.ask() == 200, "and back to plain HTTP"


async def test_old_tls_is_refused(tmp_path, authority):
    async with Guarded(tmp_path, tls()) as guarded:
        old = trusting(authority)
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises(aiohttp.ClientError):
            await guarded.ask(scheme="https", ssl=old)


async def test_client_certificates_are_demanded_and_held_against_their_names(tmp_path, authority):
    demanded = tls(
        client_auth_type="RequireAndVerifyClientCert",
        client_ca_file="authority.pem",
        client_allowed_sans=["prometheus.example"],
    )
    ours, another = authority.issue("prometheus.example"), authority.issue("somebody.example")
    strange = Authority(tmp_path, "strange").issue("prometheus.example", file="strange-client")
    async with Guarded(tmp_path, demanded) as guarded:
        assert await guarded.ask(scheme="https", ssl=trusting(authority, ours)) == 200
        assert await guarded.ask(scheme="https", ssl=trusting(authority, another)) == 403
        assert guarded.counts.refused == {"certificate_not_allowed": 1}
        for pair in (None, strange):
            with pytest.raises(aiohttp.ClientError):
                await guarded.ask(scheme="https", ssl=trusting(authority, pair))


async def test_a_certificate_that_may_be_given_is_checked_when_it_is(tmp_path, authority):
    given = tls(client_auth_type="VerifyClientCertIfGiven", client_ca_file="authority.pem")
    strange = Authority(tmp_path, "strange").issue("prometheus.example", file="strange-client")
    async with Guarded(tmp_path, given) as guarded:
        assert await guarded.ask(scheme="https", ssl=trusting(authority)) == 200
        with pytest.raises(aiohttp.ClientError):
            await guarded.ask(scheme="https", ssl=trusting(authority, strange))


# Passwords


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Basic YQ==", "Bearer YTpi", "Basic /w==", "Basic " + "YTpi" * 5000, "Basic YTph\0"],
)
def test_no_credentials(header):
    assert credentials(header) is None


def test_credentials():
    assert credentials("basic YWxpY2U6bzpw") == ("alice", b"o:p")


async def test_a_password_is_hashed_once_and_guesses_wait_in_a_short_line(tmp_path, monkeypatch):
    calls, gate = [], asyncio.Event()

    async def to_thread(_check, password, _hashed):
        calls.append(password)
        await gate.wait()
        return password == b"right"

    monkeypatch.setattr(basic_auth.asyncio, "to_thread", to_thread)
    auth = BasicAuth(web_file.WebSection.model_validate(USERS).basic_auth_users)
    guesses = [asyncio.ensure_future(auth.admits(basic("alice", f"{n}"))) for n in range(30)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(calls) == basic_auth.AT_ONCE
    gate.set()
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(answer, Crowded) for answer in answers) == 30 - basic_auth.WAITING
    assert [await auth.admits(basic("alice", "right")) for _ in range(5)] == [True] * 5
    assert calls.count(b"right") == 1
    for number in range(1500):
        await auth.admits(basic("alice", f"more {number}"))
    assert len(auth._known) == basic_auth.REMEMBERED

"""TLS, client certificates and passwords of the operator's listener, over real sockets."""

import asyncio
import ssl

import aiohttp
import bcrypt
import pytest
import yaml

from collector.config import web_file
from collector.listener import basic_auth
from collector.listener.address import ListenAddress
from collector.serve.listener import OperatorAccess, OperatorListener
from collector.serve.status_page import StatusPage
from collector.status import ServerStatus
from tests.support.certificates import Authority


def basic(name, password):
    return {"Authorization": aiohttp.encode_basic_auth(name, password)}


ALICE = basic("alice", "open sesame")
HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
PATHS = ("/metrics", "/", "/-/healthy", "/-/ready")
USERS = {"basic_auth_users": {"alice": HASH}}


class Protected:
    """A listener with a web-config.yml, and what it counted."""

    def __init__(self, folder, document, **access):
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
            access=self._access(document, **access),
        )
        self.session = None

    def _access(self, document, **access):
        self.file.write_text(yaml.safe_dump(document))
        return OperatorAccess(web_file.load(self.file), **access)

    async def _render(self, _selection):
        yield b"up 1\n"

    async def _reload(self):
        self.reloads.append(1)
        return [] if len(self.reloads) == 1 else ["accounts: is missing"]

    async def use(self, document, **access):
        await self.listener.use(self._access(document, **access))

    async def __aenter__(self):
        await self.listener.__aenter__()
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc):
        await self.session.close()
        await self.listener.__aexit__(*exc)

    async def request(self, path="/metrics", *, method="GET", scheme="http", **how):
        url = f"{scheme}://127.0.0.1:{self.listener.port}{path}"
        async with self.session.request(method, url, **how) as response:
            self.headers = response.headers
            return response.status


# Passwords


async def test_without_a_password_only_the_health_endpoints_answer(tmp_path):
    async with Protected(tmp_path, USERS) as protected:
        assert [await protected.request(path) for path in PATHS] == [401, 401, 200, 200]
        assert [await protected.request(path, headers=ALICE) for path in PATHS] == [200] * 4
        assert await protected.request("/no/such/page") == 401, "paths are not revealed"
        assert protected.counts.refused == {}
        assert await protected.request(headers=basic("alice", "guess")) == 401
        assert await protected.request(headers=basic("mallory", "open sesame")) == 401
        assert await protected.request(headers={"Authorization": "Bearer open sesame"}) == 401
        assert protected.counts.refused == {"wrong_password": 3}
        assert protected.headers["WWW-Authenticate"].startswith("Basic")


async def test_the_health_endpoints_may_require_a_password(tmp_path):
    async with Protected(tmp_path, USERS, health_open=False) as protected:
        assert [await protected.request(path) for path in PATHS] == [401] * 4


async def test_users_are_replaced_without_a_restart(tmp_path):
    async with Protected(tmp_path, {}) as protected:
        assert await protected.request() == 200
        await protected.use(USERS)
        assert await protected.request() == 401
        assert await protected.request(headers=ALICE) == 200
        await protected.use({"basic_auth_users": {"bob": HASH}})
        assert await protected.request(headers=ALICE) == 401


async def test_too_many_guesses_are_answered_429_and_the_scraper_is_not_affected(tmp_path):
    async with Protected(tmp_path, USERS) as protected:
        assert await protected.request(headers=ALICE) == 200
        guesses = [await protected.request(headers=basic("alice", f"{n}")) for n in range(basic_auth.CHECK_BURST + 3)]
        assert guesses[0] == 401
        assert guesses[-1] == 429
        assert int(protected.headers["Retry-After"]) >= 1
        assert protected.counts.refused["too_many_attempts"] >= 1
        assert await protected.request(headers=ALICE) == 200


async def test_a_source_that_authenticated_keeps_a_reserved_place(tmp_path):
    async with Protected(tmp_path, USERS) as protected:
        limiter = protected.listener._server._limiter
        assert await protected.request("/-/healthy") == 200
        assert await protected.request() == 401
        assert "127.0.0.1" not in limiter._authenticated
        assert await protected.request(headers=ALICE) == 200
        assert "127.0.0.1" in limiter._authenticated
        assert [connection.authenticated for connection in limiter._open] == [True]


# Headers and origins


async def test_every_response_has_the_security_headers(tmp_path):
    headers = {"http_server_config": {"headers": {"X-Frame-Options": "SAMEORIGIN"}}}
    async with Protected(tmp_path, headers) as protected:
        for path in (*PATHS, "/none"):
            await protected.request(path)
            assert protected.headers["X-Content-Type-Options"] == "nosniff"
            assert protected.headers["X-Frame-Options"] == "SAMEORIGIN"
        await protected.request("/")
        assert "default-src 'none'" in protected.headers["Content-Security-Policy"]


async def test_reload_by_post_where_it_is_enabled(tmp_path):
    async with Protected(tmp_path, USERS) as protected:
        assert await protected.request("/-/reload", method="POST", headers=ALICE) == 403
        assert protected.reloads == []
        await protected.use(USERS, allow_reload=True)
        assert await protected.request("/-/reload", method="POST") == 401
        assert await protected.request("/-/reload", headers=ALICE) == 405
        forged = {"Sec-Fetch-Site": "cross-site"}
        assert await protected.request("/-/reload", method="POST", headers=ALICE | forged) == 403
        assert protected.counts.refused == {"cross_site": 1}
        assert protected.reloads == []
        assert await protected.request("/-/reload", method="POST", headers=ALICE) == 200
        assert await protected.request("/-/reload", method="POST", headers=ALICE) == 400


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


async def test_tls_and_a_certificate_that_is_replaced(tmp_path, authority):
    async with Protected(tmp_path, tls()) as protected:
        first = trusting(authority)
        assert await protected.request(scheme="https", ssl=first) == 200
        with pytest.raises(aiohttp.ClientError):
            await protected.request()  # plain HTTP
        other = Authority(tmp_path, "other")
        other.issue("127.0.0.1", file="server")
        await protected.use(tls())
        assert await protected.request(scheme="https", ssl=trusting(other)) == 200
        async with aiohttp.ClientSession() as fresh:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await fresh.get(f"https://127.0.0.1:{protected.listener.port}/", ssl=trusting(authority))
        await protected.use({})
        assert await protected.request() == 200, "and back to plain HTTP"


async def test_a_connection_stays_open_when_the_certificate_is_replaced(tmp_path, authority):
    async with Protected(tmp_path, tls()) as protected:
        reader, writer = await asyncio.open_connection("127.0.0.1", protected.listener.port, ssl=trusting(authority))
        for _ in range(2):
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(8) == b"healthy\n"
            await protected.use(tls())
        writer.close()


async def test_old_versions_of_tls_are_rejected(tmp_path, authority):
    async with Protected(tmp_path, tls()) as protected:
        old = trusting(authority)
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises(aiohttp.ClientError):
            await protected.request(scheme="https", ssl=old)
        assert protected.counts.closed == {"tls_handshake_failed": 1}


async def test_client_certificates_are_required_and_their_names_checked(tmp_path, authority):
    required = tls(
        client_auth_type="RequireAndVerifyClientCert",
        client_ca_file="authority.pem",
        client_allowed_sans=["prometheus.example"],
    )
    allowed, other_name = authority.issue("prometheus.example"), authority.issue("somebody.example")
    untrusted = Authority(tmp_path, "untrusted").issue("prometheus.example", file="untrusted-client")
    async with Protected(tmp_path, required) as protected:
        assert await protected.request(scheme="https", ssl=trusting(authority, allowed)) == 200
        assert await protected.request(scheme="https", ssl=trusting(authority, other_name)) == 403
        assert protected.counts.refused == {"certificate_not_allowed": 1}
        for pair in (None, untrusted):
            with pytest.raises(aiohttp.ClientError):
                await protected.request(scheme="https", ssl=trusting(authority, pair))


async def test_an_optional_client_certificate_is_verified(tmp_path, authority):
    optional = tls(client_auth_type="VerifyClientCertIfGiven", client_ca_file="authority.pem")
    untrusted = Authority(tmp_path, "untrusted").issue("prometheus.example", file="untrusted-client")
    async with Protected(tmp_path, optional) as protected:
        assert await protected.request(scheme="https", ssl=trusting(authority)) == 200
        with pytest.raises(aiohttp.ClientError):
            await protected.request(scheme="https", ssl=trusting(authority, untrusted))

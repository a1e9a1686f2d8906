"""web-config.yml of the exporter-toolkit: valid files and faults."""

import ssl

import bcrypt
import pytest
import yaml

from collector.config import web_file
from collector.errors import ConfigError
from tests.support.certificates import Authority

PASSWORD = b"open sesame"
HASH = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(4)).decode()


@pytest.fixture
def folder(tmp_path):
    authority = Authority(tmp_path)
    authority.issue("127.0.0.1", file="server")
    return tmp_path


def load(folder, document):
    file = folder / "web-config.yml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return web_file.load(file)


def faults(folder, document):
    with pytest.raises(ConfigError) as raised:
        load(folder, document)
    return {fault.path: fault.problem for fault in raised.value.faults}


TLS = {"cert_file": "server.crt", "key_file": "server.key"}


def test_all_documented_keys(folder):
    web = load(
        folder,
        {
            "tls_server_config": TLS
            | {
                "client_auth_type": "RequireAndVerifyClientCert",
                "client_ca_file": "authority.pem",
                "client_allowed_sans": ["prometheus"],
                "min_version": "TLS13",
                "max_version": "TLS13",
                "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"],
                "prefer_server_cipher_suites": True,
                "curve_preferences": ["CurveP256", "X25519"],
            },
            "http_server_config": {"http2": False, "headers": {"Strict-Transport-Security": "max-age=60"}},
            "basic_auth_users": {"alice": HASH, "bob": HASH.replace("$2b$", "$2y$")},
        },
    )
    assert web.tls.minimum_version is ssl.TLSVersion.TLSv1_3
    assert web.tls.verify_mode is ssl.CERT_REQUIRED
    assert web.allowed_sans == {"prometheus"}
    assert sorted(web.users) == ["alice", "bob"]
    assert web.headers == {"Strict-Transport-Security": "max-age=60"}
    assert [file.name for file in web.files] == ["web-config.yml", "server.crt", "server.key", "authority.pem"]
    assert HASH not in repr(web)


def test_an_empty_file(folder):
    web = load(folder, "")
    assert (web.tls, web.users) == (None, {})


def test_the_default_is_tls_1_2_or_newer(folder):
    web = load(folder, {"tls_server_config": TLS})
    assert web.tls.minimum_version is ssl.TLSVersion.TLSv1_2
    assert web.tls.verify_mode is ssl.CERT_NONE


WRONG = {
    "unknown key": ({"basic_auth": {}}, "basic_auth"),
    "not a hash": ({"basic_auth_users": {"alice": "open sesame"}}, "basic_auth_users.alice"),
    "no key": ({"tls_server_config": {"cert_file": "server.crt"}}, "tls_server_config.key_file"),
    "no such file": ({"tls_server_config": TLS | {"cert_file": "none.crt"}}, "tls_server_config.cert_file"),
    "not PEM": ({"tls_server_config": TLS | {"cert_file": "web-config.yml"}}, "tls_server_config.cert_file"),
    "another key": ({"tls_server_config": TLS | {"key_file": "authority.pem"}}, "tls_server_config.cert_file"),
    "inline": ({"tls_server_config": {"cert": "x", "key": "y"}}, "tls_server_config.cert_file"),
    "unchecked": ({"tls_server_config": TLS | {"client_auth_type": "RequireAnyClientCert"}}, "client_auth_type"),
    "no authority": ({"tls_server_config": TLS | {"client_auth_type": "RequireAndVerifyClientCert"}}, "client_ca_file"),
    "idle authority": ({"tls_server_config": TLS | {"client_ca_file": "authority.pem"}}, "client_auth_type"),
    "versions": ({"tls_server_config": TLS | {"min_version": "TLS13", "max_version": "TLS12"}}, "min_version"),
    "suite": ({"tls_server_config": TLS | {"cipher_suites": ["ROT13"]}}, "tls_server_config.cipher_suites[0]"),
    "header": ({"http_server_config": {"headers": {"Set-Cookie": "a"}}}, "http_server_config.headers"),
    "header value": ({"http_server_config": {"headers": {"X-Frame-Options": "a\nb"}}}, "http_server_config.headers"),
    "a list": ("- 1", ""),
    "no YAML": ("a: [", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_faults_name_the_key_and_repeat_no_secret(folder, name):
    document, path = WRONG[name]
    found = faults(folder, document)
    assert any(key.endswith(path) for key in found), found
    assert not any("open sesame" in problem for problem in found.values())


def test_an_encrypted_key_is_rejected(folder):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((folder / "server.key").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )
    (folder / "server.key").write_bytes(locked)
    assert faults(folder, {"tls_server_config": TLS}) == {"tls_server_config.key_file": "is encrypted"}

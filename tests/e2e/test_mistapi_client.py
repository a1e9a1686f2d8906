"""The client `mistapi` from PyPI, unmodified, against the simulator.

It knows only https and the names of real Mist hosts. So the simulator speaks TLS with a certificate for those names,
made here, and the client gets to it by settings that are its own: a proxy (HTTPS_PROXY) and trusted certificates
(REQUESTS_CA_BUNDLE, WEBSOCKET_CLIENT_CA_BUNDLE). No request leaves the loopback interface.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions

HOSTS = ("api.mist.com", "api-ws.mist.com")
SCRIPT = Path(__file__).with_name("mistapi_session.py")

pytestmark = pytest.mark.e2e


@pytest.fixture
def certificate(tmp_path):
    """Paths of a self-made certificate for `HOSTS` and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated Mist cloud")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = tmp_path / "cloud.pem", tmp_path / "cloud.key"
    certificate_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path


@pytest.fixture
async def cloud(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    plan = FleetPlan(sites=3, aps=3, clients_per_ap=1, cadence_s=1.0)
    async with FakeCloud(CloudOptions(plan=plan, tls=tls, speed=5.0)) as opened:
        yield opened


@contextlib.asynccontextmanager
async def leading(routes):
    """A proxy on loopback that answers CONNECT for the hosts of `routes` (host -> port) and for nothing else."""

    async def pump(reader, writer):
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(65_536):
                writer.write(block)
                await writer.drain()
        writer.close()

    async def lead(reader, writer):
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = request.split(" ", 2)
        port = routes.get(target.removesuffix(":443"))
        if method != "CONNECT" or port is None:
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    async with await asyncio.start_server(lead, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def environment(proxy, trusted):
    """The environment of the client's process: nothing inherited that could lead it elsewhere."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(trusted.parent),
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "REQUESTS_CA_BUNDLE": str(trusted),
        "WEBSOCKET_CLIENT_CA_BUNDLE": str(trusted),
    }


async def client_report(proxy, trusted):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        env=environment(proxy, trusted),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, err.decode()
    return json.loads(out.decode().strip().splitlines()[-1])


async def test_mistapi_logs_in_lists_sites_and_receives_device_stats(cloud, certificate):
    ports = [urlsplit(url).port for url in (cloud.api_url, cloud.stream_url)]
    async with leading(dict(zip(HOSTS, ports, strict=True))) as proxy:
        report = await client_report(proxy, certificate[0])

    org_id = cloud.fleet.orgs()[0]["id"]
    sites = [site["id"] for site in cloud.fleet.sites(org_id)]
    assert report["authenticated"]
    assert report["org_id"] == org_id
    assert report["sites"] == sites
    assert sorted(report["inventory"]) == sorted(cloud.fleet.macs())
    assert sorted(device["mac"] for device in report["stats"]) == sorted(cloud.fleet.macs())
    assert report["ports"]["results"] == cloud.fleet.ports(org_id)
    assert report["wrong"] == 404
    streamed = report["streamed"][-1]
    assert streamed["event"] == "data"
    assert streamed["channel"].split("/")[2] in sites
    payload = streamed["data"] if isinstance(streamed["data"], dict) else json.loads(streamed["data"])
    assert payload["mac"] in cloud.fleet.macs()
    assert payload["uptime"] > 0

"""The daemon as a process of its own: what an operator sees of it, and how it ends."""

import gzip
import os
import signal
import socket
import subprocess
import threading
from collections import Counter
from contextlib import ExitStack

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from tests.support import samples
from tests.support.processes import COLLECTOR, Daemon, Simulator, ask, eventually

pytestmark = pytest.mark.e2e

END_WITHIN_S = 5.0  # what is promised for SIGTERM and Ctrl-C
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: collector\r\nConnection: close\r\n\r\n"
FLEET = {"sites": 2, "aps": 10, "clients_per_ap": 2, "cadence_s": 5, "speed": 5}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with Simulator(tmp_path_factory.mktemp("cloud"), **FLEET) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def daemon(cloud, tmp_path_factory):
    """A daemon that is ready and has heard every access point, and has got a webhook event."""
    directory = tmp_path_factory.mktemp("daemon")
    with Daemon(directory, api_url=cloud.api_url, stream_url=cloud.stream_url) as daemon:
        daemon.ready()
        (org,) = cloud.ask("/fleet")
        cloud.make_webhook(f"/orgs/{org['id']}", daemon.webhook_url, daemon.SECRET, ["device-updowns"])
        cloud.tell("/fleet/actions", action="disconnect", mac=org["devices"][0]["mac"])
        cloud.tell("/fleet/actions", action="reconnect", mac=org["devices"][0]["mac"])

        def heard():
            found = samples.of_text(daemon.metrics())
            clients = samples.by_label(found, "mist_ap_clients", "mac")
            return len(clients) == 20 and samples.total(found, "mist_webhook_events_total") >= 2

        eventually(heard, "every access point was heard, and two events came")
        yield daemon


def test_it_is_healthy_and_ready(daemon):
    for path, text in (("/-/healthy", "healthy\n"), ("/-/ready", "ready\n")):
        answer = ask(daemon.url + path)
        assert (answer.status, answer.text) == (200, text)


def test_promtool_finds_nothing(daemon, promtool):
    command = [promtool, "check", "metrics"]
    checked = subprocess.run(command, input=daemon.metrics(), capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_openmetrics_and_text_say_the_same(daemon, cloud):
    cloud.tell("/pause")
    try:
        eventually(lambda: still(daemon), "nothing changes any more")
        plain = ask(f"{daemon.url}/metrics", headers={"Accept": "text/plain"})
        open_ = ask(f"{daemon.url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    finally:
        cloud.tell("/resume")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert open_.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = list(parse_openmetrics(open_.text))
    assert open_.text.endswith("# EOF\n")
    assert [name for name, count in Counter(family.name for family in families).items() if count > 1] == []
    found = {
        samples.series(s.name, s.labels): s.value
        for family in families
        for s in family.samples
        if s.name != f"{family.name}_created"  # in OpenMetrics only
    }
    expected = samples.of_text(plain.text)
    assert len(expected) > 2000
    assert samples.differences(fleet_only(expected), fleet_only(found)) == []


def still(daemon):
    return fleet_only(samples.of_text(daemon.metrics())) == fleet_only(samples.of_text(daemon.metrics()))


def fleet_only(found):
    return {key: value for key, value in found.items() if not key[0].startswith(("process_", "mist_collector_"))}


def test_the_exposition_is_compressed_where_that_is_accepted(daemon):
    plain = ask(f"{daemon.url}/metrics", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    packed = ask(f"{daemon.url}/metrics", headers={"Accept-Encoding": "gzip, deflate;q=0.5"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 5
    names = [
        [line for line in text.splitlines() if line.startswith("# TYPE mist_ap_")]
        for text in (gzip.decompress(packed.body).decode(), plain.text)
    ]
    assert names[0] == names[1] != []


def test_the_status_page_tells_the_state_of_everything(daemon, cloud):
    page = ask(f"{daemon.url}/")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    (org,) = cloud.ask("/fleet")
    for words in ("e2e/0", "device-updowns", "AP_DISCONNECTED", "mist_ap_clients", "stats/devices"):
        assert words in page.text, words
    for site in org["sites"]:
        assert site["id"] in page.text
    for secret in (daemon.TOKEN, daemon.SECRET):
        assert secret not in page.text
        assert secret not in daemon.said()


def test_sigterm_ends_it_clean_and_the_last_scrape_is_answered(cloud, tmp_path):
    with Daemon(tmp_path, api_url=cloud.api_url, stream_url=cloud.stream_url) as daemon:
        daemon.ready()
        answers = []
        scraper = threading.Thread(target=lambda: answers.extend(scrape_slowly(daemon.url, begun)))
        begun = threading.Event()
        scraper.start()
        assert begun.wait(10)
        code, seconds = daemon.end(signal.SIGTERM)
        scraper.join(10)
        assert (code, daemon.said("out")) == (0, "")
        assert seconds < END_WITHIN_S
        assert answers[0].startswith(b"HTTP/1.1 200")
        assert answers[-1].endswith(b"0\r\n\r\n"), "the scrape under way was answered to its end"
        log = daemon.said()
        assert "Traceback" not in log
        assert [event for event in ("started", "stopping", "stopped") if f'"{event}"' not in log] == []
    eventually(lambda: cloud.ask("/")["clients"] <= 1, "its connection is closed")


def scrape_slowly(url, begun):
    """Read a scrape bit by bit, so that it is under way when the daemon is told to end."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(SCRAPE)
        yield connection.recv(16)
        begun.set()
        last = b""
        while block := connection.recv(65_536):
            last = (last + block)[-100:]
        yield last


def test_peers_that_hang_cannot_keep_it_from_ending(cloud, tmp_path):
    with Daemon(tmp_path, api_url=cloud.api_url, stream_url=cloud.stream_url) as daemon, ExitStack() as stack:
        daemon.ready()
        cloud.tell("/faults", kind="half_open")  # the closing of the stream is not answered
        stack.callback(lambda: ask(f"{cloud.control_url}/faults", method="DELETE"))
        half_a_delivery = b"POST /webhook HTTP/1.1\r\nHost: collector\r\nContent-Length: 1000\r\n\r\n{"
        idle = b"GET /-/healthy HTTP/1.1\r\nHost: collector\r\n\r\n"  # kept alive, as Prometheus does
        for url, sent in ((daemon.webhook_url, half_a_delivery), (daemon.url, idle), (daemon.url, SCRAPE)):
            host, port = url.split("/")[2].split(":")
            hanging = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
            hanging.sendall(sent)
        code, seconds = daemon.end()
        assert code == 0
        assert seconds < END_WITHIN_S
        assert "Traceback" not in daemon.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_ends_it_clean(number, tmp_path):
    # A cloud that takes connections and never answers: inventory and stream wait.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        urls = {"api_url": f"http://127.0.0.1:{port}", "stream_url": f"ws://127.0.0.1:{port}/api-ws/v1/stream"}
        with Daemon(tmp_path, **urls) as daemon:
            daemon.started()
            assert "the inventory has not been read" in daemon.why_not_ready()
            code, seconds = daemon.end(number)
            assert code == 0
            assert seconds < END_WITHIN_S
            assert "Traceback" not in daemon.said()


def test_help_starts_without_the_heavy_parts():
    told = subprocess.run(
        [*COLLECTOR[:1], "-X", "importtime", *COLLECTOR[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "120"},
    )
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines() if line.startswith("import time:")}
    assert "collector.cli.main" in imported
    heavy = {"aiohttp", "websockets", "pydantic", "structlog", "orjson", "msgspec", "prometheus_client", "yaml", "isal"}
    assert heavy & imported == set()
    assert "simulate" in told.stdout

"""`tail`: one line per object or event, with filters and masks."""

import json
import re

import pytest

from collector.cli import listening
from collector.cli.tail import LinePrinter, TailFilter
from collector.errors import Rejected, UsageError
from collector.mist.envelope import Data, Subscribed
from collector.simulator.fleet import FleetPlan
from tests.support.installation import installation

PLAN = FleetPlan(
    sites=2, aps=3, switches=1, gateways=1, mxedges=1, clients_per_ap=3, cadence_s=5.0, sessions_per_client_hour=60.0
)
SITE = "67970e46-4e12-11e6-9188-0242ac110007"
DEVICES, CLIENTS = f"/sites/{SITE}/stats/devices", f"/sites/{SITE}/stats/clients"


async def tailed(here, capsys, **conditions):
    capsys.readouterr()
    await listening.consume(here.config(), None, LinePrinter(TailFilter(**conditions)), seconds=2.0)
    return capsys.readouterr()


@pytest.mark.slow
async def test_devices_have_names_and_people_are_masked(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch, speed=10.0, plan=PLAN) as here:
        await here.init(webhook=False)
        output = await tailed(here, capsys)
        names = {entry["name"] for entry in here.cloud.fleet.inventory(here.org_id)}
        assert any(name in output.out for name in names)
        lines = output.out.splitlines()
        clients = [line for line in lines if " clients " in line]
        assert clients
        assert len(lines) > 10
        unmasked = (await tailed(here, capsys, json=True, kind="clients", people=True)).out.splitlines()
        macs = {json.loads(line)["mac"] for line in unmasked}
        assert macs
        assert not [mac for mac in macs if any(mac in line for line in clients)]


@pytest.mark.slow
async def test_filters(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch, speed=10.0, plan=PLAN) as here:
        await here.init(webhook=False)
        site, other = here.cloud.fleet.sites(here.org_id)
        device = next(d for d in here.cloud.fleet.inventory(here.org_id) if d["site_id"] == site["id"])
        lines = (await tailed(here, capsys, site=site["name"], kind="devices", fields=("uptime",))).out.splitlines()
        assert lines
        assert not [line for line in lines if other["name"] in line or not re.search(r" uptime=[0-9.]+$", line)]
        lines = (await tailed(here, capsys, mac=device["mac"].upper(), json=True)).out.splitlines()
        assert {json.loads(line)["mac"] for line in lines} == {device["mac"]}
        with pytest.raises(UsageError, match="--site Nowhere: no such site; available: "):
            await tailed(here, capsys, site="Nowhere")
        with pytest.raises(UsageError, match="--kind nonsense: the name of no subscribed channel or topic contains"):
            await tailed(here, capsys, kind="nonsense")


def test_an_invalid_mac():
    with pytest.raises(UsageError, match="--mac nonsense: not a MAC address"):
        TailFilter(mac="nonsense")


def printed(capsys, message, **conditions):
    LinePrinter(TailFilter(**conditions)).message(message)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "message",
    [Rejected("not_json"), Subscribed(DEVICES), Data(DEVICES, "{"), Data(DEVICES, None), Data(DEVICES, [1, "x"])],
)
def test_messages_without_an_object_are_not_printed(message, capsys):
    assert printed(capsys, message) == ""


@pytest.mark.parametrize(
    "payload", ['{"mac":"5c5b35fc0001","a":{"b":[1,2]}}', {"mac": "5c5b35fc0001", "a": {"b": [1, 2]}}]
)
def test_nested_fields(payload, capsys):
    assert printed(capsys, Data(DEVICES, payload)).endswith(" 5c5b35fc0001 a.b.0=1 a.b.1=2\n")
    assert printed(capsys, Data(DEVICES, payload), fields=("a.b.1", "none")).endswith(" 5c5b35fc0001 a.b.1=2\n")


def test_the_number_of_fields_is_limited(capsys):
    line = printed(capsys, Data(DEVICES, {"mac": "5c5b35fc0001", "_ttl": 5} | {f"f{n}": n for n in range(20)}))
    assert line.endswith(" f11=11 ... 8 more\n")


def test_deep_nesting(capsys):
    payload = {}
    for _ in range(5_000):
        payload = {"a": payload}
    assert "..." in printed(capsys, Data(DEVICES, payload), people=True)
    assert printed(capsys, Data(DEVICES, payload), json=True, people=True)


def test_large_integers(capsys):
    line = printed(capsys, Data(DEVICES, '{"uptime": ' + "9" * 20 + ', "x": "\\u0001\x01"}'), json=True)
    assert json.loads(line)["uptime"] == 99999999999999999999


def test_a_peer_cannot_control_the_terminal(capsys):
    line = printed(capsys, Data(DEVICES, {"name": "a\x1b[2J\nb"}), people=True)
    assert "name=a\\x1b[2J\\nb\n" in line
    assert "\\u001b" in printed(capsys, Data(DEVICES, {"name": "\x1b"}), people=True, json=True)


def test_identities_in_keys_of_clients_are_masked(capsys):
    message = Data(CLIENTS, {"mac": "5c5b35fc0001", "alice@example.com": {"alice": 1}})
    assert "alice" not in printed(capsys, message)
    assert "alice@example.com.alice=1" in printed(capsys, message, people=True)


def test_secrets_in_fields_are_masked(capsys):
    message = Data(DEVICES, {"api_token": "abcdef", "note": "Authorization: Token abcdefghijklmnopqrstuvwxyz"})
    for json_ in (True, False):
        assert "abcdef" not in printed(capsys, message, people=True, json=json_)


def test_webhook_events(capsys):
    body = json.dumps({"topic": "alarms", "events": [{"id": "1", "type": "ap_offline"}, 5]}).encode()
    LinePrinter(TailFilter()).delivery(body)
    assert re.fullmatch(r"[0-9:]{8} alarms           1 type=ap_offline\n", capsys.readouterr().out)
    for tail_filter, delivery in ((TailFilter(kind="audits"), body), (TailFilter(), b"rubbish")):
        LinePrinter(tail_filter).delivery(delivery)
        assert capsys.readouterr().out == ""

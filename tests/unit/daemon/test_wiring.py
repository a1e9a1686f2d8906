"""The floor page of a whole collector, and the key that switches it off."""

import json

import aiohttp
import pytest

from collector import config
from collector.daemon.wiring import Daemon
from tests.support.clock import ManualClock
from tests.support.floors import IDS, MAP, SITE, mac


def collector(directory, *, floor_page=True, positions=True):
    (directory / "token").touch(mode=0o600)
    (directory / "token").write_text("t\n")
    wanted = {
        "accounts": [{"name": "a", "cloud": "global01", "token_file": "token"}],
        "server": {"listen": "127.0.0.1:0"},
        "webhook": {"enabled": False},
        "streams": {"location": {"clients": positions}},
        "location": {"floor_page": floor_page},
    }
    file = directory / "collector.yaml"
    file.write_text(json.dumps(wanted))
    return Daemon(config.load(file, {}), ManualClock())


async def get(daemon, path):
    url = f"http://127.0.0.1:{daemon.operator.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_what_rest_and_channels_tell_is_on_the_page(tmp_path):
    daemon = collector(tmp_path)
    daemon.feeds.rest_object("map", {"id": MAP, "name": "Ground floor", "width": 100, "height": 50, "ppm": 2.0}, IDS)
    corners = [{"x": 0, "y": 0}, {"x": 50, "y": 0}, {"x": 50, "y": 50}]
    daemon.feeds.rest_object("zone_definition", {"id": "z", "name": "Hall", "map_id": MAP, "vertices": corners}, IDS)
    say = daemon.feeds.open_channel(f"/sites/{SITE}/stats/maps/{MAP}/clients")
    say(json.dumps({"mac": mac(1), "x": 30, "y": 10}), daemon.clock.now())
    async with daemon.operator:
        assert 'href="floors"' in (await get(daemon, "/"))[1]
        assert f'<a href="floors/{MAP}">Ground floor</a>' in (await get(daemon, "/floors"))[1]
        status, text = await get(daemon, f"/floors/{MAP}")
    assert status == 200
    assert "50 by 25 m" in text
    assert 'd="M300 100M300 100"' in text
    assert '<td class="n" data-of="all">1</td>' in text
    assert mac(1) not in text


@pytest.mark.parametrize(("floor_page", "positions"), [(False, True), (True, False)])
async def test_it_is_there_only_where_it_is_wanted(tmp_path, floor_page, positions):
    daemon = collector(tmp_path, floor_page=floor_page, positions=positions)
    async with daemon.operator:
        status, text = await get(daemon, "/floors")
        assert status == (200 if floor_page else 404)
        assert "streams.location" in text or not floor_page
        assert 'href="floors"' not in (await get(daemon, "/"))[1]

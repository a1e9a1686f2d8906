import pytest

from collector.simulator.malformed import KINDS, MEGABYTE, malformed_frames
from tests.support.stream_client import connect_to, device_channels, subscribe

CHANNEL = "/sites/a/stats/devices"
MAC = "5c5b35000001"


def test_frames_cycle_through_all_kinds_and_follow_from_the_seed():
    first = list(malformed_frames(len(KINDS) + 1, (), CHANNEL, MAC, seed=7))
    assert [kind for kind, _, _ in first] == [*KINDS, KINDS[0]]
    assert first == list(malformed_frames(len(KINDS) + 1, (), CHANNEL, MAC, seed=7))
    assert first != list(malformed_frames(len(KINDS) + 1, (), CHANNEL, MAC, seed=8))


def test_text_frames_are_utf8_and_below_one_mebibyte_so_that_clients_do_not_close_the_connection():
    for kind, frame, text in malformed_frames(len(KINDS), (), CHANNEL, MAC, seed=7):
        assert not text or frame.decode().encode() == frame, kind
        assert len(frame) < 1 << 20


def test_megabyte_frames_have_a_megabyte():
    sizes = [len(frame) for _, frame, _ in malformed_frames(2, ("megabyte", "megabyte_json"), CHANNEL, "", seed=1)]
    assert min(sizes) >= MEGABYTE


def test_an_unknown_kind_is_rejected():
    with pytest.raises(ValueError, match="unknown kind of malformed frame 'glitter'"):
        list(malformed_frames(1, ("glitter",), CHANNEL, "", seed=1))


async def test_every_client_receives_the_frames_and_the_ledger_counts_them_by_kind(cloud):
    async with connect_to(cloud, max_size=None) as client:
        written = await cloud.malformed.send(len(KINDS))
        frames = [await client.recv() for _ in KINDS]
    assert sum(written.values()) == cloud.ledger.sent["malformed"] == len(frames)
    assert written == dict(cloud.ledger.malformed)
    assert {type(frame) for frame in frames} == {str, bytes}


async def test_frames_name_a_subscribed_device_channel_and_a_device(cloud):
    channel = device_channels(cloud)[0]
    async with connect_to(cloud) as client:
        await subscribe(client, channel)
        await cloud.advance(60)
        for _ in range(cloud.ledger.data_frames):
            await client.recv()
        await cloud.malformed.send(1, ("wrong_types",))
        frame = await client.recv()
    assert channel in frame
    assert any(mac in frame for mac in cloud.ledger.frames[channel])

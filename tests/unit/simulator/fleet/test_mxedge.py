from tests.support.fleet import counters, missing_leaves, stream_messages

COUNTERS = ("rx_bytes", "tx_bytes", "rx_pkts", "tx_pkts", "rx_errors", "rx_lacpdu", "tx_lacpdu")


def test_mist_edges_report_on_the_channel_of_their_org_or_site(wired, org_of, site_of):
    sent = stream_messages(wired.step(wired.now + 33), "mxedge")
    assert {one.channel for one in sent} == {
        f"/orgs/{org_of(wired)}/stats/mxedges",
        f"/sites/{site_of(wired)}/stats/mxedges",
    }
    for one in sent:
        assert one.payload["for_site"] is one.channel.startswith("/sites/")


def test_counters_restart_at_zero_after_a_reboot(wired):
    mac = wired.macs("mxedge")[0]
    wired.step(wired.now + 33)
    before = wired.truth(mac)["state"]["port_stat"]["port0"]["rx_bytes"]
    wired.reboot(mac)
    wired.step(wired.now + 125)
    assert wired.truth(mac)["state"]["port_stat"]["port0"]["rx_bytes"] < before


def test_counters_do_not_decrease_without_a_restart(wired):
    last: dict = {}
    for one in stream_messages(wired.step(wired.now + 900), "mxedge"):
        for path, value in counters(one.payload, COUNTERS).items():
            assert value >= last.get((one.mac, path), 0), (one.mac, path)
            last[one.mac, path] = value
    assert last


def test_mist_edges_have_every_leaf_of_the_table(wired):
    sent = [one.payload for one in stream_messages(wired.step(wired.now + 200), "mxedge")]
    assert missing_leaves("mxedge", sent) == []

"""Wireless clients as numbers and sums, whatever the order and repetition of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.feeds.client_feed import ClientFeed
from collector.feeds.router import FeedRouter
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from collector.mist.channels import match
from collector.mist.directories import Directories
from collector.mist.directory import Changes, Device, Directory, Site
from tests.support import golden

SITE, OTHER_SITE, ORG = "site-1", "site-2", "org-1"
AP, OTHER_AP = "5c5b35000001", "5c5b35000002"
T0 = 1_700_000_000


def record(number: int = 1, **more: object) -> dict:
    """Return the record of a client."""
    return {
        "mac": f"0000000000{number:02x}",
        "ap_mac": AP,
        "ssid": "corp",
        "band": "5",
        "proto": "ax",
        "key_mgmt": "WPA2-PSK/CCMP",
        "last_seen": T0,
        "_ttl": 300,
    } | more


class Bench:
    """The feed, and its samples."""

    def __init__(self, **options) -> None:
        self.store = Store()
        sites = {site: Site(site, ORG) for site in (SITE, OTHER_SITE)}
        self.clients = ClientFeed(self.store, Directories(Directory(sites=sites)), **options)
        self._open = {site: self.clients.channel(match(f"/sites/{site}/stats/clients")) for site in sites}

    def apply(self, payload: object, now: float = 0.0, site: str = SITE):
        """Apply a message; return the reason if it was rejected."""
        rejected = self._open[site](payload, now)
        return rejected and rejected.reason

    def sweep(self, now: float) -> None:
        for _ in self.clients.sweep(now):
            pass

    def samples(self, name: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Return the samples of a metric by their labels without org and site."""
        return {
            tuple((label, text) for label, text in sorted(labels) if label not in {"org_id", "site_id"}): value
            for (metric, labels), value in golden.samples(render_all(self.store).decode()).items()
            if metric == name
        }

    def total(self, name: str) -> float:
        return sum(self.samples(name).values())


@pytest.fixture
def bench() -> Bench:
    return Bench()


COUNTED = ("mist_site_clients", "mist_ap_ssid_clients", "mist_site_clients_by_security")


class TestNumbers:
    def test_a_client_is_counted_under_its_labels(self, bench):
        bench.apply(record(band="24", proto="n", is_guest=True, dual_band=True, power_saving=False))
        place = (("band", "2.4"), ("ssid", "corp"))
        assert bench.samples("mist_site_clients") == {(place[0], ("protocol", "n"), place[1]): 1.0}
        assert bench.samples("mist_ap_ssid_clients") == {(place[0], ("mac", AP), place[1]): 1.0}
        assert bench.samples("mist_site_guest_clients") == {place: 1.0}
        assert bench.samples("mist_site_dual_band_clients") == {place: 1.0}
        assert bench.samples("mist_site_power_saving_clients") == {place: 0.0}

    def test_the_labels_follow_the_client(self, bench):
        bench.apply(record())
        bench.apply(record(ap_mac=OTHER_AP, band="6", last_seen=T0 + 30))
        bench.apply(record(2, ssid="guest"))
        found = bench.samples("mist_ap_ssid_clients")
        assert found[("band", "5"), ("mac", AP), ("ssid", "corp")] == 0.0
        assert found[("band", "6"), ("mac", OTHER_AP), ("ssid", "corp")] == 1.0
        assert [bench.total(name) for name in COUNTED] == [2.0] * 3

    def test_an_absent_field_keeps_its_value(self, bench):
        bench.apply(record())
        bench.apply({"mac": record()["mac"], "last_seen": T0 + 30, "rssi": -50})
        bench.apply({"mac": record()["mac"], "last_seen": T0 + 60, "proto": None})
        assert bench.samples("mist_site_clients")[("band", "5"), ("protocol", "ax"), ("ssid", "corp")] == 0.0
        assert bench.samples("mist_site_clients")[("band", "5"), ("ssid", "corp")] == 1.0

    def test_a_list_of_clients(self, bench):
        assert bench.apply([record(1), record(2), "malformed", record(3)]) is None
        assert bench.total("mist_site_clients") == 3.0
        assert bench.clients.kind.decoder.rejected == {"not_json": 1}

    def test_a_client_ends_at_the_time_to_live_of_its_record(self, bench):
        bench.apply(record(1, _ttl=60), 0.0)
        bench.apply(record(2, _ttl="300"), 0.0)
        bench.apply(record(3, _ttl=None), 0.0)
        for now, alive in ((59.0, 3), (61.0, 2), (299.0, 2), (301.0, 0)):
            bench.sweep(now)
            assert [bench.total(name) for name in COUNTED] == [alive] * 3
            assert len(bench.clients) == alive

    def test_an_invalid_time_to_live_is_limited(self, bench):
        bench.apply(record(1, _ttl=1e12))
        bench.apply(record(2, _ttl=-5))
        bench.sweep(31.0)
        assert len(bench.clients) == 1
        bench.sweep(3601.0)
        assert len(bench.clients) == 0

    def test_an_old_message_does_not_renew_the_time_to_live(self, bench):
        bench.apply(record(), 0.0)
        assert bench.apply(record(), 200.0) == "duplicate"
        assert bench.apply(record(last_seen=T0 - 60, ap_mac=OTHER_AP), 250.0) == "stale"
        bench.sweep(301.0)
        assert len(bench.clients) == 0

    def test_rows_without_clients_end_a_day_later(self, bench):
        bench.apply(record(), 0.0)
        bench.sweep(400.0)
        assert bench.samples("mist_site_clients") == {(("band", "5"), ("protocol", "ax"), ("ssid", "corp")): 0.0}
        bench.sweep(86_500.0)
        assert bench.samples("mist_site_clients") != {}
        bench.sweep(86_900.0)
        assert all(bench.samples(name) == {} for name in COUNTED)

    def test_a_client_at_two_sites_is_counted_once(self, bench):
        bench.apply(record())
        bench.apply(record(last_seen=T0 + 5), site=OTHER_SITE)
        assert bench.total("mist_site_clients") == 1.0
        assert bench.total("mist_site_client_roams_total") == 0.0

    def test_types_are_counted_only_if_clients_have_one(self, bench):
        bench.apply(record(1))
        bench.apply(record(2, type="vip"))
        assert bench.samples("mist_site_clients_by_type") == {(("type", "vip"),): 1.0}

    @pytest.mark.parametrize("mac", [None, "", "no mac", 5, [1]])
    def test_without_a_mac_there_is_no_client(self, bench, mac):
        assert bench.apply(record(mac=mac)) == "no_identity"

    def test_ssids_are_limited(self, bench):
        for number in range(120):
            bench.apply(record(number % 256, ssid=f"net-{number}"))
        assert bench.samples("mist_site_clients")[("band", "5"), ("protocol", "ax"), ("ssid", "other")] == 20.0
        assert len(bench.samples("mist_site_clients")) == 101
        assert bench.clients.refused_labels()["ssid"] == 20

    def test_the_number_of_clients_is_limited(self):
        bench = Bench(max_clients=2)
        bench.apply(record(1))
        bench.apply(record(2))
        assert bench.apply(record(3)) == "too_many_clients"
        assert bench.apply(record(1, last_seen=T0 + 30)) is None

    def test_every_notation_of_a_band(self, bench):
        for number, band in enumerate(("24", "2.4", "2.4GHz", "5", "5-dedicated", "6-selectable", 6)):
            bench.apply(record(number, band=band))
        assert {dict(labels)["band"]: n for labels, n in bench.samples("mist_site_clients").items()} == {
            "2.4": 3.0,
            "5": 2.0,
            "6": 2.0,
        }


class TestSums:
    BYTES = "mist_site_client_receive_bytes_total"

    def test_the_first_message_of_an_old_association_adds_nothing(self, bench):
        bench.apply(record(rx_bytes=1_000_000, uptime=5000))
        bench.apply(record(rx_bytes=1_000_700, uptime=5030, last_seen=T0 + 30), 30.0)
        assert bench.total(self.BYTES) == 700.0

    def test_a_recent_association_is_counted_from_its_start(self, bench):
        bench.apply(record(1), 0.0)
        bench.apply(record(2, rx_bytes=900, uptime=20, last_seen=T0 + 60), 60.0)
        assert bench.total(self.BYTES) == 900.0

    def test_a_new_association_is_counted_from_its_start(self, bench):
        bench.apply(record(rx_bytes=1_000, uptime=500), 0.0)
        bench.apply(record(rx_bytes=5_000, uptime=10, last_seen=T0 + 30), 30.0)
        assert bench.total(self.BYTES) == 5_000.0

    def test_a_decrease_within_an_association_adds_nothing(self, bench):
        for seconds, count in ((0, 100), (30, 500), (60, 100), (90, 600)):
            bench.apply(record(rx_bytes=count, uptime=5000 + seconds, last_seen=T0 + seconds), float(seconds))
        assert bench.total(self.BYTES) == 500.0

    def test_a_decrease_is_a_new_association_without_other_evidence(self, bench):
        for seconds, count in ((0, 100), (30, 500), (60, 40)):
            bench.apply(record(rx_bytes=count, last_seen=T0 + seconds), float(seconds))
        assert bench.total(self.BYTES) == 440.0

    def test_a_client_that_returns_is_not_counted_twice(self, bench):
        bench.apply(record(9), 0.0)
        bench.apply(record(rx_bytes=700, uptime=50, last_seen=T0 + 60), 60.0)
        bench.sweep(400.0)
        bench.apply(record(rx_bytes=900, uptime=640, last_seen=T0 + 650), 650.0)
        assert bench.total(self.BYTES) == 700.0

    def test_both_names_of_a_field(self, bench):
        bench.apply(record(1, tx_packets=10))
        bench.apply(record(1, tx_packets=15, last_seen=T0 + 30))
        bench.apply(record(1, tx_pkts=18, tx_packets=3, last_seen=T0 + 60))
        assert bench.total("mist_site_client_transmit_packets_total") == 8.0

    def test_a_roam_is_counted_once(self, bench):
        bench.apply(record())
        bench.apply(record(ap_mac=OTHER_AP, last_seen=T0 + 30))
        bench.apply(record(ap_mac=OTHER_AP, last_seen=T0 + 30))
        bench.apply(record(last_seen=T0 + 10))
        assert bench.total("mist_site_client_roams_total") == 1.0

    def test_a_signal_is_observed_once_per_message(self, bench):
        for _ in range(3):
            bench.apply(record(rssi=-62, snr=30, tx_rate=173.3, rx_rate=6, idle_time=5))
        assert bench.samples("mist_site_client_rssi_dbm_bucket")[("band", "5"), ("le", "-60.0")] == 1.0
        assert bench.samples("mist_site_client_snr_db_count") == {(("band", "5"),): 1.0}
        assert bench.samples("mist_site_client_transmit_speed_bytes_per_second_sum") == {
            (("band", "5"),): 173.3 * 125_000
        }
        assert not bench.samples("mist_site_client_rssi_dbm_sum")


class TestEnds:
    def test_with_its_site(self, bench):
        bench.apply(record(1))
        bench.apply(record(2), site=OTHER_SITE)
        bench.clients.changed(Changes(sites_removed=(Site(SITE, ORG),)))
        assert len(bench.clients) == 1
        assert f'site_id="{SITE}"' not in render_all(bench.store).decode()
        assert bench.total("mist_site_clients") == 1.0

    def test_with_its_ap(self, bench):
        bench.apply(record(1))
        bench.apply(record(2, ap_mac=OTHER_AP))
        bench.clients.changed(Changes(devices_removed=(Device(AP),)))
        assert [labels for labels in bench.samples("mist_ap_ssid_clients") if ("mac", AP) in labels] == []
        assert bench.total("mist_site_clients") == 1.0


class TestIndividuals:
    def test_no_client_is_identified_by_default(self, bench):
        bench.apply(record(7, hostname="annas-phone", username="anna", ip="10.0.0.7"))
        text = render_all(bench.store).decode()
        assert not [word for word in ("000000000007", "anna", "10.0.0.7", "mist_client_") if word in text]
        assert not [one for one in vars(bench.clients).values() if "000000000007" in repr(one)]

    def test_rows_per_client_are_optional(self):
        bench = Bench(max_individuals=2)
        for number in range(4):
            bench.apply(record(number, rssi=-50 - number, hostname="annas-phone", username="anna", ip="10.0.0.7"))
        assert {dict(labels)["mac"][-2:]: rssi for labels, rssi in bench.samples("mist_client_rssi_dbm").items()} == {
            "00": -50.0,
            "01": -51.0,
        }
        assert bench.clients.refused_labels()["client"] == 2
        text = render_all(bench.store).decode()
        assert not [word for word in ("anna", "10.0.0.7") if word in text]

    def test_the_place_of_a_client_that_left_is_free(self):
        bench = Bench(max_individuals=1)
        bench.apply(record(1, rssi=-50), 0.0)
        bench.sweep(301.0)
        assert bench.samples("mist_client_rssi_dbm") == {}
        bench.apply(record(2, rssi=-51), 302.0)
        assert list(bench.samples("mist_client_rssi_dbm").values()) == [-51.0]


moments = st.tuples(
    st.integers(0, 4),  # client
    st.integers(0, 5),  # when
    st.sampled_from((AP, OTHER_AP)),
    st.sampled_from(("corp", "guest")),
    st.sampled_from(("24", "5", "6")),
    st.sampled_from(("n", "ac", "ax")),
)
histories = st.lists(moments, unique_by=lambda moment: moment[:2], max_size=20)


def play(bench: Bench, history) -> None:
    for number, when, ap, ssid, band, proto in history:
        bench.apply(
            record(number, last_seen=T0 + 30 * when, ap_mac=ap, ssid=ssid, band=band, proto=proto, rx_bytes=when * 10)
        )


def positive(found: dict) -> dict:
    return {labels: value for labels, value in found.items() if value}


@given(histories, st.randoms(use_true_random=False), st.data())
def test_order_and_repetition_do_not_matter(history, random, data):
    straight, mixed = Bench(), Bench()
    play(straight, sorted(history, key=lambda moment: moment[1]))
    jumbled = history + [data.draw(st.sampled_from(history)) for _ in range(len(history) // 2)]
    random.shuffle(jumbled)
    play(mixed, jumbled)
    alive = len({moment[0] for moment in history})
    for name in COUNTED:
        assert positive(straight.samples(name)) == positive(mixed.samples(name))
        assert mixed.total(name) == alive == len(mixed.clients)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.integers(0, 10_000), st.integers(0, 9)), max_size=40)
)
def test_a_sum_never_decreases(history):
    bench, now, before = Bench(), 0.0, {}
    for number, waited, count, uptime in history:
        now += waited
        bench.apply(record(number, rx_bytes=count, tx_retries=count // 3, uptime=uptime * 60, last_seen=T0 + now), now)
        bench.sweep(now)
        assert bench.total("mist_site_clients") == len(bench.clients)
        for name in ("mist_site_client_receive_bytes_total", "mist_site_client_transmit_retries_total"):
            after = bench.samples(name)
            assert all(after[labels] >= value for labels, value in before.get(name, {}).items())
            before[name] = after


def test_the_router_opens_the_channel():
    router = FeedRouter()
    apply = router.open_channel("/sites/d6fb4f96-3ba4-4cf5-8af2-a8d7b85087ac/stats/clients")
    assert apply is not None
    assert apply(record(), 0.0) is None
    assert "mist_site_clients{" in render_all(router.store).decode()

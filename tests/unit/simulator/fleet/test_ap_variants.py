from collector.simulator.fleet.ap_variants import AP_VARIANTS


def test_radio_keys_are_unique_within_a_variant():
    for variant in AP_VARIANTS:
        keys = [radio.key for radio in variant.radios]
        assert len(set(keys)) == len(keys), variant


def test_every_variant_has_a_working_radio():
    assert all(any(not radio.disabled for radio in variant.radios) for variant in AP_VARIANTS)


def test_the_variants_cover_every_cpu_format_and_both_forms_of_a_disabled_radio():
    assert {variant.cpu for variant in AP_VARIANTS} == {"percent", "jiffies", "stat"}
    disabled = [radio for variant in AP_VARIANTS for radio in variant.radios if radio.disabled]
    assert {radio.flagged for radio in disabled} == {True, False}

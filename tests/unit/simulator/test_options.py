import pytest

from collector.simulator.options import CloudOptions


@pytest.mark.parametrize("invalid", [{"speed": -1.0}, {"tick_s": 0.0}])
def test_an_invalid_value_is_rejected_with_the_name_of_the_field(invalid):
    with pytest.raises(ValueError, match=next(iter(invalid))):
        CloudOptions(**invalid)


def test_secrets_are_not_in_the_repr():
    text = repr(CloudOptions(token="t0ken", webhook_secret="s3cret"))
    assert "t0ken" not in text
    assert "s3cret" not in text

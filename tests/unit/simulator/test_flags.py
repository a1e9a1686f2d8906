from dataclasses import dataclass, fields

from collector.simulator.flags import SimulateOptions, flag


@dataclass(frozen=True)
class Example:
    port: int = flag(9740, "A port.", min=0)
    token: str = flag("t0ken", "A token.", secret=True)


def test_a_flag_is_a_field_with_a_default_and_the_arguments_of_the_option():
    port, _ = fields(Example)
    assert Example().port == port.default == 9740
    assert port.metadata == {"help": "A port.", "min": 0}


def test_a_secret_is_not_in_the_repr():
    assert repr(Example()) == "Example(port=9740)"


def test_every_option_has_a_help_text_that_is_a_sentence():
    for one in fields(SimulateOptions):
        assert one.metadata["help"].endswith((".", "...")), one.name

from __future__ import annotations

import pytest

from collector.mist.identity import mac_of


@pytest.mark.parametrize(
    "text",
    [
        "5c5b35a0000f",
        "5C5B35A0000F",
        "5c:5b:35:a0:00:0f",
        "5C-5B-35-A0-00-0F",
        "5c5b.35a0.000f",
        "00000000-0000-0000-1000-5c5b35a0000f",
        "00000000-0000-0000-1000-5C5B35A0000F",
    ],
)
def test_every_notation_gives_the_same_mac(text):
    assert mac_of(text) == "5c5b35a0000f"


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        b"5c5b35a0000f",
        ["5c5b35a0000f"],
        "",
        "5c5b35a0000",
        "5c5b35a0000f0",
        "5c5b35a0000g",
        "5c5b35a0000f\n",
        "5c:5b-35:a0:00:0f",
        "5c:5b:35:a0:00",
        "5:c5:b3:5a:00:00:f",
        "4ac1dcf4-9d8b-7211-65c4-057819f0862b",
        "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662",
    ],
)
def test_other_values_are_none(value):
    assert mac_of(value) is None

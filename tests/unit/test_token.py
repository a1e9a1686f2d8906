import pytest

from collector.token import mask, token_fault

TOKEN = "kW9zQ2hX7bTtVn5cRj3mLp8yGf4sDa6e"


@pytest.mark.parametrize("text", [TOKEN, "x", "a-b_c.d~e+f/g=", "!" * 4000])
def test_a_token(text):
    assert token_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("two words", "contains spaces"),
        ("line\nbreak", "contains characters that are not printable ASCII"),
        ("nul\0", "contains characters that are not printable ASCII"),
        ("tab\t", "contains characters that are not printable ASCII"),
        ("schlüssel", "contains characters that are not printable ASCII"),
    ],
)
def test_what_is_not_a_token(text, fault):
    assert token_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("permission denied", "permission denied"),
        (f"no such token: {TOKEN}", "no such token: ***"),
        (f"{TOKEN}{TOKEN} and {TOKEN}", "****** and ***"),
        (f"the end is cut off: {TOKEN[:20]}", "the end is cut off: ***"),
        (f"{TOKEN[12:]} began before", "*** began before"),
        (f"<{TOKEN[5:13]}>", "<***>"),
        (f"<{TOKEN[5:12]}>", f"<{TOKEN[5:12]}>"),
        (f"{TOKEN[:10]} {TOKEN[10:]}", "*** ***"),
        ("", ""),
    ],
)
def test_a_token_and_its_parts_are_masked(text, masked):
    assert mask(text, TOKEN) == masked


@pytest.mark.parametrize("secret", ["sesame", "12345678"])
def test_a_short_secret_is_masked_as_a_whole(secret):
    assert mask(f"Token {secret}", secret) == "Token ***"
    assert mask(secret[:-1], secret) == secret[:-1]


def test_without_a_secret_nothing_is_masked():
    assert mask("text", "") == "text"


def test_a_text_of_megabytes_is_cut_off():
    assert len(mask("x" * 10_000_000, TOKEN)) == 4096


def test_no_part_of_eight_characters_is_left():
    text = "".join(TOKEN[at : at + size] + "," for at in range(0, 32, 3) for size in range(1, 32, 2))
    masked = mask(text, TOKEN)
    assert not any(TOKEN[at : at + 8] in masked for at in range(len(TOKEN) - 7))

from __future__ import annotations

import hashlib
import hmac

import pytest

from collector.errors import SignatureError
from collector.mist.signature import HEADER, Verifier, sign, verify

BODY = b'{"topic":"ping","events":[{"id":"63eda950-c6da-11e4-a628-60f81dd250cc"}]}'
SECRET = b"correct horse"
GOOD = sign(BODY, SECRET)


def test_the_signature_is_hmac_sha256_in_lower_case_hex():
    assert hmac.new(SECRET, BODY, hashlib.sha256).hexdigest() == GOOD
    # RFC 4231, test case 2
    assert sign(b"what do ya want for nothing?", b"Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@pytest.mark.parametrize("name", [HEADER, HEADER.lower(), HEADER.upper()])
def test_a_signed_body_is_accepted_whatever_the_case_of_the_header(name):
    verify(BODY, {"Content-Type": "application/json", name: GOOD}, [SECRET])


@pytest.mark.parametrize("secrets", [[b"old", SECRET], [SECRET, b"old"]])
def test_both_secrets_of_a_rotation_are_accepted(secrets):
    verify(BODY, {HEADER: GOOD}, secrets)


INVALID = {
    "no header at all": ({}, [SECRET], "missing"),
    "an empty header": ({HEADER: ""}, [SECRET], "missing"),
    "only the SHA-1 header": (
        {"X-Mist-Signature": hmac.new(SECRET, BODY, hashlib.sha1).hexdigest()},
        [SECRET],
        "missing",
    ),
    "SHA-1 in the place of SHA-256": (
        {HEADER: hmac.new(SECRET, BODY, hashlib.sha1).hexdigest()},
        [SECRET],
        "malformed",
    ),
    "a prefix": ({HEADER: f"sha256={GOOD}"}, [SECRET], "malformed"),
    "upper case": ({HEADER: GOOD.upper()}, [SECRET], "malformed"),
    "a blank": ({HEADER: f"{GOOD} "}, [SECRET], "malformed"),
    "a line break": ({HEADER: f"{GOOD}\n"}, [SECRET], "malformed"),
    "truncated": ({HEADER: GOOD[:-1]}, [SECRET], "malformed"),
    "not ASCII": ({HEADER: "\u0661" * 64}, [SECRET], "malformed"),
    "two headers, one of them good": ({HEADER: GOOD, HEADER.lower(): "0" * 64}, [SECRET], "malformed"),
    "another body's": ({HEADER: sign(BODY + b" ", SECRET)}, [SECRET], "mismatch"),
    "another secret's": ({HEADER: sign(BODY, b"wrong")}, [SECRET, b"old"], "mismatch"),
    "no secret configured": ({HEADER: GOOD}, [], "mismatch"),
    "an empty secret does not count": ({HEADER: sign(BODY, b"")}, [b"", SECRET], "mismatch"),
}


@pytest.mark.parametrize(("headers", "secrets", "reason"), INVALID.values(), ids=INVALID)
def test_invalid_signatures_are_rejected(headers, secrets, reason):
    with pytest.raises(SignatureError) as caught:
        verify(BODY, headers, secrets)
    assert caught.value.reason == reason


def test_every_secret_is_compared_even_after_a_match(monkeypatch):
    compared = []

    def compare(left: str, right: str) -> bool:
        compared.append(left)
        return left == right

    monkeypatch.setattr("collector.mist.signature.hmac.compare_digest", compare)
    verify(BODY, {HEADER: GOOD}, [SECRET, b"old", b"older"])
    assert compared == [sign(BODY, secret) for secret in (SECRET, b"old", b"older")]


def test_the_error_names_neither_secret_nor_signature():
    with pytest.raises(SignatureError) as caught:
        verify(BODY, {HEADER: "0" * 64}, [SECRET])
    assert "correct horse" not in repr(caught.value)
    assert GOOD not in repr(caught.value)


@pytest.mark.parametrize("size", [1, 7, len(BODY)])
def test_a_body_is_verified_as_it_arrives(size):
    verifier = Verifier({HEADER: GOOD}, [b"old", SECRET])
    for start in range(0, len(BODY), size):
        verifier.update(BODY[start : start + size])
    verifier.check()
    verifier.update(b" ")
    with pytest.raises(SignatureError, match="mismatch"):
        verifier.check()

"""A token is remembered by its bytes, so it must not be possible to spell the same one in another way."""

import json
from base64 import urlsafe_b64encode

import pytest

from service.errors import NotAuthenticated
from service.gateways.access_tokens import read_jwt

HEADER, SIGNATURE = {"alg": "ES384", "typ": "at+jwt", "kid": "k"}, b"x" * 97
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def spelled(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def respelled(part: str) -> str:
    """The same bytes: where they do not fill the last digit, its lowest bit is nobody's."""
    return part[:-1] + DIGITS[DIGITS.index(part[-1]) ^ 1]


def parts() -> list[str]:
    claims = {"iss": "https://ehr.example", "sub": "s", "aud": "coplan", "exp": 4_000_000_000, "iat": 1}
    header, body = (json.dumps(value) for value in (HEADER, claims))
    return [spelled(b) for b in (header.ljust(61).encode(), body.ljust(100).encode(), SIGNATURE)]


def test_the_one_spelling_is_read() -> None:
    assert read_jwt(".".join(parts())).header == HEADER


@pytest.mark.parametrize("position", range(3), ids=["header", "claims", "signature"])
def test_another_spelling_is_none(position: int) -> None:
    token = parts()
    token[position] = respelled(token[position])

    with pytest.raises((NotAuthenticated, ValueError)):
        read_jwt(".".join(token))

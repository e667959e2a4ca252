"""Resources travel as they came: strictly from outside, without loss both ways."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.carrier import MAX_DEPTH, MalformedJson, decode, decode_trusted, encode

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=20) | DECIMALS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_encoded_is_decoded_to_the_same(value: Any) -> None:
    assert decode(encode(value)) == value
    assert decode_trusted(encode(value)) == value


@pytest.mark.parametrize("number", ["72.50", "1.00", "0.000001", "123456789.123456789", "-0.0", "5", "1E+2"])
def test_a_number_keeps_its_digits(number: str) -> None:
    for read in (decode, decode_trusted):
        assert encode(read(f'{{"v":{number}}}'.encode())) == f'{{"v":{number}}}'.encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not JSON"),
        (b'{"a":1,"a":2}', "comes twice"),
        (b'{"a":{"b":1,"b":1}}', "comes twice"),
        (b"\xff\xfe{\x00}\x00", "is not UTF-8"),
        (b'{"a":NaN}', "none"),
        (b'{"a":Infinity}', "none"),
        (b'{"a":1' + b"0" * 70 + b"}", "digits"),
        (b'{"a":1.5e9999}', "digits"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper"),
        (b"[" * 100_000, "deeper"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(MalformedJson, match=why):
        decode(data)


def test_members_are_counted_before_they_are_decoded() -> None:
    assert decode(b'{"a":[1,2,3]}', max_members=3) == {"a": [1, 2, 3]}
    with pytest.raises(MalformedJson, match="more than 3 members"):
        decode(b'{"a":[1,2,3,4]}', max_members=3)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("[" * 50, id="brackets in a string"),
        pytest.param('\\"[' * 50, id="and escaped quotes"),
        pytest.param([[[{}]]] * 20, id="many, not deep"),
        pytest.param([[]] * 40, id="closed again"),
    ],
)
def test_only_real_nesting_counts(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value


def test_garbage_of_the_server_is_an_error_too() -> None:
    for data in (b"<html>", b"\xff", b'{"a":'):
        with pytest.raises(MalformedJson):
            decode_trusted(data)


def test_a_decimal_is_a_decimal() -> None:
    assert decode(b'{"v":72.50}') == {"v": Decimal("72.50")}
    assert isinstance(decode(b'{"v":72}')["v"], int)

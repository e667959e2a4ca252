"""Resources as they travel: raw JSON, decoded without loss.

A number with a fraction or an exponent becomes a Decimal and is written back as it came (`72.50` stays `72.50`).

Source: https://hl7.org/fhir/R4/json.html
"""

import json
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]

MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 64
"""More digits than any clinical number has; longer ones cost quadratic time to parse."""

_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


class MalformedJson(ValueError):
    """Not the JSON that FHIR allows. Says what is wrong, never what was sent."""


def decode(data: bytes, *, max_depth: int = MAX_DEPTH, max_members: int | None = None) -> Any:
    """Decodes JSON from outside strictly: UTF-8, no key twice, bounded depth and digits, no NaN.

    The check for keys that come twice costs about five times the decoding itself (msgspec keeps the last silently),
    so answers of the configured FHIR server are read by `decode_trusted`.

    Args:
        max_members: of all lists and objects together, counted by their commas, those within text included.

    Raises:
        MalformedJson: with the reason.
    """
    if max_members is not None and data.count(b",") >= max_members:
        raise MalformedJson(f"has more than {max_members} members")
    _must_be_shallow(data, max_depth)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedJson("is not UTF-8") from exc
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant
        )
    except json.JSONDecodeError as exc:
        raise MalformedJson(f"is not JSON (line {exc.lineno}, column {exc.colno})") from exc


def decode_trusted(data: bytes) -> Any:
    """Decodes what the configured FHIR server answered.

    Raises:
        MalformedJson: it is not JSON.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError) as exc:
        raise MalformedJson("is not JSON") from exc


def encode(value: Any) -> bytes:
    """Encodes without loss: Decimals as the numbers that they came from."""
    return _encoder.encode(value)


def _must_be_shallow(data: bytes, max_depth: int) -> None:
    """Counts brackets outside strings, before a parser recurses into them."""
    depth, in_string, escaped = 0, False, False
    if data.count(b"{") + data.count(b"[") <= max_depth:
        return
    for byte in data:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            if depth > max_depth:
                raise MalformedJson(f"is nested deeper than {max_depth}")
        elif byte in b"}]":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise MalformedJson("has a key that comes twice in one object")
    return unique


def _decimal(text: str) -> Decimal:
    _must_be_short(text)
    return Decimal(text)


def _integer(text: str) -> int:
    _must_be_short(text)
    return int(text)


def _must_be_short(text: str) -> None:
    exponent = text.lower().partition("e")[2].lstrip("+-")
    if len(text) > MAX_DIGITS or len(exponent) > 3:
        raise MalformedJson(f"has a number of more than {MAX_DIGITS} digits")


def _no_constant(_: str) -> NoReturn:
    raise MalformedJson("has a number that is none (NaN or Infinity)")

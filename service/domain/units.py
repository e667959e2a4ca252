"""UCUM units: converted where the factor is a matter of definition and the result is exact, otherwise not at all.

ucumvert reads UCUM for pint. It takes one to two seconds to load and is loaded when a conversion is first needed:
call `load` in a thread before. Its traps, each with its test: annotations (`{score}`) are units of nothing and make it
raise AttributeError; shares (%, mmol/mol) look alike whatever they are shares of; amounts of substance and masses
(mmol/L, mg/dL) differ by a molar mass that no unit carries.
"""

from decimal import Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from re import sub
from typing import Any, Final

MOST_DIGITS: Final = 12
"""A result with more digits was no amount that anybody measured."""


@cache
def load() -> Any:
    """The registry of units. Takes seconds the first time."""
    from ucumvert import PintUcumRegistry

    _parser()
    return PintUcumRegistry(non_int_type=Fraction)


def converted(value: Decimal, unit: str, into: str) -> Decimal | None:
    """The same amount in the other unit; None where that would be another thing, a guess, or not exact."""
    if unit == into:
        return value
    line = _line(unit, into)
    return None if line is None else _exact_decimal(Fraction(value) * line[0] + line[1])


def comparable(value: Decimal, unit: str, into: str) -> Decimal | None:
    """The same amount in the other unit, rounded if need be: to be compared and shown, never to be recorded.

    Both are of one measure, so that what is counted needs no words: `/d` of steps are `{steps}/d`.
    """
    if same(unit, into):
        return value
    line = _line(unit, into)
    if line is None:
        return None
    found = Fraction(value) * line[0] + line[1]
    return Context(prec=MOST_DIGITS).divide(Decimal(found.numerator), Decimal(found.denominator))


@lru_cache(maxsize=1024)
def is_ucum(unit: str) -> bool:
    """True for a code that UCUM has: `mg/dL`, `[lb_av]`, `{steps}/d`; false for `mmHg`, `lb` and `steps`."""
    try:
        _parser().parse(unit)
    except Exception:  # lark's kinds, which are no dependency of ours
        return False
    return True


def same(unit: str, other: str) -> bool:
    """True for two ways to write one unit: annotations are no part of its meaning. For values of one measure only.

    Source: https://ucum.org/ucum#para-6
    """
    return unit == other or _bare(unit) == _bare(other)


def _bare(unit: str) -> str:
    return sub(r"\{[^}]*\}", "", unit) or "1"


def needs_load(unit: str, into: str) -> bool:
    """True if the registry is needed to know whether one can be told in the other."""
    return unit != into and "{" not in unit + into


@cache
def _parser() -> Any:
    import ucumvert

    untyped: Any = ucumvert
    return untyped.get_ucum_parser()


@lru_cache(maxsize=1024)
def _line(unit: str, into: str) -> tuple[Fraction, Fraction] | None:
    """Slope and offset from one unit to the other. None: there is no such line."""
    if "{" in unit + into:
        return None
    registry = load()
    try:
        source, target = registry.from_ucum(unit), registry.from_ucum(into)
        if source.dimensionless:
            return None  # a share is a share of something: 48 mmol/mol of HbA1c by IFCC are not 4.8 % by NGSP
        at_zero, at_one = (Fraction(registry.Quantity(Fraction(n), source).to(target).magnitude) for n in (0, 1))
    except Exception:  # lark's and pint's many kinds; their messages cannot always be made (Fraction has no format)
        return None
    return at_one - at_zero, at_zero


def _exact_decimal(value: Fraction) -> Decimal | None:
    """The number itself, or None where it has no end or too many digits."""
    found = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(found) != value or len(found.normalize().as_tuple().digits) > MOST_DIGITS:
        return None
    return found

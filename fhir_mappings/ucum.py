"""Slips in units, and the UCUM codes that were meant. Whether a code is one at all is for the registry to say.

Source: https://ucum.org/ucum (codes are case-sensitive; `{…}` says what is counted and is part of no other unit)
"""

from collections.abc import Mapping, Sequence
from typing import Final

_SPOKEN: Final[Mapping[str, str]] = {
    "[IU]": "iu u unit units",
    "{units}": "unit units",
    "{steps}/d": "step steps steps/d steps/day",
    "{steps}": "step steps",
    "{score}": "score points point pts",
    "mm[Hg]": "mmhg mm_hg",
    "[lb_av]": "lb lbs pound pounds",
    "[oz_av]": "oz ounce ounces",
    "[stone_av]": "st stone stones",
    "[in_i]": "in inch inches",
    "[ft_i]": "ft foot feet",
    "[degF]": "degf °f fahrenheit",
    "Cel": "degc °c celsius",
    "kg": "kilo kilos kgs kilogram kilograms kilogramme",
    "g": "gm gms gr gram grams gramme",
    "ug": "mcg",
    "L": "litre liter litres liters ltr",
    "mL": "cc ccm mls",
    "/min": "bpm beats/min 1/minute",
    "min": "mins minute minutes",
    "h": "hr hrs hour hours",
    "s": "sec secs second seconds",
    "d": "day days",
    "wk": "week weeks",
    "mo": "month months",
    "a": "yr year years",
    "%": "percent pct",
    "kcal": "calorie calories cals",
}
MEANT: Final[Mapping[str, tuple[str, ...]]] = {
    slip: tuple(code for code, slips in _SPOKEN.items() if slip in slips.split())
    for slips in _SPOKEN.values()
    for slip in slips.split()
}
"""What people write for a unit, in small letters, and the codes that it may stand for."""


def meant(unit: str, accepted: Sequence[str] = ()) -> tuple[str, ...]:
    """The UCUM codes that may have been meant, of the accepted ones where there are any; none for who knows what."""
    small = "_".join(unit.casefold().split())
    found = (*MEANT.get(small, ()), *(code for code in accepted if code.casefold() == small))
    return tuple(code for code in dict.fromkeys(found) if code in accepted or not accepted)

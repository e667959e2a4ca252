"""What is wrong with an element of a request, said so that whoever sent it knows what to send instead.

Source: https://docs.pydantic.dev/latest/errors/validation_errors/
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from fhir_mappings.elements import MappingError
from fhir_mappings.wording import phrase
from service.errors import Flaw

_INSTANT: Final = phrase("must be a date with time and zone, such as 2026-12-03T19:30:00+01:00")
_DAY: Final = phrase("must be a day such as 2026-12-01")
_WHOLE: Final = phrase("must be a whole number such as 3, without quotes")
_NUMBER: Final = phrase("must be a number such as 72.5, without quotes")
_YES_OR_NO: Final = phrase("must be true or false, without quotes")
_OBJECT: Final = phrase("must be an object, in braces")
_LIST: Final = phrase("must be a list, in square brackets")
_CODES: Final = phrase("must be one of: {codes}")
_URL: Final = phrase("must be a URL such as https://ehr.example/fhir")
_OTHERWISE: Final = phrase("is not what can be taken here")

SENTENCES: Final[Mapping[str, str]] = {
    "missing": phrase("is missing"),
    "extra_forbidden": phrase("is not known here: check its spelling, or leave it out"),
    "json_invalid": phrase("must be JSON"),
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "string_type": phrase("must be text, in quotes"),
    "string_too_long": phrase("must have at most {max_length} characters"),
    "string_too_short": phrase("must have at least {min_length} characters"),
    "too_long": phrase("has too many entries: at most {max_length}"),
    "too_short": phrase("has too few entries: at least {min_length}"),
    "enum": _CODES,
    "literal_error": _CODES,
    "one_member": phrase("needs exactly one of: {codes}"),
    "reference_type": phrase("may refer to one of: {codes}"),
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "number_type": _NUMBER,
    "decimal_max_digits": phrase("must have at most {max_digits} digits"),
    "greater_than_equal": phrase("must be at least {ge}"),
    "less_than_equal": phrase("must be at most {le}"),
    "less_than": phrase("must be less than {lt}"),
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT,
    "timezone_aware": _INSTANT,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "time_delta_type": phrase("must be a duration: seconds such as 10, or ISO 8601 such as PT10S"),
    "time_delta_parsing": phrase("must be a duration: seconds such as 10, or ISO 8601 such as PT10S"),
    "url_parsing": _URL,
    "url_scheme": _URL,
    "path_not_file": phrase("must be the path of a file"),
    "path_not_directory": phrase("must be the path of a folder"),
}
"""Kind of error: what is accepted. Its gaps are filled from the rule that was broken, never from what was sent."""

PATTERNS: Final[Mapping[str, str]] = {
    r"^[A-Za-z0-9\-.]{1,64}$": phrase("must be an id: 1 to 64 letters, digits, hyphens and points"),
    r"^[A-Za-z0-9\-.]{1,40}$": phrase("must be an id: 1 to 40 letters, digits, hyphens and points"),
    r"^(Goal/)?[A-Za-z0-9\-.]{1,64}$": phrase("must be the id of a goal, or a reference such as Goal/g1"),
    r"^(Observation/)?[A-Za-z0-9\-.]{1,64}$": phrase(
        "must be the id of a measurement, or a reference such as Observation/o1"
    ),
    r"^([A-Za-z0-9\-.]{1,64}|(urn:|https?://)[^\s|,\\$]{1,200}(\|[A-Za-z0-9\-.]{1,64})?)$": phrase(
        "must be the id of a template, or its url, with |version or without"
    ),
    r"^[A-Za-z0-9\-._:]{1,64}$": phrase("must be an id: 1 to 64 letters, digits and any of - . _ :"),
    r"^[a-z0-9][a-z0-9\-]{0,63}$": phrase("must be a key of the catalogue such as glucose"),
    r"^[^\s,$\\]{1,200}$": phrase("must be a key of the catalogue such as glucose, or a LOINC code"),
    r"^[^\s]+( [^\s]+)*$": phrase("must be a code without spaces at its ends"),
    r"^(https?://|urn:)\S{1,200}$": phrase("must be a URI such as http://loinc.org"),
    r"^https?://[^\s?#]{1,500}$": _URL,
    r"^(urn:uuid:)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$": phrase(
        "must be a UUID"
    ),
    r"^(once|\d{4}-\d\d-\d\d(T\d\d:\d\d|\.[A-Za-z0-9.]{1,9})?)$": phrase(
        "must be the key of an occurrence as the list of the day names it, such as 2026-12-03T21:00"
    ),
    r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}$": phrase(
        "must be a reference such as Practitioner/bo or Patient/ann"
    ),
    r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$": phrase("must be a reference such as Practitioner/bo or Patient/ann"),
    r"^\S{1,100}$": phrase("must be a code of 1 to 100 characters, without spaces"),
    r"^\S{1,200}$": phrase("must be a URI or code of 1 to 200 characters, without spaces"),
    r"^[!-~]{1,16384}$": phrase("must be a token as the authorisation server gave it"),
}
"""Regular expression of a field: what it means. A pattern is for machines to read."""

_MEMBER: Final = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_KINDS: Final = {"missing": "required", "extra_forbidden": "not-supported", "enum": "code-invalid"}


def flaw_of(error: Mapping[str, Any], location: tuple[int | str, ...]) -> Flaw:
    """What pydantic found at this location, whose first step is the kind of place (`body`, `query`)."""
    kind, rule = error["type"], error.get("ctx", {})
    return Flaw(path_of(location), _sentence(error, rule), _KINDS.get(kind, "value"), _parts(rule))


def path_of(location: tuple[int | str, ...]) -> str:
    """`("body", "targets", 0, "due")` as `targets[0].due`; what is no element of the body keeps its kind."""
    kind, *steps = location
    named = "".join(f"[{s}]" if isinstance(s, int) else f".{_name(s)}" for s in steps).removeprefix(".")
    return named or "body" if kind == "body" else f"{kind} {named}"


def _sentence(error: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Rules of our own say it themselves."""
    if isinstance(cause := rule.get("error"), MappingError):
        return cause.message
    if error["type"] == "value_error":
        message: str = error["msg"].removeprefix("Value error, ").strip()
        return message if message[:2].isupper() else message[:1].lower() + message[1:]
    if error["type"] == "string_pattern_mismatch":
        return PATTERNS.get(rule["pattern"], _OTHERWISE)
    return _NUMBER if error["type"].startswith("decimal_t") else SENTENCES.get(error["type"], _OTHERWISE)


def _parts(rule: Mapping[str, Any]) -> dict[str, object]:
    """What the rule says, with the codes of `'a', 'b' or 'c'` as a list; nothing of what was sent."""
    if isinstance(cause := rule.get("error"), MappingError):
        return {**cause.parts}
    parts = {name: rule[name] for name in ("max_length", "min_length", "max_digits", "ge", "le", "lt") if name in rule}
    return parts | {"codes": ", ".join(re.findall("'([^']+)'", rule["expected"]))} if "expected" in rule else parts


def _name(step: str) -> str:
    """A member's name may be the caller's own, of any length and any characters."""
    return step if _MEMBER.fullmatch(step) else "(unreadable)"

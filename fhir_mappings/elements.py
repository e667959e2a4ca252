"""Elements of a resource: read as they may come, written as FHIR R4 wants them.

What is read may be anything that FHIR allows, and is never refused for being unusual; what is taken from a caller
(`checked_…`) is only what CoPlan can stand for.
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    CONFIDENTIALITY,
    INTEGRITY,
    PATIENT_ASSERTED,
    PATIENT_SUPPLIED,
    RESTRICTED,
    UCUM,
    US_CORE_TAGS,
    QuantityComparator,
)
from fhir_mappings.model import Coding, Concept, PartialDate, Quantity, Reference
from fhir_mappings.ucum import meant
from fhir_mappings.wording import phrase

C = TypeVar("C", bound=StrEnum)

ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
DATE: Final = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
_ACTIVE: Final = re.compile(r"<\s*/?\s*[a-z!?]|javascript\s*:|vbscript\s*:|data\s*:\s*text/html|&#", re.IGNORECASE)
_UCUM_CODE: Final = re.compile(r"(?:[!#-Z\\^_`a-z|~]|\[[!-Z\\^-~]*\]|\{[!-z|~ ]*\})+")


class MappingError(ValueError):
    """An element that cannot be read or must not be written, named by FHIRPath; never its value. `parts` fill the gaps
    of the message.
    """

    def __init__(self, expression: str, message: str, **parts: str) -> None:
        super().__init__(f"{expression} {message.format_map(parts) if parts else message}")
        self.expression = expression
        self.message = message
        self.parts = parts


def required(resource: Json, name: str, expression: str) -> Any:
    """The element, which FHIR makes 1..1."""
    value = resource.get(name)
    if value is None:
        raise MappingError(expression, "is missing")
    return value


def text(resource: Json, name: str, expression: str) -> str | None:
    """A string, where there is one."""
    value = resource.get(name)
    if value is not None and not isinstance(value, str):
        raise MappingError(expression, "is not a string")
    return value


def code(value_set: type[C], resource: Json, name: str, expression: str) -> C:
    """A code as a member of its required value set."""
    given = required(resource, name, expression)
    try:
        return value_set(given)
    except ValueError as exc:
        raise MappingError(expression, f"is not in {value_set.__name__}") from exc


def optional_code(value_set: type[C], resource: Json, name: str, expression: str) -> C | None:
    """A code of its required value set, where there is one."""
    return code(value_set, resource, name, expression) if resource.get(name) is not None else None


def known_code(value_set: type[C], given: Any) -> C | None:
    """A code of an extensible or preferred value set; one that CoPlan does not know is left unread."""
    return value_set(given) if given in set(value_set) else None


def must_be_understood(resource: Json) -> None:
    """Refuses to edit what a modifierExtension may turn into its opposite.

    Source: https://hl7.org/fhir/R4/extensibility.html#modifierExtension
    """
    if resource.get("modifierExtension"):
        raise MappingError(f"{resource['resourceType']}.modifierExtension", "is not understood here: edit it elsewhere")


def reference(resource: Json, name: str, expression: str) -> Reference:
    """The literal reference of an element that FHIR makes 1..1."""
    found = optional_reference(resource, name, expression)
    if found is None:
        raise MappingError(expression, "is missing or refers to nothing by a literal reference")
    return found


def optional_reference(resource: Json, name: str, expression: str) -> Reference | None:
    """The literal reference, without the version that it may name; None for a logical one (identifier only)."""
    return _literal(resource.get(name), expression)


def references(resource: Json, name: str, expression: str) -> tuple[Reference, ...]:
    """The literal references of a list; logical ones are left out."""
    found = (_literal(item, expression) for item in items(resource, name, expression))
    return tuple(r for r in found if r is not None)


def items(resource: Json, name: str, expression: str) -> list[Json]:
    """The elements of a list of objects; a null in it stands for an element that has extensions only."""
    value = resource.get(name, [])
    if not isinstance(value, list) or not all(item is None or isinstance(item, dict) for item in value):
        raise MappingError(expression, "is not a list of elements")
    return [item for item in value if item is not None]


def date(resource: Json, name: str, expression: str) -> PartialDate | None:
    """A FHIR date, perhaps without day or month."""
    value = text(resource, name, expression)
    if value is not None and not DATE.fullmatch(value):
        raise MappingError(expression, "is not a date")
    return PartialDate(value) if value else None


def instant(resource: Json, name: str, expression: str) -> datetime | None:
    """An instant or a dateTime that names one, with its zone; None for one without a time."""
    value = text(resource, name, expression)
    if value is None or not _INSTANT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError as exc:
        raise MappingError(expression, "is not an instant") from exc


def concept(value: Json) -> Concept:
    """A CodeableConcept."""
    codings = (c for c in value.get("coding", []) if isinstance(c, dict))
    return Concept(value.get("text"), tuple(Coding(c.get("system"), c.get("code"), c.get("display")) for c in codings))


def concepts(resource: Json, name: str, expression: str) -> tuple[Concept, ...]:
    """A list of CodeableConcepts."""
    return tuple(concept(item) for item in items(resource, name, expression))


def code_of(value: Json | None, system: str) -> str | None:
    """The code that a CodeableConcept has in this system."""
    found = (c.code for c in (concept(value).codings if value else ()) if c.system == system)
    return next(found, None)


def quantity(value: Json, expression: str) -> Quantity | None:
    """A Quantity with a UCUM code, or with the unit in words in its place; None without a value."""
    amount = value.get("value")
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise MappingError(f"{expression}.value", "is not a number")
    ucum = value.get("code") if value.get("system") in {UCUM, None} else None
    return Quantity(
        Decimal(amount),
        ucum or value.get("unit") or "1",
        value.get("unit"),
        optional_code(QuantityComparator, value, "comparator", f"{expression}.comparator"),
    )


def extensions(resource: Json, url: str) -> list[Json]:
    """The extensions of this URL."""
    return [e for e in items(resource, "extension", "extension") if e.get("url") == url]


def extension_value(extension: Json, url: str, name: str) -> Any:
    """The `value[x]` called `name` of the first nested extension of this URL, or None."""
    return next((e.get(name) for e in extensions(extension, url)), None)


def identifier(resource: Json, system: str) -> str | None:
    """The value of the first identifier in this system."""
    value = resource.get("identifier", [])
    found = (i.get("value") for i in (value if isinstance(value, list) else [value]) if i.get("system") == system)
    return next(found, None)


def tag(resource: Json, system: str) -> str | None:
    """The code of the first `meta.tag` in this system."""
    tags = resource.get("meta", {}).get("tag", [])
    return next((t.get("code") for t in tags if t.get("system") == system), None)


def is_patient_supplied(resource: Json) -> bool:
    """True for what patients and families say, by the label of any release of US Core."""
    labels = resource.get("meta", {}).get("security", [])
    asserted = any(s.get("system") == INTEGRITY and s.get("code") == PATIENT_ASSERTED for s in labels)
    return asserted or tag(resource, US_CORE_TAGS) == PATIENT_SUPPLIED


def is_restricted(resource: Json) -> bool:
    """True for what the family is not to see.

    Source: https://hl7.org/fhir/R4/security-labels.html
    """
    labels = resource.get("meta", {}).get("security", [])
    return any(s.get("system") == CONFIDENTIALITY and s.get("code") in RESTRICTED for s in labels)


def with_restriction(resource: Json, restricted: bool) -> Json:
    """A copy whose confidentiality label says whether the family may see it; other labels stay."""
    if is_restricted(resource) == restricted:
        return resource
    meta: Json = resource.get("meta", {})
    others = [s for s in meta.get("security", []) if s.get("system") != CONFIDENTIALITY]
    labels = [*others, {"system": CONFIDENTIALITY, "code": "R"}] if restricted else others
    kept = {k: v for k, v in meta.items() if k != "security"}
    return {**resource, "meta": {**kept, "security": labels} if labels else kept}


def concept_json(value: Concept) -> Json:
    """A CodeableConcept as JSON."""
    codings = [
        {k: v for k, v in (("system", c.system), ("code", c.code), ("display", c.display)) if v} for c in value.codings
    ]
    return {k: v for k, v in (("coding", codings), ("text", value.text)) if v}


def quantity_json(value: Quantity) -> Json:
    """A Quantity as JSON; the unit in words is the UCUM code where none was given."""
    comparator = {"comparator": str(value.comparator)} if value.comparator else {}
    return {"value": value.value, **comparator, "unit": value.unit or value.code, "system": UCUM, "code": value.code}


def reference_json(value: Reference, display: str | None = None) -> Json:
    """A literal reference as JSON."""
    return {"reference": value, "display": display} if display else {"reference": value}


def instant_text(value: datetime) -> str:
    """An instant to the millisecond; UTC as `Z`."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def put(resource: Json, name: str, value: Any) -> None:
    """Sets an element, or removes it for None or nothing; extensions of the old primitive go with it."""
    resource.pop(f"_{name}", None)
    if value is None or value in ([], {}):
        resource.pop(name, None)
    else:
        resource[name] = value


def with_identifier(resource: Json, system: str, value: str | None) -> None:
    """Adds an identifier in place unless it is there; other identifiers stay."""
    present: list[Json] = resource.get("identifier", [])
    if value and not any(i.get("system") == system and i.get("value") == value for i in present):
        resource["identifier"] = [*present, {"system": system, "value": value}]


def with_tag(resource: Json, system: str, value: str | None) -> None:
    """Adds a `meta.tag` in place unless it is there; other tags stay."""
    meta: Json = resource.get("meta", {})
    present: list[Json] = meta.get("tag", [])
    if value and not any(t.get("system") == system and t.get("code") == value for t in present):
        resource["meta"] = {**meta, "tag": [*present, {"system": system, "code": value}]}


def with_patient_supplied(resource: Json) -> None:
    """Labels a new resource in place as said by the patient or the family."""
    label, meta = {"system": INTEGRITY, "code": PATIENT_ASSERTED}, resource.get("meta", {})
    resource["meta"] = {**meta, "security": [*meta.get("security", []), label]}


def checked_reference(value: str, allowed: Collection[str], expression: str) -> Reference:
    """A reference from a caller: `Type/id` of an allowed type and nothing else.

    Raises:
        MappingError: absolute, versioned, contained, a URN, with a query, encoded, or of another type.
    """
    resource_type, slash, resource_id = value.partition("/")
    if not slash or not ID.fullmatch(resource_id) or not resource_type.isalpha():
        raise MappingError(expression, phrase("is not a reference of the form Type/id"))
    if resource_type not in allowed:
        raise MappingError(expression, f"may refer to {', '.join(sorted(allowed))} only")
    return value


def checked_text(value: str, expression: str, *, max_length: int) -> str:
    """A person's words: not blank, not too long, nothing that a screen would not show as written.

    Raises:
        MappingError: control, surrogate or direction-changing characters, markup, or the length.
    """
    if not any(map(_is_visible, value)):
        raise MappingError(expression, phrase("is blank"))
    if len(value) > max_length:
        raise MappingError(expression, f"is longer than {max_length} characters")
    if _UNFIT.search(value):
        raise MappingError(expression, phrase("has a character that cannot be shown (control, direction or surrogate)"))
    if _ACTIVE.search(value):
        raise MappingError(expression, phrase("has markup: write plain text"))
    return value


def _is_visible(character: str) -> bool:
    """False for spaces, joiners and marks that show nothing by themselves."""
    return unicodedata.category(character) not in {"Cf", "Mn", "Zl", "Zp", "Zs", "Cc"}


def has_unfit_characters(value: str) -> bool:
    """True for text that no resource may carry."""
    return bool(_UNFIT.search(value))


def checked_unit(value: str, expression: str) -> str:
    """A UCUM code by its grammar, case-sensitive: `kg`, `mg/dL`, `mm[Hg]`, `{steps}/d`.

    Raises:
        MappingError: spaces, unbalanced brackets, or characters that UCUM does not have.
    """
    if len(value) > 64 or not _UCUM_CODE.fullmatch(value):
        codes = " / ".join(meant(value))
        slip = phrase("is not a UCUM code: did you mean {codes}?")
        plain = phrase("is not a UCUM code such as kg, mg/dL, mm[Hg] or {steps}/d")
        raise MappingError(expression, slip, codes=codes) if codes else MappingError(expression, plain)
    return value


def without_nothing(element: dict[str, Any]) -> Json:
    """The element without members that say nothing."""
    return {k: v for k, v in element.items() if v is not None and v not in ([], {})}


def _literal(value: Any, expression: str) -> Reference | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MappingError(expression, "is not a reference")
    literal = text(value, "reference", f"{expression}.reference")
    return literal.partition("/_history/")[0] if literal else None

"""Observation for a preference, by US Core 8: treatment intervention and care experience preference.

No profile is claimed in `meta.profile`: US Core 6.1.0, the floor, has none for preferences (docs/adr/0060).

Source: https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-treatment-intervention-preference.html
    https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-care-experience-preference.html
    https://hl7.org/fhir/us/pacio-adi/STU1/StructureDefinition-adi-enclosedPrecondition-extension.html
"""

from dataclasses import replace
from datetime import UTC, datetime, time
from html import escape
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    ENCLOSED_PRECONDITION,
    LOINC,
    OBSERVATION_REPLACES,
    OPERATION,
    PARTICIPATION_TYPE,
    PERFORMER_FUNCTION,
    PREFERENCE_PART,
    US_CORE_CATEGORY,
    US_CORE_CATEGORY_VERSION,
    ObservationStatus,
)
from fhir_mappings.decision import LOINC_CODES, Preference, PreferenceKind
from fhir_mappings.elements import (
    DATE,
    MappingError,
    code,
    code_of,
    concept,
    concept_json,
    extensions,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    items,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    text,
    with_identifier,
    with_patient_supplied,
    without_nothing,
)
from fhir_mappings.model import Coding, Concept, PartialDate, Reference

ASKED: Final = "asked"
REVIEW_ON: Final = "review-on"
INFORMANT: Final = "INF"


def is_preference(resource: Json) -> bool:
    """True for an Observation of one of the two kinds."""
    return resource.get("resourceType") == "Observation" and _kind(resource) is not None


def preference_from_fhir(resource: Json) -> Preference:
    """The elements of a preference that CoPlan reads, ours or another system's.

    Raises:
        MappingError: its code is none of the two, or subject or status is missing.
    """
    kind = _kind(resource)
    if kind is None:
        raise MappingError("Observation.code", "is no preference of US Core")
    precondition = _precondition(resource)
    words, answer = _value(resource, precondition)
    since, until = _effective(resource)
    note = next(iter(items(resource, "note", "Observation.note")[-1:]), {})
    preference = Preference(
        id=text(resource, "id", "Observation.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "Observation.subject"),
        kind=kind,
        status=code(ObservationStatus, resource, "status", "Observation.status"),
        words=words,
        about=_about(resource),
        answer=answer,
        stated_by=_performer(resource, asked=False),
        asked_by=_performer(resource, asked=True),
        since=since,
        until=until,
        recorded=instant(resource, "issued", "Observation.issued"),
        encounter=optional_reference(resource, "encounter", "Observation.encounter"),
        review=_review(resource),
        precondition=precondition,
        replaces=tuple(r for e in extensions(resource, OBSERVATION_REPLACES) if (r := _replaced(e))),
        note=text(note, "text", "Observation.note.text"),
        note_by=optional_reference(note, "authorReference", "Observation.note.authorReference"),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
    )
    return _without_our_words(preference)


def preference_to_fhir(preference: Preference, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with its status, its end and the last note; without `onto` a new Observation.

    What was said is never rewritten, whatever `preference` says.
    """
    if onto is None:
        return _new(preference)
    must_be_understood(onto)
    resource, before = dict(onto), preference_from_fhir(onto)
    if preference.status is not before.status:
        put(resource, "status", str(preference.status))
    if preference.until != before.until:
        put(resource, "effectiveDateTime", None)
        put(resource, "effectivePeriod", _period(preference))
    if preference.note != before.note:
        put(resource, "note", [*resource.get("note", []), *_note(preference, preference.until)])
    if resource != onto:
        put(resource, "text", _narrative(preference))
    return resource


def has_asked(performer: Json) -> bool:
    """True for a performer who asked: it is not in their name that something was said."""
    functions = (e.get("valueCodeableConcept") for e in extensions(performer, PERFORMER_FUNCTION))
    return any(code_of(f, PREFERENCE_PART) == ASKED for f in functions)


def said_in_full(words: str, precondition: str | None) -> str:
    """The words with their condition, for whoever reads nothing else."""
    return f"{words} (only if: {precondition})" if precondition else words


def _new(preference: Preference) -> Json:
    loinc = {"system": LOINC, "code": LOINC_CODES[preference.kind]}
    about = concept_json(preference.about) if preference.about else {}
    category = {
        "system": US_CORE_CATEGORY,
        "version": US_CORE_CATEGORY_VERSION,
        "code": str(preference.kind),
    }
    resource = without_nothing(
        {
            "resourceType": "Observation",
            "text": _narrative(preference),
            "extension": _extensions(preference),
            "status": str(preference.status),
            "category": [{"coding": [category]}],
            "code": {**about, "coding": [loinc, *about.get("coding", [])]},
            "subject": reference_json(preference.subject),
            "encounter": reference_json(preference.encounter) if preference.encounter else None,
            "effectiveDateTime": instant_text(preference.since) if preference.since else None,
            "issued": instant_text(preference.recorded) if preference.recorded else None,
            "performer": _performers(preference),
            "note": _note(preference, preference.recorded),
            "component": _components(preference),
        }
    )
    resource |= _value_json(preference)
    with_identifier(resource, OPERATION, preference.operation)
    if preference.patient_supplied:
        with_patient_supplied(resource)
    return resource


def _kind(resource: Json) -> PreferenceKind | None:
    codings = concept(resource.get("code") or {}).codings
    codes = {c.code for c in codings if c.system == LOINC}
    return next((kind for kind, loinc in LOINC_CODES.items() if loinc in codes), None)


def _about(resource: Json) -> Concept | None:
    """What `Observation.code` says beside the code that all preferences have."""
    given = concept(resource["code"])
    about = Concept(given.text, tuple(c for c in given.codings if c.code not in LOINC_CODES.values()))
    return about if about.codings else None


def _value(resource: Json, precondition: str | None) -> tuple[str | None, tuple[Coding, ...]]:
    said = text(resource, "valueString", "Observation.valueString")
    coded = concept(resource.get("valueCodeableConcept") or {})
    words = said or coded.text
    return words and words.removesuffix(said_in_full("", precondition)), coded.codings


def _without_our_words(preference: Preference) -> Preference:
    """What stands beside a code alone for plain readers is the words of its display: nobody has said them."""
    coded = replace(preference, words=None)
    return coded if coded.answer and preference.words == coded.in_words else preference


def _value_json(preference: Preference) -> Json:
    words = said_in_full(preference.words, preference.precondition) if preference.words else None
    if not preference.answer:
        return {"valueString": words} if words else {}
    otherwise = said_in_full(preference.in_words, preference.precondition)
    return {"valueCodeableConcept": concept_json(Concept(words or otherwise, preference.answer))}


def _effective(resource: Json) -> tuple[datetime | None, datetime | None]:
    """A day without a time counts from its beginning."""
    period = resource.get("effectivePeriod") or {}
    start = _moment(resource, "effectiveDateTime") or _moment(resource, "effectiveInstant") or _moment(period, "start")
    return start, _moment(period, "end")


def _moment(element: Json, name: str) -> datetime | None:
    value = text(element, name, f"Observation.{name}")
    if value and DATE.fullmatch(value):
        return datetime.combine(PartialDate(value).first_day, time(), UTC)
    return instant(element, name, f"Observation.{name}")


def _period(preference: Preference) -> Json:
    bounds = (("start", preference.since), ("end", preference.until))
    return {name: instant_text(at) for name, at in bounds if at}


def _extensions(preference: Preference) -> list[Json]:
    condition = preference.precondition
    enclosed = [{"url": ENCLOSED_PRECONDITION, "valueCodeableConcept": {"text": condition}}] if condition else []
    replaced = [{"url": OBSERVATION_REPLACES, "valueReference": reference_json(r)} for r in preference.replaces]
    return [*enclosed, *replaced]


def _precondition(resource: Json) -> str | None:
    found = (e.get("valueCodeableConcept") for e in extensions(resource, ENCLOSED_PRECONDITION))
    given = next((concept(c) for c in found if isinstance(c, dict)), Concept())
    return given.text or next((c.display or c.code for c in given.codings), None)


def _replaced(extension: Json) -> Reference | None:
    return optional_reference(extension, "valueReference", "Observation.extension.valueReference")


def _performers(preference: Preference) -> list[Json]:
    informant = {"coding": [{"system": PARTICIPATION_TYPE, "code": INFORMANT}], "text": "said it"}
    asker = {"coding": [{"system": PREFERENCE_PART, "code": ASKED}], "text": "asked"}
    parts = ((preference.stated_by, informant), (preference.asked_by, asker))
    return [
        {"extension": [{"url": PERFORMER_FUNCTION, "valueCodeableConcept": part}], **reference_json(who)}
        for who, part in parts
        if who
    ]


def _performer(resource: Json, *, asked: bool) -> Reference | None:
    """Who asked says so; the first of the others is who said it."""
    for performer in items(resource, "performer", "Observation.performer"):
        if has_asked(performer) is asked:
            return optional_reference({"performer": performer}, "performer", "Observation.performer")
    return None


def _components(preference: Preference) -> list[Json]:
    """The day to ask again, where a plain EHR shows it, too."""
    if preference.review is None:
        return []
    coded = {"coding": [{"system": PREFERENCE_PART, "code": REVIEW_ON}], "text": "To be reviewed on"}
    return [{"code": coded, "valueDateTime": str(preference.review)}]


def _review(resource: Json) -> PartialDate | None:
    for component in items(resource, "component", "Observation.component"):
        day = text(component, "valueDateTime", "Observation.component.valueDateTime")
        if code_of(component.get("code"), PREFERENCE_PART) == REVIEW_ON and day:
            return PartialDate(day.partition("T")[0])
    return None


def _note(preference: Preference, at: datetime | None) -> list[Json]:
    if preference.note is None:
        return []
    author = {"authorReference": reference_json(preference.note_by)} if preference.note_by else {}
    return [{**author, **({"time": instant_text(at)} if at else {}), "text": preference.note}]


def _narrative(preference: Preference) -> Json:
    """Source: https://hl7.org/fhir/R4/narrative.html"""
    said = escape(said_in_full(preference.in_words, preference.precondition))
    display = preference.answer_in_words
    coded = f" ({escape(display)})" if display and display != preference.in_words else ""
    parts = [
        f"<b>{said}</b>{coded}.",
        *([f"Said by: {preference.source}."] if preference.source else []),
        *([f"On {preference.since:%Y-%m-%d %H:%M %Z}."] if preference.since else []),
        *([f"To be reviewed on {preference.review}."] if preference.review else []),
        *([f"No longer valid since {preference.until:%Y-%m-%d}."] if preference.until else []),
        *(["Entered in error."] if preference.status is ObservationStatus.ENTERED_IN_ERROR else []),
    ]
    div = f'<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><p>{" ".join(parts)}</p></div>'
    return {"status": "generated", "div": div}

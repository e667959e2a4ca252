"""Annotations: what people said, when, in whose name.

Source: https://hl7.org/fhir/R4/datatypes.html#Annotation
"""

from fhir_mappings.carrier import Json
from fhir_mappings.elements import instant, instant_text, items, optional_reference, put, reference_json
from fhir_mappings.model import Note


def notes_from_fhir(resource: Json, expression: str) -> tuple[Note, ...]:
    """Annotations in their order."""
    return tuple(
        Note(
            n.get("text", ""),
            optional_reference(n, "authorReference", f"{expression}.authorReference"),
            instant(n, "time", f"{expression}.time"),
        )
        for n in items(resource, "note", expression)
    )


def write_notes(resource: Json, before: tuple[Note, ...], after: tuple[Note, ...]) -> None:
    """Adds in place the notes that are new; those that are there are never edited."""
    if added := after[len(before) :]:
        put(resource, "note", [*resource.get("note", []), *map(_note_json, added)])


def _note_json(note: Note) -> Json:
    author = {"authorReference": reference_json(note.author)} if note.author else {}
    return {**author, **({"time": instant_text(note.time)} if note.time else {}), "text": note.text}

"""Whoever sends something else than is wanted reads what is wanted, in words that are ours."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from inspect import isclass
from typing import Any, Final, get_args, get_origin

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from fhir_mappings.wording import Language
from service.api.flaws import PATTERNS, SENTENCES, flaw_of
from service.app import ROUTED, create_app
from service.settings import Settings
from tests.people import World, said

JUNK: Final[tuple[Any, ...]] = (
    *(None, True, 5, -99, 10**40, Decimal("1.5"), Decimal("1E+30")),
    *("", "x", "x" * 3_000, "2026-11-01", "2026-13-45T00:00Z", [], [5] * 600, {}, {"not-a-member": 1}),
)
SECRET: Final = "kept-to-myself"
LISTS: Final = (tuple, list, set, frozenset)
Within = Callable[[Any], Any]


def routes() -> list[APIRoute]:
    return [route for module in ROUTED for route in module.router.routes if isinstance(route, APIRoute)]


def models_in(annotation: Any) -> Iterator[tuple[type[BaseModel], bool]]:
    """Each body that this type is made of, and whether it stands in a list."""
    if isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation, False
    for inner in get_args(annotation):
        for model, listed in models_in(inner):
            yield model, listed or get_origin(annotation) in LISTS


def bodies(model: type[BaseModel], within: Within = lambda body: body, depth: int = 0) -> Iterator[Any]:
    """Each member of the body, however deep, with something else in its place."""
    for name, field in model.model_fields.items():
        member = field.alias or name
        yield from (within({member: junk}) for junk in JUNK)
        for inner, listed in set(models_in(field.annotation)) if depth < 4 else ():
            yield from bodies(inner, partial(_nested, within, member, listed), depth + 1)


def _nested(within: Within, member: str, listed: bool, body: Any) -> Any:
    return within({member: [body] if listed else body})


def found_by(check: Callable[[Any], Any], values: Iterator[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        try:
            check(value)
        except ValidationError as exc:
            yield from (dict(error) for error in exc.errors())


def all_errors() -> Iterator[dict[str, Any]]:
    for route in routes():
        if route.body_field is not None:
            body: Any = route.body_field.field_info.annotation
            wanted: TypeAdapter[Any] = TypeAdapter(body)
            yield from found_by(wanted.validate_python, iter(JUNK))
            for model, _ in models_in(body):
                yield from found_by(wanted.validate_python, bodies(model))
        for parameter in (*route.dependant.query_params, *route.dependant.header_params):
            _, errors = zip(
                *(parameter.validate(j, {}, loc=("query", "x")) for j in ("x", "", "-1", "9" * 30)), strict=True
            )
            yield from (dict(e) for group in errors for e in group or ())


def test_each_kind_of_error_that_a_body_or_a_query_can_have_has_a_sentence_of_ours() -> None:
    kinds = {(e["type"], e.get("ctx", {}).get("pattern")) for e in all_errors()} - {("value_error", None)}

    assert len(kinds) >= 25
    assert {kind for kind, _ in kinds} - {"string_pattern_mismatch"} <= SENTENCES.keys()
    assert {pattern for _, pattern in kinds if pattern} <= PATTERNS.keys()


def test_no_sentence_is_of_the_library() -> None:
    messages = {flaw_of(e, ("body", *e["loc"])).said() for e in all_errors()}

    assert [
        m
        for m in messages
        if re.search(r"\b(?:input|dictionary|tuple|unix|pattern)\b|\{|^[A-Z]", m) and "{steps}" not in m
    ] == []


def test_no_pattern_is_explained_that_no_field_has() -> None:
    app = create_app(lambda: pytest.fail("nothing is opened to be described"))
    everywhere = str(app.openapi()) + str(Settings.model_json_schema())

    assert [pattern for pattern in PATTERNS if repr(pattern)[1:-1] not in everywhere] == []


@pytest.mark.parametrize(
    ("body", "path", "english", "spanish"),
    [
        ([], "body", "must be an object, in braces", "debe ser un objeto, entre llaves"),
        ({}, "description", "is missing", "falta"),
        ({"goal": 1}, "goal", "is not known here: check its spelling, or leave it out", "no se conoce aquí"),
        ({"description": SECRET * 200}, "description", "must have at most 2000 characters", "como máximo 2000"),
        ({"targets": {}}, "targets", "must be a list, in square brackets", "debe ser una lista, entre corchetes"),
        ({"description": 5}, "description", "must be text, in quotes", "debe ser texto, entre comillas"),
        ({"targets": [{"measure": "x"}]}, "targets[0].measure", "must be an object, in braces", "entre llaves"),
        ({"priority": SECRET}, "priority", "must be one of: high-priority, medium-priority", "uno de: high"),
        ({"carePlan": f"/{SECRET}"}, "carePlan", "must be an id: 1 to 64 letters, digits, hyphens and points", "un id"),
        ({"ask": [f"Device/{SECRET}"]}, "ask[0]", "may refer to one of: CareTeam, Organization, Patient", "referirse"),
        ({"levels": [{"score": 9, "text": "x"}]}, "levels[0].score", "must be at most 2", "debe ser como máximo 2"),
        ({"description": "<b>" + SECRET}, "description", "has markup: write plain text", "escriba texto simple"),
        (
            {"targets": [{"measure": {"text": "x"}, "value": {"quantity": {"value": "5", "code": "kg"}}}]},
            "targets[0].value.quantity.value",
            "must be a number such as 72.5, without quotes",
            "debe ser un número como 72.5, sin comillas",
        ),
    ],
)  # fmt: skip
async def test_an_error_says_what_is_wanted_in_the_language_of_the_caller(
    embedded_world: World, body: Any, path: str, english: str, spanish: str
) -> None:
    for language, wanted in (("en", english), ("es-MX", spanish)):
        answer = await embedded_world.ann.post(
            f"/v1/patients/{embedded_world.patient}/goals", body, **{"Accept-Language": language}
        )

        messages = {e["path"]: e["message"] for e in said(answer, 422)["errors"]}
        assert wanted in messages[path]
        assert SECRET not in answer.text


async def test_an_entry_that_cannot_be_read_says_so_in_the_language_of_the_caller(embedded_world: World) -> None:
    path, good = f"/v1/patients/{embedded_world.patient}/observations", {"what": "weight", "value": 72, "unit": "kg"}
    items = [{**good, "effective": 5}, {**good, "effective": "2026-11-01T10:00:00Z"}]
    answer = await embedded_world.ann.post(path, {"items": items}, **{"Accept-Language": "es"})

    refused, created = said(answer, 200)["results"]
    assert (refused["outcome"], created["outcome"]) == ("refused", "created")
    assert refused["errors"][0]["message"] == "debe ser una fecha con hora y zona, como 2026-12-03T19:30:00+01:00"


@pytest.mark.parametrize("moment", [5, 1_764_000_000, "1764000000", "2026-11-01", "2026-11-01T10:00:00", True])
async def test_a_moment_is_a_text_with_a_zone_never_seconds_since_1970(embedded_world: World, moment: Any) -> None:
    body = {"value": {"text": "fine"}, "effective": moment}
    answer = await embedded_world.ann.post("/v1/goals/any/progress", body)

    assert [e["path"] for e in said(answer, 422)["errors"]] == ["effective"]


def test_what_no_table_knows_is_still_said_in_our_words() -> None:
    flaw = flaw_of({"type": "new_kind", "msg": f"Input was {SECRET}", "loc": ("x",)}, ("body", "x"))

    assert (flaw.said(), flaw.said(Language("es"))) == ("is not what can be taken here", "no es lo que se admite aquí")

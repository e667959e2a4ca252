"""Answers as bytes, in the form that the caller accepts, with their entity tag."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeAlias, TypeVar

from starlette.responses import Response

from fhir_mappings.carrier import Json, encode
from fhir_mappings.compartment import patient_of
from fhir_mappings.model import Reference
from fhir_mappings.wording import Language
from service.api.views import View
from service.commit import Outcome, Session
from service.domain.actors import Role
from service.errors import IdempotencyKeyReused, NotAcceptable
from service.ports import IdempotencyKeys, Reply

T = TypeVar("T")
Telling: TypeAlias = Callable[[Json, Language], View]
"""Shows a resource with words of ours, in a language."""
REPLAYED: Final = {"Idempotent-Replayed": "true"}


class Form(StrEnum):
    """What an answer can be shown as: our views, the FHIR resources that they are views of, a picture, a page."""

    JSON = "application/json"
    FHIR = "application/fhir+json"
    SVG = "image/svg+xml"
    PNG = "image/png"
    HTML = "text/html"


RANGES: Final = {"*/*": Form.JSON, "application/*": Form.JSON, "": Form.JSON, "image/*": Form.SVG} | {
    f.value: f for f in Form
}


def accepted_form(accept: str, *offered: Form) -> Form:
    """The best of the offered forms.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept

    Raises:
        NotAcceptable: names what there is.
    """
    ranked = sorted(map(_weighed, accept.lower().split(",")), key=lambda ranked: -ranked[0])
    wanted = (RANGES[name] for weight, name in ranked if weight > 0 and name in RANGES)
    if found := next((form for form in wanted if form in offered), None):
        return found
    raise NotAcceptable(f"this can be had as {' or '.join(offered)}")


def _weighed(media_range: str) -> tuple[float, str]:
    name, *parameters = (part.strip() for part in media_range.split(";"))
    weights = (p.removeprefix("q=") for p in parameters if p.startswith("q="))
    try:
        return float(next(weights, "1")), name
    except ValueError:
        return 0.0, name


def view_response(view: View, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One of our views."""
    return Response(encode(view), status, headers, Form.JSON)


def fhir_response(resource: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource or a Bundle as the FHIR server has it."""
    return Response(encode(resource), status, headers, Form.FHIR)


def resource_response(form: Form, resource: Json, view: Callable[[Json], View]) -> Response:
    """A resource in the form that was asked for, with its version as entity tag."""
    if form is Form.FHIR:
        return fhir_response(resource, headers=entity_tag(resource))
    return view_response(view(resource), headers=entity_tag(resource))


async def told_response(session: Session, form: Form, resource: Json, view: Telling) -> Response:
    """The same with words of ours: in the language of the reader, else of the patient."""

    async def shown(resource: Json) -> View:
        return view(resource, await session.words_for(patient_of(resource)))

    return await _shown(form, resource, shown, 200, {})


async def _shown(
    form: Form, resource: Json, shown: Callable[[Json], Awaitable[View]], status: int, headers: dict[str, str]
) -> Response:
    tagged = {**headers, **entity_tag(resource)}
    if form is Form.FHIR:
        return fhir_response(resource, status=status, headers=tagged)
    return view_response(await shown(resource), status=status, headers=tagged)


def entity_tag(resource: Json) -> dict[str, str]:
    """`ETag: W/"3"`, the version on the FHIR server."""
    version = resource.get("meta", {}).get("versionId")
    return {"ETag": f'W/"{version}"'} if version else {}


@dataclass(frozen=True, slots=True)
class Act:
    """A POST on its way to its answer: what it may use, and the answers that were given before."""

    session: Session
    form: Form
    replies: IdempotencyKeys
    kept_for: timedelta

    async def answer(
        self,
        carry_out: Callable[[], Awaitable[Outcome]],
        view: Callable[[Json], View],
        *,
        location: str | None = None,
    ) -> Response:
        """Carries the act out, unless its answer is at hand.

        Args:
            location: template of the path of what the act creates, with `{id}`.

        Raises:
            IdempotencyKeyReused: the key came before with another body.
        """

        async def shown(resource: Json) -> View:
            return view(resource)

        return await self._answer(carry_out, shown, location)

    async def tell(
        self, carry_out: Callable[[], Awaitable[Outcome]], view: Telling, *, location: str | None = None
    ) -> Response:
        """As `answer`, with words of ours: in the language of the reader, else of the patient."""

        async def shown(resource: Json) -> View:
            return view(resource, await self.session.words_for(patient_of(resource)))

        return await self._answer(carry_out, shown, location)

    async def _answer(
        self,
        carry_out: Callable[[], Awaitable[Outcome]],
        shown: Callable[[Json], Awaitable[View]],
        location: str | None,
    ) -> Response:
        if reply := await self._answered_before():
            return Response(reply.body, reply.status, dict(reply.headers) | REPLAYED, reply.media_type)
        outcome = await carry_out()
        headers = {"Location": location.format(id=outcome.resource["id"])} if location else {}
        status = 201 if location else 200
        response = await _shown(self.form, outcome.resource, shown, status, headers)
        await self._keep(response, f"{outcome.resource['resourceType']}/{outcome.resource['id']}")
        response.headers.update(REPLAYED if outcome.replayed else {})
        return response

    async def answer_view(
        self,
        carry_out: Callable[[], Awaitable[T]],
        view: Callable[[T, Language], View],
        *,
        patient: Reference,
        fhir: Callable[[T], Json] | None = None,
    ) -> Response:
        """As `tell`, for what becomes of many resources of a patient: each of them is known by its own name.

        Args:
            fhir: the same as a Bundle, where it can be had as one.
        """
        if reply := await self._answered_before():
            return Response(reply.body, reply.status, dict(reply.headers) | REPLAYED, reply.media_type)
        carried = await carry_out()
        if fhir and self.form is Form.FHIR:
            response = fhir_response(fhir(carried))
        else:
            response = view_response(view(carried, await self.session.words_for(patient)))
        await self._keep(response, patient)
        return response

    async def _answered_before(self) -> Reply | None:
        """A right that has ended since the first answer ends the repetition, too: what it shows is read again.

        To the family it is never given as it was: it may name what has become private since. Their repetition is found
        on the FHIR server, and judged there like anything else that is read.
        """
        operation = None if self._may_name_what_is_kept else self.session.operation
        reply = await self.replies.find(self._key()) if operation else None
        if reply and operation and reply.fingerprint != operation.fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key came before with another body")
        if reply and reply.about:
            await self._must_still_see(reply.about)
        return reply

    async def _must_still_see(self, about: Reference) -> None:
        resource_type, _, resource_id = about.partition("/")
        if resource_type == "Patient":
            await self.session.fhir.must_admit(about)
        else:
            await self.session.fhir.read(resource_type, resource_id)

    @property
    def _may_name_what_is_kept(self) -> bool:
        return self.session.actor.role is Role.RELATED_PERSON

    async def _keep(self, response: Response, about: Reference) -> None:
        if (operation := self.session.operation) and not self._may_name_what_is_kept:
            shown = tuple((n, v) for n, v in response.headers.items() if n in {"etag", "location"})
            media_type = str(response.media_type)
            reply = Reply(operation.fingerprint, response.status_code, media_type, shown, bytes(response.body), about)
            await self.replies.keep(self._key(), reply, keep_for=self.kept_for)

    def _key(self) -> str:
        """Of this actor, token, form and language alone."""
        operation, actor, reader = self.session.operation, self.session.actor, self.session.reader
        asked = f"{operation and operation.id} {self.form} {reader and reader.tag} {actor.fingerprint}"
        return sha256(asked.encode()).hexdigest()

"""The wire format of CDS Hooks 2.0, by the logical models of the specification.

Names and optionality are the specification's, and so is the tolerance: unknown members are ignored (it has extensions,
and later releases add to it), `null` is the same as absent. What is there must be right.

Source: https://cds-hooks.hl7.org/2.0/
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from fhir_mappings.carrier import Json
from service.api.views import View
from service.domain.cards import Card
from service.domain.hooks import TEMPLATES, CdsService, Hook
from service.workflows.card_feedback import Acceptance

STAFF: Final = ("Practitioner", "PractitionerRole")
USAGE: Final = "Prefetch, or fhirServer with fhirAuthorization. Cards link to an app and change nothing."
NEEDED: Final = {
    Hook.ENCOUNTER_START: "encounter_id",
    Hook.ORDER_SELECT: "draft_orders",
    Hook.ORDER_SIGN: "draft_orders",
    Hook.APPOINTMENT_BOOK: "appointments",
}
"""What a hook's context has beside user and patient."""
FhirIdText = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Uuid = Annotated[
    str, Field(pattern=r"^(urn:uuid:)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
]


class Hooked(BaseModel):
    """The base of what a CDS client sends."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class HookContext(Hooked):
    """Who looks at whom, and what nobody has signed yet."""

    user_id: Annotated[
        str, Field(pattern=r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}$")
    ]
    patient_id: FhirIdText
    encounter_id: FhirIdText | None = None
    draft_orders: Json | None = None
    selections: tuple[str, ...] = Field((), max_length=200)
    appointments: Json | None = None

    @property
    def drafts(self) -> tuple[Json, ...]:
        """The resources of the Bundle of the hook."""
        bundle = self.draft_orders or self.appointments or {}
        entries = bundle.get("entry")
        found = (e.get("resource") for e in (entries if isinstance(entries, list) else ()) if isinstance(e, dict))
        return tuple(r for r in found if isinstance(r, dict))


class FhirAuthorization(BaseModel):
    """A token for the client's FHIR server, for this call. Its names are OAuth's."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    access_token: str = Field(pattern=r"^[!-~]{1,16384}$", repr=False)
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    subject: str
    patient: FhirIdText | None = None


class HookRequest(Hooked):
    """A hook that has fired."""

    hook: Hook
    hook_instance: Uuid
    context: HookContext
    fhir_server: Annotated[str, Field(pattern=r"^https?://[^\s?#]{1,500}$")] | None = None
    fhir_authorization: FhirAuthorization | None = None
    prefetch: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _must_be_complete(self) -> Self:
        if self.fhir_authorization and self.fhir_server is None:
            raise ValueError("needs the fhirServer that fhirAuthorization is for")  # cds-r-1
        if self.hook in NEEDED and getattr(self.context, NEEDED[self.hook]) is None:
            raise ValueError(f"needs context.{to_camel(NEEDED[self.hook])}")
        if self.hook is Hook.ORDER_SELECT and not self.context.selections:
            raise ValueError("needs context.selections")
        return self

    @model_validator(mode="after")
    def _must_be_of_one_patient(self) -> Self:
        user, patient = self.context.user_id, f"Patient/{self.context.patient_id}"
        is_staff = user.partition("/")[0] in STAFF
        if self.hook in {Hook.ENCOUNTER_START, Hook.ORDER_SELECT, Hook.ORDER_SIGN} and not is_staff:
            raise ValueError("needs a context.userId of a Practitioner or PractitionerRole")
        if user.startswith("Patient/") and user != patient:
            raise ValueError("has a patient as context.userId who is not context.patientId")
        authorization = self.fhir_authorization
        if authorization and authorization.patient not in {None, self.context.patient_id}:
            raise ValueError("has a fhirAuthorization.patient that is not context.patientId")  # cds-r-2
        return self


class FeedbackCoding(Hooked):
    """The reason that was chosen."""

    code: Annotated[str, Field(pattern=r"^\S{1,100}$")]
    system: Annotated[str, Field(pattern=r"^\S{1,200}$")] | None = None


class OverrideReason(Hooked):
    """Why the card was overridden. The comment is not kept: it may be about a patient."""

    reason: FeedbackCoding | None = None
    user_comment: str | None = Field(None, max_length=10_000, repr=False)

    @model_validator(mode="after")
    def _must_say_why(self) -> Self:
        if self.reason is None and not self.user_comment:
            raise ValueError("needs a reason, a userComment, or both")  # cds-fb-3
        return self


class AcceptedSuggestion(Hooked):
    id: Uuid


class FeedbackEntry(Hooked):
    """What somebody did with one card."""

    card: Uuid
    outcome: Literal["accepted", "overridden"]  # cds-fb-1
    outcome_timestamp: AwareDatetime
    accepted_suggestions: tuple[AcceptedSuggestion, ...] | None = None
    override_reason: OverrideReason | None = None

    @model_validator(mode="after")
    def _must_name_what_was_accepted(self) -> Self:
        if self.outcome == "accepted" and not self.accepted_suggestions:
            raise ValueError("needs acceptedSuggestions")  # cds-fb-2
        return self


class FeedbackRequest(Hooked):
    """One entry for each thing that somebody did with a card."""

    feedback: tuple[FeedbackEntry, ...] = Field(max_length=100)


class CdsServiceView(View):
    hook: str
    title: str
    description: str
    id: str
    prefetch: dict[str, str]
    usage_requirements: str


class CdsServicesView(View):
    """All that can be called."""

    services: tuple[CdsServiceView, ...]

    @classmethod
    def of(cls, services: tuple[CdsService, ...]) -> "CdsServicesView":
        return cls(services=tuple(v for s in services for v in _described(s)))


class SourceView(View):
    label: str
    url: str | None = None


class OverrideReasonView(View):
    code: str
    system: str
    display: str


class LinkView(View):
    label: str
    url: str
    type: str
    app_context: str | None = None


class CardView(View):
    uuid: str
    summary: str
    indicator: str
    source: SourceView
    detail: str | None = None
    override_reasons: tuple[OverrideReasonView, ...] = ()
    links: tuple[LinkView, ...] = ()


class CardsView(View):
    """One card at most; no suggestions, and no actions of the system."""

    cards: tuple[CardView, ...]

    @classmethod
    def of(
        cls, card: Card | None, *, service: str, patient: str, encounter: str | None, app_url: str | None
    ) -> "CardsView":
        if card is None:
            return cls(cards=())
        view = CardView(
            uuid=str(card.uuid(service, patient)),
            summary=card.summary,
            indicator=card.indicator,
            source=SourceView(label=card.language.say("CoPlan: what the patient and the care team said")),
            detail=card.detail or None,
            override_reasons=tuple(
                OverrideReasonView(code=str(r.code), system=str(r.system), display=card.language.say(str(r.display)))
                for r in card.reasons
            ),
            links=_links(card, encounter, app_url),
        )
        return cls(cards=(view,))


class FeedbackTaken(View):
    """How many entries were taken."""

    taken: int


class ReasonCount(View):
    reason: Annotated[str, msgspec.Meta(description="`system|code`")]
    count: int


class CardAcceptance(View):
    """How the cards of one service were taken up."""

    service: str
    accepted: int
    overridden: int
    commented: int = 0
    reasons: tuple[ReasonCount, ...] = ()


class CardAcceptanceList(View):
    services: tuple[CardAcceptance, ...]
    since: datetime | None = None
    before: datetime | None = None

    @classmethod
    def of(
        cls, counted: tuple[Acceptance, ...], since: datetime | None, before: datetime | None
    ) -> "CardAcceptanceList":
        services = (
            CardAcceptance(
                service=a.service,
                accepted=a.accepted,
                overridden=a.overridden,
                commented=a.commented,
                reasons=tuple(ReasonCount(reason=r, count=n) for r, n in a.reasons),
            )
            for a in counted
        )
        return cls(services=tuple(services), since=since, before=before)


CDS_ANSWERS: tuple[Any, ...] = (CardAcceptanceList, CardsView, CdsServicesView, FeedbackTaken)
"""All that hooks answer, for openapi.yaml."""


def _described(service: CdsService) -> tuple[CdsServiceView, ...]:
    return tuple(
        CdsServiceView(
            hook=hook,
            title=service.title,
            description=service.description,
            id=service.id,
            prefetch={fact: TEMPLATES[fact] for fact in answer.facts},
            usage_requirements=USAGE,
        )
        for hook, answer in service.answers.items()
    )


def _links(card: Card, encounter: str | None, app_url: str | None) -> tuple[LinkView, ...]:
    """Without an app there is nothing to link to."""
    if app_url is None:
        return ()
    wanted = {k: v for k, v in (("ask", card.asks), ("encounter", encounter if card.asks else None)) if v}
    context = msgspec.json.encode(wanted).decode() if wanted else None
    return (LinkView(label=_label(card), url=app_url, type="smart", app_context=context),)


def _label(card: Card) -> str:
    say = card.language.say
    if card.asks is None:
        return say("Open what was said and agreed")
    return say("Ask again, and write down the answer") if card.asks_again else say("Ask, and write down the answer")

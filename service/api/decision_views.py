"""What callers get about preferences, conflicts and the measure."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from fhir_mappings.decision import Order, Preference
from service.api.views import CodingView, ConceptView, Day, Reference, View
from service.domain.asked_first import AskedFirst, Judged
from service.domain.conflicts import Conflict
from service.domain.preferences import Hold, Standing
from service.workflows.preferences import CurrentPreferences


class PreferenceView(View):
    """A statement of what the person wants, and whether it holds: `in-force` or why not, `heldUntil` when."""

    id: str
    version: str
    patient: Reference
    kind: str
    in_words: Annotated[str, msgspec.Meta(description="What was said, as a sentence")]
    words: (
        Annotated[str, msgspec.Meta(description="The person's own words; absent where only a code is known")] | None
    ) = None
    admission: str | None = None
    about: ConceptView | None = None
    stance: str | None = None
    answer: tuple[CodingView, ...] = ()
    only_if: str | None = None
    source: Annotated[str, msgspec.Meta(description="`patient`, `proxy` or `clinician`")] | None = None
    stated_by: Reference | None = None
    asked_by: Reference | None = None
    said_at: datetime | None = None
    recorded_at: datetime | None = None
    encounter: Reference | None = None
    review_on: Day | None = None
    review_due: bool = False
    note: str | None = None
    replaces: tuple[Reference, ...] = ()
    hold: str | None = None
    held_until: datetime | None = None
    superseded_by: Reference | None = None
    patient_supplied: bool = False

    @classmethod
    def of(cls, preference: Preference, standing: Standing | None = None) -> "PreferenceView":
        return cls(
            id=str(preference.id),
            version=preference.version or "",
            patient=preference.subject,
            kind=preference.kind,
            in_words=preference.in_words,
            words=preference.words,
            admission=preference.admission,
            about=ConceptView.of(preference.about) if preference.about else None,
            stance=preference.stance,
            answer=tuple(CodingView(system=c.system, code=c.code, display=c.display) for c in preference.answer),
            only_if=preference.precondition,
            source=preference.source,
            stated_by=preference.stated_by,
            asked_by=preference.asked_by,
            said_at=preference.since,
            recorded_at=preference.recorded,
            encounter=preference.encounter,
            review_on=str(preference.review) if preference.review else None,
            note=preference.note,
            replaces=preference.replaces,
            patient_supplied=preference.patient_supplied,
            **_holding(preference, standing),
        )


class PreferenceList(View):
    """All that was said, the latest first."""

    preferences: tuple[PreferenceView, ...]

    @classmethod
    def of(cls, standings: tuple[Standing, ...]) -> "PreferenceList":
        return cls(preferences=tuple(PreferenceView.of(s.preference, s) for s in standings))


class AdmissionView(View):
    """Does the patient want to be admitted? `asked` is false as long as there is no answer that holds."""

    asked: bool
    under_conditions: tuple[PreferenceView, ...]
    answer: PreferenceView | None = None
    not_asked: Annotated[
        PreferenceView | None, msgspec.Meta(description="The latest record that nobody asked, or could ask")
    ] = None


class CurrentPreferencesView(View):
    """What holds at `asOf`. What the patient said otherwise is beside it, each with what stands in its place."""

    patient: Reference
    as_of: datetime
    admission: AdmissionView
    preferences: tuple[PreferenceView, ...]
    patient_said_otherwise: Annotated[
        tuple[PreferenceView, ...],
        msgspec.Meta(description="The patient's own latest answers where somebody else's holds, in `supersededBy`"),
    ] = ()

    @classmethod
    def of(cls, current: CurrentPreferences) -> "CurrentPreferencesView":
        asked, by_reference = current.admission, {s.preference.reference: s for s in current.all_said}

        def shown(preference: Preference | None) -> PreferenceView | None:
            return PreferenceView.of(preference, by_reference.get(preference.reference)) if preference else None

        return cls(
            patient=current.patient,
            as_of=current.as_of,
            admission=AdmissionView(
                asked=asked.is_asked,
                answer=shown(asked.answer),
                under_conditions=tuple(v for p in asked.conditional if (v := shown(p))),
                not_asked=shown(asked.unanswered),
            ),
            preferences=tuple(PreferenceView.of(s.preference, s) for s in current.standing),
            patient_said_otherwise=tuple(v for c in current.contradicted if (v := shown(c.own))),
        )


class OrderView(View):
    """What is planned or ordered, as far as this answer needs it."""

    resource_type: str
    words: str
    status: str
    reference: Reference | None = None
    authored_on: datetime | None = None

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        return cls(
            resource_type=order.resource_type,
            words=order.words,
            status=order.status,
            reference=order.reference,
            authored_on=order.authored_on,
        )


class ConflictView(View):
    """An order and what stands against it, each in plain words. People decide."""

    rule: str
    title: str
    indicator: str
    order: OrderView
    ordered: str
    wanted: str
    against: Reference
    only_if: Annotated[str, msgspec.Meta(description="It is a conflict under this condition only")] | None = None
    said_otherwise: (
        Annotated[
            str, msgspec.Meta(description="The other side, where what holds is not what the patient said themselves")
        ]
        | None
    ) = None

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictView":
        return cls(
            rule=conflict.rule.id,
            title=conflict.rule.title,
            indicator=conflict.indicator,
            order=OrderView.of(conflict.order),
            ordered=conflict.ordered,
            wanted=conflict.wanted,
            against=conflict.reference,
            only_if=conflict.condition,
            said_otherwise=conflict.said_otherwise,
        )


class ConflictList(View):
    """Empty: nothing that is planned stands against anything that was said or agreed."""

    conflicts: tuple[ConflictView, ...]


class JudgedView(View):
    """One admission and where it counts."""

    order: OrderView
    verdict: str
    asked: Reference | None = None

    @classmethod
    def of(cls, judged: Judged) -> "JudgedView":
        asked = judged.asked.reference if judged.asked else None
        return cls(order=OrderView.of(judged.order), verdict=judged.verdict, asked=asked)


class AskedFirstView(View):
    """`askedFirst` of `orders`; those before which nobody could be asked are counted apart."""

    measure: str
    asked_first: int
    orders: int
    could_not_be_asked: int
    admissions: tuple[JudgedView, ...]
    share: Annotated[Decimal | None, msgspec.Meta(description="Absent where there was nothing to ask about")] = None

    @classmethod
    def of(cls, measured: AskedFirst) -> "AskedFirstView":
        share = measured.share
        return cls(
            measure="urn:coplan:measure:asked-first|1.0.0",
            asked_first=measured.asked_first,
            orders=measured.orders,
            could_not_be_asked=measured.could_not_be_asked,
            share=None if share is None else round(Decimal(share), 4),
            admissions=tuple(map(JudgedView.of, measured.judged)),
        )


class PublishedResource(View):
    """A definition of FHIR R4, whole: of its elements these are always there."""

    resource_type: str
    id: str
    url: str
    status: str


DECISION_ANSWERS: tuple[Any, ...] = (
    AskedFirstView,
    ConflictList,
    CurrentPreferencesView,
    PreferenceList,
    PreferenceView,
    PublishedResource,
)
"""All that the routes about decisions answer, for openapi.yaml."""


def _holding(preference: Preference, standing: Standing | None) -> dict[str, Any]:
    """Without the others that were said, only the preference's own end is known."""
    if standing is None:
        return {"held_until": preference.until}
    return {
        "hold": standing.hold,
        "held_until": standing.until,
        "superseded_by": standing.superseded_by,
        "review_due": standing.review_due and standing.hold is Hold.IN_FORCE,
    }

"""Programmes: what opens the gate, who may do what, what applying proposes. In words: docs/templates.md."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from fhir_mappings.activities import Activity
from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act, CarePlanStatus, ConsentStatus, LifecycleStatus, ParticipantType, TemplateStatus
from fhir_mappings.model import Stamp
from fhir_mappings.narrative import plan_narrative
from fhir_mappings.person_centered import PlanContents
from fhir_mappings.plan_definition import template_from_fhir
from fhir_mappings.templates import Named, NamingConsent, Remark, RemarkKind, Template
from service.domain import templates as rules
from service.domain.apply_template import Application, apply
from service.domain.policy import Policy
from service.domain.templates import Content, Voice
from service.domain.thread import Change, Occasion
from service.errors import InvalidContent, NotPermitted, TransitionNotAllowed
from service.gateways.template_library import shipped_templates
from service.settings import Settings
from tests.builders import CLINICIAN, MOTHER, NOW, NURSE, PATIENT, an_occasion
from tests.fhir_mappings.test_templates import NIGHTLY, STEP, VISIT, WALK, a_template

OTHER = "Patient/zoe"
CONTENT = Content("Knee, anew", goals=(WALK,), actions=(NIGHTLY,))
VOICE = Voice("op9")
DRAFT = a_template(endorsers=(), remarks=(), reviewers=(), approved=None)
RELEASED = replace(DRAFT, status=TemplateStatus.ACTIVE)
OPEN = Policy(custodians=frozenset({NURSE}))


def acts(*done: tuple[str, Act] | tuple[str, Act, str]) -> tuple[Stamp, ...]:
    """One a minute, in this order."""
    return tuple(
        Stamp(("PlanDefinition/t1",), NOW + timedelta(minutes=i), d[0], d[1], operation=d[2] if len(d) > 2 else None)
        for i, d in enumerate(done)
    )


def named_occasion(reference: str, name: str | None = None, policy: Policy = OPEN) -> Occasion:
    occasion = an_occasion(reference, policy=policy)
    return replace(occasion, actor=replace(occasion.actor, display=name))


def written(change: Change) -> Template:
    found = change.others[0]
    assert isinstance(found, Template)
    return found


PATIENTS_LACK = "1 more endorsement by a patient or family member (endorseTemplate)"
CLINICIANS_LACK = "1 more endorsement by a clinician (endorseTemplate)"
ENDORSED = acts((CLINICIAN, Act.DRAFT_TEMPLATE), (PATIENT, Act.ENDORSE), (NURSE, Act.ENDORSE))


@pytest.mark.parametrize(
    ("stamps", "missing"),
    [
        pytest.param(ENDORSED, (), id="a patient and a clinician"),
        pytest.param(acts((MOTHER, Act.ENDORSE), (NURSE, Act.ENDORSE)), (), id="a mother counts for the patients"),
        pytest.param(
            acts((NURSE, Act.ENDORSE), (CLINICIAN, Act.ENDORSE)),
            (PATIENTS_LACK,),
            id="never without a patient",
        ),
        pytest.param(
            acts((PATIENT, Act.ENDORSE), (PATIENT, Act.ENDORSE), (OTHER, Act.ENDORSE)),
            (CLINICIANS_LACK,),
            id="nor without a clinician",
        ),
        pytest.param(
            (
                *ENDORSED,
                *(replace(s, recorded=s.recorded + timedelta(hours=1)) for s in acts((PATIENT, Act.REVISE_TEMPLATE))),
            ),
            (
                PATIENTS_LACK,
                CLINICIANS_LACK,
            ),
            id="another text was endorsed",
        ),
        pytest.param(
            tuple(replace(s, targets=("PlanDefinition/t2",)) for s in ENDORSED),
            (
                PATIENTS_LACK,
                CLINICIANS_LACK,
            ),
            id="another version was endorsed",
        ),
    ],
)
def test_the_gate_counts_endorsements_of_this_text_by_role(stamps: tuple[Stamp, ...], missing: tuple[str, ...]) -> None:
    assert rules.gate(DRAFT, stamps, Policy()).missing() == missing


def test_an_objection_closes_the_gate_until_it_is_resolved() -> None:
    objection = Remark(RemarkKind.OBJECTION, "Too much", "op4", "A patient", NOW)
    closed = replace(DRAFT, remarks=(objection,))
    assert rules.gate(closed, ENDORSED, Policy()).missing() == ("1 objection is open (resolveTemplateObjection)",)
    with pytest.raises(TransitionNotAllowed, match="1 objection is open"):
        rules.release(closed, ENDORSED, (), VOICE, an_occasion(CLINICIAN))

    raised = (*ENDORSED, *acts((PATIENT, Act.OBJECT, "op4")))
    for who in (PATIENT, NURSE):  # who raised it, and a custodian
        settled = written(rules.resolve(closed, "op4", "Fine", raised, VOICE, named_occasion(who)))
        assert settled.remarks[-1].about == "op4"
        assert rules.gate(settled, ENDORSED, Policy()).is_open
    with pytest.raises(NotPermitted):
        rules.resolve(closed, "op4", "Fine", raised, VOICE, named_occasion(CLINICIAN))
    with pytest.raises(TransitionNotAllowed):
        rules.resolve(closed, "op5", "Fine", raised, VOICE, named_occasion(PATIENT))


def test_a_release_is_final_and_retires_what_was_before() -> None:
    earlier, older = replace(RELEASED, id="t0", edition="1"), replace(RELEASED, id="t9", status=TemplateStatus.RETIRED)
    change = rules.release(DRAFT, ENDORSED, (earlier, older), VOICE, an_occasion(CLINICIAN))

    released = written(change)
    assert (released.status, released.approved) == (TemplateStatus.ACTIVE, an_occasion().day)
    assert [(t.reference, str(t.status)) for t in change.others[1:] if isinstance(t, Template)] == [
        ("PlanDefinition/t0", "retired")
    ]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda t, o: rules.revise(t, CONTENT, VOICE, o), id="revise"),
        pytest.param(lambda t, o: rules.remark(t, RemarkKind.COMMENT, "x", VOICE, o), id="comment"),
        pytest.param(lambda t, o: rules.endorse(t, (), VOICE, o), id="endorse"),
        pytest.param(lambda t, o: rules.release(t, ENDORSED, (), VOICE, o), id="release"),
    ],
)
def test_what_is_released_never_changes(act: Callable[[Template, Occasion], Change]) -> None:
    with pytest.raises(TransitionNotAllowed, match="PlanDefinition/t1 is active"):
        act(RELEASED, an_occasion(CLINICIAN))


def test_only_the_team_releases_and_retires() -> None:
    with pytest.raises(NotPermitted):
        rules.release(DRAFT, ENDORSED, (), VOICE, an_occasion(PATIENT))
    with pytest.raises(NotPermitted):
        rules.retire(RELEASED, "x", VOICE, an_occasion(MOTHER))
    assert written(rules.retire(RELEASED, "x", VOICE, an_occasion(NURSE))).status is TemplateStatus.RETIRED
    with pytest.raises(TransitionNotAllowed):
        rules.retire(replace(RELEASED, status=TemplateStatus.RETIRED), "x", VOICE, an_occasion(NURSE))


APPLICATION = "Device/population"


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda o: rules.draft(CONTENT, VOICE, o), id="draft"),
        pytest.param(lambda o: rules.revise(DRAFT, CONTENT, VOICE, o), id="revise"),
        pytest.param(lambda o: rules.remark(DRAFT, RemarkKind.OBJECTION, "x", VOICE, o), id="object"),
        pytest.param(lambda o: rules.endorse(DRAFT, (), VOICE, o), id="endorse"),
    ],
)
def test_an_application_has_no_hand_in_a_programme(act: Callable[[Occasion], Change]) -> None:
    with pytest.raises(NotPermitted, match="only reads"):
        act(an_occasion(APPLICATION))


def test_a_programme_begins_as_the_draft_of_its_first_version() -> None:
    template = written(rules.draft(CONTENT, VOICE, named_occasion(CLINICIAN, "Dr Bo Berg")))

    assert (template.edition, template.status, template.title) == ("1", TemplateStatus.DRAFT, "Knee, anew")
    assert template.authors == (Named("Dr Bo Berg", "op9"),)
    assert template.subject is None


def test_a_revision_lays_endorsements_down_and_adds_its_author_once() -> None:
    endorsed = replace(DRAFT, endorsers=(Named("A patient"),))
    revised = written(rules.revise(endorsed, CONTENT, VOICE, an_occasion(PATIENT)))
    again = written(rules.revise(revised, CONTENT, VOICE, an_occasion(PATIENT)))

    assert (revised.title, revised.endorsers) == ("Knee, anew", ())
    assert [n.name for n in again.authors] == ["Dr Bo Berg", "A patient"]


def test_the_next_version_is_a_copy_without_names() -> None:
    change = rules.new_version(
        replace(RELEASED, endorsers=(Named("Ann Ahl (patient)"),)), ["7", "b"], VOICE, an_occasion(MOTHER)
    )

    new = written(change)
    assert (new.edition, new.status, new.predecessor) == ("8", TemplateStatus.DRAFT, "urn:test:knee|2")
    assert (new.authors, new.endorsers, new.goals) == ((Named("A family member", "op9"),), (), RELEASED.goals)
    with pytest.raises(TransitionNotAllowed, match="is a draft"):
        rules.new_version(DRAFT, (), VOICE, an_occasion(PATIENT))


def test_nobody_endorses_the_same_text_twice() -> None:
    assert rules.endorse(DRAFT, acts((PATIENT, Act.ENDORSE), (NURSE, Act.REVISE_TEMPLATE)), VOICE, an_occasion()).others
    with pytest.raises(TransitionNotAllowed, match="already"):
        rules.endorse(DRAFT, ENDORSED, VOICE, an_occasion(PATIENT))


@pytest.mark.parametrize(
    ("who", "name", "wants", "shown", "consents"),
    [
        pytest.param(PATIENT, "Ann Ahl", False, "A patient", 0, id="a patient as such"),
        pytest.param(PATIENT, "Ann Ahl", True, "Ann Ahl (patient)", 1, id="a patient by name"),
        pytest.param(PATIENT, None, True, "A patient", 0, id="a patient without a name"),
        pytest.param(MOTHER, "Rosa Moss", True, "Rosa Moss (family)", 1, id="a mother by name"),
        pytest.param(CLINICIAN, "Dr Bo Berg", False, "Dr Bo Berg", 0, id="a clinician is named"),
        pytest.param(CLINICIAN, None, True, "A clinician", 0, id="a clinician without a name"),
    ],
)
def test_patients_are_named_by_consent_only(who: str, name: str | None, wants: bool, shown: str, consents: int) -> None:
    change = rules.endorse(DRAFT, (), Voice("op9", wants), named_occasion(who, name))

    assert written(change).endorsers == (Named(shown, "op9"),)
    given = [c for c in change.others if isinstance(c, NamingConsent)]
    assert [(c.subject, c.performer, c.template) for c in given] == [(PATIENT, who, "PlanDefinition/t1")] * consents


def test_a_name_becomes_a_role_again_wherever_it_stands() -> None:
    named = Named("Ann Ahl (patient)", "op1")
    said = Remark(RemarkKind.COMMENT, "x", "op1", named.name)
    template = replace(RELEASED, authors=(named, Named("Dr Bo Berg", "op2")), endorsers=(named,), remarks=(said,))
    consent = NamingConsent(
        PATIENT, PATIENT, "PlanDefinition/t1", ConsentStatus.ACTIVE, NOW, id="c1", operation="op1.1"
    )
    elsewhere = replace(consent, template="PlanDefinition/t2")
    change = rules.withdraw_naming(template, [consent, elsewhere], an_occasion(PATIENT))

    unnamed = written(change)
    assert [n.name for n in unnamed.authors] == ["A patient", "Dr Bo Berg"]
    assert ([n.name for n in unnamed.endorsers], unnamed.remarks[0].by) == (["A patient"], "A patient")
    assert [str(c.status) for c in change.others[1:] if isinstance(c, NamingConsent)] == ["inactive"]
    with pytest.raises(TransitionNotAllowed, match="not named"):
        rules.withdraw_naming(template, [replace(consent, status=ConsentStatus.INACTIVE)], an_occasion(PATIENT))


CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue


def applied(who: str = CLINICIAN, template: Template = RELEASED, **parts: Any) -> Change:
    application = Application(PATIENT, date(2026, 12, 7), practitioner=NURSE, family=MOTHER)
    return apply(template, replace(application, **parts), an_occasion(who), CATALOGUE)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(date(2026, 11, 30), id="still today somewhere on earth"),
        pytest.param(date(2026, 12, 1), id="today by UTC"),
        pytest.param(date(2026, 12, 7), id="later"),
    ],
)
def test_a_plan_and_all_that_it_offers_begin_on_the_same_day(start: date) -> None:
    change = applied(start=start)
    days = {a.schedule.start.isoformat() for a in change.others if isinstance(a, Activity) and a.schedule}
    assert change.plan is not None
    assert {str(change.plan.period_start), *(str(g.start) for g in change.goals), *days} == {start.isoformat()}


def test_applying_proposes_goals_and_activities_and_links_nothing() -> None:
    change = applied()

    assert change.plan is not None
    assert (change.plan.goals, change.plan.activities) == ((), ())
    assert change.plan.instantiates == "urn:test:knee|2"
    assert {g.lifecycle_status for g in change.goals} == {LifecycleStatus.PROPOSED}
    drafts = [a for a in change.others if isinstance(a, Activity)]
    assert {a.status for a in drafts} == {CarePlanStatus.DRAFT}
    assert [(a.what.text, a.performers) for a in drafts] == [
        ("Knee exercises", (PATIENT,)),
        ("Visit", (NURSE,)),
        ("X-ray", (MOTHER,)),
    ]
    assert drafts[0].schedule is not None
    assert drafts[0].schedule.until == date(2027, 1, 5)
    assert drafts[0].goals == (change.goals[0].reference,)
    assert drafts[2].schedule is None
    assert str(change.goals[0].targets[0].due) == "2027-03-01"
    assert change.goals[0].targets[1].due is None
    asked = {(t.focus, t.owner) for t in change.tasks}
    assert asked == {
        *((change.goals[0].reference, who) for who in (PATIENT, MOTHER, NURSE)),
        (drafts[0].reference, PATIENT),
        (drafts[1].reference, NURSE),
        (drafts[2].reference, MOTHER),
    }
    told = plan_narrative(change.plan, PlanContents(change.goals, activities=tuple(drafts)))
    assert told.count("(offered, not agreed)") == 4


@pytest.mark.parametrize(
    ("who", "asked"),
    [(PATIENT, {MOTHER, NURSE}), (MOTHER, {NURSE}), (NURSE, {PATIENT, MOTHER}), (CLINICIAN, {PATIENT, MOTHER, NURSE})],
)
def test_everybody_concerned_is_asked_but_who_offers(who: str, asked: set[str]) -> None:
    change = applied(who)

    assert {t.owner for t in change.tasks if t.focus == change.goals[0].reference} == asked


@pytest.mark.parametrize(
    ("who", "parts", "template", "paths"),
    [
        pytest.param(
            CLINICIAN, {"practitioner": None, "family": None}, RELEASED, ["practitioner", "family"], id="roles"
        ),
        pytest.param(PATIENT, {"practitioner": None}, replace(RELEASED, actions=()), ["practitioner"], id="an answer"),
        pytest.param(
            CLINICIAN,
            {},
            replace(RELEASED, actions=(replace(STEP, who=ParticipantType.DEVICE),)),
            ["template"],
            id="a device",
        ),
    ],
)
def test_who_is_needed_must_be_named(who: str, parts: Json, template: Template, paths: list[str]) -> None:
    with pytest.raises(InvalidContent) as raised:
        applied(who, template, **parts)
    assert [f.expression for f in raised.value.flaws] == paths


@pytest.mark.parametrize(
    ("template", "stamps", "versions", "way"),
    [
        pytest.param(
            DRAFT,
            ENDORSED[:2],
            (),
            " Still missing, see getReleaseGate: 1 more endorsement by a clinician (endorseTemplate)."
            " Then somebody of the care team releases it (releaseTemplate).",
            id="a draft that lacks a voice",
        ),
        pytest.param(
            DRAFT,
            ENDORSED,
            (),
            " Nothing is missing: somebody of the care team can release it (releaseTemplate).",
            id="a draft that lacks nothing",
        ),
        pytest.param(
            replace(DRAFT, status=TemplateStatus.RETIRED),
            (),
            (),
            " Start a new version (startTemplateVersion), have it endorsed and release it.",
            id="retired, and nothing came after it",
        ),
        pytest.param(
            replace(DRAFT, status=TemplateStatus.RETIRED),
            (),
            (DRAFT, replace(RELEASED, id="t2", edition="2")),
            " Released is version 2 (PlanDefinition/t2): apply that one.",
            id="retired for the next version",
        ),
    ],
)
def test_only_what_is_released_is_applied_and_the_way_there_is_told(
    template: Template, stamps: tuple[Stamp, ...], versions: tuple[Template, ...], way: str
) -> None:
    with pytest.raises(TransitionNotAllowed) as refused:
        rules.must_be_released(template, stamps, versions, Policy())

    assert str(refused.value).partition("only what is released can be applied.")[2] == way
    rules.must_be_released(RELEASED, (), (), Policy())


def test_a_programme_does_not_start_in_the_past() -> None:
    applied(start=an_occasion().earliest_today)
    with pytest.raises(InvalidContent) as raised:
        applied(start=an_occasion().earliest_today - timedelta(days=1))
    assert [f.expression for f in raised.value.flaws] == ["start"]


def test_an_action_for_a_goal_that_is_not_there_serves_none() -> None:
    stray = replace(VISIT, goals=("nothing",))
    change = applied(template=replace(RELEASED, actions=(stray,)))

    assert [a.goals for a in change.others if isinstance(a, Activity)] == [()]


@pytest.mark.parametrize("resource", [pytest.param(t, id=t["url"].rpartition(":")[2]) for t in shipped_templates()])
def test_a_shipped_programme_can_be_applied_once_it_is_released(resource: Json) -> None:
    template = template_from_fhir(resource | {"id": "t1", "status": "active"})
    change = applied(template=template)

    assert len(change.goals) == len(template.goals)
    assert len(change.others) == len(template.actions)
    assert all(a.goals for a in change.others if isinstance(a, Activity))

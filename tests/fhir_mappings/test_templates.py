"""Templates and consents to FHIR and back; what others wrote stays."""

from dataclasses import replace
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.activities import Pattern
from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.codes import (
    ARTIFACT_COMMENT,
    ConsentStatus,
    DayOfWeek,
    EventTiming,
    ParticipantType,
    PeriodUnit,
    QuantityComparator,
    TemplateStatus,
)
from fhir_mappings.compartment import patient_of
from fhir_mappings.consent import naming_consent_from_fhir, naming_consent_to_fhir
from fhir_mappings.elements import MappingError
from fhir_mappings.model import Coding, Concept, PartialDate, Quantity
from fhir_mappings.plan_definition import template_from_fhir, template_to_fhir
from fhir_mappings.r4 import check
from fhir_mappings.templates import (
    Named,
    NamingConsent,
    Remark,
    RemarkKind,
    Span,
    Template,
    TemplateAction,
    TemplateGoal,
    TemplateTarget,
)
from service.gateways.template_library import shipped_templates
from tests.builders import MOTHER, NOW, PATIENT
from tests.fhir_mappings.test_fidelity import official

STEPS = Concept("steps", (Coding("http://loinc.org", "41950-7"),))
WALK = TemplateGoal(
    "walk",
    "Walk to the shops",
    (
        TemplateTarget(
            STEPS,
            Quantity(Decimal(4000), "{steps}/d", "steps a day", QuantityComparator.AT_LEAST),
            Span(12, PeriodUnit.WEEK),
        ),
        TemplateTarget(Concept("how it feels")),
    ),
)
NIGHTLY = TemplateAction(
    "exercises",
    "Knee exercises",
    instruction="Ten minutes",
    codings=(Coding("http://snomed.info/sct", "229065009"),),
    pattern=Pattern(when=(EventTiming.HS,)),
    lasts=Span(1, PeriodUnit.MONTH),
    goals=("walk",),
)
VISIT = TemplateAction("visit", "Visit", ParticipantType.PRACTITIONER, pattern=Pattern(unit=PeriodUnit.WEEK), count=6)
STEP = TemplateAction("xray", "X-ray", ParticipantType.RELATED_PERSON)


def a_template(**parts: Any) -> Template:
    template = Template(
        "urn:test:knee",
        "2",
        TemplateStatus.DRAFT,
        "Knee",
        id="t1",
        description="For knees",
        purpose="Because",
        topics=(Concept("Knee injury"),),
        goals=(WALK,),
        actions=(NIGHTLY, VISIT, STEP),
        authors=(Named("Dr Bo Berg", "op1"),),
        reviewers=(Named("A patient", "op2"),),
        endorsers=(Named("A patient", "op3"),),
        remarks=(
            Remark(RemarkKind.COMMENT, "Nice", "op2", "A patient", NOW),
            Remark(RemarkKind.OBJECTION, "Too much", "op4", "A patient", NOW),
            Remark(RemarkKind.RESOLUTION, "Fine now", "op5", "A patient", NOW, "op4"),
        ),
        changed=NOW,
        approved=PartialDate("2026-12-01"),
        predecessor="urn:test:knee|1",
        operation="op1",
    )
    return replace(template, **parts)


@pytest.mark.parametrize("template", [a_template(), Template("urn:x", "1", TemplateStatus.ACTIVE, "Bare", id="t1")])
def test_a_template_comes_back_as_it_was_said(template: Template) -> None:
    resource = check(template_to_fhir(template) | {"id": "t1"})

    assert template_from_fhir(decode(encode(resource))) == template
    assert patient_of(resource) is None


def test_what_nobody_changed_stays_as_it_was() -> None:
    theirs: Json = {"url": ARTIFACT_COMMENT, "extension": [{"url": "text", "valueMarkdown": "Theirs"}]}
    silent: Json = {"url": ARTIFACT_COMMENT, "extension": []}
    other: Json = {"url": "urn:other", "valueCode": "x"}
    stored = template_to_fhir(a_template()) | {"id": "t1", "theirs": 1}
    stored["extension"] = [other, theirs, *stored["extension"]]
    template = template_from_fhir(stored)
    assert template.remarks[0] == Remark(RemarkKind.COMMENT, "Theirs", "")

    assert template_to_fhir(template, onto=stored) == stored
    said = replace(template, remarks=(*template.remarks, Remark(RemarkKind.COMMENT, "More", "op9")))
    after = template_to_fhir(said, onto=stored)
    assert after["extension"][:-1] == stored["extension"]
    assert {k for k in after if after[k] != stored.get(k)} == {"extension"}
    assert template_from_fhir(stored | {"extension": [silent]}).remarks == ()


def test_a_predecessor_stands_beside_other_artifacts() -> None:
    cited = {"type": "citation", "citation": "A paper"}
    stored = template_to_fhir(a_template(predecessor=None)) | {"relatedArtifact": [cited]}
    after = template_to_fhir(replace(template_from_fhir(stored), predecessor="urn:x|1"), onto=stored)

    assert after["relatedArtifact"] == [cited, {"type": "predecessor", "resource": "urn:x|1"}]


def test_what_others_leave_out_is_filled_in() -> None:
    bare = {"resourceType": "PlanDefinition", "url": "urn:x", "version": "1", "status": "active"}
    goal = {"description": {"coding": [{"display": "Walk"}]}, "target": [{"detailString": "far"}]}
    actions: list[Json] = [
        {"description": "Do it", "timingTiming": {"repeat": {"frequency": 1, "period": 4, "periodUnit": "h"}}},
        {
            "participant": [{"type": "robot"}],
            "timingTiming": {"repeat": {"timeOfDay": ["07:30:00"], "dayOfWeek": ["mon"]}},
        },
        {"timingTiming": {"repeat": {"when": ["NEVER"]}}},
    ]
    read = template_from_fhir(bare | {"goal": [goal, {"description": {}}], "action": actions})

    assert (read.title, template_from_fhir(bare | {"name": "Knee"}).title) == ("urn:x", "Knee")
    assert [g.words for g in read.goals] == ["Walk", "(no description)"]
    assert read.goals[0].targets == (TemplateTarget(Concept(), "far"),)
    assert [(a.id, a.title, a.who) for a in read.actions] == [
        ("action-1", "Do it", ParticipantType.PATIENT),
        ("action-2", "(no title)", ParticipantType.PATIENT),
        ("action-3", "(no title)", ParticipantType.PATIENT),
    ]
    assert [a.pattern for a in read.actions] == [
        None,
        Pattern(days=(DayOfWeek.MON,), times=(time(7, 30),)),
        None,
    ]


@official("PlanDefinition")
def test_an_official_plan_definition_is_read_and_changes_in_its_status_only(path: Any) -> None:
    theirs = decode(path.read_bytes())
    if not {"url", "version"} <= theirs.keys():
        with pytest.raises(MappingError):
            template_from_fhir(theirs)
        return
    template = template_from_fhir(theirs)

    assert encode(template_to_fhir(template, onto=theirs)) == encode(theirs)
    retired = template_to_fhir(replace(template, status=TemplateStatus.RETIRED), onto=theirs)
    assert {k for k in retired if retired[k] != theirs.get(k)} <= {"status"}


def a_consent(**parts: Any) -> NamingConsent:
    consent = NamingConsent(PATIENT, MOTHER, "PlanDefinition/t1", ConsentStatus.ACTIVE, NOW, id="c1", operation="op.1")
    return replace(consent, **parts)


def test_a_consent_comes_back_as_it_was_given_and_ends() -> None:
    stored = check(naming_consent_to_fhir(a_consent()) | {"id": "c1"})

    assert naming_consent_from_fhir(decode(encode(stored))) == a_consent()
    assert patient_of(stored) == PATIENT
    assert a_consent().reference == "Consent/c1"
    assert naming_consent_to_fhir(a_consent(), onto=stored) == stored
    ended = naming_consent_to_fhir(a_consent(status=ConsentStatus.INACTIVE), onto=stored)
    assert {k for k in ended if ended[k] != stored[k]} == {"status"}


@pytest.mark.parametrize("element", ["provision", "dateTime"])
def test_a_consent_to_something_else_is_said_to_be_none(element: str) -> None:
    stored = naming_consent_to_fhir(a_consent())
    del stored[element]

    with pytest.raises(MappingError, match=f"Consent.{element}"):
        naming_consent_from_fhir(stored)


@pytest.mark.parametrize("resource", [pytest.param(t, id=t["url"].rpartition(":")[2]) for t in shipped_templates()])
def test_a_shipped_programme_is_a_draft_that_is_understood(resource: Json) -> None:
    template = template_from_fhir(check(resource))

    assert template.status is TemplateStatus.DRAFT
    assert template.endorsers == ()
    assert encode(template_to_fhir(template, onto=resource)) == encode(resource)
    rewritten = template_to_fhir(template)
    assert (rewritten["goal"], rewritten["action"]) == (resource["goal"], resource["action"])
    ids = [g.id for g in template.goals]
    assert all(set(a.goals) <= set(ids) and a.goals for a in template.actions)
    assert all(
        ("timingTiming" in a) is (b.pattern is not None)
        for a, b in zip(resource["action"], template.actions, strict=True)
    )

"""What a token was given for, scope by scope; and against a second evaluator, written apart."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.scopes import Interaction, could_grant, grants, grants_all, not_understood, scope_of, understood
from tests.builders import an_actor
from tests.service.domain.reference_scopes import allows

SURVEY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}


def an_observation(**parts: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "category": [{"coding": [SURVEY]}], **parts}


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("patient/Goal.cruds", "crus"),
        ("patient/Goal.rs", "rs"),
        ("patient/Goal.r", "r"),
        ("patient/*.s", "s"),
        ("user/Goal.read", "rs"),
        ("system/Goal.write", "cu"),
        ("patient/Goal.*", "crus"),
        ("patient/Goal.d", ""),
    ],
)
def test_letters_of_either_version(text: str, letters: str) -> None:
    scope = scope_of(text)

    assert scope is not None
    assert {i for i in Interaction if i in scope.interactions} == set(letters)


@pytest.mark.parametrize(
    "text",
    [
        "patient/Goal.dus",
        "patient/Goal.sr",
        "patient/Goal.rr",
        "patient/Goal.",
        "patient/Goal",
        "patient/.rs",
        "Patient/Goal.rs",
        "patient/goal.rs",
        "patients/Goal.rs",
        "patient/Goal.rs ",
        "patient/Goal.RS",
        "patient/Goal.reads",
        "patient/Goal.**",
        "patient/Go*.rs",
        "patient/Goal.read?category=x",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?category=a&status",
        "patient/Observation.rs?category=a&&status=final",
        "patient/Observation.rs?category=|",
        "patient/Observation.rs?category=a|b|c",
        "patient/Observation.rs?category:in=http://x",
        "patient/Observation.rs?subject.name=Ann",
        "patient/Observation.rs?_has:Goal=x",
        "patient/Observation.rs?date=2026",
        "patient/Observation.rs?category=a\\,b",
        "patient/Observation.rs?category=%ff",
        "user/Observation.rs?category=survey&date=2026",
        "patient",
        "",
        "*",
        "__proto__/Goal.rs",
    ],
)
def test_what_is_not_understood_grants_nothing(text: str) -> None:
    assert scope_of(text) is None
    assert not_understood([text]) == (text,)


def test_scopes_about_the_login_are_understood_and_give_no_data() -> None:
    login = ["openid", "fhirUser", "launch/patient", "offline_access"]

    assert not_understood(login) == ()
    assert understood(frozenset(login)) == ()


@pytest.mark.parametrize(
    ("query", "resource", "granted"),
    [
        pytest.param("category=survey", an_observation(), True, id="code"),
        pytest.param(f"category={SURVEY['system']}|survey", an_observation(), True, id="system and code"),
        pytest.param(f"category={SURVEY['system']}|", an_observation(), True, id="system"),
        pytest.param("category=|survey", an_observation(), False, id="no system"),
        pytest.param("category=|x", an_observation(category=[{"coding": [{"code": "x"}]}]), True, id="none, rightly"),
        pytest.param("category=urn:x|survey", an_observation(), False, id="other system"),
        pytest.param("category=laboratory", an_observation(), False, id="other code"),
        pytest.param("category=laboratory,survey", an_observation(), True, id="one of them"),
        pytest.param("category=survey&status=final", an_observation(), True, id="both"),
        pytest.param("category=survey&status=amended", an_observation(), False, id="one only"),
        pytest.param("category=survey", an_observation(category=[]), False, id="without the element"),
        pytest.param("category=survey", an_observation(category=["x", {"coding": ["x"]}]), False, id="malformed"),
        pytest.param("code=a", an_observation(code={"coding": [{"code": "a"}]}), True, id="a single concept"),
        pytest.param("status=x|final", an_observation(), False, id="a status has no system"),
        pytest.param("status=final", an_observation(status=1), False, id="no status"),
        pytest.param("_tag=a", an_observation(meta={"tag": [{"code": "a"}]}), True, id="tag"),
        pytest.param("_security=a", an_observation(meta={"security": [{"system": "s"}]}), False, id="label"),
        pytest.param("_tag=a", an_observation(meta={}), False, id="without labels"),
        pytest.param("category=sur%76ey", an_observation(), True, id="percent-encoded"),
    ],
)
def test_a_condition_is_judged_on_the_resource_in_hand(query: str, resource: dict[str, Any], granted: bool) -> None:
    scopes = understood(frozenset({f"patient/Observation.r?{query}"}))

    assert len(scopes) == 1
    assert grants(scopes, resource, Interaction.READ) is granted
    assert could_grant(scopes, "Observation", Interaction.READ)
    assert not grants_all(scopes, "Observation", Interaction.READ)
    assert not grants(scopes, resource, Interaction.UPDATE)


LEVELS = ["patient", "user", "system", "Patient", "", "launch"]
TYPES = ["Goal", "Observation", "*", "goal", "", "Observations"]
LETTERS = ["r", "s", "rs", "cruds", "cu", "dus", "read", "write", "*", "", "sr", "rR", "c"]
NAMES = ["category", "code", "status", "_tag", "_security", "date", "category:in", "category.x", ""]
TOKENS = ["a", "b", "s|a", "s|", "|a", "|", "", " a", "a\\", "s|a|b", "final", "s|final"]
QUERIES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3).map(",".join)),
    max_size=3,
).map(lambda pairs: "&".join(f"{n}={v}" for n, v in pairs))
SCOPES = st.builds(
    lambda level, kind, letters, mark, query: f"{level}/{kind}.{letters}{mark}{query}",
    st.sampled_from(LEVELS),
    st.sampled_from(TYPES),
    st.sampled_from(LETTERS),
    st.sampled_from(["", "?"]),
    QUERIES,
).filter(lambda s: "?" in s or "=" not in s)
CODINGS = st.lists(
    st.fixed_dictionaries({"code": st.sampled_from(["a", "b"])}, optional={"system": st.sampled_from(["s", "t"])}),
    max_size=2,
)
RESOURCES = st.fixed_dictionaries(
    {"resourceType": st.sampled_from(["Goal", "Observation"])},
    optional={
        "status": st.sampled_from(["final", "a"]),
        "code": CODINGS.map(lambda c: {"coding": c}),
        "category": st.lists(CODINGS.map(lambda c: {"coding": c}), max_size=2),
        "meta": st.fixed_dictionaries({"tag": CODINGS, "security": CODINGS}),
    },
)


@settings(max_examples=500)
@given(
    st.lists(SCOPES, max_size=4),
    RESOURCES,
    st.sampled_from(list(Interaction)),
    st.sampled_from(["Patient/ann", "RelatedPerson/rosa", "Practitioner/bo", "Device/app"]),
    st.booleans(),
)
def test_scopes_mean_what_a_second_evaluator_says(
    scopes: list[str], resource: dict[str, Any], interaction: Interaction, who: str, in_context: bool
) -> None:
    actor = an_actor(who, scopes=frozenset(scopes), context="Patient/ann" if in_context else None)
    levels = {"system"} if who.startswith("Device") else {"user"}
    levels |= {"patient"} if in_context else set()
    mine = grants(actor.granted("Patient/ann"), resource, interaction)

    assert mine is allows(scopes, resource, interaction, levels)


def test_patient_scopes_are_about_the_patient_in_context_alone() -> None:
    actor = an_actor("Practitioner/bo", scopes=frozenset({"patient/Goal.rs"}), context="Patient/ann")

    assert actor.granted("Patient/ann")
    assert actor.granted("Patient/zoe") == ()

"""What every act takes is asked for before anything else, and told by what is missing first."""

import pytest

from service.domain.actors import Actor, ProxyRights, Right
from service.domain.operations import OPERATIONS
from service.domain.permissions import must_be_possible
from service.errors import NotPermitted, ScopeMissing
from tests.builders import CLINICIAN, MOTHER, an_actor

LINES = [(name, i) for name, operation in OPERATIONS.items() for i in range(len(operation.scopes))]


def granted(name: str, *, but: int | None = None) -> Actor:
    """Somebody of the right side with exactly the scopes that the operation takes; `but`: without that one."""
    scopes = OPERATIONS[name].scopes
    return an_actor(CLINICIAN, scopes=frozenset(f"user/{t}.{i}" for n, (t, i) in enumerate(scopes) if n != but))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_its_scopes_and_no_more(name: str) -> None:
    must_be_possible(granted(name), name)


@pytest.mark.parametrize(("name", "missing"), LINES)
def test_each_scope_that_is_missing_is_named(name: str, missing: int) -> None:
    resource_type, interaction = OPERATIONS[name].scopes[missing]
    try:
        must_be_possible(granted(name, but=missing), name)
    except ScopeMissing as exc:
        assert exc.scope == f"user/{resource_type}.{interaction}"
    else:  # what serves the agreement on goals is reached by a scope for goals
        assert resource_type in {"Task", "Communication"} and any(t == "Goal" for t, _ in OPERATIONS[name].scopes)


def test_an_application_without_a_user_only_reads() -> None:
    application = an_actor("Device/app", scopes=frozenset({"system/*.cruds"}))

    must_be_possible(application, "listGoals")
    with pytest.raises(NotPermitted, match="only reads"):
        must_be_possible(application, "proposeGoal")


def test_a_family_member_is_told_by_whom_a_right_was_not_given() -> None:
    mother = an_actor(MOTHER, proxy=ProxyRights(frozenset({Right.READ, Right.RECORD}), "consent"))

    must_be_possible(mother, "recordProgress")
    with pytest.raises(NotPermitted, match="decided by consent: you may not act"):
        must_be_possible(mother, "proposeGoal")


def test_whose_turn_it_is_is_not_asked_here() -> None:
    """A patient who tries what is the team's to do hears so from the rule, which knows why."""
    must_be_possible(an_actor(), "agreeToDisagree")

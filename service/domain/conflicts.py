"""Drafts and plans against what the person wants and what was agreed. The rules are data: docs/preferences.md.

A finding is no verdict: it names both sides, and people decide.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from fhir_mappings.decision import Order, Preference, Stance
from fhir_mappings.model import Coding, Goal, Reference
from service.domain.lifecycle import AGREED
from service.domain.preferences import Contradiction

OVER: Final = frozenset(
    {"cancelled", "completed", "ended", "entered-in-error", "finished", "fulfilled", "noshow", "revoked", "stopped"}
)
"""Statuses of what is no longer about to be done, over all types of orders."""

CodePair = tuple[str | None, str | None]


class Indicator(StrEnum):
    """How urgent it is to look. Source: https://cds-hooks.hl7.org/2.0/#card-attributes"""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Conditional(StrEnum):
    """What a rule does with a preference that holds under a condition, which no program can judge."""

    TELL = "tell"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Modality:
    """A kind of order: its types of resource, its codes, and what it does to the person, in words."""

    code: str
    resource_types: frozenset[str]
    codes: frozenset[CodePair]
    words: str

    def includes(self, order: Order) -> bool:
        """True for an order of one of the types that has one of the codes; without codes, of any."""
        return order.resource_type in self.resource_types and (not self.codes or bool(self.codes & order.code_pairs))


@dataclass(frozen=True, slots=True)
class Against:
    """The other side: preferences with a stance to one of the topics, or agreed goals with one of the codes.

    Without topics, the preference is about the very thing that is ordered.
    """

    stances: frozenset[Stance] = frozenset()
    topics: frozenset[CodePair] = frozenset()
    goals: frozenset[CodePair] = frozenset()


@dataclass(frozen=True, slots=True)
class ConflictRule:
    """One kind of conflict. `modality` None: any order."""

    id: str
    title: str
    against: Against
    modality: Modality | None = None
    conditional: Conditional = Conditional.TELL
    indicator: Indicator = Indicator.WARNING


@dataclass(frozen=True, slots=True)
class ConflictRules:
    """All rules of an installation, and the kinds of orders that they and the measure speak of."""

    modalities: Mapping[str, Modality]
    rules: tuple[ConflictRule, ...]

    @property
    def admission(self) -> Modality:
        """What counts as an order to admit."""
        return self.modalities["admission"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """An order and what stands against it, each in plain words. `condition`: it does so under this condition only.

    `contradiction`: what the patient said and what holds are two things, and `against` is one of them.
    """

    rule: ConflictRule
    order: Order
    against: Preference | Goal
    ordered: str
    wanted: str
    condition: str | None = None
    contradiction: Contradiction | None = None

    @property
    def reference(self) -> Reference:
        return self.against.reference

    @property
    def indicator(self) -> Indicator:
        """Where the patient said otherwise, people talk before they go on."""
        is_calm = self.rule.indicator is Indicator.INFO and self.contradiction is not None
        return Indicator.WARNING if is_calm else self.rule.indicator

    @property
    def said_otherwise(self) -> str | None:
        """The other of the two."""
        if self.contradiction is None:
            return None
        own, holds = self.contradiction.own, self.contradiction.holds
        return wanted_in_words(holds if self.against == own else own)


def conflicts(
    orders: Iterable[Order],
    preferences: Iterable[Preference],
    goals: Iterable[Goal],
    rules: ConflictRules,
    contradicted: Iterable[Contradiction] = (),
) -> tuple[Conflict, ...]:
    """Every order against every preference that holds and every goal that is agreed, by rule.

    Args:
        preferences: those in force only.
        contradicted: where the patient's own answer, in force no longer, is another: the order is held against it, too.
    """
    both = tuple(contradicted)
    held = (*preferences, *(c.own for c in both if c.own.stance is not c.holds.stance))
    agreed = tuple(g for g in goals if g.lifecycle_status in AGREED)
    return tuple(
        replace(found, contradiction=next((c for c in both if found.against in (c.holds, c.own)), None))
        for order in orders
        if is_to_be_done(order)
        for rule in rules.rules
        if rule.modality is None or rule.modality.includes(order)
        for found in (*_with_preferences(order, held, rule), *_with_goals(order, agreed, rule))
    )


def is_to_be_done(order: Order) -> bool:
    """False for what is over, and for an order that something be left undone."""
    return order.status not in OVER and not order.not_to_be_done


def admissions(orders: Iterable[Order], rules: ConflictRules) -> tuple[Order, ...]:
    """The orders that would admit the patient."""
    return tuple(o for o in orders if is_to_be_done(o) and rules.admission.includes(o))


def _with_preferences(order: Order, preferences: tuple[Preference, ...], rule: ConflictRule) -> Iterator[Conflict]:
    for preference in preferences:
        topics = rule.against.topics or order.code_pairs
        is_meant = preference.stance in rule.against.stances and bool(topics & preference.topics)
        is_skipped = preference.precondition is not None and rule.conditional is Conditional.SKIP
        if is_meant and not is_skipped:
            yield Conflict(
                rule, order, preference, _ordered(order, rule), wanted_in_words(preference), preference.precondition
            )


def _with_goals(order: Order, goals: tuple[Goal, ...], rule: ConflictRule) -> Iterator[Conflict]:
    for goal in goals:
        if rule.against.goals & _codes_of(goal):
            yield Conflict(rule, order, goal, _ordered(order, rule), f"Agreed goal: “{goal.description}”")


def _codes_of(goal: Goal) -> frozenset[CodePair]:
    concepts = (*goal.categories, *(t.measure for t in goal.targets if t.measure))
    return frozenset(_pair(c) for concept in concepts for c in concept.codings)


def _pair(coding: Coding) -> CodePair:
    return coding.system, coding.code


def _ordered(order: Order, rule: ConflictRule) -> str:
    return f"{rule.modality.words}: {order.words}" if rule.modality else order.words


def wanted_in_words(preference: Preference) -> str:
    """What was said, in quotes only where these are the person's own words; who said it, and when."""
    who = f"said by the {preference.source}" if preference.source else "who said it is not recorded"
    when = f", {preference.since:%d %b %Y}" if preference.since else ""
    said = f"“{preference.words}”" if preference.words else preference.in_words
    topic = f"{preference.topic_in_words}: " if preference.topic_in_words else ""
    return f"{topic}{said} ({who}{when})"

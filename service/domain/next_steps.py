"""Who has to do what next about something to do."""

from dataclasses import dataclass
from datetime import date

from fhir_mappings.codes import CarePlanStatus
from fhir_mappings.model import Reference
from service.domain.activities import Course
from service.domain.occurrences import Occurrence


@dataclass(frozen=True, slots=True)
class NextStep:
    """Who has to do what next: `answer` a proposal, `do` it, `resume` it. `by` is the last day, where there is one."""

    what: str
    who: tuple[Reference, ...] = ()
    by: date | None = None


def next_step(course: Course, upcoming: Occurrence | None) -> NextStep | None:
    """What has to happen next, None where nothing has to.

    Args:
        upcoming: the first occurrence that nobody has reported on and that is not over.
    """
    activity = course.activity
    match activity.status:
        case CarePlanStatus.DRAFT:
            owners = (t.owner for t in course.questions(activity))
            return NextStep("answer", tuple(o for o in owners if o))
        case CarePlanStatus.ON_HOLD:
            return NextStep("resume")
        case CarePlanStatus.ACTIVE if upcoming:
            by = activity.due.last_day if activity.due else upcoming.last
            return NextStep("do", activity.performers, by)
        case _:
            return None

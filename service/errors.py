"""Every way the service says no. No HTTP here: `service.api.problems` holds the one table.

A message holds only what the caller already knows: ids, codes, element paths; never a value of a resource.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from fhir_mappings.wording import ENGLISH, Language


class CoPlanError(Exception):
    """The base of every refusal."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one element, named by FHIRPath (`Goal.target[0].due`) or by JSON path of our own body.

    `parts` fill the gaps of the message; words that the catalogue has by language are given so.
    """

    expression: str
    message: str
    code: str = "invalid"  # https://hl7.org/fhir/R4/valueset-issue-type.html
    parts: Mapping[str, object] = field(default_factory=dict)

    def said(self, language: Language = ENGLISH) -> str:
        """The message in this language, where the catalogue has it; else in English."""
        words = {
            name: part.get(language.primary) or part["en"] if isinstance(part, Mapping) else part
            for name, part in self.parts.items()
        }
        return language.say(self.message, **words)


class NotAuthenticated(CoPlanError):
    """No token, or one that does not verify. The caller is never told why."""


class NotPermitted(CoPlanError):
    """The actor is known and may see it, but may not do this."""


class ScopeMissing(NotPermitted):
    """The token was not given for this. `scope` is the least that would do."""

    def __init__(self, message: str, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


class ForbiddenUpstream(NotPermitted):
    """The FHIR server itself does not permit it to this caller."""


class ResourceNotFound(CoPlanError):
    """Absent, or not the actor's to see: the two are never told apart."""


class ResourceGone(CoPlanError):
    """The FHIR server once had it and has deleted it."""


class TransitionNotAllowed(CoPlanError):
    """The act does not follow from the present status."""


class VersionConflict(CoPlanError):
    """The resource changed since the caller read it. `current` is its version now, where known."""

    def __init__(self, message: str, current: str | None = None) -> None:
        super().__init__(message)
        self.current = current


class PreconditionMissing(CoPlanError):
    """An act on an existing resource came without If-Match."""


class PreconditionMalformed(CoPlanError):
    """An If-Match that is no entity tag of ours."""


class IdempotencyKeyMissing(CoPlanError):
    """A POST without an Idempotency-Key."""


class IdempotencyKeyMalformed(CoPlanError):
    """An Idempotency-Key that is no string of 1 to 255 visible ASCII characters."""


class IdempotencyKeyReused(CoPlanError):
    """The same Idempotency-Key came before with another body."""


class InvalidContent(CoPlanError):
    """Well-formed, but says something that cannot stand."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__("; ".join(f"{flaw.expression} {flaw.said()}" for flaw in flaws))
        self.flaws = flaws


class FactsMissing(CoPlanError):
    """A hook came without the data that its service needs, and with no server to have them from."""


class MalformedContent(CoPlanError):
    """Not strict UTF-8 JSON within the limits of depth and size of a document."""


class ContentTooLarge(CoPlanError):
    """More bytes than the service takes."""


class MediaTypeNotSupported(CoPlanError):
    """A body that is not JSON."""


class NotAcceptable(CoPlanError):
    """The Accept header names nothing that the resource can be shown as."""


class IssuerUnavailable(CoPlanError):
    """The issuer of the token has to be asked about it, and does not answer. Nobody is let in meanwhile."""


class UpstreamUnavailable(CoPlanError):
    """The FHIR server cannot be reached, or says that it cannot serve now."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AnswerLost(UpstreamUnavailable):
    """The connection ended before the answer was there. A write may or may not have happened."""


class UpstreamTimeout(CoPlanError):
    """The FHIR server did not answer within the deadline. A write may or may not have happened."""


class UpstreamInvalid(CoPlanError):
    """The FHIR server answered something that is no FHIR, or not what was asked for."""


class UpstreamRefused(CoPlanError):
    """The FHIR server refused what we sent: a defect of ours, or a rule of that server."""


class AuditTrailFull(CoPlanError):
    """The read cannot be recorded now, and the operator wants it refused then."""


class HostNotServed(CoPlanError):
    """The Host header names no host of ours, or there are several."""


class MethodNotServed(CoPlanError):
    """A method that no resource here has."""


class BodyTooSlow(CoPlanError):
    """The body was still on its way when its time was over."""


class UnknownParameter(CoPlanError):
    """A query parameter that the operation does not have, or one that came twice."""


class Overloaded(CoPlanError):
    """More requests at once than this process takes."""


class TooManyRequests(CoPlanError):
    """This principal has used up what it may ask within the window."""

    def __init__(self, message: str, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after

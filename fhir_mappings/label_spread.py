"""What is about something private is private, too: messages, Tasks, scores, Provenance and AuditEvent alike.

Source: https://hl7.org/fhir/R4/security-labels.html
"""

from collections.abc import Sequence, Set
from dataclasses import replace

from fhir_mappings.bundle import Create, Entry
from fhir_mappings.compartment import references_in
from fhir_mappings.elements import is_restricted, with_restriction
from fhir_mappings.model import Reference


def restricted_alike(entries: Sequence[Entry], restricted: Set[Reference]) -> tuple[Entry, ...]:
    """The entries of a transaction, with the label on each new one that refers to something with it.

    What is updated says for itself whether it is restricted.

    Args:
        restricted: what has the label on the server already.
    """
    updated = {e.reference for e in entries if not isinstance(e, Create)}
    labelled = {e.reference for e in entries if is_restricted(e.resource)} | (restricted - updated)
    created = [e for e in entries if isinstance(e, Create)]
    while spread := {e.reference for e in created if e.reference not in labelled and _refers(e, labelled)}:
        labelled |= spread
    return tuple(
        replace(e, resource=with_restriction(e.resource, True))
        if isinstance(e, Create) and e.reference in labelled
        else e
        for e in entries
    )


def _refers(entry: Create, labelled: Set[Reference]) -> bool:
    return any(r.partition("/_history/")[0] in labelled for _, r in references_in(entry.resource, ""))

"""Consent: a patient's name may stand in a template.

Source: https://hl7.org/fhir/R4/consent.html
"""

from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACT_CODE, CONSENT_SCOPE, OPERATION, ConsentStatus
from fhir_mappings.elements import (
    MappingError,
    code,
    identifier,
    instant,
    instant_text,
    items,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    references,
    text,
    with_identifier,
    with_patient_supplied,
)
from fhir_mappings.templates import NamingConsent


def naming_consent_from_fhir(resource: Json) -> NamingConsent:
    """A consent to be named.

    Raises:
        MappingError: it does not say whose, about what, or since when.
    """
    data = items(resource.get("provision") or {}, "data", "Consent.provision.data")
    named = next((optional_reference(d, "reference", "Consent.provision.data.reference") for d in data), None)
    given = instant(resource, "dateTime", "Consent.dateTime")
    if named is None or given is None:
        raise MappingError("Consent.provision.data" if named is None else "Consent.dateTime", "is missing")
    subject = reference(resource, "patient", "Consent.patient")
    return NamingConsent(
        id=text(resource, "id", "Consent.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=subject,
        performer=next(iter(references(resource, "performer", "Consent.performer")), subject),
        template=named,
        status=code(ConsentStatus, resource, "status", "Consent.status"),
        given=given,
        operation=identifier(resource, OPERATION),
    )


def naming_consent_to_fhir(consent: NamingConsent, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with the status; without it a new Consent.

    Raises:
        MappingError: `onto` has a modifierExtension.
    """
    resource = dict(onto) if onto is not None else _new(consent)
    must_be_understood(resource)
    if consent.status is not naming_consent_from_fhir(resource).status:
        put(resource, "status", str(consent.status))
    return resource


def _new(consent: NamingConsent) -> Json:
    resource: Json = {
        "resourceType": "Consent",
        "status": str(consent.status),
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": ACT_CODE, "code": "IDSCL"}], "text": "To be named in a template"}],
        "patient": reference_json(consent.subject),
        "dateTime": instant_text(consent.given),
        "performer": [reference_json(consent.performer)],
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTIN"}]},
        "provision": {
            "type": "permit",
            "data": [{"meaning": "instance", "reference": reference_json(consent.template)}],
        },
    }
    with_identifier(resource, OPERATION, consent.operation)
    with_patient_supplied(resource)
    return resource

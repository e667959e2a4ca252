"""The search parameters of R4 that the embedded store lacks for the resources of CoPlan.

Only parameters that R4 defines, so that a search that works here works on any R4 server. There is none for
`Communication.about` or for an extension: `Communication.based-on` and `Observation.focus` are what R4 can search.

Source: https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from collections.abc import Mapping
from typing import Final

# A line is `name:kind:path|path:target`. The store walks paths through lists; `telecom[email]` keeps the entries of
# that system, a target keeps the references to that type. It differs from R4 in two points: what R4 calls a reference
# is a `uri` where the element is a canonical URL, and dates in a Timing are left out, for the store cannot index them.
ADDITIONAL_PARAMETERS: Final[Mapping[str, str]] = {
    "ActivityDefinition": """
        date:date:date
        description:string:description
        effective:date:effectivePeriod
        identifier:token:identifier
        jurisdiction:token:jurisdiction
        name:string:name
        publisher:string:publisher
        status:token:status
        title:string:title
        topic:token:topic
        url:uri:url
        version:token:version
    """,
    "AuditEvent": """
        agent-name:string:agent.name
        agent-role:token:agent.role
        altid:token:agent.altId
        entity-name:string:entity.name
        entity-role:token:entity.role
        entity-type:token:entity.type
        patient:reference:agent.who|entity.what:Patient
        policy:uri:agent.policy
        site:token:source.site
        source:reference:source.observer
    """,
    "CarePlan": """
        activity-code:token:activity.detail.code
        activity-date:date:activity.detail.scheduledPeriod
        activity-reference:reference:activity.reference
        care-team:reference:careTeam
        condition:reference:addresses
        goal:reference:goal
        instantiates-canonical:uri:instantiatesCanonical
        instantiates-uri:uri:instantiatesUri
        part-of:reference:partOf
        performer:reference:activity.detail.performer
        replaces:reference:replaces
    """,
    "CareTeam": """
        category:token:category
        date:date:period
        encounter:reference:encounter
        identifier:token:identifier
        participant:reference:participant.member
        patient:reference:subject:Patient
        status:token:status
        subject:reference:subject
    """,
    "Communication": """
        instantiates-canonical:uri:instantiatesCanonical
        instantiates-uri:uri:instantiatesUri
        medium:token:medium
    """,
    "CommunicationRequest": """
        based-on:reference:basedOn
        category:token:category
        group-identifier:token:groupIdentifier
        medium:token:medium
        occurrence:date:occurrenceDateTime
        priority:token:priority
        replaces:reference:replaces
        sender:reference:sender
    """,
    "Consent": """
        action:token:provision.action
        actor:reference:provision.actor.reference
        consentor:reference:performer
        data:reference:provision.data.reference
        organization:reference:organization
        period:date:provision.period
        purpose:token:provision.purpose
        scope:token:scope
        security-label:token:provision.securityLabel
    """,
    "DocumentReference": """
        authenticator:reference:authenticator
        custodian:reference:custodian
        description:string:description
        event:token:context.event
        facility:token:context.facilityType
        format:token:content.format
        identifier:token:masterIdentifier|identifier
        location:uri:content.attachment.url
        security-label:token:securityLabel
        setting:token:context.practiceSetting
    """,
    "Encounter": """
        diagnosis:reference:diagnosis.condition
        reason-reference:reference:reasonReference
    """,
    "Goal": """
        achievement-status:token:achievementStatus
        category:token:category
        identifier:token:identifier
        lifecycle-status:token:lifecycleStatus
        patient:reference:subject:Patient
        start-date:date:startDate
        subject:reference:subject
        target-date:date:target.dueDate
    """,
    "Group": """
        actual:token:actual
        characteristic:token:characteristic.code
        code:token:code
        exclude:token:characteristic.exclude
        managing-entity:reference:managingEntity
        value:token:characteristic.valueCodeableConcept|characteristic.valueBoolean
    """,
    "Library": """
        content-type:token:content.contentType
        date:date:date
        description:string:description
        effective:date:effectivePeriod
        identifier:token:identifier
        name:string:name
        publisher:string:publisher
        status:token:status
        title:string:title
        topic:token:topic
        type:token:type
        url:uri:url
        version:token:version
    """,
    "List": """
        code:token:code
        date:date:date
        encounter:reference:encounter
        identifier:token:identifier
        item:reference:entry.item
        patient:reference:subject:Patient
        source:reference:source
        status:token:status
        subject:reference:subject
        title:string:title
    """,
    "Measure": """
        date:date:date
        description:string:description
        effective:date:effectivePeriod
        identifier:token:identifier
        jurisdiction:token:jurisdiction
        name:string:name
        publisher:string:publisher
        status:token:status
        title:string:title
        topic:token:topic
        url:uri:url
        version:token:version
    """,
    "MeasureReport": """
        date:date:date
        evaluated-resource:reference:evaluatedResource
        identifier:token:identifier
        measure:uri:measure
        patient:reference:subject:Patient
        period:date:period
        reporter:reference:reporter
        status:token:status
        subject:reference:subject
    """,
    "NutritionOrder": """
        datetime:date:dateTime
        encounter:reference:encounter
        identifier:token:identifier
        instantiates-canonical:uri:instantiatesCanonical
        instantiates-uri:uri:instantiatesUri
        oraldiet:token:oralDiet.type
        patient:reference:patient:Patient
        provider:reference:orderer
        status:token:status
        supplement:token:supplement.type
    """,
    "Observation": """
        combo-data-absent-reason:token:dataAbsentReason|component.dataAbsentReason
        combo-value-concept:token:valueCodeableConcept|component.valueCodeableConcept
        component-data-absent-reason:token:component.dataAbsentReason
        component-value-concept:token:component.valueCodeableConcept
        device:reference:device
        focus:reference:focus
        method:token:method
        value-date:date:valueDateTime|valuePeriod
        value-string:string:valueString|valueCodeableConcept.text
    """,
    "Organization": """
        address:string:address
        address-city:string:address.city
        address-country:string:address.country
        address-postalcode:string:address.postalCode
        address-state:string:address.state
        endpoint:reference:endpoint
    """,
    "Patient": """
        address-state:string:address.state
        address-use:token:address.use
        death-date:date:deceasedDateTime
        language:token:communication.language
    """,
    "Person": """
        birthdate:date:birthDate
        email:token:telecom[email]
        gender:token:gender
        identifier:token:identifier
        link:reference:link.target
        name:string:name
        organization:reference:managingOrganization
        patient:reference:link.target:Patient
        phone:token:telecom[phone]
        practitioner:reference:link.target:Practitioner
        relatedperson:reference:link.target:RelatedPerson
        telecom:token:telecom
    """,
    "PlanDefinition": """
        date:date:date
        definition:uri:action.definitionCanonical
        description:string:description
        effective:date:effectivePeriod
        identifier:token:identifier
        jurisdiction:token:jurisdiction
        name:string:name
        publisher:string:publisher
        status:token:status
        title:string:title
        topic:token:topic
        type:token:type
        url:uri:url
        version:token:version
    """,
    "Practitioner": """
        address:string:address
        address-city:string:address.city
        address-country:string:address.country
        address-postalcode:string:address.postalCode
        address-state:string:address.state
        communication:token:communication
        email:token:telecom[email]
        gender:token:gender
        phone:token:telecom[phone]
    """,
    "PractitionerRole": """
        date:date:period
        email:token:telecom[email]
        endpoint:reference:endpoint
        phone:token:telecom[phone]
        telecom:token:telecom
    """,
    "Procedure": """
        reason-reference:reference:reasonReference
    """,
    "Provenance": """
        agent-role:token:agent.role
        agent-type:token:agent.type
        location:reference:location
        signature-type:token:signature.type
        when:date:occurredDateTime
    """,
    "Questionnaire": """
        code:token:item.code
        date:date:date
        definition:uri:item.definition
        description:string:description
        effective:date:effectivePeriod
        identifier:token:identifier
        jurisdiction:token:jurisdiction
        name:string:name
        publisher:string:publisher
        status:token:status
        subject-type:token:subjectType
        title:string:title
        url:uri:url
        version:token:version
    """,
    "QuestionnaireResponse": """
        author:reference:author
        authored:date:authored
        based-on:reference:basedOn
        encounter:reference:encounter
        identifier:token:identifier
        part-of:reference:partOf
        patient:reference:subject:Patient
        questionnaire:uri:questionnaire
        source:reference:source
        status:token:status
        subject:reference:subject
    """,
    "RelatedPerson": """
        active:token:active
        birthdate:date:birthDate
        email:token:telecom[email]
        gender:token:gender
        phone:token:telecom[phone]
        telecom:token:telecom
    """,
    "RequestGroup": """
        author:reference:author
        authored:date:authoredOn
        code:token:code
        encounter:reference:encounter
        group-identifier:token:groupIdentifier
        identifier:token:identifier
        instantiates-canonical:uri:instantiatesCanonical
        instantiates-uri:uri:instantiatesUri
        intent:token:intent
        participant:reference:action.participant
        patient:reference:subject:Patient
        priority:token:priority
        status:token:status
        subject:reference:subject
    """,
    "ServiceRequest": """
        body-site:token:bodySite
        instantiates-canonical:uri:instantiatesCanonical
        instantiates-uri:uri:instantiatesUri
        performer-type:token:performerType
    """,
}

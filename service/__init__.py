"""CoPlan: patients, families and clinicians co-author goals and care plans on an external FHIR R4 server."""

"""Writes into docs/workflows what the service really asks of a FHIR server, recorded on the embedded store."""

"""FHIR R4 resources to and from the nouns of CoPlan. Pure: no I/O, and never an import of `service`."""

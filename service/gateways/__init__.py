"""The only I/O: the FHIR server, Redis, and key sets of token issuers."""

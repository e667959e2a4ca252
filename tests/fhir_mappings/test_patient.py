"""When somebody was born, as far as it is known."""

from typing import Any

import pytest

from fhir_mappings.patient import birth_date_from_fhir


@pytest.mark.parametrize(
    ("written", "read"),
    [("2012-02-08", "2012-02-08"), ("2012", "2012"), (None, None), ("8.2.2012", None), (2012, None)],
)
def test_a_birth_date_is_as_exact_as_it_was_written(written: Any, read: str | None) -> None:
    born = birth_date_from_fhir({"resourceType": "Patient"} | ({} if written is None else {"birthDate": written}))

    assert (born and str(born)) == read

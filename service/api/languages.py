"""In which language the caller wants to read what CoPlan itself says.

Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept-language
"""

from collections.abc import Iterator

from fhir_mappings.wording import Language, language_of


def accepted_language(header: str) -> Language | None:
    """The best of the shipped languages; None where the caller leaves it open or wants none of them."""
    ranked = sorted(_weighed(header), key=lambda ranked: -ranked[0])
    found = language_of((tag for weight, tag in ranked if weight > 0), Language(""))
    return found if found.tag else None


def _weighed(header: str) -> Iterator[tuple[float, str]]:
    for language_range in header.split(","):
        tag, _, weight = language_range.strip().partition(";")
        try:
            yield float(weight.strip().removeprefix("q=") or "1"), tag.strip()
        except ValueError:
            yield 0.0, tag

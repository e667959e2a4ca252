"""The shipped catalogue is sound, and an operator's own file is read as strictly."""

import json
import re
import tarfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from fhir_mappings.codes import IBD_INDEX, LOINC, TRACKED
from fhir_mappings.elements import checked_unit
from service.domain.catalogue import Trackable
from service.domain.charted import is_loinc
from service.measure_definitions import measures
from service.settings import Settings

SHARED = Path(__file__).parents[3] / "shared" / "fhir" / "packages"
PACKAGES = ("hl7.fhir.r4.core-4.0.1", "hl7.fhir.us.core-6.1.0", "hl7.fhir.us.pco-1.0.0")


def settings(own: Path | None = None) -> Settings:
    return Settings(fhir_base_url="http://fhir.test/fhir", trackables=own)


TRACKABLES: tuple[Trackable, ...] = tuple(settings().catalogue)


def test_keys_and_codes_are_unique() -> None:
    codes = [coding for t in TRACKABLES for coding in t.codings]

    assert len({t.key for t in TRACKABLES}) == len(TRACKABLES)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("trackable", TRACKABLES, ids=lambda t: t.key)
def test_each_is_complete_in_both_languages(trackable: Trackable) -> None:
    assert set(trackable.labels) == {"en", "es"}
    assert all(set(p.labels) == {"en", "es"} for p in trackable.parts)
    for unit in trackable.units:
        assert set(unit.words) == {"en", "es"}
        assert checked_unit(unit.code, "unit") == unit.code
        assert unit.coded is None or trackable.code.system == LOINC
    assert trackable.code.system in {LOINC, TRACKED, IBD_INDEX}
    assert trackable.possible.low is not None


@pytest.mark.parametrize(("key", "measure"), [("ibd-pga", "pga"), ("pucai", "pucai"), ("spcdai", "spcdai")])
def test_what_a_centre_tracks_is_what_its_network_counts(key: str, measure: str) -> None:
    (trackable,) = (t for t in TRACKABLES if t.key == key)
    counted = {(c.system, c.code) for c in measures()[f"remission-{measure}"].codes}

    assert counted == trackable.codings


@pytest.fixture(scope="module")
def official() -> dict[str, str]:
    """Every resource of the packages, by name."""
    found = {}
    for package in PACKAGES:
        path = SHARED / f"{package}.tgz"
        if not path.exists():
            pytest.skip("the official packages are not beside this repository")
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.endswith(".json") and (file := archive.extractfile(member)):
                    found[f"{package}/{member.name}"] = file.read().decode()
    return found


def test_codes_are_in_the_official_packages_or_name_where_else_they_stand(official: dict[str, str]) -> None:
    codes = {code for t in TRACKABLES for system, code in t.codings if system == LOINC}
    codes |= {p.code.code for t in TRACKABLES for p in t.parts}
    everything = "\n".join(official.values())

    assert {c for c in codes if f'"{c}"' not in everything} == set(sources())


def sources() -> dict[str, str]:
    """What a reviewer looks up, by code."""
    found = {t.code.code: t.source for t in TRACKABLES}
    found |= {u.coded: u.source for t in TRACKABLES for u in t.units if u.coded}
    return {code: source for code, source in found.items() if source}


def test_a_source_names_document_place_and_display() -> None:
    assert all(re.fullmatch(r"[A-Z][^:]+: \S[^,]+, \S.+|.+: \S+ \S+, \S.+", s) for s in sources().values())
    assert len(sources()) == 14


@pytest.mark.parametrize("trackable", TRACKABLES, ids=lambda t: t.key)
def test_every_loinc_code_has_its_check_digit(trackable: Trackable) -> None:
    codes = [code for system, code in trackable.codings if system == LOINC] + [p.code.code for p in trackable.parts]

    assert all(is_loinc(code) for code in codes)


def test_profiles_are_those_of_us_core(official: dict[str, str]) -> None:
    ours = {t.profile for t in TRACKABLES if t.profile}
    definitions = {json.loads(v)["url"] for k, v in official.items() if "/StructureDefinition-us-core" in k}

    assert ours <= definitions


def test_an_operators_own_are_added_or_take_the_place_of_ours(tmp_path: Path) -> None:
    pucai = {
        "key": "pucai",
        "code": {"system": "https://clinic.example/indices", "code": "PUCAI"},
        "labels": {"en": "Colitis"},
        "category": "survey",
        "units": [{"code": "{score}", "words": {"en": "points"}}],
    }
    own = tmp_path / "own.json"
    own.write_text(
        json.dumps([pucai, {**pucai, "key": "tea", "code": {"system": "https://clinic.example", "code": "t"}}])
    )
    catalogue = settings(own).catalogue

    assert len(tuple(catalogue)) == len(TRACKABLES) + 1
    changed = catalogue.get("pucai")
    assert changed is not None
    assert changed.code.code == "PUCAI"
    assert (changed.label("es"), changed.units[0].in_words("es")) == ("Colitis", "points")
    own.write_text(json.dumps([{**pucai, "plausable": {}}]))
    with pytest.raises(ValidationError, match="plausable"):
        _ = settings(own).catalogue

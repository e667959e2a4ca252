"""Measure and MeasureReport: what they say, and that they say nothing of single people."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings import r4
from fhir_mappings.carrier import decode, encode
from fhir_mappings.compartment import is_patient_free
from fhir_mappings.elements import MappingError, identifier
from fhir_mappings.measure import measure_from_fhir, only_counts
from fhir_mappings.measure_report import REPORT, measure_report_from_fhir, measure_report_to_fhir
from fhir_mappings.measuring import (
    MASKED,
    Every,
    Improvement,
    MeasureReport,
    Period,
    Scoring,
    Stratum,
    Tally,
)
from service.measure_definitions import NoMeasure, measures, measures_in, resources

AT = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
MARCH = Period(date(2025, 3, 1), date(2025, 3, 31))

shares = st.integers(0, 10**6).flatmap(lambda d: st.integers(0, d).map(lambda n: Tally(d, n))) | st.just(MASKED)
medians = st.builds(
    Tally, st.integers(1, 10**6), median=st.decimals(0, 1000, places=4).filter(lambda d: d.is_finite())
) | st.just(MASKED)


def reports(scoring: Scoring, tallies: st.SearchStrategy[Tally]) -> st.SearchStrategy[MeasureReport]:
    # Strata of one stratifier stand together, as they do in the resource.
    strata = st.dictionaries(st.sampled_from(["en", "es", "fr"]), tallies).map(
        lambda found: tuple(Stratum("language", value, tally) for value, tally in found.items())
    )
    return st.builds(
        MeasureReport,
        measure=st.just("urn:coplan:measure:remission-pga|1.0.0"),
        scoring=st.just(scoring),
        improvement=st.sampled_from(Improvement),
        reporter=st.sampled_from(["Organization/net", "Organization/c1"]),
        network=st.just("net"),
        period=st.sampled_from(Every).map(lambda every: Period.of(date(2025, 1, 1), every)),
        date=st.just(AT),
        tally=tallies,
        strata=strata,
    )


def a_report(**parts: Any) -> MeasureReport:
    common = ("urn:coplan:measure:remission-pga|1.0.0", Scoring.PROPORTION, Improvement.INCREASE)
    given: dict[str, Any] = {"tally": Tally(100, 79), "date": AT, "reporter": "Organization/c1"} | parts
    return MeasureReport(*common, network="net", period=MARCH, **given)


@given(reports(Scoring.PROPORTION, shares) | reports(Scoring.CONTINUOUS_VARIABLE, medians))
def test_what_a_report_says_comes_back(report: MeasureReport) -> None:
    assert measure_report_from_fhir(decode(encode(measure_report_to_fhir(report)))) == report


@settings(deadline=None)  # the first check loads fhir.resources
@given(reports(Scoring.PROPORTION, shares) | reports(Scoring.CONTINUOUS_VARIABLE, medians))
def test_a_report_is_a_summary_as_r4_and_deqm_want_it(report: MeasureReport) -> None:
    resource = r4.check(measure_report_to_fhir(report))

    assert {"measure", "reporter", "date", "period", "group", "improvementNotation"} <= resource.keys()
    assert (resource["type"], resource["status"]) == ("summary", "complete")
    assert only_counts(resource)
    assert is_patient_free(resource)
    codes = [p["code"]["coding"][0]["code"] for p in resource["group"][0]["population"]]
    assert codes[0] == "initial-population"


def test_what_is_masked_says_so_and_has_no_number() -> None:
    group = measure_report_to_fhir(a_report(tally=MASKED))["group"][0]

    assert [p["_count"]["extension"][0]["valueCode"] for p in group["population"]] == ["masked"] * 3
    assert "value" not in group["measureScore"]
    assert "count" not in group["population"][0]


def test_a_share_has_six_places_and_nobody_has_none() -> None:
    assert Tally(3, 2).score == Decimal("0.666667")
    assert Tally(0, 0).score is None
    assert Tally(5, median=Decimal("4.5")).score == Decimal("4.5")


def test_equal_counts_are_one_report_whenever_they_are_computed() -> None:
    later = datetime(2026, 2, 1, tzinfo=UTC)
    first, again = (identifier(measure_report_to_fhir(a_report(date=d)), REPORT) for d in (AT, later))
    other = identifier(measure_report_to_fhir(a_report(tally=Tally(100, 78))), REPORT)

    assert first == again != other
    assert (a_report(id="r1").reference, a_report().subject) == ("MeasureReport/r1", None)


@pytest.mark.parametrize(
    "parts",
    [
        {"type": "individual"},
        {"subject": {"reference": "Patient/ann"}},
        {"subject": {"identifier": {"value": "123"}}},
        {"evaluatedResource": [{"reference": "Observation/o"}]},
        {"contained": [{"resourceType": "List"}]},
        {"group": [{"population": [{"count": 1, "subjectResults": {"reference": "List/l"}}]}]},
    ],
)
def test_a_report_that_tells_of_single_people_is_not_shown_as_a_summary(parts: dict[str, Any]) -> None:
    resource = measure_report_to_fhir(a_report()) | parts

    assert not is_patient_free(resource)
    with pytest.raises(MappingError):
        measure_report_from_fhir(resource)


@pytest.mark.parametrize(
    ("name", "value"), [("group", []), ("period", None), ("measure", None), ("date", None), ("reporter", None)]
)
def test_a_report_that_lacks_what_makes_it_one(name: str, value: Any) -> None:
    with pytest.raises(MappingError):
        measure_report_from_fhir(measure_report_to_fhir(a_report()) | {name: value})


def test_reports_of_other_systems_are_read_as_shares() -> None:
    resource = measure_report_to_fhir(a_report())
    del resource["improvementNotation"], resource["meta"]
    found = measure_report_from_fhir(resource)

    assert (found.scoring, found.improvement, found.network) == (Scoring.PROPORTION, Improvement.INCREASE, "")


def test_each_measure_is_r4_and_says_what_it_counts() -> None:
    assert len(measures()) == len(resources()) >= 10
    for resource in resources():
        r4.check(resource)
        measure = measure_from_fhir(resource)
        assert measure.canonical == f"urn:coplan:measure:{measure.id}|1.0.0"
        assert measure.rule != "remission" or measure.below is not None or measure.met_by


def test_no_two_remission_measures_share_an_index() -> None:
    codes = [c for m in measures().values() if m.rule == "remission" for c in m.codes]

    assert len(codes) == len(set(codes)) == 4


def test_a_network_may_bring_its_own_definition(tmp_path: Any) -> None:
    own = next(r for r in resources() if r["id"] == "proposals-unanswered") | {"id": "after-30", "version": "2.1.0"}
    own = decode(encode(own).replace(b"days=14", b"days=30"))
    (tmp_path / "after-30.json").write_bytes(encode(own))

    assert (measures_in(tmp_path)["after-30"].days, measures_in(tmp_path)["after-30"].version) == (30, "2.1.0")


@pytest.mark.parametrize("name", ["id", "url", "version", "title", "description", "purpose", "scoring", "group"])
def test_a_measure_that_cannot_be_computed_names_what_it_lacks(name: str) -> None:
    resource = {k: v for k, v in resources()[0].items() if k != name}
    with pytest.raises(MappingError, match=name):
        measure_from_fhir(resource)


def test_periods_are_calendar_ones() -> None:
    assert Period.of(date(2024, 2, 1), Every.MONTH).end == date(2024, 2, 29)
    assert Period.of(date(2025, 10, 1), Every.QUARTER).end == date(2025, 12, 31)
    assert Period.of(date(2025, 1, 1), Every.YEAR).end == date(2025, 12, 31)


@pytest.mark.parametrize(
    ("month", "other", "overlap"),
    [((2026, 3), Every.MONTH, True), ((2026, 1), Every.QUARTER, True), ((2026, 4), Every.MONTH, False)],
)
def test_periods_overlap_where_a_day_lies_in_both(month: tuple[int, int], other: Every, overlap: bool) -> None:
    march, another = Period.of(date(2026, 3, 5), Every.MONTH), Period.of(date(*month, 1), other)

    assert march.overlaps(another) is another.overlaps(march) is overlap


def with_rule(expression: str, **parts: Any) -> dict[str, Any]:
    """The Measure of PUCAI by another rule."""
    own = next(r for r in resources() if r["id"] == "remission-pucai")
    text = encode(own | parts).replace(b"remission?code=urn:coplan:ibd-index|pucai&below=10", expression.encode())
    found: dict[str, Any] = decode(text)
    return found


CODE = "code=urn:coplan:ibd-index|pucai"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (f"remission?{CODE}&belw=10", "has belw: the rule remission takes below, code, met-by"),
        (f"remission?{CODE}&belw", "has belw"),
        (f"remision?{CODE}&below=10", "names the rule remision: there are asked-first, days-to-decision"),
        ("", "names the rule : there are"),
        (f"remission?{CODE}", "lacks below or met-by: the rule remission needs it"),
        ("remission?below=10", "lacks code"),
        ("remission?", "ends with ?"),
        ("asked-first", "lacks code"),
        ("proposals-unanswered", "lacks days"),
        ("proposals-unanswered?days=14&days=30", "has days without a value or more than once"),
        ("proposals-unanswered?days=1.5", "has days, which is no number"),
        (f"remission?{CODE}&below=ten", "has below, which is no number"),
        (f"remission?{CODE}&below=NaN", "has below, which is no number"),
        (f"remission?{CODE}&below=", "has below without a value"),
        ("remission?code=pucai&below=10", "has code, which is no system|code"),
        ("goals-agreed?code=x", "has code: the rule goals-agreed takes no parameters"),
        ("days-to-decision", "Measure.scoring is not that of the rule days-to-decision"),
    ],
)
def test_a_rule_that_cannot_be_counted_by_is_refused(expression: str, said: str) -> None:
    with pytest.raises(MappingError) as refused:
        measure_from_fhir(with_rule(expression))

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "below", "met_by"),
    [
        (f"remission?{CODE}&below=12.5", Decimal("12.5"), set()),
        (f"remission?{CODE}&below=-2", Decimal(-2), set()),
        (f"remission?{CODE}&met-by=quiet&met-by=none", None, {"quiet", "none"}),
    ],
)
def test_a_threshold_or_answers_will_do(expression: str, below: Decimal | None, met_by: set[str]) -> None:
    measure = measure_from_fhir(with_rule(expression))

    assert (measure.below, set(measure.met_by)) == (below, met_by)


def test_all_populations_go_by_one_rule() -> None:
    resource = with_rule("goals-agreed")
    resource["group"][0]["population"][2]["criteria"]["expression"] = "goals-authored"
    with pytest.raises(MappingError, match="another expression"):
        measure_from_fhir(resource)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "own.json: is not JSON"),
        (b"[]", "own.json: is no Measure"),
        (b'{"resourceType":"Measure"}', "own.json: measure without an id: Measure.group"),
        (
            encode(with_rule("goals-agreed", group=[{"population": None}])),
            "measure remission-pucai: an element has not",
        ),
        (encode(with_rule("remision")), "own.json: measure remission-pucai: Measure.group.population.criteria names"),
        (encode(with_rule("goals-agreed")), "own.json: measure remission-pucai is in another file, too"),
    ],
)
def test_a_file_that_is_no_measure_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "also.json").write_bytes(encode(with_rule("goals-authored")))
    (tmp_path / "own.json").write_bytes(content)
    with pytest.raises(NoMeasure) as refused:
        measures_in(tmp_path)

    assert said in str(refused.value)

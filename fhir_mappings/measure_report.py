"""Summary MeasureReport: counts and a score, nothing of a patient.

Source: https://hl7.org/fhir/R4/measurereport.html
    https://hl7.org/fhir/us/davinci-deqm/StructureDefinition-summary-measurereport-deqm.html
"""

from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from fhir_mappings.carrier import Json, encode
from fhir_mappings.elements import (
    MappingError,
    code_of,
    instant_text,
    items,
    known_code,
    reference,
    reference_json,
    required,
    tag,
    text,
    with_identifier,
    with_tag,
    without_nothing,
)
from fhir_mappings.measure import IMPROVEMENT_NOTATION, only_counts
from fhir_mappings.measuring import MASKED, Improvement, MeasureReport, Period, Scoring, Stratum, Tally

NETWORK: Final = "urn:coplan:network"
"""`meta.tag`: the network that a report is of, by the id of its Organization."""
MEASURE: Final = "urn:coplan:measure"
"""`meta.tag`: the id of the measure. Servers differ in how they search a canonical with a version; a tag is a token."""
REPORT: Final = "urn:coplan:measure-report"
"""Identifier: digest of what the report says. Equal reports are one."""
MEASURE_POPULATION: Final = "http://terminology.hl7.org/CodeSystem/measure-population"
DATA_ABSENT_REASON: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ABSENT: Final = {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "masked"}]}
COUNTED: Final = {Scoring.PROPORTION: "denominator", Scoring.CONTINUOUS_VARIABLE: "measure-population"}
DAYS: Final = {"unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}


def measure_report_from_fhir(resource: Json) -> MeasureReport:
    """A summary report of ours.

    Raises:
        MappingError: it is none, or lacks what makes it one.
    """
    if not only_counts(resource):
        raise MappingError("MeasureReport.type", "is no summary, or tells of single people")
    groups = items(resource, "group", "MeasureReport.group")
    if len(groups) != 1:
        raise MappingError("MeasureReport.group", "is not one group")
    period = required(resource, "period", "MeasureReport.period")
    scoring = _scoring(groups[0])
    return MeasureReport(
        id=text(resource, "id", "MeasureReport.id"),
        measure=required(resource, "measure", "MeasureReport.measure"),
        scoring=scoring,
        improvement=known_code(Improvement, code_of(resource.get("improvementNotation"), IMPROVEMENT_NOTATION))
        or Improvement.INCREASE,
        reporter=reference(resource, "reporter", "MeasureReport.reporter"),
        network=tag(resource, NETWORK) or "",
        period=Period(
            date.fromisoformat(required(period, "start", "MeasureReport.period.start")[:10]),
            date.fromisoformat(required(period, "end", "MeasureReport.period.end")[:10]),
        ),
        date=datetime.fromisoformat(required(resource, "date", "MeasureReport.date")),
        tally=_tally(groups[0], scoring),
        strata=tuple(_strata(groups[0], scoring)),
    )


def measure_report_to_fhir(report: MeasureReport) -> Json:
    """A new report. It is never edited: what is counted anew is another report of a later date."""
    resource: Json = without_nothing(
        {
            "resourceType": "MeasureReport",
            "status": "complete",
            "type": "summary",
            "measure": report.measure,
            "date": instant_text(report.date),
            "reporter": reference_json(report.reporter),
            "period": {"start": report.period.start.isoformat(), "end": report.period.end.isoformat()},
            "improvementNotation": {"coding": [{"system": IMPROVEMENT_NOTATION, "code": str(report.improvement)}]},
            "group": [_group(report)],
        }
    )
    with_tag(resource, NETWORK, report.network)
    with_tag(resource, MEASURE, measure_id(report.measure))
    said = {name: value for name, value in resource.items() if name != "date"}
    with_identifier(resource, REPORT, sha256(encode(said)).hexdigest()[:32])
    return resource


def measure_id(canonical: str) -> str:
    """`asked-first` of `urn:coplan:measure:asked-first|1.0.0`."""
    return canonical.partition("|")[0].rpartition(":")[2]


def _group(report: MeasureReport) -> Json:
    strata: dict[str, list[Stratum]] = {}
    for stratum in report.strata:
        strata.setdefault(stratum.stratifier, []).append(stratum)
    stratifiers = [
        {
            "code": [{"text": name}],
            "stratum": [{"value": {"text": s.value}} | _counts(s.tally, report.scoring) for s in of_name],
        }
        for name, of_name in strata.items()
    ]
    return without_nothing({**_counts(report.tally, report.scoring), "stratifier": stratifiers})


def _counts(tally: Tally, scoring: Scoring) -> Json:
    populations = [
        _population("initial-population", tally.denominator),
        _population(COUNTED[scoring], tally.denominator),
    ]
    if scoring is Scoring.PROPORTION:
        populations.append(_population("numerator", tally.numerator))
    unit = DAYS if scoring is Scoring.CONTINUOUS_VARIABLE else {"system": "http://unitsofmeasure.org", "code": "1"}
    score = {"value": tally.score, **unit} if tally.score is not None else ABSENT if tally.is_masked else None
    return {"population": populations, **({"measureScore": score} if score else {})}


def _population(code: str, count: int | None) -> Json:
    coded = {"coding": [{"system": MEASURE_POPULATION, "code": code}]}
    return {"code": coded, **({"_count": ABSENT} if count is None else {"count": count})}


def _scoring(group: Json) -> Scoring:
    """By the populations that it counts: R4 has no element for it here."""
    populations = items(group, "population", "MeasureReport.group.population")
    codes = {code_of(p.get("code"), MEASURE_POPULATION) for p in populations}
    continuous = COUNTED[Scoring.CONTINUOUS_VARIABLE] in codes
    return Scoring.CONTINUOUS_VARIABLE if continuous else Scoring.PROPORTION


def _tally(group: Json, scoring: Scoring) -> Tally:
    populations = items(group, "population", "MeasureReport.group.population")
    counts = {code_of(p.get("code"), MEASURE_POPULATION): p.get("count") for p in populations}
    denominator = counts.get(COUNTED[scoring])
    if denominator is None:
        return MASKED
    if scoring is Scoring.PROPORTION:
        return Tally(denominator, counts.get("numerator"))
    score = (group.get("measureScore") or {}).get("value")
    return Tally(denominator, median=None if score is None else Decimal(score))


def _strata(group: Json, scoring: Scoring) -> list[Stratum]:
    return [
        Stratum(stratifier["code"][0]["text"], stratum["value"]["text"], _tally(stratum, scoring))
        for stratifier in items(group, "stratifier", "MeasureReport.group.stratifier")
        for stratum in items(stratifier, "stratum", "MeasureReport.group.stratifier.stratum")
    ]

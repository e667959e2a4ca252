"""The numbers of a synthetic network in FHIR shape, written by DuckDB a table at a time: no resource is made in Python.

Each shape has files of its own, so that no element is ever null.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa

from fhir_mappings.codes import (
    GOAL_ACCEPTANCE,
    GOAL_THREAD,
    IBD_INDEX,
    LOINC,
    PERTAINS_TO_GOAL,
    SNOMED,
    TASK_CODE,
    UCUM,
)

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ADMISSION: Final = "'32485007'"
APPROVE: Final = "'approve'"
WISHES: Final = "urn:coplan:admission-preference"
STATED: Final = "'treatment-intervention-preference'"
CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
LANGUAGES: Final = "urn:ietf:bcp:47"

PATIENT: Final = "{'reference': printf('Patient/p%07d', patient)}"
CLINICIAN: Final = "{'reference': 'Practitioner/bo'}"
GRADE: Final = (
    "CASE WHEN met THEN 'quiescent' WHEN size < 0.6 THEN 'mild' WHEN size < 0.9 THEN 'moderate' ELSE 'severe' END"
)
GOAL: Final = "{'reference': 'Goal/g' || goal}"


def _coded(system: str, code: str) -> str:
    """A CodeableConcept; `code` is SQL."""
    return f"{{'coding': [{{'system': '{system}', 'code': {code}}}]}}"


def _day(column: str) -> str:
    return f"strftime(DATE '1970-01-01' + {column}::INTEGER, '%Y-%m-%d')"


def _instant(column: str) -> str:
    return f"strftime(make_timestamp({column} * 1000000), '%Y-%m-%dT%H:%M:%SZ')"


class Writer:
    """Writes one folder of resources. `written` counts them by type."""

    def __init__(self, folder: Path, form: str) -> None:
        self._folder = folder
        self._form = form
        self._files: Counter[str] = Counter()
        self._sql = duckdb.connect()
        self._sql.execute("SET TimeZone = 'UTC'")
        self.written: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._sql.close()

    def organizations(self, network: str, centres: Sequence[str]) -> None:
        """The network, and the centres as parts of it."""
        self._write("Organization", pa.table({"id": [network]}), "id, true AS active, 'Synthetic network' AS name")
        part = f"{{'reference': 'Organization/{network}'}}"
        self._write(
            "Organization", pa.table({"id": list(centres)}), f"id, true AS active, id AS name, {part} AS partOf"
        )

    def patients(self, table: pa.Table) -> None:
        """patient, centre (counted from 0), born (days), language."""
        centre = "{'reference': printf('Organization/centre-%02d', centre + 1)}"
        spoken = f"[{{'language': {_coded(LANGUAGES, 'language')}, 'preferred': true}}]"
        self._write(
            "Patient",
            table,
            f"printf('p%07d', patient) AS id, {_day('born')} AS birthDate, {centre} AS managingOrganization,"
            f" {spoken} AS communication",
        )

    def related_persons(self, table: pa.Table) -> None:
        """patient."""
        self._write("RelatedPerson", table, f"printf('r%07d', patient) AS id, true AS active, {PATIENT} AS patient")

    def index(self, name: str, table: pa.Table) -> None:
        """patient, moment, met, size (0 to 1, how far within its side): an activity index, or the global assessment."""
        if name == "pga":
            value = f"{_coded(IBD_INDEX, GRADE)} AS valueCodeableConcept"
        else:
            # Both go by fives; below 10 (PUCAI) and below 15 (sPCDAI) is remission.
            limit = {"pucai": 10, "spcdai": 15}[name]
            score = f"CASE WHEN met THEN 5 * floor(size * {limit // 5}) ELSE {limit} + 5 * floor(size * 10) END"
            value = f"{{'value': {score}, 'system': '{UCUM}', 'code': '{{score}}'}} AS valueQuantity"
        self._observations(name, table, _coded(IBD_INDEX, f"'{name}'"), value)

    def weights(self, table: pa.Table) -> None:
        """patient, moment, value in kg."""
        value = f"{{'value': value, 'system': '{UCUM}', 'code': 'kg'}} AS valueQuantity"
        self._observations("weight", table, _coded(LOINC, "'29463-7'"), value)

    def follow_ups(self, table: pa.Table) -> None:
        """goal, patient, moment, value: how it goes with a goal."""
        link = f"[{{'url': '{PERTAINS_TO_GOAL}', 'valueReference': {GOAL}}}] AS extension, [{GOAL}] AS focus"
        self._observations("followup", table, "{'text': 'How it goes'}", f"value AS valueInteger, {link}")

    def preferences(self, table: pa.Table) -> None:
        """patient, moment, wish."""
        category = f"[{_coded(CATEGORY, STATED)}] AS category"
        value = f"{_coded(WISHES, 'wish')} AS valueCodeableConcept"
        self._observations("preference", table, _coded(LOINC, "'75773-2'"), f"{value}, {category}")

    def goals(self, table: pa.Table, shape: str) -> None:
        """goal, patient, own, start, status, ended, agreed. `shape`: offered (never in force), held or over."""
        author = "{'reference': CASE WHEN own THEN printf('Patient/p%07d', patient) ELSE 'Practitioner/bo' END}"
        dates = {"offered": "", "held": f", {_day('start')} AS startDate"}
        dates["over"] = f"{dates['held']}, {_day('ended')} AS statusDate"
        agrees = "CASE WHEN agreed THEN 'agree' ELSE 'pending' END"
        sides = ((PATIENT, "'agree'"), (CLINICIAN, agrees))
        accepted = ", ".join(_accepts(who, status, self._form) for who, status in sides)
        self._write(
            "Goal",
            table,
            f"'g' || goal AS id, [{accepted}] AS extension,"
            f" [{{'system': '{GOAL_THREAD}', 'value': goal}}] AS identifier,"
            f" status AS lifecycleStatus, {{'text': 'A goal'}} AS description, {PATIENT} AS subject,"
            f" {author} AS expressedBy{dates[shape]}",
            shape,
        )

    def tasks(self, table: pa.Table, *, answered: bool) -> None:
        """goal, patient, asked, answered, status."""
        status, changed = ("status", "answered") if answered else ("'requested'", "asked")
        self._write(
            "Task",
            table,
            f"'t' || goal AS id, {status} AS status, 'order' AS intent, {_coded(TASK_CODE, APPROVE)} AS code,"
            f' {GOAL} AS focus, {PATIENT} AS "for", {_instant("asked")} AS authoredOn,'
            f" {_instant(changed)} AS lastModified",
            "answered" if answered else "open",
        )

    def encounters(self, table: pa.Table) -> None:
        """id, patient, moment, kind."""
        self._write(
            "Encounter",
            table,
            f"'e' || id AS id, 'finished' AS status, {{'system': '{ACT_CODE}', 'code': kind}} AS \"class\","
            f" {PATIENT} AS subject, {{'start': {_instant('moment')}}} AS period",
        )

    def service_requests(self, table: pa.Table) -> None:
        """id, patient, moment: orders to admit."""
        self._write(
            "ServiceRequest",
            table,
            f"'s' || id AS id, 'completed' AS status, 'order' AS intent, {_coded(SNOMED, ADMISSION)} AS code,"
            f" {PATIENT} AS subject, {_instant('moment')} AS authoredOn",
        )

    def _observations(self, name: str, table: pa.Table, code: str, value: str) -> None:
        self._write(
            "Observation",
            table,
            f"printf('{name}-%d-%d', patient, moment) AS id, 'final' AS status, {code} AS code, {PATIENT} AS subject,"
            f" {_instant('moment')} AS effectiveDateTime, {value}",
            name,
        )

    def _write(self, resource_type: str, table: pa.Table, columns: str, shape: str = "all") -> None:
        """One more file of this type and shape; none for no rows."""
        if not table.num_rows:
            return
        number = self._files[f"{resource_type}-{shape}"]
        self._files[f"{resource_type}-{shape}"] += 1
        self.written[resource_type] += table.num_rows
        path = self._folder / f"{resource_type}-{shape}-{number:03d}.{self._form}"
        form = "FORMAT json" if self._form == "ndjson" else "FORMAT parquet, COMPRESSION zstd"
        self._sql.register("numbers", table)
        self._sql.execute(
            f"COPY (SELECT '{resource_type}' AS resourceType, {columns} FROM numbers) TO '{path}' ({form})"
        )
        self._sql.unregister("numbers")


def _accepts(individual: str, status: str, form: str) -> str:
    """goal-acceptance. Parquet wants the same members in each item of a list; JSON wants none that is null."""
    if form == "ndjson":
        parts = f"[json_object('url', 'individual', 'valueReference', {individual}), json_object('url', 'status',"
        return f"{{'url': '{GOAL_ACCEPTANCE}', 'extension': {parts} 'valueCode', {status})]}}"
    return (
        f"{{'url': '{GOAL_ACCEPTANCE}', 'extension': [{{'url': 'individual', 'valueReference': {individual},"
        f" 'valueCode': NULL::VARCHAR}}, {{'url': 'status', 'valueReference': NULL, 'valueCode': {status}}}]}}"
    )

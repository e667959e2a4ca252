"""The realistic example of the network's answer, for openapi.yaml."""

from typing import Any, Final

from service.measure_definitions import measures

_REMISSION: Final = measures()["remission-pga"]
_COUNTED: Final = {"denominator": 812, "numerator": 641, "score": 0.789409}


def _centre(name: str, denominator: int, numerator: int, lower: float, upper: float) -> dict[str, Any]:
    counted = {"denominator": denominator, "numerator": numerator, "score": round(numerator / denominator, 6)}
    return {"centre": f"Organization/{name}", "counted": counted, "lower": lower, "upper": upper}


NETWORK_MEASURE: Final[dict[str, Any]] = {
    "measure": _REMISSION.canonical,
    "title": _REMISSION.title,
    "explanation": _REMISSION.plain,
    "definition": _REMISSION.description,
    "reporter": "Organization/ibd-network",
    "improvement": "increase",
    "judgement": "judged",
    "periods": [
        {
            "start": "2026-10-01",
            "end": "2026-10-31",
            "counted": _COUNTED,
            "strata": [
                {
                    "stratifier": "language",
                    "value": "en",
                    "counted": {"denominator": 640, "numerator": 506, "score": 0.790625},
                },
                {"stratifier": "language", "value": "fr", "counted": {"masked": True}},
            ],
            "lower": 0.5484,
            "upper": 0.6516,
            "moreThanChance": True,
        }
    ],
    "story": [
        "October 2026: 79 % (641 of 812).",
        "It is better now: above the usual 60 % of the beginning, more than chance explains.",
        "It was first to be seen in March 2025.",
    ],
    "chart": {
        "centre": 0.6,
        "overDispersed": False,
        "longestRun": 20,
        "crossings": 14,
        "sigmaZ": 1.08,
        "longestRunByChance": 9,
        "fewestCrossingsByChance": 20,
    },
    "funnel": {
        "start": "2026-10-01",
        "end": "2026-10-31",
        "counted": _COUNTED,
        "centres": [
            _centre("centre-01", 204, 166, 0.705, 0.874),
            _centre("centre-02", 190, 140, 0.701, 0.878),
            _centre("centre-03", 161, 133, 0.693, 0.886),
            {"centre": "Organization/centre-04", "counted": {"masked": True}},
            {"centre": "Organization/centre-05", "counted": {"masked": True}},
        ],
        "outsideByChance": 0.008078,
        "story": [
            "October 2026, all centres together: 79 % (641 of 812).",
            "3 of the 3 centres that are shown lie where chance alone may put them.",
            "With 3 centres, chance alone puts at least one outside in 1 of 100 such pictures.",
            "2 of 5 centres are not shown: too few people on one side. They may lie anywhere.",
        ],
    },
}

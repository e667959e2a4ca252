"""The realistic example of the network's answer, for openapi.yaml."""

from typing import Any, Final

from service.measure_definitions import measures

_REMISSION: Final = measures()["remission-pga"]
_COUNTED: Final = {"denominator": 812, "numerator": 641, "score": 0.789409}

NETWORK_MEASURE: Final[dict[str, Any]] = {
    "measure": _REMISSION.canonical,
    "title": _REMISSION.title,
    "explanation": _REMISSION.plain,
    "definition": _REMISSION.description,
    "reporter": "Organization/ibd-network",
    "improvement": "increase",
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
            {
                "centre": "Organization/centre-01",
                "counted": {"denominator": 64, "numerator": 50, "score": 0.78125},
                "lower": 0.64,
                "upper": 0.94,
            },
            {"centre": "Organization/centre-02", "counted": {"masked": True}},
        ],
        "outsideByChance": 0.0027,
        "story": [
            "October 2026, all centres together: 79 % (641 of 812).",
            "1 of 1 centres lie where chance alone may put them.",
        ],
    },
}

"""Bad tokens as data: what is changed of a good one, and what the caller is told.

A row is a `Row`: claims and header members that are set (ABSENT: left out), the key that signs, or the token itself.
`{listener}` stands for a URL at which nobody may ever be seen.
"""

from dataclasses import dataclass, field
from typing import Any, Final

ABSENT: Final = object()
LISTENER: Final = "{listener}"
NOW: Final = "NOW"
"""`(NOW, seconds)`: so many seconds from now."""


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    sign: str = "ES384"
    form: str = ""
    scheme: str = "Bearer"
    status: int = 401


ODD: Final[dict[str, Any]] = {
    "absent": ABSENT,
    "null": None,
    "empty": "",
    "true": True,
    "false": False,
    "zero": 0,
    "number": 7,
    "fraction": 1.5,
    "list": [],
    "list of one": ["x"],
    "object": {},
    "object of one": {"x": "y"},
    "listener": LISTENER,
    "space": " ",
    "NUL": "\0",
}
FINE: Final = {
    ("nbf", "absent"), ("nbf", "zero"), ("nbf", "number"), ("nbf", "fraction"),
    ("client_id", "absent"), ("client_id", "null"), ("client_id", "empty"), ("client_id", "space"), ("client_id",
    "NUL"),
    ("client_id", "listener"), ("client_id", "false"), ("client_id", "zero"), ("client_id", "list"),
    ("client_id", "object"), ("sub", "space"), ("sub", "NUL"), ("sub", "listener"),
    ("patient", "absent"), ("patient", "null"),
}  # fmt: skip
"""Odd, and yet good: a subject and a client may have any name, and another claim stands in for no client."""
FORBIDDEN: Final = {
    ("fhirUser", "absent"), ("fhirUser", "null"), ("scope", "absent"), ("scope", "empty"), ("scope", "space"),
    ("scope", "NUL"), ("scope", "listener"),
}  # fmt: skip
"""A good token, with which nobody acts or nothing is given: 403."""


def odd_claims() -> list[Row]:
    rows = []
    for name in ("iss", "aud", "exp", "iat", "nbf", "sub", "client_id", "fhirUser", "patient", "scope"):
        for kind, value in ODD.items():
            if (name, kind) not in FINE:
                status = 403 if (name, kind) in FORBIDDEN else 401
                rows.append(Row(f"{name} is {kind}", claims={name: value}, status=status))
    return rows


def wrong_times() -> list[Row]:
    times: dict[str, dict[str, Any]] = {
        "expired": {"exp": (NOW, -31)},
        "expired long ago": {"exp": (NOW, -86_400), "iat": (NOW, -86_500)},
        "expiry as text": {"exp": "4102444800"},
        "expiry in milliseconds": {"exp": 4_102_444_800_000},
        "expiry far away": {"exp": (NOW, 10 * 365 * 86_400)},
        "a life of more than a day": {"exp": (NOW, 86_401)},
        "expiry negative": {"exp": -1},
        "expiry huge": {"exp": 10**40},
        "expiry a date": {"exp": "2099-01-01T00:00:00Z"},
        "expiry an object": {"exp": {"$date": 4_102_444_800}},
        "issued in the future": {"iat": (NOW, 31), "exp": (NOW, 300)},
        "issued tomorrow": {"iat": (NOW, 86_400), "exp": (NOW, 86_700)},
        "issued as text": {"iat": "1"},
        "issued negative": {"iat": -5},
        "not yet": {"nbf": (NOW, 31)},
        "not before tomorrow": {"nbf": (NOW, 86_400)},
        "not before as text": {"nbf": "0"},
        "not before negative": {"nbf": -1},
        "expires before it was issued": {"iat": (NOW, 20), "exp": (NOW, -40)},
    }
    return [Row(f"time: {kind}", claims=claims) for kind, claims in times.items()]


def wrong_issuers_and_audiences() -> list[Row]:
    issuers = [
        "https://evil.test", "https://issuer.test.evil.test", "https://issuer.test/", "https://issuer.test#",
        "https://issuer.test?", "HTTPS://ISSUER.TEST", "http://issuer.test", "https://issuer.test\0",
        " https://issuer.test", "https://issuer.test ", "https://issuer.test:443", "https://user@issuer.test",
        "https://issuer.test/../issuer.test", "https://issuer%2Etest", "//issuer.test", "issuer.test",
        "https://issuer.test\n", "https://\u0131ssuer.test", f"{LISTENER}/iss", "file:///etc/passwd", "urn:coplan:demo",
    ]  # fmt: skip
    audiences: list[Any] = [
        "other", "COPLAN", "coplan ", " coplan", "coplan,other", "coplan other", "coplan/", "*", "https://coplan",
        ["other"], ["coplan", 5], ["coplan", None], [["coplan"]], {"coplan": True}, ["COPLAN"], ["copla", "n"],
        LISTENER,
    ]  # fmt: skip
    rows = [Row(f"iss: {number}", claims={"iss": issuer}) for number, issuer in enumerate(issuers)]
    return rows + [Row(f"aud: {number}", claims={"aud": audience}) for number, audience in enumerate(audiences)]


def wrong_people() -> list[Row]:
    patients: list[Any] = [
        "Patient/ann", "ann,zoe", "ann ", " ann", "ann\n", "ann/zoe", "../zoe", "*", "ann%00", "ann?x", "a" * 65,
        ["ann", "zoe"], ["ann"], 5, {"id": "ann"}, "Patient/ann,Patient/zoe", "änn", "ann\u202e", LISTENER,
        "https://fhir.test/fhir/Patient/ann", "urn:uuid:1", "ann_zoe",
    ]  # fmt: skip
    users: list[Any] = [
        "https://evil.test/fhir/Patient/ann", f"{LISTENER}/Patient/ann", "Device/1", "Person/1", "Group/1",
        "patient/ann",
        "Patient/ann/_history/1", "Patient/ann/", "/Patient/ann", "Patient//ann", "Patient", "Patient/", "ann",
        "Patient/ann?x=y", "Patient/ann#x", "Patient/ann zoe", "Patient/*", "Patient/..", "Organization/1",
        "https://fhir.test/fhirx/Patient/ann", "https://fhir.test/Patient/ann", "Patient/ann\nPatient/zoe",
        "Practitioner/bo,Patient/ann", ["Patient/ann"], {"reference": "Patient/ann"}, "urn:uuid:1", "#ann",
        "Patient/" + "a" * 65,
    ]  # fmt: skip
    rows = [Row(f"patient: {number}", claims={"patient": patient}) for number, patient in enumerate(patients)]
    # `Patient/..` is an id by the letter of R4, and nobody's: no other rule is needed than that it opens nothing.
    users = [user for user in users if user != "Patient/.."]
    rows += [Row(f"fhirUser: {number}", claims={"fhirUser": user}) for number, user in enumerate(users)]
    return [*rows, Row("patient of somebody else", claims={"patient": "zoe"}, status=403)]


def wrong_headers() -> list[Row]:
    algorithms = [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS512", "PS256", "PS384", "PS512", "ES512",
        "ES256K", "EdDSA", "Ed25519", "RSA-OAEP", "dir", "A128KW", "ES384 ", "es384",
    ]  # fmt: skip
    kinds: list[Any] = [
        "id_token", "JWE", "logout+jwt", "dpop+jwt", "secevent+jwt", "id+jwt", "at+jwt ", "application/jwt", "", 5,
        None, ["at+jwt"], "client-authentication+jwt",
    ]  # fmt: skip
    keys: list[Any] = [
        ABSENT, "", 5, None, ["k"], "unknown", "../../dev/null", "' OR 1=1 --", f"{LISTENER}/key", "\0", "k" * 5000,
        {"kid": "x"}, True,
    ]  # fmt: skip
    members: dict[str, Any] = {
        "jwk": {"kty": "EC"}, "jku": f"{LISTENER}/jwks", "x5u": f"{LISTENER}/x5u", "x5c": ["MII"], "x5t": "x",
        "x5t#S256": "x", "crit": ["exp"], "b64": False, "zip": "DEF", "enc": "A128GCM", "cty": "JWT",
    }  # fmt: skip
    rows = [Row(f"alg: {number}", header={"alg": a}, form="header") for number, a in enumerate(algorithms)]
    rows += [Row(f"typ: {number}", header={"typ": kind}) for number, kind in enumerate(kinds)]
    rows += [Row(f"kid: {number}", header={"kid": key}, form="header") for number, key in enumerate(keys)]
    rows += [Row(f"header has {name}", header={name: value}, form="header") for name, value in members.items()]
    return [*rows, Row("crit empty", header={"crit": []}, form="header")]


def wrong_signatures() -> list[Row]:
    signs = ["none", "HS256 with the public key", "HS256 with the JWK", "other key", "other key, same kid", "RS512"]
    signs += ["embedded key", "ES256 by an ES384 key"]
    forms = [
        "empty", "x.y.z", "one part", "two parts", "four parts", "five parts", "dots", "no signature",
        "short signature",
        "signature of zeros", "flipped bit in the claims", "flipped bit in the header", "padded", "spare bits",
        "no ASCII",
        "spaces inside", "newline at the end", "64 KB", "64 KB of claims", "1 MB", "claims twice", "exp twice",
        "alg twice",
        "claims a list", "claims a number", "header a list", "claims not UTF-8", "claims deep", "base64 with + and /",
        "JSON serialisation", "lower case", "null bytes", "url-encoded",
    ]  # fmt: skip
    rows = [Row(f"signed: {sign}", sign=sign) for sign in signs]
    return rows + [Row(f"form: {form}", form=form) for form in forms]


def other_tokens() -> list[Row]:
    claims: dict[str, Any] = {
        "nonce": "n", "at_hash": "h", "c_hash": "h", "s_hash": "h", "events": {"x": {}}, "typ": "ID",
        "token_use": "id",
    }  # fmt: skip
    bound: dict[str, Any] = {
        "jkt": {"jkt": "x"}, "x5t": {"x5t#S256": "x"}, "jwk": {"jwk": {}}, "empty": {}, "kid": {"kid": "k"},
        "null": None,
    }  # fmt: skip
    rows = [Row(f"not for access: {name}", claims={name: value}) for name, value in claims.items()]
    rows += [Row("not for access: refresh", claims={"typ": "Refresh"}), Row("offline", claims={"typ": "Offline"})]
    rows += [Row(f"bound: {name}", claims={"cnf": value}) for name, value in bound.items()]
    schemes = ["DPoP", "Basic", "Token", "MAC", "Negotiate", "", "Bearer,", "Bearer Bearer", "Digest", "PoP"]
    return rows + [Row(f"scheme: {scheme or 'none'}", scheme=scheme) for scheme in schemes]


def wrong_scopes() -> list[Row]:
    scopes = [
        "openid", "openid fhirUser", "launch/patient", "offline_access", "patient/Goal", "patient/Goal.",
        "patient/.r",
        "patient/Goal.sr", "patient/Goal.dus", "patient/Goal.RS", "patient/goal.rs", "Patient/Goal.rs",
        "patient/Goal.rw",
        "patient/Go*.rs", "patient/Goal.rs;", "patient/Goal.rs,patient/Goal.r", "patient\\Goal.rs",
        "patient/Goal.rs?",
        "patient/Goal.rs?x=y", "patient/Goal.rs?category", "patient/Goal.rs?category:not=x",
        "patient/Goal.read?category=x",
        "system/Goal.rs", "system/*.cruds", "system/*.*", "patient/Goal.cu", "patient/Goal.write", "patient/Goal.s",
        "patient/Goal.d", "patient/Goals.rs", "patient/Observation.rs", "patient/*.cu", "patient/*.s", "*", "*/*.rs",
        "patient/*", "admin", "patient/Goal.rs?_has:x:y=z", "patient/Goal.rs?subject.name=Ann", "user/Goal.",
        "user/Observation.rs", "user/Goal.c", "patients/Goal.rs", "xpatient/Goal.rs", "patient/Goalx.rs",
    ]  # fmt: skip
    rows = [Row(f"scope: {scope}", claims={"scope": scope}, status=403) for scope in scopes]
    context = {"fhirUser": "Practitioner/bo", "patient": ABSENT}
    rows += [
        Row(f"patient scope without a patient: {scope}", claims={**context, "scope": scope}, status=403)
        for scope in ("patient/Goal.rs", "patient/*.cruds", "patient/*.*", "patient/Goal.read", "openid patient/*.rs")
    ]
    nobody = {"fhirUser": ABSENT}
    return rows + [
        Row(f"nobody acts: {scope}", claims={**nobody, "scope": scope}, status=403)
        for scope in ("patient/Goal.rs", "user/*.cruds", "openid", "user/Goal.rs patient/Goal.rs")
    ]


ROWS: Final = [
    *odd_claims(),
    *wrong_times(),
    *wrong_issuers_and_audiences(),
    *wrong_people(),
    *wrong_headers(),
    *wrong_signatures(),
    *other_tokens(),
    *wrong_scopes(),
]

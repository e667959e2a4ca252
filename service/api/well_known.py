"""What this service says of itself to authorisation servers."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from fhir_mappings.carrier import encode
from service.api.answers import Form
from service.api.bodies import StrictRoute
from service.api.dependencies import CurrentServices
from service.api.documentation import answers
from service.api.views import KeySet

router = APIRouter(tags=["health"], route_class=StrictRoute)

PUBLIC: Final = {"Cache-Control": "public, max-age=900", "Vary": "Accept-Encoding"}
"""A new key stands here this long before it signs: docs/security-operations.md"""
EXAMPLE: Final[Any] = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-384",
            "x": "5PC8dNxzKo4I4UwZ0yEPdFiAcRtd8LQmwFlrfPqJ3sYL2kFDzEGxPN0g1uNI0WnX",
            "y": "jtWDXQ_UEmzYY3Ae0UIjvyLuZWkSBXg5NhPv1mq0i6ArMiNCcOjpYTHmWDcpE0dQ",
            "kid": "2026-11",
            "use": "sig",
            "alg": "ES384",
        }
    ]
}


@router.get(
    "/.well-known/jwks.json",
    operation_id="getPublicKeys",
    summary="Read the public keys of this service",
    responses=answers(KeySet, EXAMPLE, fhir=False, errors=()),
)
async def get_public_keys(services: CurrentServices) -> Response:
    """The keys by which an authorisation server knows this service (SMART Backend Services). Two while one replaces
    the other; none where the service has no token of its own.
    """
    return Response(encode(services.public_keys), headers=PUBLIC, media_type=Form.JSON)

"""What a client is told that has no token, or one that was not given for this.

Source: https://www.rfc-editor.org/rfc/rfc6750#section-3 https://www.rfc-editor.org/rfc/rfc9728#section-5.1
"""

from typing import Final

from starlette.requests import Request

from service.errors import NotAuthenticated, ScopeMissing

METADATA: Final = "/.well-known/oauth-protected-resource"


def service_url(request: Request) -> str:
    """The URL of this service as the settings say that callers know it, else as this caller does."""
    services = getattr(request.app.state, "services", None) if "app" in request.scope else None
    configured = services.settings.public_url if services else None
    return str(configured or request.base_url).rstrip("/")


def challenge(request: Request, exc: Exception) -> dict[str, str]:
    """`WWW-Authenticate`: where tokens come from, and which scope is missing."""
    where = f'Bearer realm="CoPlan", resource_metadata="{service_url(request)}{METADATA}"'
    if isinstance(exc, ScopeMissing):
        return {"WWW-Authenticate": f'{where}, error="insufficient_scope", scope="{exc.scope}"'}
    if isinstance(exc, NotAuthenticated):
        given = "authorization" in request.headers
        return {"WWW-Authenticate": f'{where}, error="invalid_token"' if given else where}
    return {}

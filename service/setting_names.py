"""Names that look like settings and are none: a setting that is misspelt would silently not be there."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from service.settings import Settings

PREFIX: Final = "COPLAN_"
SETTINGS: Final = frozenset(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)
OF_COMPOSE: Final = frozenset({"COPLAN_DB_PASSWORD", "COPLAN_PORT", "COPLAN_REDIS_PASSWORD"})
"""What deploy/compose.yaml reads itself."""
OF_TESTS: Final = "COPLAN_TEST_"
SERVICE_HOST: Final = "_SERVICE_HOST"


def unknown_settings(environment: Mapping[str, str], secrets: Path | None = None) -> tuple[str, ...]:
    """A sentence for each variable, or file in the folder of secrets, that begins as our settings do and is none."""
    files = [path.name for path in secrets.iterdir()] if secrets and secrets.is_dir() else []
    names = sorted({name.upper() for name in (*environment, *files)})
    ours = [name for name in names if name.startswith(PREFIX) and name not in SETTINGS | OF_COMPOSE]
    services = [name.removesuffix(SERVICE_HOST) for name in names if name.endswith(SERVICE_HOST)]
    return tuple(_told(n) for n in ours if not n.startswith(OF_TESTS) and not _is_of_a_service(n, services))


def _is_of_a_service(name: str, services: Iterable[str]) -> bool:
    """Of a Service of Kubernetes that is called as we are: each Pod is told where it is.

    Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    """
    return any(name.startswith((f"{service}_SERVICE_", f"{service}_PORT")) for service in services)


def _told(name: str) -> str:
    return f"{name} is no setting{_meant(name, SETTINGS)}"


def _meant(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, 1, 0.75)
    return f": did you mean {close[0]}?" if close else ""

"""Files of an installation that settings name: each is read before the service starts, not at the first call."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from service.gateways.definitions import conflict_rules
from service.settings import Settings


def own_files_flaws(settings: Settings) -> Iterator[str]:
    """A line for each file that cannot be used: its setting, its name, and where it is wrong."""
    yield from _flaw("COPLAN_CONFLICT_RULES", settings.conflict_rules, conflict_rules)
    yield from _flaw("COPLAN_TRACKABLES", settings.trackables, lambda _: settings.catalogue)


def _flaw(setting: str, path: Path | None, read: Callable[[Path], object]) -> Iterator[str]:
    if path is None:
        return
    try:
        read(path)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        yield f"{setting} ({path}): {where} {first['msg']}"
    except (OSError, ValueError) as exc:
        yield f"{setting} ({path}): {exc}"

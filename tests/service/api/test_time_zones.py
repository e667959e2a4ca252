"""A time zone is one that the whole world calls so: what is due must not depend on where the server stands."""

from zoneinfo import available_timezones

import pytest

from service.api.time_zones import get_zone, zone_names
from service.errors import InvalidContent

ELSEWHERE = ["localtime", "posixrules", "right/UTC", "posix/Europe/Stockholm", "Factory", "leapseconds", "zone.tab"]
UNKNOWN = ["", "Mars/Olympus", "europe/oslo", "../etc/passwd", "/usr/share/zoneinfo/UTC", "UTC\0", "CET-1CEST"]


@pytest.mark.parametrize("name", [*ELSEWHERE, *UNKNOWN])
def test_a_name_that_means_something_on_this_machine_only_is_refused(name: str) -> None:
    with pytest.raises(InvalidContent) as raised:
        get_zone(name)
    assert [flaw.expression for flaw in raised.value.flaws] == ["query timeZone"]


def test_every_name_of_the_database_is_a_zone() -> None:
    assert {get_zone(name).key for name in zone_names()} == zone_names()
    assert {"UTC", "Europe/Stockholm", "America/Los_Angeles", "US/Eastern", "Etc/GMT+1"} <= zone_names()
    assert len(zone_names() & available_timezones()) > 400

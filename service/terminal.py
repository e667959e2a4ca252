"""How a sandbox ends: Ctrl+C and SIGTERM are how it is meant to be stopped, so both end it well."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

IGNORED: Final = (signal.SIGTSTP, signal.SIGTTOU)


@contextmanager
def stopped_in_peace(farewell: str) -> Iterator[None]:
    """Whatever is inside ends as if it had come to its end, and this is said of it."""
    before = signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        with _terminal_of_its_own():
            yield
    except KeyboardInterrupt:
        print(f"\n{farewell}", flush=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_ctrl_c(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _terminal_of_its_own() -> Iterator[None]:
    """Takes the terminal over from a make that waits: Ctrl+C would end it, too, with a complaint.

    Nobody could take up again what Ctrl+Z stops behind its back, so that is left out.
    """
    if "MAKELEVEL" not in os.environ or not sys.stdin.isatty() or os.tcgetpgrp(0) != os.getpgrp():
        yield
        return
    theirs, before = os.getpgrp(), [signal.signal(s, signal.SIG_IGN) for s in IGNORED]
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(0, theirs)
        for ignored, handler in zip(IGNORED, before, strict=True):
            signal.signal(ignored, handler)

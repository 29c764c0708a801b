"""Moments as people write them on a command line."""

import re
from datetime import datetime

from rtp.errors import Rejected
from rtp.signals.timing import micros

_AGO = re.compile(r"(\d+)([smhd])")
_MICROS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def moment(text: str | None, *, now: int) -> int | None:
    """Microseconds of "2026-11-01", "2026-11-01T08:00Z" (UTC where no zone is told) or "90m" (ago). Raises Rejected."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _MICROS[ago[2]]
    try:
        return micros(datetime.fromisoformat(text))
    except ValueError as error:
        hint = "Write 2026-11-01, 2026-11-01T08:00Z, or 90m, 6h, 7d for so long ago."
        raise Rejected(f"`{text}` is no time.", reason="BAD_TIME", hint=hint) from error

"""Which rejected events an operator means, and with which bodies."""

from collections.abc import Sequence

from rtp.errors import NotFound
from rtp.identity.retrying import Mended
from rtp.signals.mending import read_lines
from rtp.stores.dead_letters import DeadLetters


async def chosen(letters: DeadLetters, names: Sequence[str], reason: str | None) -> list[Mended]:
    """Those named, else those of a reason, else all; oldest first. Raises NotFound for a name that does not wait."""
    if names:
        return await named(letters, names)
    waiting = await letters.waiting(reason=reason)
    return await _found(letters, [each.id for each in reversed(waiting)])


async def named(letters: DeadLetters, names: Sequence[str]) -> list[Mended]:
    """Those of these ids, as they came. Raises NotFound for one that does not wait (any more)."""
    found = await _found(letters, names)
    missing = set(names) - {each.rejection.rejection_id for each in found}
    if missing:
        hint = "It may have been put through. `rtp deadletters list` shows those that wait."
        raise NotFound(f"No rejected event {min(missing)} waits.", reason="UNKNOWN_DEAD_LETTER", hint=hint)
    return found


async def from_file(letters: DeadLetters, text: bytes) -> list[Mended]:
    """Those of an edited file that wait still, with its bodies. Raises Rejected naming the line that is none."""
    bodies = read_lines(text)
    found = await _found(letters, list(bodies))
    return [Mended(each.rejection, bodies[each.rejection.rejection_id]) for each in found]


async def _found(letters: DeadLetters, names: Sequence[str]) -> list[Mended]:
    return [Mended(each, each.body) for each in await letters.find(names)]

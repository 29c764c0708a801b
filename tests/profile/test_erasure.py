"""Erasing goes on until nothing is found, and says where it could not."""

from rtp.errors import Retryable
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.erasure import ROUNDS, ErasureStatus, PlaceReport, Subject, distinctive, erase_everywhere

SUBJECT = Subject(identifiers=frozenset({Identifier(IdentifierType.EMAIL, "ann@example.com")}))


class Shelf:
    """A place that gives up what it holds, one thing at a time."""

    def __init__(self, name: str, holds: int, error: str = "") -> None:
        self.name = name
        self.holds = holds
        self.error = error

    async def erase(self, _subject: Subject) -> int:
        if self.error:
            raise Retryable(self.error, hint="Mend it.")
        taken = min(1, self.holds)
        self.holds -= taken
        return taken


async def erased(*shelves: Shelf) -> tuple[ErasureStatus, dict[str, PlaceReport]]:
    async def proof(_subject: Subject) -> list[str]:
        return [shelf.name for shelf in shelves if shelf.holds]

    status, places = await erase_everywhere(SUBJECT, shelves, proof)
    return status, {each.place: each for each in places}


async def test_what_was_written_meanwhile_is_found_in_the_next_round() -> None:
    status, places = await erased(Shelf("a", ROUNDS), Shelf("b", 1))
    assert status is ErasureStatus.FINISHED
    assert (places["a"].removed, places["b"].removed) == (ROUNDS, 1)


async def test_a_place_that_fails_keeps_no_other_from_being_emptied() -> None:
    shelf = Shelf("b", 1)
    status, places = await erased(Shelf("a", 1, error="Redis is away."), shelf)
    assert status is ErasureStatus.PARTIAL_SUCCESS
    assert not shelf.holds
    assert places["a"].error == "Redis is away. Mend it."
    assert places["proof by scan"].error == "still found in a"


async def test_nothing_is_called_erased_while_a_trace_is_left() -> None:
    status, _ = await erased(Shelf("a", ROUNDS + 1))
    assert status is ErasureStatus.PARTIAL_SUCCESS


async def test_where_no_place_could_be_emptied_it_failed() -> None:
    status, _ = await erased(Shelf("a", 1, error="away"), Shelf("b", 1, error="away"))
    assert status is ErasureStatus.FAILED


def test_a_short_number_is_no_trace() -> None:
    """It stands in every file; whose rows they are is told by their columns."""
    assert not distinctive("2375")
    assert not distinctive("20260101")
    assert distinctive("+13125550103")
    assert distinctive("L00003")

"""Who was erased is not taken in again."""

from collections.abc import Sequence

from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.suppression import SuppressingSink
from rtp.signals.event import Event
from tests.making import event, keeps_out

ANN = Identifier(IdentifierType.EMAIL, "ann@example.com")


class Sink:
    def __init__(self) -> None:
        self.taken: list[str] = []

    async def append(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        self.taken += [each.message_id for _, each in items]
        return [f"at {each.message_id}" for _, each in items]


async def test_only_events_that_name_an_erased_person_are_left_out() -> None:
    sink = Sink()
    mine = event("m2", user_id="somebody new", traits={"email": " ANN@example.com"})
    answer = await SuppressingSink(sink, keeps_out(ANN)).append(
        [("p1", event("m1")), ("p2", mine), ("p3", event("m3"))]
    )
    assert sink.taken == ["m1", "m3"]
    assert answer == ["at m1", "", "at m3"]


async def test_a_friend_who_mentions_them_is_heard() -> None:
    sink = Sink()
    invited = event("m1", "Friend Invited", properties={"email": "ann@example.com"})
    await SuppressingSink(sink, keeps_out(ANN)).append([("p1", invited)])
    assert sink.taken == ["m1"]

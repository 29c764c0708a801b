"""Erasure: a person is taken out of every place that holds anything about them, and kept out."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from rtp.errors import RtpError
from rtp.identity.types import Identifier

ROUNDS = 3
"""What was under way when a round began may write once more; the next round finds it."""


class ErasureStatus(StrEnum):
    """As Segment's regulations have it."""

    INITIALIZED = "INITIALIZED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who is erased: every name that state is kept under."""

    identifiers: frozenset[Identifier] = frozenset()
    customer_ids: frozenset[str] = frozenset()
    partition_keys: frozenset[str] = frozenset()
    """Of identifiers that are this person's alone."""
    fragments: frozenset[str] = frozenset()
    """What they did on a device that others have used too."""
    references: frozenset[tuple[str, str]] = frozenset()
    """(source, customer_ref) in the feeds."""
    texts: frozenset[str] = frozenset()
    """Values as they were written: e-mail, phone, street … before they were normalized."""

    def joined(self, other: "Subject") -> "Subject":
        """Both together."""
        return Subject(
            identifiers=self.identifiers | other.identifiers,
            customer_ids=self.customer_ids | other.customer_ids,
            partition_keys=self.partition_keys | other.partition_keys,
            fragments=self.fragments | other.fragments,
            references=self.references | other.references,
            texts=self.texts | other.texts,
        )

    @property
    def traces(self) -> tuple[str, ...]:
        """What may be looked for in any bytes: values that stand for nobody else."""
        values = {each.value for each in self.identifiers} | self.texts
        return tuple(sorted(self.customer_ids | self.partition_keys | {each for each in values if distinctive(each)}))


def distinctive(value: str) -> bool:
    """Whether finding the value in a file says that it is this person's; a short number says nothing."""
    return len(value) >= (9 if value.isdigit() else 6)


class PlaceReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a place held and what is left of it."""

    place: str
    found: int = 0
    """Records about the person."""
    removed: int = 0
    error: str = ""


class Regulation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request for erasure; it holds nothing about the person."""

    regulation_id: str
    status: ErasureStatus
    requested_at: datetime
    finished_at: datetime | None = None
    places: tuple[PlaceReport, ...] = ()


class Regulations(Protocol):
    """Requests for erasure and what became of them."""

    async def open(self, regulation: Regulation, about: str) -> None:
        """Notes a request durably; `about` is the identifier ("type:value") it names. Raises Retryable."""
        ...

    async def get(self, regulation_id: str) -> Regulation | None:
        """A request, if there is one of that id."""
        ...

    async def record(self, regulation: Regulation) -> None:
        """Replaces what is known of a request."""
        ...

    async def waiting(self) -> dict[str, str]:
        """Regulation id to the identifier it names, of all that are not finished."""
        ...

    async def forget(self, regulation_id: str) -> None:
        """Drops the identifier that a finished request named."""
        ...


class Place(Protocol):
    """Somewhere that may hold something about a person."""

    @property
    def name(self) -> str:
        """As the report calls it."""
        ...

    async def erase(self, subject: Subject) -> int:
        """Removes everything about the subject; returns how many records that were. May be repeated."""
        ...


async def erase_everywhere(
    subject: Subject,
    places: Sequence[Place],
    proof: Callable[[Subject], Awaitable[list[str]]],
) -> tuple[ErasureStatus, tuple[PlaceReport, ...]]:
    """Erases until `proof` finds no trace, at most ROUNDS times; `proof` gives where traces are.

    A place that fails does not keep the others from being emptied: its line says what to do, and the whole is a
    PARTIAL_SUCCESS, or FAILED if no place could be emptied.
    """
    totals: dict[str, int] = {place.name: 0 for place in places}
    errors: dict[str, str] = {}
    traces: list[str] = []
    for _ in range(ROUNDS):
        errors = {}
        for place in places:
            try:
                totals[place.name] += await place.erase(subject)
            except RtpError as error:
                errors[place.name] = str(error)
        traces = await proof(subject)
        if not traces and not errors:
            break
    lines = [
        PlaceReport(place=name, found=found, removed=found, error=errors.get(name, ""))
        for name, found in totals.items()
    ]
    lines.append(
        PlaceReport(
            place="proof by scan",
            found=len(traces),
            error=f"still found in {', '.join(traces[:5])}" if traces else "",
        )
    )
    return _status(len(places), errors, traces), tuple(lines)


def _status(places: int, errors: dict[str, str], traces: list[str]) -> ErasureStatus:
    if len(errors) == places:
        return ErasureStatus.FAILED
    return ErasureStatus.PARTIAL_SUCCESS if errors or traces else ErasureStatus.FINISHED

"""One erasure from request to proof, holding off everything that could write meanwhile."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from rtp.clock import Clock, NewId
from rtp.errors import NotFound
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Identifier
from rtp.profile.erasure import (
    ErasureStatus,
    Place,
    Regulation,
    Regulations,
    Subject,
    erase_everywhere,
)
from rtp.settings import Settings
from rtp.stores.erasure.proof import RawScan
from rtp.stores.erasure.subject import SubjectFinder
from rtp.stores.file_lock import alone
from rtp.stores.lake import Lake, write_private
from rtp.stores.suppression import SETTLED_SECONDS, RedisSuppression, SuppressionFile
from rtp.stores.warehouse import warehouse_lock

WAIT_SECONDS = 900.0
AGAIN = "Try again when it has ended."

ReadIdentifier = Callable[[str], Identifier | str]
"""Reads "type:value"; gives a customer id as it is. Raises Rejected."""


class _Begun(msgspec.Struct, frozen=True):
    about: str
    subject: Subject


class Erasure:
    """Opens requests for erasure and carries them out; every step may be repeated after a crash."""

    def __init__(
        self,
        settings: Settings,
        *,
        regulations: Regulations,
        finder: SubjectFinder,
        suppression: RedisSuppression,
        keys: KeyedHash,
        places: Callable[[], list[Place]],
        read: ReadIdentifier,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._settings = settings
        self._regulations = regulations
        self._finder = finder
        self._suppression = suppression
        self._keys = keys
        self._places = places
        self._read = read
        self._clock = clock
        self._new_id = new_id

    async def request(self, about: str) -> Regulation:
        """Notes the request and keeps the person out from now on; what is held goes when it is carried out."""
        await self._suppress(await self._subject(about))
        regulation = Regulation(
            regulation_id=self._new_id(), status=ErasureStatus.INITIALIZED, requested_at=self._clock()
        )
        await self._regulations.open(regulation, about)
        return regulation

    async def carry_out_waiting(self) -> list[Regulation]:
        """Carries out all that is not finished."""
        return [await self.carry_out(each) for each in await self.waiting()]

    async def carry_out(self, regulation_id: str) -> Regulation:
        """Erases, and proves it. Waits for a build, a load or the archiver under way to end.

        Raises NotFound for a request that is not open; a finished one is given as it is.
        """
        regulation = await self._regulations.get(regulation_id)
        if regulation is None:
            raise NotFound("There is no such request for erasure.", reason="UNKNOWN_REGULATION")
        subject = await self._take(regulation_id)
        if subject is None:
            return regulation
        await self._regulations.record(msgspec.structs.replace(regulation, status=ErasureStatus.RUNNING))
        await self._suppress(subject)
        await asyncio.sleep(SETTLED_SECONDS)
        with held_still(self._settings):
            before = await self._regulations.get(regulation_id)
            if before and before.finished_at and not self._slip(regulation_id).exists():
                return before
            status, places = await erase_everywhere(subject, self._places(), RawScan(self._settings))
        done = msgspec.structs.replace(regulation, status=status, places=places, finished_at=self._clock())
        await self._regulations.record(done)
        if status is ErasureStatus.FINISHED:
            self._slip(regulation_id).unlink(missing_ok=True)
        return done

    async def _take(self, regulation_id: str) -> Subject | None:
        """Whom the request is about, out of Redis into a file: so that Redis can be proved to hold nothing of them.

        The file has every name that was known when the erasure began: after a crash what is left of the person would
        no longer tell them all.
        """
        slip = self._slip(regulation_id)
        if slip.exists():
            begun = msgspec.json.decode(slip.read_bytes(), type=_Begun)
        else:
            about = (await self._regulations.waiting()).get(regulation_id)
            if about is None:
                return None
            begun = _Begun(about, Subject())
        subject = begun.subject.joined(await self._subject(begun.about))
        write_private(slip, msgspec.json.encode(_Begun(begun.about, subject)))
        await self._regulations.forget(regulation_id)
        return subject

    def _slip(self, regulation_id: str) -> Path:
        return self._settings.erasures_dir / regulation_id

    async def waiting(self) -> list[str]:
        """Requests that are not finished, by id."""
        begun = [path.name for path in self._settings.erasures_dir.glob("[!.]*")]
        return sorted({*begun, *await self._regulations.waiting()})

    async def _subject(self, about: str) -> Subject:
        named = self._read(about)
        return await (self._finder.of_customer(named) if isinstance(named, str) else self._finder.of(named))

    async def _suppress(self, subject: Subject) -> None:
        digests = sorted(map(self._keys.suppression, subject.identifiers))
        if digests:
            SuppressionFile(self._settings.suppression_path).add(digests)
            await self._suppression.add(digests)


@contextmanager
def held_still(settings: Settings) -> Iterator[None]:
    """Nobody loads, replays, builds or archives until the context ends."""
    lake = Lake(settings.lake_dir)
    with ExitStack() as held:
        held.enter_context(alone(lake.load_lock, "A load is running.", AGAIN, wait_seconds=WAIT_SECONDS))
        held.enter_context(alone(lake.replay_lock, "A replay is running.", AGAIN, wait_seconds=WAIT_SECONDS))
        held.enter_context(warehouse_lock(settings, wait_seconds=WAIT_SECONDS))
        held.enter_context(alone(lake.archive_lock, "The log is being archived.", AGAIN, wait_seconds=WAIT_SECONDS))
        yield

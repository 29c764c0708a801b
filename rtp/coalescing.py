"""Many small requests, one write: what arrives while a write is under way goes together in the next."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Waiting = tuple[Sequence[Item], asyncio.Future[list[Answer]]]


class Coalescer(Generic[Item, Answer]):
    """Groups concurrent calls into one call of `write`, which answers one value per item, in order.

    A lone request waits for nobody. If a write fails, everyone in it gets its exception.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        most_items: int = 5_000,
        at_once: int = 1,
        pause_seconds: float = 0.0,
    ) -> None:
        """`at_once` writes may be under way; `most_items` go into one, unless one request alone has more.

        A write that follows another one begins at least `pause_seconds` after it began: more go together then.
        """
        self._write = write
        self._most_items = most_items
        self._at_once = at_once
        self._pause_seconds = pause_seconds
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._writing = 0
        self._writers: set[asyncio.Task[None]] = set()
        """Only so that tasks are not collected as garbage; they leave it later than they stop taking work."""

    async def submit(self, items: Sequence[Item]) -> list[Answer]:
        """Writes the items together with those of others; returns their answers."""
        if not items:
            return []
        done: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, done))
        if self._writing < self._at_once:
            self._writing += 1
            writer = asyncio.create_task(self._write_all())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        return await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                began = time.monotonic()
                await self._write_group()
                if self._pause_seconds and (left := began + self._pause_seconds - time.monotonic()) > 0:
                    await asyncio.sleep(left)
        finally:
            self._writing -= 1

    async def _write_group(self) -> None:
        group = self._take()
        try:
            answers = list(await self._write([item for part, _ in group for item in part]))
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            for _, done in group:
                if not done.cancelled():
                    done.set_exception(error)
            return
        start = 0
        for part, done in group:
            if not done.cancelled():
                done.set_result(answers[start : start + len(part)])
            start += len(part)

    def _take(self) -> list[_Waiting[Item, Answer]]:
        size = taken = 0
        for part, _ in self._waiting:
            if taken and size + len(part) > self._most_items:
                break
            size, taken = size + len(part), taken + 1
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return group

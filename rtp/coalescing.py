"""Many small requests, one write: what arrives while a write is under way goes together in the next."""

import asyncio
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
        self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], *, most_items: int = 5_000
    ) -> None:
        self._write = write
        self._most_items = most_items
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, items: Sequence[Item]) -> list[Answer]:
        """Writes the items together with those of others; returns their answers."""
        if not items:
            return []
        done: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await done

    async def _write_all(self) -> None:
        while self._waiting:
            group = self._take()
            items = [item for part, _ in group for item in part]
            try:
                answers = list(await self._write(items))
            except Exception as error:  # noqa: BLE001 - handed to those who wait
                for _, done in group:
                    if not done.cancelled():
                        done.set_exception(error)
                continue
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

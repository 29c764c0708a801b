import asyncio
from collections.abc import Sequence

import pytest

from rtp.coalescing import Coalescer


class Writes:
    """A slow write that remembers what came together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.under_way = self.most_under_way = 0

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.under_way -= 1
        if -1 in items:
            raise ValueError("no such item")
        return [item * 10 for item in items]


@pytest.mark.parametrize("at_once", [1, 2])
async def test_everyone_gets_their_own_answers(at_once: int) -> None:
    writes = Writes()
    coalescer = Coalescer(writes, most_items=10, at_once=at_once)
    answers = await asyncio.gather(*(coalescer.submit([number, number + 1]) for number in range(0, 40, 2)))
    assert answers == [[number * 10, number * 10 + 10] for number in range(0, 40, 2)]
    assert len(writes.groups) < 20
    assert writes.most_under_way == at_once


@pytest.mark.parametrize("at_once", [1, 2])
async def test_a_request_right_after_an_answer_is_not_forgotten(at_once: int) -> None:
    """Whoever is answered and asks again at once does so before the writer's task has ended."""
    coalescer = Coalescer(Writes(), at_once=at_once)

    async def ask(times: int) -> None:
        for number in range(times):
            assert await asyncio.wait_for(coalescer.submit([number]), 5) == [number * 10]

    await asyncio.gather(ask(50), ask(49), ask(20))


async def test_a_failed_write_fails_those_in_it_and_no_later_one() -> None:
    coalescer = Coalescer(Writes())
    with pytest.raises(ValueError, match="no such item"):
        await coalescer.submit([-1])
    assert await coalescer.submit([1]) == [10]


async def test_one_write_takes_no_more_than_it_may_unless_one_request_has_more() -> None:
    writes = Writes()
    coalescer = Coalescer(writes, most_items=3)
    await asyncio.gather(*(coalescer.submit([0] * size) for size in (5, 1, 2, 1)))
    assert [len(group) for group in writes.groups] == [5, 3, 1]


async def test_nothing_is_written_for_nothing() -> None:
    writes = Writes()
    assert await Coalescer(writes).submit([]) == []
    assert writes.groups == []


async def test_after_a_write_what_comes_within_its_pause_goes_together() -> None:
    written: list[list[int]] = []
    first, go_on = asyncio.Event(), asyncio.Event()

    async def write(items: Sequence[int]) -> list[int]:
        written.append(list(items))
        first.set()
        await go_on.wait()
        return list(items)

    coalescer: Coalescer[int, int] = Coalescer(write, pause_seconds=0.2)
    waiting = [asyncio.create_task(coalescer.submit([1]))]
    await first.wait()
    waiting.append(asyncio.create_task(coalescer.submit([2])))
    await asyncio.sleep(0)
    go_on.set()
    await waiting[0]
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.append(asyncio.create_task(coalescer.submit([3])))
    assert await asyncio.gather(*waiting) == [[1], [2], [3]]
    assert written == [[1], [2, 3]]

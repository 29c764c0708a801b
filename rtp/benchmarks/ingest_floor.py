"""What the log alone can do: raw pipelined XADD and XREADGROUP of events of the same size, on the same Redis."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from redis.asyncio import Redis

from rtp.benchmarks.result import Measure

STREAM = "rtp:{bench-floor}"
GROUP = "bench"
APPENDED_TOGETHER = 64
READ_TOGETHER = 500


async def floor(client: Redis, bodies: Sequence[bytes], batch: int) -> list[Measure]:
    """Entries a second; no script, no counting, no decoding, one connection."""
    entries = [body[-(len(body) // batch) :] for body in bodies for _ in range(batch)]
    begin = perf_counter()
    for start in range(0, len(entries), APPENDED_TOGETHER):
        pipeline = client.pipeline(transaction=False)
        for each in entries[start : start + APPENDED_TOGETHER]:
            pipeline.xadd(STREAM, {"d": each})
        await pipeline.execute()
    appended = perf_counter() - begin
    read = await _read_all(client)
    await client.delete(STREAM)
    return [
        Measure("floor_xadd", round(len(entries) / appended), "entries/s"),
        Measure("floor_xreadgroup", round(len(entries) / read), "entries/s"),
    ]


async def _read_all(client: Redis) -> float:
    await client.xgroup_create(STREAM, GROUP, id="0")
    begin = perf_counter()
    while True:
        answer: Any = await client.xreadgroup(GROUP, "bench", {STREAM: ">"}, count=READ_TOGETHER)
        found = (next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]) if answer else []
        if not found:
            return perf_counter() - begin
        await client.xack(STREAM, GROUP, *(position for position, _ in found))

"""A worker and an archive on a real Redis and real files, small enough to look into."""

from pathlib import Path
from typing import Any

import msgspec
import redis.asyncio

from rtp.features.accumulators import DAY
from rtp.identity.keys import partition_of
from rtp.identity.normalize import Spelling
from rtp.profile.effects import TriggerRule
from rtp.profile.fragment import decode_state, encode_state
from rtp.profile.projector import Projector
from rtp.profile.recount import Recount, Sources, recount
from rtp.signals.event import Event, LogEntry
from rtp.signals.log import Verdict
from rtp.stores.archive_files import write_batch
from rtp.stores.archive_rows import StoredEntry, event_row
from rtp.stores.archive_sample import archived_of, archived_up_to, some_customers
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.fragments_redis import RedisFragments, RedisOrderClaims
from rtp.stores.identity_keys import fragment_key
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.lake import Lake
from rtp.stores.online_store import RedisOnlineStore
from rtp.stores.record_stream import RedisRejectedLog
from rtp.worker.effects import EffectDrain
from rtp.worker.processing import Processor, ProcessorSettings
from tests.fakes import Recorder, TickingClock
from tests.making import KEYS, NOON, SECOND, event, keeps_out, user_key

PARTITIONS = 4


class Shop:
    """A worker and an archive on a real Redis and real files."""

    def __init__(self, client: redis.asyncio.Redis, folder: Path) -> None:
        self.client, self.lake = client, Lake(folder)
        prepare_archives(self.lake)
        self.clock = TickingClock(NOON + DAY)
        self.graph, self.fragments = RedisIdentityGraph(client, KEYS), RedisFragments(client)
        self.online, self.rejected = RedisOnlineStore(client), RedisRejectedLog(client)
        self.processor = Processor(
            graph=self.graph, fragments=self.fragments, orders=RedisOrderClaims(client),
            projector=Projector(self.graph, self.fragments, self.online, self.clock),
            drain=EffectDrain({"stock": Recorder(), "activate": Recorder()}, self.rejected, self.clock),
            rejected=self.rejected, rule=TriggerRule(),
            settings=ProcessorSettings(Spelling(), anonymous_ttl_days=90), suppressed=keeps_out(), clock=self.clock,
        )  # fmt: skip
        self.placed = 0

    async def sees(self, *events: Event, archived: bool = True) -> None:
        entries = []
        for each in events:
            self.placed += 1
            key = user_key(str(each.user_id or each.anonymous_id))
            position = f"{each.received_at // 1000 + self.placed}-0"
            entries.append(LogEntry(partition_of(key, PARTITIONS), position, key, each))
        verdicts = await self.processor.process(entries)
        if archived:
            write_batch(self.lake, "events", f"b{self.placed}", [event_row(stored(each)) for each in verdicts])

    async def recounted(self, **changes: Any) -> Recount:
        async def at_once(_seconds: float) -> None:
            return None

        sources = Sources(
            graph=self.graph, fragments=self.fragments, online=self.online, partitions=PARTITIONS,
            anonymous_ttl_days=90,
            archived=lambda keys: archived_of(self.lake, keys), newest=archived_up_to(self.lake), sleep=at_once,
        )  # fmt: skip
        return await recount(msgspec.structs.replace(sources, **changes), some_customers(self.lake, 50, draw="x"))

    async def tamper(self, user: str, **changes: Any) -> None:
        """Writes another state into a fragment, as a broken program would."""
        key = fragment_key(user_key(user))
        state = decode_state((await self.client.hget(key, "s")) or b"")  # type: ignore[misc]
        live = {**state.live, **changes.pop("live", {})}
        await self.client.hset(key, "s", encode_state(msgspec.structs.replace(state, live=live, **changes)))  # type: ignore[misc]


def stored(verdict: Verdict) -> StoredEntry:
    entry = verdict.entry
    fields = {b"d": msgspec.json.encode(entry.event), b"k": entry.partition_key.encode()}
    return StoredEntry(entry.partition, entry.position, fields, f"{verdict.counted} {verdict.customer_id}")


async def busy_shop(client: redis.asyncio.Redis, folder: Path) -> Shop:
    """Five shoppers, with a message sent twice, orders told twice, and late events."""
    shop = Shop(client, folder)
    for number in range(12):
        user, late = f"u{number % 5}", (number * 7 % 5) * 3600 * SECOND
        properties = {"productId": f"p{number}", "price": "1.99", "orderId": f"o{number % 4}"}
        name = ("Product Viewed", "Product Added", "Order Completed")[number % 3]
        await shop.sees(event(f"m{number % 10}", name, user_id=user, occurred_at=NOON - late, properties=properties))
    return shop

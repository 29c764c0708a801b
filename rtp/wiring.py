"""The only place that chooses stores: which technology stands behind each port."""

import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
from redis.asyncio import Redis

from rtp.activation.assembly import Activation, assemble_activation
from rtp.activation.destinations import load_destinations
from rtp.activation.handler import Deciding
from rtp.activation.outbox import Outbox
from rtp.clock import Clock, NewId, random_id, system_clock
from rtp.decisioning.assignment import load_experiments
from rtp.decisioning.decide import Decider
from rtp.decisioning.policy import load_policy
from rtp.decisioning.ports import Knowledge
from rtp.decisioning.shopper import ConsentOf
from rtp.features.online import OnlineStore
from rtp.identity.config import IdentityRules, load_identity_rules
from rtp.identity.graph import IdentityGraph
from rtp.identity.keys import KeyedHash
from rtp.identity.shopper import read_shopper
from rtp.inventory.live import StockListener
from rtp.inventory.stock import StockStore
from rtp.profile.consent import ConsentReader
from rtp.profile.erasure import Place, Regulations
from rtp.profile.history import HeldRecords, History
from rtp.profile.store import FragmentStore, OrderClaims
from rtp.profile.suppression import Suppressed, SuppressionCheck
from rtp.settings import Settings
from rtp.signals.log import EventLog
from rtp.signals.rejection import RejectedLog
from rtp.stores.archive_redis import RECORD_STREAMS, ArchiveSource
from rtp.stores.audience_sync import AudienceSync
from rtp.stores.audiences import AudienceFiles, read_audiences
from rtp.stores.connections import connect
from rtp.stores.consent_redis import RedisConsent
from rtp.stores.dead_letters import DeadLetters
from rtp.stores.decision_log_redis import RedisDecisionLog
from rtp.stores.erasure.files import Audiences, CatalogCustomers, Documents
from rtp.stores.erasure.lake import Leftovers, lake_places
from rtp.stores.erasure.landing import LandingCheck
from rtp.stores.erasure.redis_state import redis_places
from rtp.stores.erasure.run import Erasure
from rtp.stores.erasure.subject import SubjectFinder
from rtp.stores.erasure.warehouse import WarehouseFile
from rtp.stores.event_log_redis import RedisEventLog
from rtp.stores.event_view import EventView
from rtp.stores.fragments_aside import AsideFragments
from rtp.stores.fragments_redis import RedisFragments, RedisOrderClaims
from rtp.stores.held_records import LakeRecords
from rtp.stores.history import LakeAndLogHistory
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.keyring import load_keyring
from rtp.stores.lake import Lake
from rtp.stores.leases_redis import PartitionLeases
from rtp.stores.memory_guard import MemoryGuard
from rtp.stores.models import ModelFolder
from rtp.stores.moments_redis import RedisMoments
from rtp.stores.online_store import RedisOnlineStore
from rtp.stores.online_versions import OnlineVersions
from rtp.stores.outbox_redis import RedisOutbox
from rtp.stores.record_stream import RecordStream, RedisRejectedLog
from rtp.stores.regulations import RedisRegulations
from rtp.stores.replay_source import ReplaySource
from rtp.stores.stock_redis import RedisStock
from rtp.stores.suppression import RedisSuppression, SuppressionFile

logger = logging.getLogger("rtp")

if TYPE_CHECKING:  # builds only: it brings pandas, which the hot path must start without
    from rtp.quality.gate import QualityGate


def redis_client(settings: Settings) -> Redis:
    """A client of the Redis that holds all live state."""
    return connect(settings.redis_address)


@asynccontextmanager
async def redis_opened(settings: Settings) -> AsyncIterator[Redis]:
    """That client for as long as the context lasts, closed whatever happens."""
    client = redis_client(settings)
    try:
        yield client
    finally:
        await client.aclose()


def lake(settings: Settings) -> Lake:
    """The Parquet lake."""
    return Lake(settings.lake_dir)


def online_store(client: Redis, *, remembered: int = 0) -> OnlineStore:
    """The online feature store."""
    return RedisOnlineStore(client, remembered=remembered)


def online_versions(client: Redis) -> OnlineVersions:
    """Which published version each part of the online store was brought up to."""
    return OnlineVersions(client)


def stock_store(settings: Settings, client: Redis, *, listener: StockListener | None = None) -> StockStore:
    """Stock by (store, product); `listener` (see rtp.inventory.live) is told of changes."""
    return RedisStock(client, freshness=settings.stock_freshness_hours * 3_600_000_000, listener=listener)


def keyed_hash(settings: Settings) -> KeyedHash:
    """What turns identifiers into partition keys and customer ids."""
    return KeyedHash(load_keyring(settings).identity_secret)


def identity_rules(settings: Settings) -> IdentityRules:
    """What config/identity.yaml says; raises Fatal with file and line for a mistake in it."""
    return load_identity_rules(settings.config_dir / "identity.yaml", region=settings.phone_region)


def event_log(settings: Settings, client: Redis) -> EventLog:
    """The log that every accepted event goes into."""
    guard = MemoryGuard(client, limit_bytes=settings.redis_memory_mb * 1024 * 1024)
    return RedisEventLog(client, partitions=settings.partitions, max_entries=settings.event_log_entries, guard=guard)


def rejected_log(client: Redis) -> RejectedLog:
    """Where events go that could not be accepted."""
    return RedisRejectedLog(client)


def dead_letters(settings: Settings, client: Redis) -> DeadLetters:
    """Rejected events that still need care, archived or not."""
    return DeadLetters(client, lake(settings))


def record_stream(client: Redis, name: str) -> RecordStream:
    """The stream of "decisions", "activations" or "movements", from which they are archived."""
    return RecordStream(client, name)


def identity_graph(settings: Settings, client: Redis) -> IdentityGraph:
    """Which identifiers are one customer."""
    return RedisIdentityGraph(client, keyed_hash(settings), identity_rules(settings))


def fragment_store(client: Redis) -> FragmentStore:
    """The live state of each partition key."""
    return RedisFragments(client)


def fragments_aside(client: Redis) -> AsideFragments:
    """Where one replay keeps what it has rebuilt."""
    return AsideFragments(client, random_id()[:8])


def replay_source(settings: Settings, client: Redis) -> ReplaySource:
    """What a replay reads."""
    return ReplaySource(client, lake(settings))


def event_view(settings: Settings, client: Redis) -> EventView:
    """Recent events and those to come, for people."""
    return EventView(event_log(settings, client), lake(settings), replay_source(settings, client))


def order_claims(client: Redis) -> OrderClaims:
    """Which event has counted an order."""
    return RedisOrderClaims(client)


def archive_sources(settings: Settings, client: Redis) -> list[ArchiveSource]:
    """All streams that are moved into the lake."""
    return [ArchiveSource(client, stream, partitions=settings.partitions) for stream in ("events", *RECORD_STREAMS)]


def partition_leases(settings: Settings, client: Redis, *, owner: str) -> PartitionLeases:
    """Which partitions a worker of that name reads."""
    return PartitionLeases(client, owner=owner, partitions=settings.partitions)


def knowledge(settings: Settings) -> ModelFolder:
    """The catalogue and model in use, as far as there are any; run its `watch` beside whatever decides."""
    folder = ModelFolder(
        settings.models_dir,
        on_error=lambda what, error: logger.error("%s cannot be used: %s", what, error),
    )
    folder.refresh()
    return folder


def decider(
    settings: Settings,
    client: Redis,
    *,
    consent_of: ConsentOf,
    online: OnlineStore,
    knowledge: Knowledge,
    clock: Clock = system_clock,
    new_id: NewId = random_id,
) -> Decider:
    """Decides with the policy `default`; raises Fatal with file and line for a config that cannot be meant."""
    return Decider(
        identity=identity_graph(settings, client),
        consent_of=consent_of,
        online=online,
        stock=stock_store(settings, client),
        moments=RedisMoments(client),
        log=RedisDecisionLog(client),
        knowledge=knowledge,
        policy=load_policy(settings.config_dir / "policy" / "default.yaml"),
        experiments=load_experiments(settings.config_dir / "experiments.yaml"),
        clock=clock,
        new_id=new_id,
    )


def quality_gate(settings: Settings) -> "QualityGate":
    """The checks of feeds and marts; raises Fatal with file and line for a config that cannot be meant."""
    from rtp.quality.config import load_quality_config
    from rtp.quality.gate import QualityGate
    from rtp.stores.quality_state import BaselineFolder, LakeFeeds

    return QualityGate(
        load_quality_config(settings.config_dir / "quality"),
        LakeFeeds(lake(settings)),
        BaselineFolder(settings.quality_dir / "baseline"),
        lake(settings),
    )


@contextmanager
def folder_gate(settings: Settings, folder: Path, baseline: Path | None, now: datetime) -> "Iterator[QualityGate]":
    """A gate over the files of a folder, loaded into a temporary state; `baseline` is compared with, not written.

    Raises Rejected where a load would refuse the folder.
    """
    from rtp.stores.feeds.folder import load_folder

    with TemporaryDirectory(prefix="rtp-quality-") as work:
        aside = msgspec.structs.replace(settings, state_dir=Path(work))
        load_folder(lake(aside), folder, now=now)
        if baseline:
            shutil.copytree(baseline, aside.quality_dir / "baseline")
        yield quality_gate(aside)


def consent(client: Redis) -> RedisConsent:
    """Consent, read where it is written: a ConsentReader that also takes in what feeds state."""
    return RedisConsent(client, RedisFragments(client))


def history(settings: Settings, client: Redis) -> History:
    """A shopper's past events, archived or not."""
    return LakeAndLogHistory(client, lake(settings), partitions=settings.partitions)


def held_records(settings: Settings) -> HeldRecords:
    """Sales, decisions and messages of a shopper."""
    return LakeRecords(lake(settings))


def outbox(client: Redis) -> Outbox:
    """What has been decided and must be delivered."""
    return RedisOutbox(client)


def activation(
    settings: Settings, client: Redis, *, decider: Deciding, consent: ConsentReader, graph: IdentityGraph, clock: Clock
) -> Activation:
    """Triggers, the handler of their effects and the sender, for the worker; raises Fatal for a mistake in config/."""
    return assemble_activation(
        settings.config_dir,
        default_secret=load_keyring(settings).webhook_secret,
        decider=decider,
        consent_of=consent.read,
        stock=stock_store(settings, client),
        graph=graph,
        outbox=outbox(client),
        records=record_stream(client, "activations"),
        clock=clock,
    )


def suppression(client: Redis) -> RedisSuppression:
    """Who was erased; run its `watch` beside whatever writes."""
    return RedisSuppression(client)


def suppression_check(settings: Settings, suppressed: Suppressed) -> SuppressionCheck:
    """Tells which events are about people who were erased."""
    return SuppressionCheck(suppressed, keyed_hash(settings), spelling=identity_rules(settings).spelling)


def regulations(client: Redis) -> Regulations:
    """Requests for erasure and what became of them."""
    return RedisRegulations(client)


def landing_check(settings: Settings) -> LandingCheck:
    """What takes erased people out of files that are being loaded."""
    suppressed = SuppressionFile(settings.suppression_path)
    return LandingCheck(suppressed, keyed_hash(settings), identity_rules(settings).spelling)


def erasure(
    settings: Settings,
    client: Redis,
    *,
    suppressed: RedisSuppression | None = None,
    clock: Clock = system_clock,
    new_id: NewId = random_id,
) -> Erasure:
    """What takes a person out of every place; `suppressed` is the list as the caller's process knows it, if it does."""
    spelling, keys = identity_rules(settings).spelling, keyed_hash(settings)

    def places() -> list[Place]:
        redis = redis_places(client, partitions=settings.partitions, streams=RECORD_STREAMS)
        return [
            Audiences(audience_sync(settings), partial(read_audiences, settings.config_dir)),
            Leftovers(lake(settings)),
            *lake_places(lake(settings)),
            WarehouseFile(settings),
            CatalogCustomers(settings.models_dir / "catalog"),
            Documents(settings.state_dir),
            *redis,
        ]

    return Erasure(
        settings,
        regulations=regulations(client),
        finder=SubjectFinder(client, lake(settings), keys, spelling=spelling),
        suppression=suppression(client) if suppressed is None else suppressed,
        keys=keys,
        places=places,
        read=partial(read_shopper, spelling=spelling),
        clock=clock,
        new_id=new_id,
    )


def audience_sync(settings: Settings) -> AudienceSync:
    """What brings destinations to the present members of an audience."""
    destinations = load_destinations(
        settings.config_dir / "destinations.yaml", default_secret=load_keyring(settings).webhook_secret
    )
    return AudienceSync(lake(settings), AudienceFiles(settings.state_dir / "audiences"), destinations, system_clock)

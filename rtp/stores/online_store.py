"""The online store on Redis, in Feast's own layout: what Feast's SDK writes is read, and what is written it reads."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtp.errors import Rejected, Retryable
from rtp.features.online import EVENT_TIME, EntityKey
from rtp.features.references import parse_reference, view_named
from rtp.features.values import FeatureRow, FeatureValue
from rtp.features.view import View
from rtp.features.views import PROJECT
from rtp.stores.feast_layout import decode_time, decode_value, entity_key, field_name, time_field
from rtp.stores.online_rows import RowWrite, RowWriter, write_plan


class Wanted(msgspec.Struct, frozen=True):
    """Where a requested "view:feature" lies in the answer for one hash."""

    reference: str
    position: int
    time_position: int


class Plan(msgspec.Struct, frozen=True):
    """The fields to ask of the hash of one kind of entity."""

    join_keys: tuple[str, ...]
    fields: list[Any]
    wanted: tuple[Wanted, ...]


@lru_cache(maxsize=256)
def read_plan(references: tuple[str, ...]) -> tuple[Plan, ...]:
    """One plan a kind of entity that the features are about; raises Rejected for a feature there is not."""
    by_entity: dict[tuple[str, ...], list[tuple[str, str, bytes]]] = {}
    for reference in references:
        view, field = _located(reference)
        by_entity.setdefault(view.entity.join_keys, []).append((reference, view.name, field))
    plans = []
    for join_keys, asked in by_entity.items():
        fields = list(dict.fromkeys([time_field(view) for _, view, _ in asked] + [field for _, _, field in asked]))
        wanted = tuple(
            Wanted(reference, fields.index(field), fields.index(time_field(view))) for reference, view, field in asked
        )
        plans.append(Plan(join_keys, fields, wanted))
    return tuple(plans)


def _located(reference: str) -> tuple[View, bytes]:
    name, _, feature = reference.partition(":")
    if feature == EVENT_TIME:
        return view_named(name), time_field(name)
    view, found = parse_reference(reference)
    return view, field_name(view.name, found.name)


class RedisOnlineStore:
    """Implements :class:`rtp.features.online.OnlineStore`."""

    def __init__(self, client: Redis, project: str = PROJECT, *, remembered: int = 0) -> None:
        """`remembered`: of how many rows what was last written is kept here, so that only what changed is sent."""
        self._client = client
        self._project = project
        self._written = RowWriter(remembered)

    async def read(self, entities: Sequence[EntityKey], features: Sequence[str]) -> list[dict[str, FeatureValue]]:
        """One round trip for all entities."""
        plans = read_plan(tuple(features))
        pipeline = self._client.pipeline(transaction=False)
        for entity in entities:
            for plan in plans:
                key: Any = entity_key(self._project, _part_of(entity, plan.join_keys))
                pipeline.hmget(key, plan.fields)
        if not entities or not plans:
            return [{} for _ in entities]
        try:
            answers = iter(await pipeline.execute())
        except (RedisConnectionError, RedisTimeoutError) as error:
            raise Retryable("The online store does not answer.", hint="Look at `rtp status`.") from error
        return [_row(plans, [next(answers) for _ in plans]) for _ in entities]

    async def write(self, view: str, rows: Sequence[tuple[EntityKey, int, FeatureRow]]) -> int:
        """Each row in one atomic step of its own; all in one round trip, or two where others write the same rows."""
        plan = write_plan(view)
        writes = [
            RowWrite(entity_key(self._project, _part_of(entity, plan.join_keys)), at, plan.encoded(row))
            for entity, at, row in rows
        ]
        if not writes:
            return 0
        try:
            return await self._written.write(self._client, plan, writes)
        except (RedisConnectionError, RedisTimeoutError) as error:
            raise Retryable("The online store does not answer.", hint="Look at `rtp status`.") from error


def _part_of(entity: EntityKey, join_keys: tuple[str, ...]) -> Mapping[str, str]:
    try:
        return {name: entity[name] for name in join_keys}
    except KeyError as missing:
        raise Rejected(
            f"The features asked for are looked up by {' and '.join(join_keys)}; {missing} was not given.",
            reason="MISSING_ENTITY_KEY", field=f"entities.{missing.args[0]}",
        ) from missing  # fmt: skip


def _row(plans: tuple[Plan, ...], answers: list[list[bytes | None]]) -> dict[str, FeatureValue]:
    row: dict[str, FeatureValue] = {}
    for plan, values in zip(plans, answers, strict=True):
        for wanted in plan.wanted:
            stamp = values[wanted.time_position]
            if stamp is None:
                row[wanted.reference] = None
            elif wanted.position == wanted.time_position:
                row[wanted.reference] = decode_time(stamp)
            else:
                row[wanted.reference] = decode_value(values[wanted.position])
    return row

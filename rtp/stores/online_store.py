"""The online store on Redis, in Feast's own layout: what Feast's SDK writes is read, and what is written it reads."""

from collections.abc import Callable, Mapping, Sequence
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
from rtp.stores.feast_layout import (
    decode_time,
    decode_value,
    encode_time,
    encoder_of,
    entity_key,
    field_name,
    time_field,
)
from rtp.stores.scripts import Script

_NEWER = """
local function parts(stamp)
  local found, at = {[8] = 0, [16] = 0}, 1
  while at <= #stamp do
    local tag, value, unit, byte = stamp:byte(at), 0, 1, 0
    repeat
      at = at + 1
      byte = stamp:byte(at)
      value = value + (byte % 128) * unit
      unit = unit * 128
    until byte < 128
    found[tag] = value
    at = at + 1
  end
  if found[8] >= 2 ^ 63 then found[8] = found[8] - 2 ^ 64 end
  return found[8], found[16]
end
local function newer(left, right)
  local left_seconds, left_nanos = parts(left)
  local right_seconds, right_nanos = parts(right)
  if left_seconds ~= right_seconds then return left_seconds > right_seconds end
  return left_nanos > right_nanos
end
"""

WRITE_NOT_OLDER = Script(f"""
-- KEYS: entity hashes. ARGV: how many fields, their names ("_ts:view" first), then their values key after key.
-- A row is written unless what is there is newer. On Redis Cluster call it with one key.
{_NEWER}local count = tonumber(ARGV[1])
local row, at, written = {{}}, 1 + count, 0
for field = 1, count do row[2 * field - 1] = ARGV[1 + field] end
for index = 1, #KEYS do
  local old, new = redis.call('HGET', KEYS[index], row[1]), ARGV[at + 1]
  if not old or old == new or not newer(old, new) then
    for field = 1, count do row[2 * field] = ARGV[at + field] end
    redis.call('HSET', KEYS[index], unpack(row))
    written = written + 1
  end
  at = at + count
end
return written
""")

WRITE_ROW_NOT_OLDER = Script(f"""
-- The same for one key. ARGV: names and values by twos, "_ts:view" first.
{_NEWER}
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and old ~= ARGV[2] and newer(old, ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
""")


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


class WritePlan(msgspec.Struct, frozen=True):
    """How a view's rows are written: worked out once."""

    view: str
    join_keys: tuple[str, ...]
    time_field: bytes
    features: tuple[tuple[str, bytes, Callable[[FeatureValue], bytes]], ...]
    """Name, field and encoder of each."""
    known: frozenset[str]

    def words(self, at: int, row: FeatureRow) -> list[bytes]:
        """Fields and values by twos; raises Rejected naming the feature that does not fit."""
        if not row.keys() <= self.known:
            unknown = ", ".join(sorted(row.keys() - self.known))
            raise Rejected(f"The feature view {self.view} has no feature {unknown}.", reason="UNKNOWN_FEATURE")
        words, name = [self.time_field, encode_time(at)], ""
        try:
            for name, field, encode in self.features:
                words += (field, encode(row.get(name)))
        except Rejected as error:
            raise Rejected(error.message, reason=error.reason, field=f"{self.view}:{name}") from error
        return words


@lru_cache(maxsize=64)
def write_plan(view: str) -> WritePlan:
    """The plan of a view; raises Rejected for one there is not."""
    spec = view_named(view)
    features = tuple((name, field_name(view, name), encoder_of(kind)) for name, kind in spec.types.items())
    return WritePlan(view, spec.entity.join_keys, time_field(view), features, frozenset(spec.types))


def _located(reference: str) -> tuple[View, bytes]:
    name, _, feature = reference.partition(":")
    if feature == EVENT_TIME:
        return view_named(name), time_field(name)
    view, found = parse_reference(reference)
    return view, field_name(view.name, found.name)


class RedisOnlineStore:
    """Implements :class:`rtp.features.online.OnlineStore`."""

    def __init__(self, client: Redis, project: str = PROJECT) -> None:
        self._client = client
        self._project = project

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
        """Each row whole, in one atomic step of its own; all in one round trip."""
        plan = write_plan(view)
        calls = [
            ([entity_key(self._project, _part_of(entity, plan.join_keys))], plan.words(at, row))
            for entity, at, row in rows
        ]
        if not calls:
            return 0
        try:
            return sum(await WRITE_ROW_NOT_OLDER.call_many(self._client, calls))
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

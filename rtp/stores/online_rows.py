"""How rows are written into the online store: never over a newer one, and only what has changed.

A row of sixty features changes in a dozen at most events. Whoever writes the same rows again and again remembers what
each was last written as; Redis is then sent the fields that differ, together with the time that the row must still
have. Where it has another one, somebody else has written meanwhile: the row is sent whole.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.errors import Rejected
from rtp.features.references import view_named
from rtp.features.values import FeatureRow, FeatureValue
from rtp.stores.feast_layout import encode_time, encoder_of, field_name, time_field, unknown_of
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

_WRITE_ROW = Script(f"""
-- KEYS: an entity's hash. ARGV: the time that its row must have, or '' for none newer than the new one; then names and
-- values by twos, "_ts:view" first. Gives 1 if written, 0 if what is there is newer, -1 if it has another time.
{_NEWER}
local old = redis.call('HGET', KEYS[1], ARGV[2])
if ARGV[1] ~= '' then
  if old ~= ARGV[1] then return -1 end
elseif old and old ~= ARGV[3] and newer(old, ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
""")
_ANOTHER_TIME = -1


class RowWrite(msgspec.Struct, frozen=True):
    """A row to write."""

    key: bytes
    at: int
    """Event time, in microseconds."""
    values: tuple[bytes, ...]
    """As :meth:`WritePlan.encoded` gives them."""


class WritePlan(msgspec.Struct, frozen=True):
    """How a view's rows are written: worked out once."""

    view: str
    join_keys: tuple[str, ...]
    time_field: bytes
    fields: tuple[bytes, ...]
    features: tuple[tuple[str, bytes, Callable[[FeatureValue], bytes]], ...]
    """Name, what stands for an unknown value, and encoder of each field's feature."""
    known: frozenset[str]

    def encoded(self, row: FeatureRow) -> tuple[bytes, ...]:
        """A value for each of `fields`; raises Rejected naming the feature that does not fit."""
        if not row.keys() <= self.known:
            unknown = ", ".join(sorted(row.keys() - self.known))
            raise Rejected(f"The feature view {self.view} has no feature {unknown}.", reason="UNKNOWN_FEATURE")
        values, name, get = [], "", row.get
        try:
            for name, nothing, encode in self.features:
                value = get(name)
                values.append(nothing if value is None else encode(value))
        except Rejected as error:
            raise Rejected(error.message, reason=error.reason, field=f"{self.view}:{name}") from error
        return tuple(values)


@lru_cache(maxsize=64)
def write_plan(view: str) -> WritePlan:
    """The plan of a view; raises Rejected for one there is not."""
    spec = view_named(view)
    features = tuple((name, unknown_of(kind), encoder_of(kind)) for name, kind in spec.types.items())
    fields = tuple(field_name(view, name) for name in spec.types)
    return WritePlan(view, spec.entity.join_keys, time_field(view), fields, features, frozenset(spec.types))


class RowWriter:
    """Writes rows, and remembers the ones written last."""

    def __init__(self, remembered: int = 0) -> None:
        """`remembered`: how many rows; about 3 KB each for those of `customer_live`."""
        self._most = remembered
        self._last: dict[tuple[bytes, bytes], RowWrite] = {}
        """By time field and key, the row used last at the end. A row is here once it is sent: what the next one is
        compared with is only true if Redis finds its time there."""

    async def write(self, client: Redis, plan: WritePlan, writes: Sequence[RowWrite]) -> int:
        """Returns how many were written. Raises redis-py's errors; rows may have been written then."""
        calls = [self._call(plan, each) for each in writes]
        try:
            answers = await _WRITE_ROW.call_many(client, calls)
        except BaseException:
            self._forget(plan, writes)
            raise
        self._forget(plan, [each for each, answer in zip(writes, answers, strict=True) if answer != 1])
        again = [each for each, answer in zip(writes, answers, strict=True) if answer == _ANOTHER_TIME]
        if again:
            answers += await _WRITE_ROW.call_many(client, [([each.key], _whole(plan, each)) for each in again])
        return answers.count(1)

    def _call(self, plan: WritePlan, write: RowWrite) -> tuple[list[Any], list[Any]]:
        if not self._most:
            return [write.key], _whole(plan, write)
        name = (plan.time_field, write.key)
        before = self._last.pop(name, None)
        if before is None and len(self._last) >= self._most:
            del self._last[next(iter(self._last))]
        if before is None or before.at <= write.at:
            self._last[name] = write
            return [write.key], _whole(plan, write) if before is None else _changed(plan, before, write)
        self._last[name] = before
        return [write.key], _whole(plan, write)

    def _forget(self, plan: WritePlan, writes: Sequence[RowWrite]) -> None:
        for each in writes:
            self._last.pop((plan.time_field, each.key), None)


def _whole(plan: WritePlan, write: RowWrite) -> list[bytes]:
    words = [b"", plan.time_field, encode_time(write.at)]
    for pair in zip(plan.fields, write.values, strict=True):
        words += pair
    return words


def _changed(plan: WritePlan, before: RowWrite, write: RowWrite) -> list[bytes]:
    words = [encode_time(before.at), plan.time_field, encode_time(write.at)]
    for field, old, new in zip(plan.fields, before.values, write.values, strict=True):
        if old != new:
            words += (field, new)
    return words

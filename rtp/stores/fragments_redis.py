"""Fragments on Redis: one hash each, written by compare-and-set; and who has counted which order."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from rtp.profile.fragment import (
    START,
    Fragment,
    FragmentState,
    Position,
    decode_effects,
    decode_state,
    encode_effects,
    encode_state,
)
from rtp.profile.store import Save
from rtp.stores.connections import answers
from rtp.stores.identity_keys import fragment_key, identifier_key
from rtp.stores.outage import outage_is_retryable
from rtp.stores.scripts import Script

SECONDS_A_DAY = 86_400
FIELDS = ("v", "s", "p", "c")

_SAVE = Script("""
-- KEYS: the fragment, its identifier. ARGV: version, watermark and epochs expected; then state, version, watermark,
-- effects and owner to set; seconds to live or 0. That a device is shared is never forgotten.
if (redis.call('HGET', KEYS[1], 'v') or '0') ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[1], 'w') or '') ~= ARGV[2] then return 0 end
if (redis.call('HGET', KEYS[2], 'e') or '') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[4], 'v', ARGV[5], 'w', ARGV[6], 'p', ARGV[7], 'c', ARGV[8])
if ARGV[9] ~= '0' then
  redis.call('EXPIRE', KEYS[1], ARGV[9])
  if redis.call('HEXISTS', KEYS[2], 's') == 0 then redis.call('EXPIRE', KEYS[2], ARGV[9]) end
end
return 1
""")

_CLEAR = Script("""
if redis.call('HGET', KEYS[1], 'v') == ARGV[1] then redis.call('HDEL', KEYS[1], 'p') end
return 1
""")


class RedisFragments:
    """FragmentStore on Redis."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def load(self, fragment_ids: Sequence[str], *, known: Mapping[str, Fragment] | None = None) -> list[Fragment]:
        """See FragmentStore."""
        known = known or {}
        commands = [("HMGET", fragment_key(each), *(("v",) if each in known else FIELDS)) for each in fragment_ids]
        with outage_is_retryable("reading fragments"):
            found_fields = await answers(self._client, commands)
        changed = [
            each
            for each, fields in zip(fragment_ids, found_fields, strict=True)
            if each in known and int(fields[0] or 0) != known[each].version
        ]
        found = dict(zip(changed, await self.load(changed), strict=True)) if changed else {}
        return [
            found.get(each) or known.get(each) or _read(*fields)
            for each, fields in zip(fragment_ids, found_fields, strict=True)
        ]

    async def save(self, saves: Sequence[Save]) -> list[bool]:
        """See FragmentStore."""
        calls = [_save_call(each) for each in saves]
        with outage_is_retryable("writing fragments"):
            return [answer == 1 for answer in await _SAVE.call_many(self._client, calls)]

    async def clear(self, drained: Sequence[tuple[str, int]]) -> None:
        """See FragmentStore."""
        calls = [([fragment_key(fragment)], [version]) for fragment, version in drained]
        with outage_is_retryable("clearing effects"):
            await _CLEAR.call_many(self._client, calls)


def _save_call(save: Save) -> tuple[list[str], list[Any]]:
    before, after = save.before, save.after
    keys = [fragment_key(save.fragment_id), identifier_key(save.fragment_id.partition(".")[0])]
    # A closed boundary is written with a blank behind it, as MOVE does.
    expected = [before.version, position_text(before.state.watermark), "".join(f"{each} " for each in save.epochs)]
    return keys, [
        *expected,
        encode_state(after.state),
        before.version + 1,
        position_text(after.state.watermark),
        encode_effects(after.pending),
        after.owner,
        (save.ttl_days or 0) * SECONDS_A_DAY,
    ]


def position_text(position: Position) -> str:
    """A watermark as a fragment's hash keeps it."""
    return "" if position == START else f"{position[0]}-{position[1]}"


def _read(version: bytes | None, state: bytes | None, pending: bytes | None, owner: bytes | None) -> Fragment:
    return Fragment(
        state=decode_state(state) if state else FragmentState(),
        version=int(version or 0),
        pending=decode_effects(pending) if pending else (),
        owner=(owner or b"").decode(),
    )


class RedisOrderClaims:
    """OrderClaims on Redis: small hashes, which cost a fraction of a key per order; kept for ever."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def claim(self, claims: Sequence[tuple[str, str]]) -> list[bool]:
        """See OrderClaims."""
        pipeline: Any = self._client.pipeline(transaction=False)
        digests = [_digest(claimant, 8) for _, claimant in claims]
        for (order, _), claimant in zip(claims, digests, strict=True):
            digest = _digest(order, 12)
            bucket = f"rtp:{{orders:{digest[:2].hex()}}}"
            pipeline.hsetnx(bucket, digest[2:], claimant)
            pipeline.hget(bucket, digest[2:])
        with outage_is_retryable("claiming orders"):
            answers = await pipeline.execute()
        return [winner == claimant for winner, claimant in zip(answers[1::2], digests, strict=True)]


def _digest(value: str, size: int) -> bytes:
    return hashlib.blake2b(value.encode(), digest_size=size).digest()

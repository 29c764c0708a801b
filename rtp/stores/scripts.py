"""Lua on Redis: called by digest, loaded again after a restart has forgotten it."""

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from rtp.stores.connections import answers


class Script:
    """One Lua script. Redis Functions would need 7.0; the embedded server is 6.2."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def call(self, client: Redis, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Runs the script once."""
        return (await self.call_many(client, [(keys, arguments)]))[0]

    async def call_many(self, client: Redis, calls: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> list[Any]:
        """Runs the script for each (keys, arguments) in one round trip; the script must be idempotent.

        Redis forgets scripts when it restarts: the calls it did not know are sent again after loading.
        Raises what the first failing call raised otherwise.
        """
        results = await self._pipeline(client, calls)
        missing = [index for index, result in enumerate(results) if isinstance(result, NoScriptError)]
        if missing:
            await client.script_load(self.source)
            for index, result in zip(
                missing, await self._pipeline(client, [calls[index] for index in missing]), strict=True
            ):
                results[index] = result
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    async def _pipeline(self, client: Redis, calls: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> list[Any]:
        commands = [("EVALSHA", self.digest, len(keys), *keys, *arguments) for keys, arguments in calls]
        return await answers(client, commands, raise_on_error=False, keys=[keys[0] for keys, _ in calls])

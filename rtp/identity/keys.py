"""Keys that stand for identifiers without showing them."""

import hashlib

from rtp.identity.types import Identifier

_BLOCK = 64
"""Bytes that SHA-256 works on at a time."""


class KeyedHash:
    """HMAC-SHA256 of "type:value" under the installation's own secret: without it, nobody can try e-mail addresses."""

    def __init__(self, secret: bytes) -> None:
        # HMAC's two halves, keyed once: this is done for each identifier of each event.
        key = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def partition_key(self, identifier: Identifier) -> str:
        """ "p" and 24 hexadecimal digits: the key of the events and the state that carry this identifier."""
        return "p" + self._digest(identifier)

    def customer_id(self, identifier: Identifier) -> str:
        """ "c" and 24 hexadecimal digits: the customer whose strongest identifier this is."""
        return "c" + self._digest(identifier)

    def shared_id(self, identifier: Identifier) -> str:
        """ "c" and 24 hexadecimal digits: the customer that stands for a shared device itself, and for no person."""
        return "c" + self._hash(f"shared:{identifier.type}:{identifier.value}")[:24]

    def card(self, token: str) -> str:
        """ "card_" and 32 hexadecimal digits, in place of a payment card's token."""
        return "card_" + self._hash(f"card:{token}")[:32]

    def suppression(self, identifier: Identifier) -> str:
        """32 hexadecimal digits by which an erased identifier is known again; they are no key of any state."""
        return self._hash(f"suppressed:{identifier.type}:{identifier.value}")[:32]

    def _digest(self, identifier: Identifier) -> str:
        return self._hash(f"{identifier.type}:{identifier.value}")[:24]

    def _hash(self, text: str) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.hexdigest()


def partition_of(partition_key: str, partitions: int) -> int:
    """The event log's partition of a partition key."""
    return int(partition_key[1:9], 16) % partitions

"""The moment: while a shopper does nothing new, every channel gets the same ranking."""

import hashlib
from typing import Protocol

import msgspec


class MomentKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a ranking depends on; an exposure or an open changes none of it.

    `subject` is the customer; for somebody who may not be personalized for, the context itself.
    """

    subject: str
    counter: int
    """Meaningful events of the customer so far."""
    policy: str
    model: str
    catalog: str
    experiments: str

    @property
    def digest(self) -> str:
        """A name for the key that tells nobody who it is."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


class Ranked(msgspec.Struct, frozen=True, array_like=True):
    """One product in a moment's ranking, and what the reasons are told from."""

    product_id: str
    probability: float
    value: float
    """Probability x contribution margin of a unit, in the currency's unit."""
    margin_rate: float | None
    """None where price or cost is unknown."""
    own_baskets: int = 0
    days_since: float | None = None
    gap_days: float | None = None
    """Days between its purchases by this customer."""
    signals: int = 0
    """Bits of `Signal`."""


class Signal:
    """Why a product came into question."""

    HABIT = 1
    COMPANION = 2
    KINDRED = 4
    CONTEXT = 8
    STORE = 16
    POPULAR = 32
    VIEWED = 64


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A ranking, as every channel gets it until it is over."""

    moment_id: str
    created_at: int
    """Microseconds since 1970 UTC."""
    ranking: tuple[Ranked, ...]
    candidates: int
    contextual: bool
    fallback: str | None = None
    """Why the model was not used, if it was not."""


class Moments(Protocol):
    """Keeps moments: the first writer wins, and everybody reads what it wrote."""

    async def get(self, key: str) -> Moment | None:
        """The moment under way, if any."""
        ...

    async def put_first(self, key: str, moment: Moment, *, ttl_seconds: int) -> Moment:
        """Stores it unless one is under way; returns the one that counts."""
        ...

"""What a decision needs from elsewhere."""

from typing import Protocol

from rtp.decisioning.catalog import Catalog
from rtp.decisioning.decision import DecisionRecord
from rtp.decisioning.score import Ranker


class DecisionLog(Protocol):
    """Keeps what was decided."""

    async def append(self, record: DecisionRecord) -> None:
        """Stores a record durably, for the archive and for `get`."""
        ...

    async def get(self, decision_id: str) -> DecisionRecord | None:
        """A record not older than the log keeps them."""
        ...


class Knowledge(Protocol):
    """The catalogue and model in use; both may change between two calls, never during one."""

    @property
    def catalog(self) -> Catalog | None:
        """None before the first build."""
        ...

    @property
    def ranker(self) -> Ranker | None:
        """None before the first model was promoted."""
        ...

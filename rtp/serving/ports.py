"""Everything the routes work with, ready-made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from litestar.connection import ASGIConnection

from rtp.clock import Clock
from rtp.decisioning.decide import Decider
from rtp.features.online import OnlineStore
from rtp.identity.graph import IdentityGraph
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling
from rtp.inventory.stock import MovementLog, StockStore
from rtp.profile.consent import ConsentReader
from rtp.profile.erasure import Regulations
from rtp.profile.history import HeldRecords, History
from rtp.profile.projector import Projector
from rtp.settings import Settings
from rtp.signals.log import EventSink
from rtp.signals.rejection import RejectedLog
from rtp.stores.erasure.run import Erasure
from rtp.stores.keyring import Keyring

Readiness = Callable[[], Awaitable[dict[str, str]]]
"""What the API needs, by name: "" where it is well, else what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of the HTTP API; made by :mod:`rtp.serving.assemble`."""

    settings: Settings
    keyring: Keyring
    keyed_hash: KeyedHash
    spelling: Spelling
    clock: Clock
    log: EventSink
    rejected: RejectedLog
    stock: StockStore
    movements: MovementLog
    graph: IdentityGraph
    consent: ConsentReader
    online: OnlineStore
    projector: Projector
    decider: Decider
    history: History
    records: HeldRecords
    erasure: Erasure
    regulations: Regulations
    readiness: Readiness


def ports_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Ports:
    """The ports of the application that the request came to."""
    return cast("Ports", connection.app.state.ports)

"""Audiences on disk: their definitions in config/, who is in now, and who was sent last."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rtp.activation.audiences import Audience, Hashed, hashed
from rtp.errors import Fatal
from rtp.stores.lake import Lake, write_private
from rtp.stores.marts import marts_session
from rtp.yaml_config import read_config

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Definition(msgspec.Struct, frozen=True):
    """An audience with its query."""

    audience_id: str
    audience: Audience
    sql: str


class Sent(msgspec.Struct, frozen=True):
    """Who the destination knows as members: what the next delta starts from."""

    snapshot: str = ""
    """The published version it was computed on; empty while one is half sent."""
    sent_at: datetime | None = None
    members: Mapping[str, Hashed] = {}


def read_audiences(config_dir: Path) -> list[Definition]:
    """Every audience in `config/audiences`; raises Fatal with file and line where one cannot be read."""
    return [_read(path) for path in sorted((config_dir / "audiences").glob("*.yaml"))]


def _read(path: Path) -> Definition:
    query = path.with_suffix(".sql")
    if not query.exists():
        raise Fatal(f"{path} has no query.", hint=f"Write one that selects customer_id into {query.name}.")
    return Definition(path.stem, read_config(path, Audience), query.read_text())


class AudienceFiles:
    """The members as last sent, one file an audience."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sent(self, audience_id: str) -> Sent:
        """What was sent so far; nobody at first."""
        path = self._path(audience_id)
        return msgspec.json.decode(path.read_bytes(), type=Sent) if path.exists() else Sent()

    def record(self, audience_id: str, sent: Sent) -> None:
        """Replaces it, durably, before the next batch goes out."""
        write_private(self._path(audience_id), msgspec.json.encode(sent))

    def _path(self, audience_id: str) -> Path:
        return self._folder / f"{audience_id}.json"


def members(lake: Lake, definition: Definition) -> dict[str, Hashed]:
    """Customers the query selects who consented and can be matched, with their hashed identifiers.

    Raises Fatal where nothing is published yet or the query fails.
    """
    import duckdb

    with marts_session(lake) as connection:
        try:
            rows = _reachable(connection, definition)
        except duckdb.Error as error:
            raise Fatal(
                f"Audience {definition.audience_id} cannot be computed: {str(error).splitlines()[0]}",
                hint=f"Mend config/audiences/{definition.audience_id}.sql; docs/warehouse.md lists the marts.",
            ) from error
    found: dict[str, dict[str, str]] = {}
    for customer_id, identifier_type, value in rows:
        found.setdefault(customer_id, {}).setdefault(identifier_type, hashed(identifier_type, value))
    return dict(found)


def _reachable(connection: "DuckDBPyConnection", definition: Definition) -> list[tuple[str, str, str]]:
    """(customer, identifier type, value) of consenting members; the oldest identifier of a type comes first."""
    audience = definition.audience
    consent = f"consent_{audience.purpose}_{audience.channel}"
    connection.execute(f"create view audience as {definition.sql.rstrip().rstrip(';')}")
    columns = {row[0] for row in connection.execute("describe customer_profile").fetchall()}
    given = f"profile.{consent}" if consent in columns else f"profile.consent_{audience.purpose}"
    types = ", ".join(f"'{name}'" for name in audience.identifiers)
    return connection.execute(  # type: ignore[no-any-return]
        f"""
        select member.customer_id, identifier.identifier_type, identifier.identifier_value
        from (select distinct customer_id from audience) as member
        join customer_profile as profile using (customer_id)
        join customer_identifier as identifier using (customer_id)
        where {given} is true and identifier.identifier_type in ({types})
        order by 1, 2, identifier.first_seen_at nulls last, 3
        """
    ).fetchall()

"""What a load is about to take in, without the people who were erased."""

from pathlib import Path

import duckdb

from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling, normalize
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.erasure import Subject
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.erasure.lake import LakeFiles, parquet_files
from rtp.stores.erasure.rows import columns_of
from rtp.stores.erasure.subject import CONTACTS
from rtp.stores.feeds.session import feed_session
from rtp.stores.suppression import SuppressionFile


class LandingCheck:
    """To be called with the folder of the files that a load has checked, before they appear in the lake."""

    def __init__(self, suppressed: SuppressionFile, keys: KeyedHash, spelling: Spelling) -> None:
        self._suppressed = suppressed
        self._keys = keys
        self._spelling = spelling

    def __call__(self, folder: Path) -> None:
        """Takes erased people out of every Parquet file below; costs nothing while nobody was erased."""
        digests = self._suppressed.read()
        if not digests:
            return
        with feed_session() as connection:
            subject = self._erased_in(connection, folder, digests)
        if subject != Subject():
            LakeFiles("load", folder).clean(subject)

    def _erased_in(self, connection: duckdb.DuckDBPyConnection, folder: Path, digests: frozenset[str]) -> Subject:
        identifiers: set[Identifier] = set()
        references: set[tuple[str, str]] = set()
        for path in parquet_files(folder):
            relation = f"read_parquet({literal(str(path))})"
            columns = columns_of(connection, relation)
            if not {"source", "customer_ref"} <= set(columns):
                continue
            contacts = [kind for kind in CONTACTS if kind in columns]
            wanted = ", ".join(["source", "customer_ref", *contacts])
            for source, ref, *values in connection.execute(f"select distinct {wanted} from {relation}").fetchall():
                found = self._named(source, ref, dict(zip(contacts, values, strict=True)))
                if not digests.isdisjoint(map(self._keys.suppression, found)):
                    identifiers |= found
                    references.add((source, ref))
        return Subject(identifiers=frozenset(identifiers), references=frozenset(references))

    def _named(self, source: str, ref: str, contacts: dict[IdentifierType, str]) -> set[Identifier]:
        found = {normalize(kind, value, spelling=self._spelling) for kind, value in contacts.items() if value}
        reference = Identifier(IdentifierType.CUSTOMER_REF, f"{source}:{ref}")
        return {reference, *(each for each in found if each is not None)}

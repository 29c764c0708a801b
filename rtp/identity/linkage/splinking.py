"""Splink, started on the prepared records: the one place that speaks to it."""

import logging
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt

from rtp.identity.linkage.comparisons import comparisons_of
from rtp.identity.linkage.meanings import Meaning
from rtp.identity.linkage.prepare import RECORDS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Scores(msgspec.Struct, frozen=True):
    """Compared pairs of records with the base-2 logarithm of their odds to be one person."""

    left: Ints
    right: Ints
    weight: Floats

    def __len__(self) -> int:
        return len(self.weight)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Scores":
        """Those chosen."""
        return Scores(self.left[chosen], self.right[chosen], self.weight[chosen])


def probability(weight: Floats) -> Floats:
    """The probability that a match weight stands for."""
    found: Floats = 1.0 / (1.0 + np.exp2(-weight))
    return found


def untrained(meanings: Collection[Meaning], share: float) -> dict[str, Any]:
    """Settings that have learned nothing yet; `share` of all pairs are expected to be one person."""
    with _quietly():
        from splink import SettingsCreator

        creator = SettingsCreator(
            link_type="dedupe_only",
            comparisons=comparisons_of(meanings),
            probability_two_random_records_match=share,
            retain_matching_columns=False,
            unique_id_column_name="_record",
        )
        settings: dict[str, Any] = creator.create_settings_dict("duckdb")
    return settings


def start(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any]) -> tuple[Any, Any]:
    """Splink's database API and a linker over RECORDS."""
    with _quietly():
        from splink import DuckDBAPI, Linker

        logging.getLogger("splink").setLevel(logging.ERROR)
        api = DuckDBAPI(connection)
        return api, Linker(api.register(RECORDS), dict(settings), log_level=None)


def score(
    connection: duckdb.DuckDBPyConnection, settings: Mapping[str, Any], pairs: str, *, at_least: float | None = None
) -> Scores:
    """The pairs l, r of a table, compared; only those of a match weight of `at_least`, if it is given."""
    api, linker = start(connection, settings)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE linkage_blocked AS SELECT '0' AS match_key, l AS join_key_l, r AS join_key_r "
        f"FROM {pairs}"
    )
    linker.table_management.register_blocked_pairs_for_predict(api.register("linkage_blocked"))
    found = linker.inference.predict(threshold_match_weight=at_least, warning_mode="never")
    rows = connection.execute(
        f"SELECT _record_l AS l, _record_r AS r, match_weight AS w FROM {found.physical_name} ORDER BY l, r"
    ).fetchnumpy()
    api.delete_tables_created_by_splink_from_db()
    return Scores(rows["l"].astype(np.int64), rows["r"].astype(np.int64), rows["w"].astype(np.float64))


class _quietly(warnings.catch_warnings):  # noqa: N801  (a context manager is named like a function)
    """What Splink's own dependencies warn of is of no use to whoever links records."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")

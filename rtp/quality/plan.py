"""From a suite to the expectations that are put to a table now, given what was accepted before."""

import msgspec

from rtp.quality.profile import Baseline, ColumnProfile
from rtp.quality.suite import Expect, Family, Frame, Order, Range, TableSuite


def plan(suite: TableSuite, baseline: Baseline | None, rows: int, published: int | None) -> list[Expect]:
    """All expectations of `suite`; those that compare are left out where there is nothing to compare with.

    `rows` is how many rows will be looked at, `published` how many the published version of a mart has.
    """
    table = _table_checks(suite, published)
    feed = _feed_checks(suite) if suite.layer == "feeds" else []
    own = suite.own if rows else ()
    compared = baseline if rows >= suite.min_drift_rows else None
    return [*feed, *table, *([*_row_checks(suite, baseline), *_drift(suite, compared)] if rows else []), *own]


def _feed_checks(suite: TableSuite) -> list[Expect]:
    return [
        Expect(
            name="expect_column_pair_values_to_be_equal",
            kwargs={"column_A": "expected", "column_B": "found"},
            description="every column has the type that the table's contract promises",
            frame=Frame.COLUMNS,
            family=Family.TYPES,
            severity=suite.severity(Family.TYPES),
        ),
        *(_refused(suite, *one) for one in _REFUSALS),
    ]


_REFUSALS = (
    ("duplicate_share", Family.DUPLICATES, "repeat the keys of another row"),
    ("missing_share", Family.MISSING, "were refused because a value is missing"),
    ("type_share", Family.TYPES, "were refused because a value is not of its type"),
    ("other_share", Family.QUARANTINE, "were refused for what their values say"),
)


def _refused(suite: TableSuite, column: str, family: Family, told: str) -> Expect:
    limit = suite.max_repeated if family is Family.DUPLICATES else suite.max_quarantined
    described = f"at most {limit:.1%} of a file's rows {told}"
    return _between(suite, column, Range(max=limit), described, Frame.REFUSED, family)


def _table_checks(suite: TableSuite, published: int | None) -> list[Expect]:
    checks = []
    if suite.min_rows:
        told = f"there are at least {suite.min_rows} rows"
        checks.append(_between(suite, "rows", Range(min=suite.min_rows), told, Frame.TABLE, Family.ROWS))
    if suite.max_age_hours and suite.time:
        limits = Range(min=-suite.max_ahead_hours, max=suite.max_age_hours)
        told = f"the newest {suite.time} is at most {suite.max_age_hours:g} hours old, and not in the future"
        checks.append(_between(suite, "hours_since_newest", limits, told, Frame.TABLE, Family.FRESHNESS))
    if suite.max_row_drop and published:
        limits = Range(min=1 - suite.max_row_drop)
        told = f"it lost at most {suite.max_row_drop:.0%} of the rows that the published version has"
        checks.append(_between(suite, "rows_kept", limits, told, Frame.TABLE, Family.ROW_DROP))
    return checks


def _row_checks(suite: TableSuite, baseline: Baseline | None) -> list[Expect]:
    return [
        *_missing(suite, baseline),
        *_duplicates(suite),
        *(_between(suite, name, limits, _told(name, limits)) for name, limits in suite.ranges.items()),
        *(_choice(suite, name, values) for name, values in suite.choices.items()),
        *(_order(suite, order) for order in suite.ordered),
    ]


def _missing(suite: TableSuite, baseline: Baseline | None) -> list[Expect]:
    checks = []
    for column, limit in suite.max_missing.items():
        accepted = baseline.missing.get(column) if baseline else None
        share = limit if accepted is None else min(limit, accepted + suite.max_missing_rise)
        told = f"{column} is never missing" if share == 0 else f"{column} is missing in at most {share:.1%} of the rows"
        checks.append(
            Expect(
                name="expect_column_values_to_not_be_null",
                kwargs={"column": column, "mostly": 1 - share},
                description=told,
                family=Family.MISSING,
                severity=suite.severity(Family.MISSING),
            )
        )
    return checks


def _duplicates(suite: TableSuite) -> list[Expect]:
    if not suite.unique:
        return []
    named = [column for column in suite.unique if column != "delivery"]
    mostly = {"mostly": 1 - suite.max_duplicates} if suite.max_duplicates else {}
    one = len(suite.unique) == 1
    return [
        Expect(
            name="expect_column_values_to_be_unique" if one else "expect_compound_columns_to_be_unique",
            kwargs={**({"column": suite.unique[0]} if one else {"column_list": list(suite.unique)}), **mostly},
            description=f"no two rows{' of one file' if suite.layer == 'feeds' else ''} have the same "
            + ", ".join(named),
            family=Family.DUPLICATES,
            severity=suite.severity(Family.DUPLICATES),
        )
    ]


def _between(
    suite: TableSuite,
    column: str,
    limits: Range,
    told: str,
    frame: Frame = Frame.ROWS,
    family: Family = Family.RANGES,
) -> Expect:
    bounds = {"min_value": limits.min, "max_value": limits.max}
    return Expect(
        name="expect_column_values_to_be_between",
        kwargs={"column": column, "mostly": limits.mostly}
        | {name: bound for name, bound in bounds.items() if bound is not None},
        description=told,
        frame=frame,
        family=family,
        severity=suite.severity(family),
    )


def _told(column: str, limits: Range) -> str:
    low = f"at least {limits.min:g}" if limits.min is not None else ""
    high = f"at most {limits.max:g}" if limits.max is not None else ""
    most = "" if limits.mostly == 1 else f" in {limits.mostly:.1%} of the rows"
    return f"{column} is {' and '.join(part for part in (low, high) if part)}{most}"


def _choice(suite: TableSuite, column: str, values: tuple[str, ...]) -> Expect:
    return Expect(
        name="expect_column_values_to_be_in_set",
        kwargs={"column": column, "value_set": list(values)},
        description=f"{column} is one of {', '.join(values)}",
        family=Family.CHOICES,
        severity=suite.severity(Family.CHOICES),
    )


def _order(suite: TableSuite, order: Order) -> Expect:
    kwargs = {"column_A": order.high, "column_B": order.low, "or_equal": True}
    among = "" if order.floor is None else f" where that is at least {order.floor:g}"
    return Expect(
        name="expect_column_pair_values_a_to_be_greater_than_b",
        kwargs={**kwargs, "ignore_row_if": "either_value_is_missing"},
        description=f"{order.low} is at most {order.high}{among}",
        family=Family.ORDER,
        severity=suite.severity(Family.ORDER),
        floor=order.floor,
    )


def _drift(suite: TableSuite, baseline: Baseline | None) -> list[Expect]:
    profiles = baseline.columns if baseline else {}
    return [
        Expect(
            name="expect_column_kl_divergence_to_be_less_than",
            kwargs={"column": column, "threshold": suite.max_drift, **_partition(profiles[column])},
            description=f"{column} is distributed as in the last accepted feed",
            family=Family.DRIFT,
            severity=suite.severity(Family.DRIFT),
        )
        for column in suite.drift
        if column in profiles
    ]


UNSEEN = 0.005
"""The share that a category which was never seen before is taken to have had."""


def _partition(profile: ColumnProfile) -> dict[str, object]:
    if profile.values:
        partition = {"values": list(profile.values), "weights": list(profile.weights)}
        return {"partition_object": partition, "tail_weight_holdout": UNSEEN}
    partition = {"bins": list(profile.bins), "weights": list(profile.weights), "tail_weights": list(profile.tails)}
    return {"partition_object": msgspec.to_builtins(partition)}

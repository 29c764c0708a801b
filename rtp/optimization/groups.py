"""Who is looked at, and when: a customer before a basket, what they had bought by then, and what the basket held.

All on the tables of rtp.optimization.sales.prepare.
"""

import duckdb
import msgspec

from rtp.optimization.sales import Columns, query

GAMMA = 0.97
"""How much a purchase weighs after one more basket."""


class Labels(msgspec.Struct, frozen=True):
    """Which baskets are to be foretold: those of a period, or the last ones of each customer."""

    since: int = 0
    """Seconds since 1970 UTC; only baskets from then on."""
    from_end: tuple[int, int] = (1, 2**31 - 1)
    """First and last place counted from the customer's last basket (which is 1)."""
    first_only: bool = False
    """Only the first such basket of each customer."""
    most: int = 2**31 - 1
    """At most so many, drawn evenly over customers and time."""


def group_customers(db: duckdb.DuckDBPyConnection) -> None:
    """Makes `wanted`: one group a customer, with all their baskets."""
    db.execute(
        """
        create or replace temp table wanted as
        select cast(row_number() over (order by customer_id) - 1 as integer) as grp, customer_id,
               max(number) + 1 as before
        from basket group by customer_id
        """
    )


def group_labels(db: duckdb.DuckDBPyConnection, labels: Labels) -> Columns:
    """Makes `wanted`: one group a basket to be foretold, with what came before it; gives the groups.

    Baskets without any before them are left out: nothing could be known.
    """
    db.execute(
        """
        create or replace temp table wanted as
        with chosen as (
            select customer_id, number, moment, store_id, hash(customer_id || order_id) as draw,
                   row_number() over (partition by customer_id order by number) as turn
            from basket
            where number > 1 and moment >= ? and total - number + 1 between ? and ?
        ),
        kept as (select * from chosen where turn = 1 or not ? order by draw limit ?)
        select cast(row_number() over (order by customer_id, number) - 1 as integer) as grp,
               customer_id, number as before, moment as label_moment, store_id as label_store_id
        from kept
        """,
        [labels.since, *labels.from_end, labels.first_only, labels.most],
    )
    return query(
        db,
        """
        select customer_id, label_moment as moment, coalesce(store, -1) as store
        from wanted left join known_store on store_id = label_store_id order by grp
        """,
    )


def truths(db: duckdb.DuckDBPyConnection) -> Columns:
    """One row a group and product in the basket to be foretold."""
    return query(
        db,
        """
        select distinct grp, product from wanted
        join item on item.customer_id = wanted.customer_id and item.number = wanted.before
        order by grp, product
        """,
    )


def habits(db: duckdb.DuckDBPyConnection) -> Columns:
    """One row a group and product: what the group's customer had bought before basket number `before`."""
    return query(
        db,
        """
        select grp, product, cast(count(*) as float) as baskets,
               cast(sum(pow(?, before - 1 - number)) as float) as decayed,
               min(moment) as first_at, max(moment) as last_at, cast(min(before - 1 - number) as integer) as since
        from wanted join item using (customer_id) where number < before
        group by grp, product order by grp, product
        """,
        [GAMMA],
    )


def group_stats(db: duckdb.DuckDBPyConnection) -> Columns:
    """One row a group: the customer's figures before basket number `before`."""
    return query(
        db,
        """
        select grp, cast(count(number) as double) as baskets, cast(min(moment) as double) as first_at,
               cast(max(moment) as double) as last_at,
               (max(moment) - min(moment)) / 86400.0 / nullif(count(number) - 1, 0) as mean_gap_days,
               avg(lines) as mean_lines, avg(log_price) as log_price, avg(discount_share) as discount_share,
               coalesce(mode(known_store.store), -1) as favourite_store
        from wanted left join basket on basket.customer_id = wanted.customer_id and number < before
        left join known_store using (store_id)
        group by grp order by grp
        """,
    )

"""Real households to make shoppers of: what they buy, where, and by which names a channel knows them."""

from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec

from rtp.errors import Rejected


class SoldProduct(msgspec.Struct, frozen=True):
    """A product as the shop shows it."""

    product_id: str
    name: str
    category: str
    price: Decimal


class Household(msgspec.Struct, frozen=True, kw_only=True):
    """One household of the loaded data and its usual products, most bought first."""

    source: str
    user_id: str
    email: str | None
    loyalty_id: str | None
    store_id: str | None
    shops_online: bool
    products: tuple[SoldProduct, ...]


_QUERY = """
with lines as (
    select source, customer_ref, product_id, store_id, channel, order_id
    from read_parquet($lines, union_by_name = true)
    where customer_ref is not null
),
recent as (
    select source, customer_ref from lines group by source, customer_ref having count(distinct order_id) >= $orders
),
own as (select lines.* from lines join recent using (source, customer_ref)),
habits as (
    select source, customer_ref, product_id, count(*) as times,
        row_number() over (partition by source, customer_ref order by count(*) desc, product_id) as place
    from own group by source, customer_ref, product_id
),
catalogue as (
    select product_id, any_value(name) as name, any_value(category) as category, max(list_price) as list_price
    from read_parquet($products, union_by_name = true) group by product_id
),
shelf as (
    select source, customer_ref, list({
        'product_id': product_id, 'name': coalesce(name, product_id), 'category': coalesce(category, ''),
        'price': list_price
    } order by place) as products
    from habits join catalogue using (product_id)
    where place <= 40 and list_price > 0
    group by source, customer_ref
),
habit as (
    select source, customer_ref,
        mode(store_id) filter (channel = 'store') as store_id,
        avg((channel in ('web', 'app'))::int) > 0.1 as shops_online
    from own group by source, customer_ref
),
people as (
    select source, customer_ref, max(user_id) as user_id, max(email) as email, max(loyalty_id) as loyalty_id
    from read_parquet($customers, union_by_name = true) group by source, customer_ref
)
select source, coalesce(user_id, customer_ref) as user_id, email, loyalty_id, shops_online, products,
    coalesce(store_id, (select mode(store_id) from lines where channel = 'store')) as store_id
from shelf join habit using (source, customer_ref) left join people using (source, customer_ref)
where user_id is not null or not exists (from people where user_id is not null)
order by md5(source || customer_ref || $seed)
limit $wanted
"""


def read_households(feeds: Path, *, wanted: int, seed: int, least_orders: int = 3) -> list[Household]:
    """A seeded choice of `wanted` households that ordered at least `least_orders` times, from the loaded feeds.

    Raises Rejected if there is none.
    """
    with duckdb.connect() as connection:
        rows = connection.execute(
            _QUERY,
            {
                "lines": f"{feeds}/order_lines/*.parquet",
                "products": f"{feeds}/products/*.parquet",
                "customers": f"{feeds}/customers/*.parquet",
                "wanted": wanted,
                "orders": least_orders,
                "seed": str(seed),
            },
        ).fetchall()
        names = [column[0] for column in connection.description or []]
    if not rows:
        raise Rejected(
            "No household has enough orders to make shoppers of.",
            reason="NO_HOUSEHOLDS",
            hint="Load a year of order lines that carry customer_ref: `rtp load DIR`.",
        )
    return [msgspec.convert(dict(zip(names, row, strict=True)), Household) for row in rows]

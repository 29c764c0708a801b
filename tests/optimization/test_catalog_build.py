"""The catalogue says what the purchases say, and nothing that came after its moment."""

import duckdb
import numpy as np

from rtp.decisioning.catalog import Catalog, arrays_of, daypart, from_arrays
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.groups import GAMMA
from rtp.optimization.sales import Window
from tests.decisioning.conftest import AS_OF, DAY


def test_habits_are_what_a_plain_loop_over_the_baskets_counts(
    shop: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    rows = shop.execute("select o, p, at_s from raw where c = 'c007' order by at_s, o").fetchall()
    orders = list(dict.fromkeys(order for order, _, _ in rows))
    habits = catalog.habits("c007")
    assert habits is not None
    for place, index in enumerate(habits.product):
        bought = [(order, at) for order, product, at in rows if product == catalog.product_id(index)]
        numbers = sorted({orders.index(order) for order, _ in bought})
        assert habits.baskets[place] == len(numbers)
        assert habits.since[place] == len(orders) - 1 - numbers[-1]
        expected = sum(GAMMA ** (len(orders) - 1 - number) for number in numbers)
        np.testing.assert_allclose(habits.decayed[place], expected, rtol=1e-5)
        assert (habits.first_at[place], habits.last_at[place]) == (
            min(at for _, at in bought),
            max(at for _, at in bought),
        )


def test_nothing_after_the_moment_is_in_it(shop: duckdb.DuckDBPyConnection) -> None:
    cut = int(AS_OF.timestamp()) - 60 * DAY
    built = build_catalog(shop, Window(as_of=cut))
    assert built.customers.last_at.max() < cut
    bought = shop.execute("select count(distinct (o, p)) from raw where at_s < ?", [cut]).fetchall()[0][0]
    assert built.customers.baskets.sum() == bought


def test_held_out_baskets_are_in_no_part_of_it(shop: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    held = build_catalog(shop, Window(as_of=int(AS_OF.timestamp()), hold_out=2))
    assert (held.customers.stats[:, 0] == catalog.customers.stats[:, 0] - 2).all()


def test_companions_find_each_other(catalog: Catalog) -> None:
    product = catalog.product("p036")
    assert product is not None
    index, score = catalog.products.neighbours.row(product)
    assert catalog.product_id(index[0]) == "p037"
    assert (np.diff(score) <= 0).all()
    assert product not in index


def test_a_customer_is_nobodys_kin_of_their_own(shop: duckdb.DuckDBPyConnection) -> None:
    """With one customer alone there is nobody alike, so nothing may be learned from "others"."""
    alone = duckdb.connect()
    for view in ("product", "store"):
        alone.register(view, shop.sql(f"select * from {view}").to_arrow_table())
    mine = shop.sql("select * from order_line where customer_id = 'c001'").to_arrow_table()
    alone.register("order_line", mine)
    built = build_catalog(alone, Window(as_of=int(AS_OF.timestamp())))
    assert built.customers.kindred.value.sum() == 0


def test_unknown_ids_are_none(catalog: Catalog) -> None:
    assert catalog.product("zzz") is None
    assert catalog.store("") is None
    assert catalog.habits("c999") is None


def test_the_same_purchases_give_the_same_version_and_others_another(shop: duckdb.DuckDBPyConnection) -> None:
    window = Window(as_of=int(AS_OF.timestamp()))
    assert build_catalog(shop, window).version == build_catalog(shop, window).version
    assert build_catalog(shop, Window(as_of=window.as_of - 30 * DAY)).version != build_catalog(shop, window).version


def test_parts_of_the_week_are_counted_alike_in_sql_and_in_python(shop: duckdb.DuckDBPyConnection) -> None:
    moments = [int(AS_OF.timestamp()) + hours * 3_600 for hours in range(24 * 8)]
    counted = shop.execute(
        "select case when (m // 86400 + 4) % 7 in (0, 6) then 6 + m % 86400 // 43200 else m % 86400 // 14400 end"
        " from (select unnest(?) as m)",
        [moments],
    ).fetchall()
    assert [part for (part,) in counted] == [daypart(moment) for moment in moments]


def test_a_catalogue_comes_back_from_its_arrays(catalog: Catalog) -> None:
    again = from_arrays(catalog.version, catalog.as_of, arrays_of(catalog))
    first, second = catalog.habits("c003"), again.habits("c003")
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.decayed, second.decayed)

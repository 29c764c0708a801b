"""The committed miniature retailer: made by its script, and shaped like a retailer."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from rtp.settings import checkout_root
from rtp.simulation.sample import LAST_DAY, World, make_world
from rtp.simulation.sample.purchases import UNKNOWN_PRODUCTS
from rtp.simulation.sample.write import write_sample

SAMPLE = checkout_root() / "tests" / "data" / "sample"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def test_the_committed_files_are_what_the_script_writes(world: World, tmp_path: Path) -> None:
    """Make them again with `python -m rtp.simulation.sample tests/data/sample`."""
    write_sample(tmp_path, world)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in SAMPLE.iterdir())
    assert [name for name in names if (tmp_path / name).read_bytes() != (SAMPLE / name).read_bytes()] == []
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 1_500_000


def test_people_have_habits(world: World) -> None:
    bought: dict[int, Counter[str]] = {}
    for line in world.lines:
        bought.setdefault(line.person.number, Counter())[line.product_id] += 1
    regulars = [counts for counts in bought.values() if counts.total() > 40]
    favourites = [sum(count for _, count in counts.most_common(3)) / counts.total() for counts in regulars]
    assert sum(favourites) / len(favourites) > 0.3


def test_some_have_lapsed_and_some_products_are_unknown(world: World) -> None:
    last = {line.person.number: line.ordered_at.date() for line in world.lines}
    assert sum(day < LAST_DAY - timedelta(days=45) for day in last.values()) >= 3
    assert any(line.product_id in UNKNOWN_PRODUCTS for line in world.lines)
    assert any(line.returned for line in world.lines)
    assert any(not line.known for line in world.lines)


def test_ice_cream_sells_in_summer_and_pasta_with_sauce(world: World) -> None:
    category = {product.product_id: product.category.name for product in world.products}
    months = Counter(line.ordered_at.month for line in world.lines if category.get(line.product_id) == "Ice Cream")
    assert sum(months[month] for month in (6, 7, 8)) > 3 * sum(months[month] for month in (12, 1, 2))
    baskets: dict[str, set[str]] = {}
    for line in world.lines:
        baskets.setdefault(line.order_id, set()).add(category.get(line.product_id, ""))
    with_pasta = [basket for basket in baskets.values() if "Pasta" in basket]
    share = sum("Pasta Sauce" in basket for basket in with_pasta) / len(with_pasta)
    assert share > 1.5 * sum("Pasta Sauce" in basket for basket in baskets.values()) / len(baskets)

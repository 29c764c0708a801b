"""The contracts themselves, and what is written about them."""

import pytest

from rtp.errors import Rejected
from rtp.settings import checkout_root
from rtp.signals.feeds import CONTRACTS, TableContract, contract
from rtp.signals.feeds.document import table_section


@pytest.mark.parametrize("table", CONTRACTS.values(), ids=list(CONTRACTS))
def test_keys_are_required_columns_and_names_are_unique(table: TableContract) -> None:
    names = [column.name for column in table.columns]
    assert set(table.keys) <= set(table.required_columns)
    assert len(names) == len(set(names))
    assert not any(name.startswith("_") for name in names)


@pytest.mark.parametrize("table", CONTRACTS.values(), ids=list(CONTRACTS))
def test_the_guide_documents_every_table_as_it_is(table: TableContract) -> None:
    """Mend docs/data.md with the output of `python -m rtp.signals.feeds`."""
    guide = (checkout_root() / "docs" / "data.md").read_text(encoding="utf-8")
    assert table_section(table) in guide


def test_an_unknown_table_is_answered_with_the_tables_there_are() -> None:
    with pytest.raises(Rejected, match=r"no feed table named 'orders'.*order_lines"):
        contract("orders")

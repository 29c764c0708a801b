"""The project's own unit tests, which builds leave out."""

import msgspec

from rtp.settings import Settings
from rtp.stores.warehouse import warehouse_lock
from rtp.stores.warehouse_build import run_dbt


def test_dbt_unit_tests_pass(built: Settings) -> None:
    with warehouse_lock(built):
        result = run_dbt(built, ["test", "--select", "test_type:unit"])
    assert result.nodes >= 5
    assert msgspec.to_builtins(result)["warnings"] == 0

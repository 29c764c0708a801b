"""The one list of features holds together, and its guide with it."""

import pytest

from rtp.errors import Rejected
from rtp.features.references import parse_reference, service_named, view_named
from rtp.features.view import View
from rtp.features.views import BATCH_VIEWS, SERVICES, VIEWS
from rtp.settings import checkout_root

GUIDE = (checkout_root() / "docs" / "features.md").read_text()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_guide_lists_every_feature_as_defined(view: View) -> None:
    assert f"## View `{view.name}`" in GUIDE
    for feature in view.features:
        assert f"| `{feature.name}` | {feature.type.value} | {feature.meaning} |" in GUIDE


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_names_within_a_view_are_unique_and_no_join_keys(view: View) -> None:
    assert len(set(view.feature_names)) == len(view.feature_names)
    assert not set(view.feature_names) & set(view.entity.join_keys)


def test_references_lead_to_their_view_and_feature() -> None:
    for service in SERVICES:
        assert service_named(service.name) is service
        for reference in service.references:
            view, feature = parse_reference(reference)
            assert f"{view.name}:{feature.name}" == reference
            assert view_named(view.name) is view


def test_an_unknown_service_is_told_which_there_are() -> None:
    with pytest.raises(Rejected, match="next_best_action_v1"):
        service_named("nonsense")


@pytest.mark.parametrize("view", BATCH_VIEWS, ids=lambda view: view.name)
def test_every_batch_feature_is_a_column_of_its_mart(view: View) -> None:
    """The mart's contract in dbt names every column that the view is made of."""
    [contract] = (checkout_root() / "dbt_project" / "models" / "marts").rglob(f"{view.mart}.yml")
    columns = contract.read_text()
    for name in (*view.entity.join_keys, "as_of", *view.feature_names):
        assert f"- name: {name}\n" in columns, name

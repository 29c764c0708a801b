"""Features by the names that others ask for them with: "view:feature"."""

from collections.abc import Sequence

from rtp.errors import Rejected
from rtp.features.view import Feature, Service, View
from rtp.features.views import SERVICES, VIEWS

_VIEWS = {view.name: view for view in VIEWS}
_SERVICES = {service.name: service for service in SERVICES}


def view_named(name: str) -> View:
    """The view; raises Rejected with the names there are."""
    if name not in _VIEWS:
        raise Rejected(
            f"There is no feature view {name!r}.", reason="UNKNOWN_VIEW", hint=f"There are: {', '.join(_VIEWS)}."
        )
    return _VIEWS[name]


def service_named(name: str) -> Service:
    """The service; raises Rejected with the names there are."""
    if name not in _SERVICES:
        raise Rejected(
            f"There is no feature service {name!r}.", reason="UNKNOWN_SERVICE",
            hint=f"There are: {', '.join(_SERVICES)}.",
        )  # fmt: skip
    return _SERVICES[name]


def parse_reference(reference: str) -> tuple[View, Feature]:
    """The view and feature of a "view:feature" reference; raises Rejected if there is none such."""
    view_name, _, feature_name = reference.partition(":")
    view = view_named(view_name)
    for feature in view.features:
        if feature.name == feature_name:
            return view, feature
    raise Rejected(
        f"The feature view {view.name} has no feature {feature_name!r}.", reason="UNKNOWN_FEATURE",
        hint=f"It has: {', '.join(view.feature_names)}.",
    )  # fmt: skip


def references_of(views: Sequence[View]) -> list[str]:
    """ "view:feature" of all features of the views."""
    return [f"{view.name}:{name}" for view in views for name in view.feature_names]

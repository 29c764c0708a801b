"""The HTTP API: Litestar and msgspec."""

from importlib.metadata import version

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from rtp.serving import decide, erasure, features, health, history, identity, inventory, profiles, track
from rtp.serving.bodies import MAX_BODY_BYTES
from rtp.serving.documented import any_of_instead_of_one_of, with_problems
from rtp.serving.ports import Ports
from rtp.serving.problems import HANDLERS
from rtp.serving.telemetry import observed

ROUTES = [
    track.call,
    track.batch,
    track.project_settings,
    decide.decide,
    decide.web_decide,
    decide.trace,
    profiles.profile,
    profiles.features,
    profiles.identifiers,
    profiles.consent,
    profiles.set_consent,
    features.online_features,
    identity.dossier,
    identity.undo,
    history.traits,
    history.events,
    history.export,
    erasure.erase,
    erasure.regulation,
    inventory.movements,
    inventory.position,
    inventory.reserve,
    inventory.release,
    health.healthz,
    health.readyz,
    health.metrics,
]


def create_app(ports: Ports) -> Litestar:
    """The application on these ports; closing them is the caller's."""
    app = Litestar(
        route_handlers=[with_problems(route) for route in ROUTES],
        state=State({"ports": ports}),
        middleware=[observed],
        exception_handlers=HANDLERS,
        cors_config=_cors(),
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=_openapi(),
        logging_config=None,
    )
    any_of_instead_of_one_of(app.openapi_schema)
    return app


def _cors() -> CORSConfig:
    # Pages of any origin may send events, as Segment's collector allows; what a page may read is decided by
    # keys, and for decisions by the origins of the write key. No cookies are involved.
    return CORSConfig(
        allow_origins=["*"],
        allow_methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"],
        # Every header: the libraries bring their own (X-Retry-Count), and none of them means anything here.
        allow_headers=["*"],
        expose_headers=["retry-after"],
        max_age=86_400,
    )


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="A server key.")
    basic = SecurityScheme(type="http", scheme="basic", description="A write key as the user name.")
    return OpenAPIConfig(
        title="rtp",
        version=version("rtp"),
        description="Real-time personalization: events in, look-ups, decisions, stock.",
        path="/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/")],
        components=Components(security_schemes={"serverKey": bearer, "writeKey": basic}),
    )

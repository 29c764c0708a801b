"""Feast's feature-server contract."""

from litestar import post
from litestar.params import JSONBody

from rtp.features.feast_api import OnlineFeaturesRequest, OnlineFeaturesResponse, get_online_features
from rtp.serving.auth import needs
from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import SERVER_KEY
from rtp.serving.ports import ports_of


@post(
    "/get-online-features",
    status_code=200,
    guards=[needs("lookup")],
    security=SERVER_KEY,
    tags=["features"],
    summary="Online features, as Feast's feature server gives them",
)
async def online_features(request: AnyRequest, data: JSONBody[OnlineFeaturesRequest]) -> OnlineFeaturesResponse:
    """Values as written; an entity that was never heard of is NOT_FOUND, an unknown value NULL_VALUE."""
    return await get_online_features(ports_of(request).online, data)

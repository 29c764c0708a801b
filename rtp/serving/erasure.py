"""Erasure on request: the person is kept out at once, and taken out of every place by the `erase` job."""

from litestar import delete, get
from litestar.params import FromPath

from rtp.errors import NotFound
from rtp.profile.erasure import Regulation
from rtp.serving.auth import needs
from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import SERVER_KEY
from rtp.serving.ports import ports_of

_TAG = ["erasure"]
_GUARDS = [needs("admin")]


@delete(
    "/v1/profiles/{shopper:str}",
    status_code=202,
    guards=_GUARDS,
    security=SERVER_KEY,
    tags=_TAG,
    summary="Erase a shopper everywhere",
)
async def erase(request: AnyRequest, shopper: FromPath[str]) -> Regulation:
    """From now on nothing about the shopper is taken in; ask `/v1/regulations/{regulationId}` for the rest."""
    return await ports_of(request).erasure.request(shopper)


@get(
    "/v1/regulations/{regulation_id:str}",
    guards=_GUARDS,
    security=SERVER_KEY,
    tags=_TAG,
    summary="How far an erasure is",
)
async def regulation(request: AnyRequest, regulation_id: FromPath[str]) -> Regulation:
    """The status, and one line for each place."""
    found = await ports_of(request).regulations.get(regulation_id)
    if found is None:
        raise NotFound(
            "There is no such request for erasure.",
            reason="UNKNOWN_REGULATION",
            field="regulation_id",
            hint="DELETE /v1/profiles/{type}:{value} gives the id of a new one.",
        )
    return found

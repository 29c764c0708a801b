"""Stock: movements in, positions out, reservations."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from rtp.clock import from_micros, to_micros
from rtp.errors import NotFound, Rejected
from rtp.inventory.stock import Movement, MovementKind, MovementRecord, StockPosition
from rtp.serving.auth import needs
from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import SERVER_KEY, answer, problems
from rtp.serving.ports import ports_of

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_TAG = ["inventory"]
_REFUSED = {
    "out_of_stock": ("OUT_OF_STOCK", "Not that many units are available.", "Offer another store or product."),
    "stock_stale": ("STOCK_STALE", "The position is too old to promise from.", "Send a count for it."),
}


class MovementIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One change of stock; `quantity` is positive and the kind gives the sign (only `adjustment` is signed)."""

    movement_id: Id
    store_id: Id
    product_id: Id
    kind: MovementKind
    quantity: Annotated[int, msgspec.Meta(ge=-1_000_000_000, le=1_000_000_000)]
    occurred_at: datetime
    to_store_id: Id | None = None
    order_id: Id | None = None
    reservation_id: Id | None = None
    basis: str = "on_hand"


class Movements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/inventory/movements`."""

    movements: Annotated[list[MovementIn], msgspec.Meta(max_length=1000)]


class MovementsAnswer(msgspec.Struct, frozen=True):
    """How many movements were new; the others had been applied before."""

    applied: int
    repeated: int


class Position(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a store has of a product; `available` is what may be promised."""

    store_id: str
    product_id: str
    on_hand: int
    reserved: int
    committed: int
    safety_stock: int
    available: int
    as_of: datetime | None
    fresh: bool


class Positions(msgspec.Struct, frozen=True, rename="camel"):
    """A product's positions."""

    positions: list[Position]


class Reserve(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The body of a reservation."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=2_592_000)] = 900
    decision_id: str | None = None


class Reservation(msgspec.Struct, frozen=True, rename="camel"):
    """A reservation that holds."""

    reservation_id: str
    status: str


@post(
    "/v1/inventory/movements",
    status_code=200,
    guards=[needs("inventory")],
    security=SERVER_KEY,
    tags=_TAG,
    summary="Report movements",
)
async def movements(request: AnyRequest, data: JSONBody[Movements]) -> MovementsAnswer:
    """Applies counts, sales, receipts …, once by `movementId`, in whatever order they come."""
    ports = ports_of(request)
    parsed = [_movement(index, each) for index, each in enumerate(data.movements)]
    applied = await ports.stock.apply(parsed)
    # What was refused is not recorded; what is sent again because this failed is applied once all the same.
    received = to_micros(ports.clock())
    await ports.movements.append([MovementRecord(received_at=received, movement=each) for each in parsed])
    return MovementsAnswer(applied, len(parsed) - applied)


@get(
    "/v1/inventory/{product_id:str}",
    guards=[needs("inventory")],
    security=SERVER_KEY,
    tags=_TAG,
    summary="Available to promise",
)
async def position(
    request: AnyRequest,
    product_id: FromPath[str],
    store_id: Annotated[str, QueryParameter(name="storeId", min_length=1)],
) -> Position:
    """The position of a product in a store, at source."""
    ports = ports_of(request)
    found = await ports.stock.position(store_id, product_id, now=to_micros(ports.clock()))
    if found is None:
        raise NotFound(
            "No stock was ever reported for this product in this store.",
            reason="UNKNOWN_POSITION",
            field="storeId",
            hint="Check both ids, or send a count to /v1/inventory/movements.",
        )
    return _position(found)


_RESERVATION = "/v1/inventory/{store_id:str}/{product_id:str}/reservations/{reservation_id:str}"


@put(
    _RESERVATION,
    guards=[needs("inventory")],
    responses=answer(201, Reservation, "Held from now on.") | problems(409),
    security=SERVER_KEY,
    tags=_TAG,
    summary="Reserve units",
)
async def reserve(
    request: AnyRequest,
    store_id: FromPath[str],
    product_id: FromPath[str],
    reservation_id: FromPath[str],
    data: JSONBody[Reserve],
) -> Response[Reservation]:
    """Holds units: 201 when new, 200 when repeated, 409 OUT_OF_STOCK or STOCK_STALE."""
    ports = ports_of(request)
    outcome = await ports.stock.reserve(
        store_id,
        product_id,
        reservation_id,
        quantity=data.quantity,
        ttl_seconds=data.ttl_seconds,
        now=to_micros(ports.clock()),
    )
    if outcome in _REFUSED:
        reason, message, hint = _REFUSED[outcome]
        raise Rejected(message, reason=reason, hint=hint)
    return Response(Reservation(reservation_id, "held"), status_code=201 if outcome == "created" else 200)


@delete(
    _RESERVATION,
    status_code=204,
    guards=[needs("inventory")],
    security=SERVER_KEY,
    tags=_TAG,
    summary="Give a reservation back",
)
async def release(
    request: AnyRequest, store_id: FromPath[str], product_id: FromPath[str], reservation_id: FromPath[str]
) -> None:
    """Releases the units; 404 if there is no such reservation (any more)."""
    ports = ports_of(request)
    if not await ports.stock.release(store_id, product_id, reservation_id, now=to_micros(ports.clock())):
        raise NotFound(
            "There is no such reservation.",
            reason="UNKNOWN_RESERVATION",
            field="reservationId",
            hint="It may have run out, been released, or become an order's commitment.",
        )


def _movement(index: int, given: MovementIn) -> Movement:
    def refuse(field: str, message: str) -> Rejected:
        return Rejected(message, reason="BAD_FIELD", field=f"movements[{index}].{field}", hint="Nothing was applied.")

    if given.quantity < 0 and given.kind != "adjustment":
        raise refuse("quantity", "Only an `adjustment` may be negative: the kind gives the sign.")
    if given.basis not in {"on_hand", "salable"}:
        raise refuse("basis", "`basis` is `on_hand` or `salable`.")
    if given.kind == "transfer" and given.to_store_id is None:
        raise refuse("toStoreId", "A `transfer` names the store that it goes to.")
    if given.occurred_at.tzinfo is None:
        raise refuse("occurredAt", "The time needs a zone, for example `2026-05-01T12:00:00Z`.")
    fields = {name: getattr(given, name) for name in MovementIn.__struct_fields__}
    return Movement(**{**fields, "occurred_at": to_micros(given.occurred_at.astimezone(UTC))})


def _position(found: StockPosition) -> Position:
    fields = {name: getattr(found, name) for name in StockPosition.__struct_fields__}
    return Position(**{**fields, "as_of": from_micros(found.as_of) if found.as_of is not None else None})

"""Every feed table: columns, types, what is required, what identifies a row. The only definition of each."""

from collections.abc import Mapping

import msgspec

from rtp.errors import Rejected
from rtp.signals.feeds.column import Column, Kind

CHANNELS = ("web", "app", "email", "push", "sms", "ads", "store")
PURPOSES = ("personalization", "marketing", "ads", "sale", "analytics")


class RowCheck(msgspec.Struct, frozen=True):
    """What must hold between the columns of one row: `holds` is SQL over typed columns, NULL counts as held."""

    reason: str
    column: str
    holds: str


class TableContract(msgspec.Struct, frozen=True, kw_only=True):
    """What a table holds: its grain is `keys`; of two rows with the same keys the one read last stands."""

    name: str
    about: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    required: bool = False
    """A load without this table is refused."""
    row_checks: tuple[RowCheck, ...] = ()
    counted: bool = False
    """A state of now rather than a history: a load that moves dates moves it to yesterday by whole days."""

    @property
    def required_columns(self) -> tuple[str, ...]:
        """The columns a file must have."""
        return tuple(column.name for column in self.columns if column.required)


def _id(name: str, about: str = "", *, required: bool = True) -> Column:
    return Column(name=name, required=required, about=about)


_CUSTOMER = (
    _id("source", "The system whose customer reference this is"),
    _id("customer_ref", "That system's own key of the customer"),
)

PROVENANCE: tuple[tuple[str, str], ...] = (
    ("_file", "VARCHAR"),
    ("_row", "BIGINT"),
    ("_loaded_at", "TIMESTAMP WITH TIME ZONE"),
    ("_simulated", "BOOLEAN"),
    ("_simulated_columns", "VARCHAR"),
)
"""What a load adds to each row: source file and line, when, and what in it is not real."""

_TABLES = (
    TableContract(
        name="products",
        about="What is sold",
        required=True,
        keys=("product_id",),
        columns=(
            _id("product_id"),
            Column(name="name"),
            Column(name="department"),
            Column(name="category"),
            Column(name="brand"),
            Column(name="list_price", kind=Kind.MONEY, minimum=0, about="Price of one unit before any discount"),
            Column(name="unit_cost", kind=Kind.MONEY, minimum=0, about="What one unit costs the retailer"),
        ),
    ),
    TableContract(
        name="stores",
        about="Where it is sold or held",
        keys=("store_id",),
        columns=(
            _id("store_id"),
            Column(name="kind", choices=("store", "warehouse", "web")),
            Column(name="name"),
            Column(name="region"),
            Column(name="latitude", kind=Kind.NUMBER, minimum=-90, maximum=90),
            Column(name="longitude", kind=Kind.NUMBER, minimum=-180, maximum=180),
            Column(name="timezone", about="IANA name, e.g. Europe/Berlin"),
        ),
    ),
    TableContract(
        name="customers",
        about="Who buys, as each source system knows them",
        keys=("source", "customer_ref"),
        columns=(
            *_CUSTOMER,
            Column(name="user_id", about="The id the web shop and the apps send as userId"),
            Column(name="email"),
            Column(name="phone"),
            Column(name="loyalty_id"),
            Column(name="first_name"),
            Column(name="last_name"),
            Column(name="street"),
            Column(name="city"),
            Column(name="postcode"),
            Column(name="birth_date", kind=Kind.DATE, shifts=False),
            Column(name="attributes", kind=Kind.JSON, about="Anything else, as one JSON object"),
        ),
    ),
    TableContract(
        name="order_lines",
        about="What was bought",
        required=True,
        keys=("source", "order_id", "line_id"),
        columns=(
            _id("source", "The system the order comes from; with customer_ref it names the customer"),
            _id("order_id"),
            _id("line_id", "Unique within the order"),
            Column(name="ordered_at", kind=Kind.TIME, required=True),
            Column(name="channel", required=True, choices=CHANNELS),
            Column(name="store_id", about="Where it was sold, or which store fulfilled it"),
            Column(name="customer_ref", about="Empty: the buyer is not known"),
            _id("product_id", "Not in products: kept, as an unknown product"),
            Column(
                name="quantity",
                kind=Kind.QUANTITY,
                required=True,
                minimum=0,
                about="Units, or weight and volume with up to three decimals; a return goes into returned_quantity",
            ),
            Column(name="net_amount", kind=Kind.MONEY, required=True, about="What the retailer received for the line"),
            Column(name="discount_amount", kind=Kind.MONEY, minimum=0, about="List value minus net_amount"),
            Column(name="offer_id"),
            Column(name="returned_quantity", kind=Kind.QUANTITY, minimum=0),
        ),
        row_checks=(RowCheck("RETURNED_MORE_THAN_SOLD", "returned_quantity", "returned_quantity <= quantity"),),
    ),
    TableContract(
        name="inventory",
        about="What was counted",
        keys=("store_id", "product_id", "counted_at"),
        counted=True,
        columns=(
            _id("store_id"),
            _id("product_id"),
            Column(name="counted_at", kind=Kind.TIME, required=True),
            Column(name="quantity", kind=Kind.COUNT, required=True, about="Negative where a system oversold"),
            Column(name="basis", choices=("on_hand", "salable"), about="Empty: on_hand"),
        ),
    ),
    TableContract(
        name="inbound",
        about="What is expected to arrive",
        keys=("store_id", "product_id", "expected_at"),
        counted=True,
        columns=(
            _id("store_id"),
            _id("product_id"),
            Column(name="expected_at", kind=Kind.TIME, required=True),
            Column(name="quantity", kind=Kind.COUNT, required=True, minimum=0),
        ),
    ),
    TableContract(
        name="offers",
        about="What can be offered",
        keys=("offer_id",),
        columns=(
            _id("offer_id"),
            Column(name="kind", required=True, about="e.g. coupon, discount, points"),
            Column(name="name"),
            Column(name="starts_at", kind=Kind.TIME),
            Column(name="ends_at", kind=Kind.TIME),
            Column(name="discount_amount", kind=Kind.MONEY, minimum=0),
            Column(name="discount_rate", kind=Kind.NUMBER, minimum=0, maximum=1, about="0.15 is 15 %"),
            Column(name="channels", about="Names separated by commas; empty: every channel"),
        ),
        row_checks=(RowCheck("ENDS_BEFORE_IT_STARTS", "ends_at", "ends_at >= starts_at"),),
    ),
    TableContract(
        name="offer_products",
        about="What an offer is for",
        keys=("offer_id", "product_id"),
        columns=(_id("offer_id"), _id("product_id")),
    ),
    TableContract(
        name="offer_targets",
        about="Whom an offer is for; an offer without a row here is for everybody",
        keys=("offer_id", "source", "customer_ref"),
        columns=(_id("offer_id"), *_CUSTOMER),
    ),
    TableContract(
        name="offer_redemptions",
        about="Who used an offer",
        keys=("offer_id", "source", "customer_ref", "redeemed_at"),
        columns=(_id("offer_id"), *_CUSTOMER, Column(name="redeemed_at", kind=Kind.TIME, required=True)),
    ),
    TableContract(
        name="promotions",
        about="How a product was promoted in a store in one week",
        keys=("product_id", "store_id", "week_start"),
        columns=(
            _id("product_id"),
            _id("store_id"),
            Column(name="week_start", kind=Kind.DATE, required=True),
            Column(name="display", about="Where in the store; none: not on display; empty: not known"),
            Column(name="mailer", about="Where in the mailer; none: not in it; empty: not known"),
        ),
    ),
    TableContract(
        name="consents",
        about="What a customer said yes or no to",
        keys=("source", "customer_ref", "purpose", "channel", "at"),
        columns=(
            *_CUSTOMER,
            Column(name="purpose", required=True, choices=PURPOSES),
            Column(name="channel", required=True, choices=(*CHANNELS, "all")),
            Column(name="status", required=True, choices=("granted", "denied")),
            Column(name="at", kind=Kind.TIME, required=True),
        ),
    ),
    TableContract(
        name="events",
        about="What shoppers did, as Segment envelopes: one JSON object a line (.jsonl only)",
        keys=("message_id",),
        columns=(
            _id("message_id", "messageId; made from the line's content where the envelope has none"),
            Column(name="type", required=True, choices=("track", "identify", "page", "screen", "group", "alias")),
            Column(name="occurred_at", kind=Kind.TIME, required=True, about="timestamp"),
            Column(name="user_id"),
            Column(name="anonymous_id"),
            Column(name="raw", kind=Kind.JSON, required=True, about="The whole envelope"),
        ),
        row_checks=(RowCheck("NO_IDENTITY", "user_id", "coalesce(user_id, anonymous_id) IS NOT NULL"),),
    ),
)

CONTRACTS: Mapping[str, TableContract] = {table.name: table for table in _TABLES}


def contract(table: str) -> TableContract:
    """The contract of a table; raises Rejected naming the tables there are."""
    if table not in CONTRACTS:
        raise Rejected(
            f"There is no feed table named {table!r}.", reason="UNKNOWN_TABLE", hint=f"Tables: {', '.join(CONTRACTS)}."
        )
    return CONTRACTS[table]

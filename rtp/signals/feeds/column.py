"""One column of a feed table: its name, its type, what it may hold."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a value means, hence how it is read and stored."""

    TEXT = "text"
    TIME = "time"
    DATE = "date"
    MONEY = "money"
    NUMBER = "number"
    QUANTITY = "quantity"
    COUNT = "count"
    JSON = "json"

    @property
    def sql_type(self) -> str:
        """The DuckDB type that the lake holds it as."""
        return _SQL_TYPES[self]

    @property
    def reason(self) -> str:
        """The quarantine reason of a value that cannot be read as this kind."""
        return _REASONS[self]


_SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.TIME: "TIMESTAMP WITH TIME ZONE",
    Kind.DATE: "DATE",
    Kind.MONEY: "DECIMAL(12,2)",
    Kind.NUMBER: "DOUBLE",
    Kind.QUANTITY: "DECIMAL(14,3)",
    Kind.COUNT: "BIGINT",
    Kind.JSON: "VARCHAR",
}

_REASONS = {
    Kind.TEXT: "NOT_TEXT",
    Kind.TIME: "NOT_A_TIME",
    Kind.DATE: "NOT_A_DATE",
    Kind.MONEY: "NOT_AN_AMOUNT",
    Kind.NUMBER: "NOT_A_NUMBER",
    Kind.QUANTITY: "NOT_A_NUMBER",
    Kind.COUNT: "NOT_A_WHOLE_NUMBER",
    Kind.JSON: "NOT_JSON",
}


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column as the contract promises it.

    `choices` are compared in lower case and stored so; `minimum` and `maximum` are inclusive.
    `shifts` says that a load that moves dates moves this one too.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    about: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    shifts: bool = True

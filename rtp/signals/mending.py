"""Mending rejected events: one value by its path, or whole bodies in a file, one a line. Pure."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from rtp.clock import from_micros
from rtp.errors import Rejected
from rtp.signals.rejection import Rejection, type_of


class Edit(msgspec.Struct, frozen=True):
    """One value to write into a body."""

    path: tuple[str, ...]
    value: Any


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A rejected event in a file: people edit `body`, which is the event itself where it is JSON."""

    id: str
    reason: str = ""
    message: str = ""
    field: str = ""
    source: str = ""
    type: str = ""
    received_at: str = ""
    body: Any = None
    body_base64: str = ""
    """Instead of `body`, where that is no text."""


def parse_edit(text: str) -> Edit:
    """`properties.order_id=42`: the value is JSON where it can be read as such, else text. Raises Rejected."""
    path, equals, value = text.partition("=")
    if not equals or not all(path.split(".")):
        raise Rejected(
            f"`{text}` is no edit.", reason="BAD_EDIT", hint="Write PATH=VALUE, for example properties.order_id=A7."
        )
    try:
        return Edit(tuple(path.split(".")), msgspec.json.decode(value))
    except msgspec.DecodeError:
        return Edit(tuple(path.split(".")), value)


def edited(body: bytes, edits: Sequence[Edit]) -> bytes:
    """The body with these values; objects on the way are made where they are missing. Raises Rejected."""
    if not edits:
        return body
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        hint = "Write it anew: `rtp deadletters export --out FILE`, edit, `rtp deadletters retry --file FILE`."
        raise Rejected("A body that is no JSON has no values to set.", reason="NOT_JSON", hint=hint) from error
    for edit in edits:
        _set(document, edit)
    return msgspec.json.encode(document)


def _set(document: Any, edit: Edit) -> None:
    place = document
    for name in edit.path[:-1]:
        inner = place.setdefault(name, {}) if isinstance(place, dict) else _at(place, name, edit)
        if inner is None and isinstance(place, dict):
            inner = place[name] = {}
        place = inner
    if isinstance(place, dict):
        place[edit.path[-1]] = edit.value
    else:
        _at(place, edit.path[-1], edit)
        place[int(edit.path[-1])] = edit.value


def _at(place: Any, name: str, edit: Edit) -> Any:
    """The item of a list."""
    if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
        return place[int(name)]
    path = ".".join(edit.path)
    raise Rejected(
        f"The body has nothing at `{path}`.", reason="BAD_EDIT", field=path, hint="See `rtp deadletters show`."
    )


def line_of(rejection: Rejection) -> Line:
    """A rejected event as a line of a file."""
    body, encoded = shown(rejection.body)
    return Line(
        id=rejection.rejection_id,
        reason=rejection.reason,
        message=rejection.message,
        field=rejection.field,
        source=rejection.source,
        type=type_of(rejection),
        received_at=from_micros(rejection.received_at).isoformat(),
        body=body,
        body_base64=encoded,
    )


def shown(body: bytes) -> tuple[Any, str]:
    """A body for people: the JSON object that it is, else its text, else nothing and base64."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        document = None
    # Only an object comes back from the file as the same bytes, but for blanks.
    if isinstance(document, dict):
        return document, ""
    try:
        return body.decode(), ""
    except UnicodeDecodeError:
        return None, base64.b64encode(body).decode()


def read_lines(text: bytes) -> dict[str, bytes]:
    """Id to body of each line of an edited file. Raises Rejected naming the line."""
    bodies: dict[str, bytes] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw, type=Line)
            bodies[line.id] = _body(line)
        except (msgspec.DecodeError, RecursionError, binascii.Error) as error:
            hint = "Each line is an object with `id` and `body`, as `rtp deadletters export` writes it."
            raise Rejected(
                f"Line {number} cannot be read.", reason="NOT_JSON", field=f"line {number}", hint=hint
            ) from error
    return bodies


def _body(line: Line) -> bytes:
    if line.body_base64:
        return base64.b64decode(line.body_base64, validate=True)
    return line.body.encode() if isinstance(line.body, str) else msgspec.json.encode(line.body)

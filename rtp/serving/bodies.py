"""Request bodies: gzip, limits, and JSON whatever content type says."""

import zlib
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from rtp.errors import Rejected
from rtp.serving.problems import explain_decode_error

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]

MAX_BODY_BYTES = 500 * 1024
"""Segment's limit for a batch; counted after decompression."""


async def read_body(request: AnyRequest, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body, decompressed; raises Rejected TOO_LARGE (413) or BAD_ENCODING (400)."""
    try:
        body = await request.body()
    except ClientException as error:
        if error.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            raise too_large(limit) from error
        raise
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        body = _gunzip(body, limit)
    elif encoding not in {"", "identity"}:
        hint = "Send `Content-Encoding: gzip` or none."
        raise Rejected("This content encoding is not known.", reason="BAD_ENCODING", hint=hint)
    if len(body) > limit:
        raise too_large(limit)
    return body


def decode(body: bytes, kind: type[T]) -> T:
    """JSON as a value of `kind`; raises Rejected with the path of the field at fault."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise explain_decode_error(error) from None


def too_large(limit: int) -> Rejected:
    """The error for a body above the limit."""
    return Rejected(
        f"The body may have {limit} bytes after decompression.", reason="TOO_LARGE", hint="Send smaller batches."
    )


def _gunzip(body: bytes, limit: int) -> bytes:
    # Never more than the limit is decompressed: a small body may hold gigabytes of zeros.
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(body, limit + 1)
    except zlib.error as error:
        raise Rejected("The body is not valid gzip.", reason="BAD_ENCODING", hint="Send it again, whole.") from error
    if len(plain) <= limit and not unzip.eof:
        raise Rejected("The gzip body is cut off.", reason="BAD_ENCODING", hint="Send it again, whole.")
    return plain

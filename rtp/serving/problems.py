"""Errors as `application/problem+json` (RFC 9457): what is wrong, where, and what to do; never a stack trace."""

import logging
import math
import re
import traceback
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from redis.exceptions import BusyLoadingError, OutOfMemoryError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtp.errors import NotFound, Rejected, Retryable, RtpError

logger = logging.getLogger("rtp.api")
_AT = re.compile(r"^(?P<what>.*?) - at `\$\.?(?P<path>[^`]*)`$", re.DOTALL)
_MISSING_PARAMETER = re.compile(r"Missing required \w+ parameter '(?P<name>[^']+)'")
_STATUS = {
    "TOO_LARGE": 413, "NO_KEY": 401, "WRONG_KEY": 401, "MISSING_SCOPE": 403, "ORIGIN_NOT_ALLOWED": 403,
    "NOT_YOURS": 403, "OUT_OF_STOCK": 409, "STOCK_STALE": 409, "NOT_IN_EFFECT": 409,
}  # fmt: skip
PROBLEM_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be used", 401: "A key is needed", 403: "The key does not allow this",
    404: "Not found", 405: "Method not allowed", 409: "Not possible now", 413: "Too large",
    500: "Internal error", 503: "Try again",
}  # fmt: skip


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that is not 2xx."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    reason: str = ""
    """A stable upper-case code for programs."""
    field: str = ""
    """Path of the field at fault."""
    hint: str = ""
    """What to do next."""


def problem_of(error: Exception) -> tuple[Problem, dict[str, str]]:
    """The problem and the headers that answer an error."""
    if isinstance(error, RecursionError):  # nothing here recurses but the reading of a body
        error = explain_decode_error(error)
    match error:
        case Retryable():
            return _unavailable(error.message, error.hint, error.retry_after_seconds)
        case Rejected():
            return _rejected(error)
        case RtpError():
            return Problem(title=TITLES[500], status=500, detail=error.message, hint=error.hint), {}
        case RedisConnectionError() | RedisTimeoutError() | OutOfMemoryError() | BusyLoadingError() | OSError():
            return _unavailable("The live store does not answer.", "Send the same request again.", 1.0)
        case HTTPException():
            return _http(error)
    hint = "Look for this request in the API's log."
    return Problem(title=TITLES[500], status=500, detail="This request failed in the server.", hint=hint), {}


def explain_decode_error(error: msgspec.DecodeError | RecursionError) -> Rejected:
    """A body that is not JSON, or whose field is wrong, as a Rejected that names the field."""
    if isinstance(error, RecursionError):
        return Rejected("The body is nested too deep.", reason="BAD_FIELD", hint="Flatten it.")
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        hint = "Send one JSON object, UTF-8."
        return Rejected("The body is not valid JSON.", reason="NOT_JSON", hint=hint)
    match = _AT.match(text)
    what, path = (match["what"], match["path"]) if match else (text, "")
    if "field `data`" in what and not path:
        return Rejected("The request has no body.", reason="NO_BODY", hint="Send a JSON object, with its content type.")
    named = re.search(r"field `(?P<name>[^`]+)`", what)
    if named:
        path = f"{path}.{named['name']}".lstrip(".")
    # Litestar checks the body as its own argument `data`.
    path = path.removeprefix("data.")
    return Rejected(f"{what}.", reason="BAD_FIELD", field=path, hint="See /openapi.json for the fields of this call.")


def _rejected(error: Rejected) -> tuple[Problem, dict[str, str]]:
    status = 404 if isinstance(error, NotFound) else _STATUS.get(error.reason, 400)
    problem = Problem(
        title=TITLES[status],
        status=status,
        detail=error.message,
        reason=error.reason,
        field=error.field,
        hint=error.hint,
    )
    return problem, {"WWW-Authenticate": 'Bearer realm="rtp", Basic realm="rtp"'} if status == 401 else {}


def _unavailable(detail: str, hint: str, retry_after: float) -> tuple[Problem, dict[str, str]]:
    problem = Problem(title=TITLES[503], status=503, detail=detail, reason="UNAVAILABLE", hint=hint)
    return problem, {"Retry-After": str(max(1, math.ceil(retry_after)))}


def _http(error: HTTPException) -> tuple[Problem, dict[str, str]]:
    """Litestar's own: no such route, wrong method, a body or query that does not fit its type."""
    cause: BaseException | None = error.__cause__
    while cause is not None:
        if isinstance(cause, msgspec.DecodeError | RecursionError):
            return _rejected(explain_decode_error(cause))
        cause = cause.__cause__
    field = ""
    detail = error.detail
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first = error.extra[0]
        field, detail = str(first.get("key", "")), str(first.get("message", detail))
    elif missing := _MISSING_PARAMETER.search(detail):
        field, detail = missing["name"], f"The query parameter `{missing['name']}` is missing."
    elif error.status_code == 404:
        detail = "There is no such path."
    title = TITLES.get(error.status_code, "Error")
    hint = "See /openapi.json for all calls." if error.status_code in {400, 404, 405} else ""
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in {"allow", "retry-after"}}
    reason = "BAD_FIELD" if field else ""
    problem = Problem(title=title, status=error.status_code, detail=detail, reason=reason, field=field, hint=hint)
    return problem, headers


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler for every exception."""
    problem, headers = problem_of(error)
    if problem.status == 500:
        _log_failure(request, error)
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        headers=headers,
        media_type=PROBLEM_TYPE,
    )


def _log_failure(request: Request[Any, Any, Any], error: Exception) -> None:
    # The message of an unforeseen exception may hold an identifier: the log gets its type and where it was raised.
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    template = request.scope.get("path_template", "")
    logger.error("%s %s failed: %s at %s", request.method, template, type(error).__name__, where)


HANDLERS: ExceptionHandlersMap = {Exception: answer_error, HTTPException: answer_error}

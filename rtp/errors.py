"""What went wrong, told by what the caller should do: retry, mend the input, or stop."""


class RtpError(Exception):
    """An error a person can act on: one sentence that says what happened, one that says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Retryable(RtpError):
    """The same call may succeed later, unchanged."""

    def __init__(self, message: str, *, hint: str = "", retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class Rejected(RtpError):
    """The input is at fault: the same call will fail again until it is mended.

    `reason` is a stable upper-case code, `field` the path of the offending value where there is one.
    """

    def __init__(self, message: str, *, reason: str, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.field = field


class NotFound(Rejected):
    """Nothing is known under that name."""


class Fatal(RtpError):
    """Set-up or program is at fault: going on would do harm."""

"""A run told to a person: one line a step, one sentence for what went wrong, numbers at the end."""

import re
from collections.abc import Callable, Iterable

import dagster as dg
import msgspec
from dagster import DagsterEventType as Kind
from dagster_shared.error import SerializableErrorInfo
from rich.markup import escape

_CLASS_PREFIX = re.compile(r"^[\w.]+(Error|Exception|Fatal|Retryable|Rejected|NotFound|Failure): ")
_GONE = ("ConnectionError", "TimeoutError", "BusyLoadingError")
REDIS_GONE = "Redis does not answer. What was served before is still served; start it and build again (`rtp up`)."


class StepResult(msgspec.Struct, frozen=True):
    """A step that ended."""

    name: str
    seconds: float
    ok: bool


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    job: str
    run_id: str
    ok: bool
    seconds: float
    steps: list[StepResult] = []
    materialized: int = 0
    checks_passed: int = 0
    checks_failed: list[str] = []
    error: str = ""


class Telling:
    """Follows the events of one run; `say` gets each line for a person."""

    def __init__(self, run: dg.DagsterRun, say: Callable[[str], None]) -> None:
        self._run = run
        self._say = say
        self._steps: list[StepResult] = []
        self._materialized: set[str] = set()
        self._failed: list[str] = []
        self._stopping: list[str] = []
        self._passed = 0
        self._error = ""
        self._run_error = ""

    def follow(self, events: Iterable[dg.DagsterEvent], now: Callable[[], float]) -> Outcome:
        """Reads the run to its end."""
        started, ok = now(), False
        for event in events:
            self._take(event)
            ok = ok or event.event_type is Kind.RUN_SUCCESS
        return Outcome(
            job=self._run.job_name,
            run_id=self._run.run_id,
            ok=ok,
            seconds=round(now() - started, 1),
            steps=self._steps,
            materialized=len(self._materialized),
            checks_passed=self._passed,
            checks_failed=self._failed,
            error="" if ok else self._error or self._run_error or "The run was stopped.",
        )

    def _take(self, event: dg.DagsterEvent) -> None:
        if event.event_type is Kind.STEP_SUCCESS:
            self._step(event, event.step_success_data.duration_ms, ok=True)
        elif event.event_type is Kind.STEP_FAILURE:
            self._error = self._error or self._checks_stopped() or said(event.step_failure_data.error)
            self._step(event, 0.0, ok=False)
        elif event.event_type is Kind.ASSET_MATERIALIZATION and event.asset_key:
            self._materialized.add(event.asset_key.to_user_string())
        elif event.event_type is Kind.ASSET_CHECK_EVALUATION:
            self._check(event.asset_check_evaluation_data)
        elif event.event_type is Kind.RUN_FAILURE:
            self._run_error = said(event.job_failure_data.error)

    def _step(self, event: dg.DagsterEvent, milliseconds: float, *, ok: bool) -> None:
        step = StepResult(event.step_key or "", round(milliseconds / 1000, 2), ok)
        self._steps.append(step)
        self._say(
            f"[green]✓[/green] {step.name} [dim]{step.seconds:.1f} s[/dim]" if ok else f"[red]✗ {step.name}[/red]"
        )

    def _checks_stopped(self) -> str:
        return f"checks failed: {'; '.join(self._stopping)}" if self._stopping else ""

    def _check(self, evaluation: dg.AssetCheckEvaluation) -> None:
        if evaluation.passed:
            self._passed += 1
            return
        name = f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
        self._failed.append(name)
        if evaluation.severity is dg.AssetCheckSeverity.ERROR:
            self._stopping.append(f"{name} ({evaluation.description})" if evaluation.description else name)
        self._say(f"[yellow]! {name}[/yellow] {escape(evaluation.description or 'failed')}")


def said(error: SerializableErrorInfo | None) -> str:
    """The sentence that the error at the root of it all says."""
    if error is None:
        return ""
    gone = error.cls_name in _GONE
    while error.cause is not None:
        error = error.cause
        gone = gone or error.cls_name in _GONE
    if gone:
        return REDIS_GONE
    return _CLASS_PREFIX.sub("", error.message.strip()).strip().splitlines()[0]

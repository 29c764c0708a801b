"""How benchmarks are found and called."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from rtp.benchmarks import result
from rtp.benchmarks.result import BenchResult, Measure, bench_names, run_bench
from rtp.commands.bench import _options
from rtp.errors import Rejected


def run(*, rows: int = 3, state_dir: Path | None = None) -> BenchResult:
    return BenchResult("toy", [Measure("rows", rows, "rows")], {"same": float(state_dir is None)})


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "bench_names", lambda: ["toy"])
    monkeypatch.setattr(result, "_module", lambda _name: SimpleNamespace(run=run))


def test_the_build_benchmark_is_found() -> None:
    assert "build" in bench_names()


@pytest.mark.usefixtures("toy")
def test_options_arrive_with_the_type_that_run_asks_for() -> None:
    assert run_bench("toy", _options(["--rows", "7", "--state-dir=/tmp/x"])) == BenchResult(
        "toy", [Measure("rows", 7, "rows")], {"same": 0.0}
    )


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("nothing", [], "UNKNOWN_BENCH"),
        ("toy", ["--colour", "red"], "UNKNOWN_OPTION"),
        ("toy", ["--rows", "many"], "BAD_OPTION"),
        ("toy", ["--rows"], "BAD_OPTION"),
        ("toy", ["rows"], "BAD_OPTION"),
    ],
)
def test_what_cannot_be_run_is_told(name: str, arguments: list[str], reason: str) -> None:
    with pytest.raises(Rejected) as told:
        run_bench(name, _options(arguments))
    assert told.value.reason == reason
    assert told.value.hint

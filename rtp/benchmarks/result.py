"""What every benchmark gives back, and how one is found by its name."""

import importlib
import inspect
import pkgutil
import platform
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import msgspec
import psutil

from rtp import benchmarks
from rtp.errors import Rejected


class Measure(msgspec.Struct, frozen=True):
    """One figure."""

    name: str
    value: float
    unit: str


class BenchResult(msgspec.Struct, frozen=True):
    """The figures of one benchmark, and how they stand to each other; `rtp bench NAME --json` prints it as it is."""

    bench: str
    rows: list[Measure]
    ratios: dict[str, float]


def machine() -> str:
    """One line about where the figures come from."""
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {python}"


def bench_names() -> list[str]:
    """Every module of rtp.benchmarks that has a `run`."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "result"]
    return sorted(name for name in names if callable(getattr(_module(name), "run", None)))


def run_bench(name: str, options: Mapping[str, str]) -> BenchResult:
    """Runs one benchmark with its options as text; raises Rejected naming the benchmarks, or the options, there are."""
    if name not in bench_names():
        known = ", ".join(bench_names())
        raise Rejected(f"There is no benchmark named {name!r}.", reason="UNKNOWN_BENCH", hint=f"There are: {known}.")
    run: Callable[..., BenchResult] = _module(name).run
    parameters = inspect.signature(run).parameters
    return run(**{option: _value(name, option, text, parameters) for option, text in options.items()})


def _value(bench: str, option: str, text: str, parameters: Mapping[str, inspect.Parameter]) -> Any:
    """An option's text as the type that the benchmark's `run` asks for: its annotation decides."""
    if option not in parameters:
        known = ", ".join("--" + name.replace("_", "-") for name in parameters) or "none"
        flag = "--" + option.replace("_", "-")
        raise Rejected(f"{bench} has no option {flag}.", reason="UNKNOWN_OPTION", hint=f"It has: {known}.")
    try:
        return msgspec.convert(text, parameters[option].annotation, strict=False, dec_hook=_construct)
    except msgspec.ValidationError as error:
        flag = "--" + option.replace("_", "-")
        raise Rejected(f"{flag} {text}: {error}.", reason="BAD_OPTION", hint=f"Give {flag} another value.") from error


def _construct(kind: type, text: object) -> object:
    return kind(text)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{benchmarks.__name__}.{name}")

"""Is this machine and checkout fit to run? Each finding says what to do."""

import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

import msgspec
import psutil
import yaml

from rtp.errors import Fatal
from rtp.services.health import port_is_free, redis_answers
from rtp.services.redis_server import find_redis, refuse_older
from rtp.services.run_state import read_run_state
from rtp.services.specs import redis_data_dir, service_specs
from rtp.settings import Settings

NEEDED_DISK_BYTES = 5_000_000_000
NEEDED_MEMORY_BYTES = 4_000_000_000
PACKAGES = ("dagster", "dbt-duckdb", "duckdb", "feast", "redis", "xgboost", "great-expectations")


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    what: str
    ok: bool
    detail: str
    hint: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Looks at everything; never raises for what it looks at."""
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _python, _packages, _redis, _ports, _disk_and_memory, _configuration, _keys,
    ]  # fmt: skip
    return [finding for check in checks for finding in check(settings)]


def _python(_: Settings) -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "Python", sys.version_info[:2] in {(3, 11), (3, 12)}, found, "Use CPython 3.11 or 3.12: `make setup`."
    )


def _packages(_: Settings) -> Iterator[Finding]:
    for package in PACKAGES:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, "not installed", "Run `make setup`.")


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        hint = "Start that server or correct RTP_REDIS_URL."
        yield Finding("Redis", redis_answers(settings.redis_url), "the server that RTP_REDIS_URL names", hint)
        return
    try:
        binary = find_redis()
        if read_run_state(settings) is None:
            refuse_older(redis_data_dir(settings), binary)
        yield Finding("Redis", True, f"{binary.label} at {binary.path}")
    except Fatal as error:
        yield Finding("Redis", False, error.message, error.hint)


def _ports(settings: Settings) -> Iterator[Finding]:
    if read_run_state(settings) is not None:
        yield Finding("ports", True, "in use by the running services")
        return
    for spec in service_specs(settings):
        if spec.port is not None:
            free = port_is_free(settings.host, spec.port)
            detail = f"{spec.port} is {'free' if free else 'taken'}"
            yield Finding(f"port of {spec.name}", free, detail, f"Choose another: {spec.port_variable}=<port>.")


def _disk_and_memory(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.root).free
    yield Finding("disk", free > NEEDED_DISK_BYTES, f"{free / 1e9:.0f} GB free", "Make room: 5 GB are needed.")
    memory = psutil.virtual_memory().available
    hint = "Close other programs: 4 GB are needed for a full build."
    yield Finding("memory", memory > NEEDED_MEMORY_BYTES, f"{memory / 1e9:.0f} GB available", hint)


def _configuration(settings: Settings) -> Iterator[Finding]:
    for path in sorted(settings.config_dir.rglob("*.yaml")):
        name = f"config/{path.relative_to(settings.config_dir)}"
        try:
            yaml.safe_load(path.read_text())
            yield Finding(name, True, "is YAML")
        except yaml.YAMLError as error:
            yield Finding(name, False, " ".join(str(error).split()), "Correct the file at that line.")


def _keys(settings: Settings) -> Iterator[Finding]:
    path = settings.state_dir / "keys.json"
    if path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
        yield Finding("keys", mode == 0o600, f"{path.name} has mode {mode:o}", f"Run: chmod 600 {path}")

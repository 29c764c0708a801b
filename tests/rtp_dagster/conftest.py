"""A loaded retailer in a temporary state, the definitions over it, and an instance of its own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from rtp import wiring
from rtp.services.redis_server import find_redis
from rtp.settings import Settings, checkout_root
from rtp.stores.feeds.folder import load_folder
from rtp_dagster.days import run_tags
from rtp_dagster.execution import create_run, execute
from rtp_dagster.graph import build_definitions
from rtp_dagster.progress import Outcome, Telling
from tests.conftest import redis_running

SAMPLE = checkout_root() / "tests" / "data" / "sample"
NOW = datetime(2026, 6, 30, 6, tzinfo=UTC)
"""The morning after the sample's last sale."""


@pytest.fixture(scope="session")
def graph_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with nothing loaded: enough for the shape of the graph."""
    root = checkout_root()
    return Settings(root=root, state_dir=tmp_path_factory.mktemp("graph"), config_dir=root / "config")


@pytest.fixture(scope="session")
def graph(graph_settings: Settings) -> dg.Definitions:
    """The definitions over nothing."""
    return build_definitions(graph_settings, lambda: NOW)


class MovingClock:
    """The time of the builds; a test may move it, and puts it back."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture(scope="session")
def redis_of_the_build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Redis: a build takes too long to be repeated on every binary, and its scripts are tested on each."""
    with redis_running(find_redis(), tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def retailer(redis_of_the_build: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sample, loaded."""
    root = checkout_root()
    state = tmp_path_factory.mktemp("retailer")
    settings = Settings(root=root, state_dir=state, config_dir=root / "config", redis_url=redis_of_the_build)
    load_folder(wiring.lake(settings), SAMPLE, now=NOW)
    return settings


@pytest.fixture(scope="session")
def clock() -> MovingClock:
    """The clock that the builds read."""
    return MovingClock()


@pytest.fixture(scope="session")
def definitions(retailer: Settings, clock: MovingClock) -> dg.Definitions:
    """The definitions over the retailer, at the time of the sample."""
    return build_definitions(retailer, clock)


@pytest.fixture(scope="session")
def instance(retailer: Settings) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance on disk, as a build has it."""
    home = retailer.state_dir / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as local:
        yield local


@pytest.fixture(scope="session")
def build(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Callable[[], Outcome]:
    """Runs `refresh` over all days, as `rtp build` does."""

    def run() -> Outcome:
        job = definitions.resolve_job_def("refresh")
        made = create_run(job, instance, run_tags(None, NOW.date()))
        ticks = iter((0.0, 1.0))
        return Telling(made, lambda _line: None).follow(execute(job, made, instance), lambda: next(ticks))

    return run


@pytest.fixture(scope="session")
def built(build: Callable[[], Outcome]) -> Outcome:
    """The good state that all tests here share; whoever changes it puts it back."""
    return build()

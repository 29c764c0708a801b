"""Redis goes away in a build: one clear error, nothing lost, and the online store is brought up afterwards."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import msgspec
import pytest
import redis

from rtp import wiring
from rtp.services.redis_server import find_redis, redis_arguments
from rtp.settings import Settings
from rtp_dagster.graph import build_definitions
from rtp_dagster.in_step import JOB, PARTS, behind
from rtp_dagster.progress import REDIS_GONE, Outcome
from tests.conftest import free_port
from tests.rtp_dagster.conftest import NOW
from tests.rtp_dagster.parts import publish
from tests.rtp_dagster.served import served


class Killable:
    """A Redis that a test kills and starts again over the same files."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._arguments = redis_arguments(find_redis().path, folder, host="127.0.0.1", port=self.port)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url, patient = f"redis://127.0.0.1:{self.port}/0", redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250)
        with redis.Redis.from_url(url, retry=patient) as client:
            client.ping()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Killable]:
    (tmp_path / "redis").mkdir()
    server = Killable(tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture
def settings(built: Outcome, retailer: Settings, server: Killable, tmp_path: Path) -> Settings:
    """A copy of the built state, before a Redis that holds nothing."""
    assert built.ok, built.error
    left = shutil.ignore_patterns("dagster")
    shutil.copytree(retailer.state_dir, tmp_path / "state", symlinks=True, ignore=left)
    url = f"redis://127.0.0.1:{server.port}/0"
    return msgspec.structs.replace(retailer, state_dir=tmp_path / "state", redis_url=url)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as local:
        yield local


@pytest.fixture
def graph_of_the_copy(settings: Settings) -> dg.Definitions:
    return build_definitions(settings, lambda: NOW)


def look(definitions: dg.Definitions, instance: dg.DagsterInstance, settings: Settings) -> dg.RunRequest | None:
    """What the sensor asks for."""
    resources = {"settings": settings, "clock": lambda: NOW}
    repository = definitions.get_repository_def()
    with dg.build_sensor_context(instance=instance, resources=resources, repository_def=repository) as context:
        requests = definitions.resolve_sensor_def("online_in_step").evaluate_tick(context).run_requests
    return requests[0] if requests else None


def test_what_redis_missed_when_it_was_killed_in_a_build_is_brought_once_it_is_back(
    graph_of_the_copy: dg.Definitions, fresh: dg.DagsterInstance, settings: Settings, server: Killable
) -> None:
    assert publish(graph_of_the_copy, fresh).ok
    before = served(settings)
    assert look(graph_of_the_copy, fresh, settings) is None

    outcome = publish(graph_of_the_copy, fresh, then=server.kill, after="materialize_")
    assert (outcome.ok, outcome.error) == (False, REDIS_GONE)
    version = wiring.lake(settings).published_version()
    assert version not in {None, before.version}
    assert look(graph_of_the_copy, fresh, settings) is None, "there is nothing to bring it to"

    server.start()
    assert served(settings).orders == before.orders, "what was in is served"
    request = look(graph_of_the_copy, fresh, settings)
    assert request
    assert request.asset_selection
    assert 0 < len(request.asset_selection) < len(PARTS), "what was written before needs no second time"
    assert (
        graph_of_the_copy.resolve_job_def(JOB)
        .execute_in_process(instance=fresh, asset_selection=list(request.asset_selection))
        .success
    )
    assert behind(settings, str(version)) == []
    assert look(graph_of_the_copy, fresh, settings) is None


def test_a_redis_that_came_back_without_its_data_is_filled(
    graph_of_the_copy: dg.Definitions, fresh: dg.DagsterInstance, settings: Settings
) -> None:
    request = look(graph_of_the_copy, fresh, settings)
    assert request
    assert set(request.asset_selection or []) == set(PARTS)


def test_nothing_is_published_while_redis_is_away(
    graph_of_the_copy: dg.Definitions, fresh: dg.DagsterInstance, settings: Settings, server: Killable
) -> None:
    version = wiring.lake(settings).published_version()
    server.kill()
    outcome = publish(graph_of_the_copy, fresh)
    assert (outcome.ok, outcome.error) == (False, REDIS_GONE)
    assert wiring.lake(settings).published_version() == version

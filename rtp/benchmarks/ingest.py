"""`rtp bench ingest`: HTTP → log → fragment → feature, through one API and one worker process and a durable Redis.

The services are the product's own, started by its supervisor (without Dagster) in a temporary directory; archiving runs
as always. The load generator is this process, and its processor time is told like everybody's. Events are simulated.
"""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psutil

from rtp import wiring
from rtp.benchmarks.ingest_floor import floor
from rtp.benchmarks.ingest_probe import FeatureProbe
from rtp.benchmarks.ingest_stages import stages
from rtp.benchmarks.load import Connections, EventSource, Sent
from rtp.benchmarks.result import BenchResult, Measure
from rtp.services.run_state import read_run_state
from rtp.services.specs import service_specs
from rtp.services.supervisor import Supervisor
from rtp.settings import Settings, checkout_root
from rtp.signals.log import EventLog
from rtp.stores.keyring import load_keyring

SERVICES = ("redis", "api", "worker")
WARM_UP_SECONDS = 3
POLL_SECONDS = 0.02
MOST_STAGED = 40_000
"""Events that the stages are timed on."""


def run(
    *, customers: int = 20_000, events: int = 100_000, batch: int = 20, rate: int = 1_000, seconds: int = 20
) -> BenchResult:
    """`events` as fast as they are taken; then `rate` a second for `seconds`; each in requests of `batch`."""
    with TemporaryDirectory(prefix="rtp-bench-") as work:
        settings = bench_settings(Path(work))
        with Supervisor(settings, [each for each in service_specs(settings) if each.name in SERVICES]):
            rows = asyncio.run(_Session(settings, customers=customers, batch=batch).measure(events, rate, seconds))
    found = rows + asyncio.run(stages(customers=customers, events=min(events, MOST_STAGED), batch=batch))
    by_name = {row.name: row.value for row in found}
    return BenchResult(
        bench="ingest",
        rows=found,
        ratios={
            "append_floor_over_applied": round(by_name["floor_xadd"] / by_name["applied"], 1),
            "read_floor_over_applied": round(by_name["floor_xreadgroup"] / by_name["applied"], 1),
        },
    )


def bench_settings(work: Path) -> Settings:
    """Settings with a state directory and ports of their own, and the configuration as it is."""
    root = checkout_root()
    ports = [free_port() for _ in range(3)]
    return Settings(
        root=root, state_dir=work / "state", config_dir=root / "config", api_port=ports[0], redis_port=ports[1],
        worker_port=ports[2], log_level="warning",
    )  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Session:
    """The measurements on running services."""

    def __init__(self, settings: Settings, *, customers: int, batch: int) -> None:
        self._settings = settings
        self._customers = customers
        self._batch = batch
        self._source = EventSource(
            customers=customers, write_key=load_keyring(settings).write, host=f"{settings.host}:{settings.api_port}"
        )

    async def measure(self, events: int, rate: int, seconds: int) -> list[Measure]:
        """All rows, in the order in which they are measured."""
        async with wiring.redis_opened(self._settings) as client:
            log = wiring.event_log(self._settings, client)
            rows = [Measure("customers", self._customers, "customers"), Measure("batch", self._batch, "events")]
            rows += await self._throughput(log, "new_", self._source.first_visits(self._batch))
            requests = self._source.requests(events // self._batch, self._batch)
            rows += await self._throughput(log, "", requests)
            for batch in (self._batch, 1):
                probe = FeatureProbe(client, wiring.keyed_hash(self._settings))
                rows += await self._latency(log, probe, rate, seconds, batch)
            return rows + await floor(client, [each.body for each in requests], self._batch)

    async def _throughput(self, log: EventLog, prefix: str, requests: list[Sent]) -> list[Measure]:
        """Until the last event is applied, and its effects are carried out."""
        count = sum(each.events for each in requests)
        async with self._connections() as connections:
            with self._processor_time() as spent:
                begin = perf_counter()
                await connections.as_fast_as_possible(requests)
                accepted = perf_counter() - begin
                await _drained(log)
                applied = perf_counter() - begin
        rows = [
            Measure(f"{prefix}accepted", round(count / accepted), "events/s"),
            Measure(f"{prefix}applied", round(count / applied), "events/s"),
        ]
        costs = [
            Measure(f"{prefix}cpu_{name}", round(taken / count * 1e6, 1), "µs/event") for name, taken in spent.items()
        ]
        shares = [Measure(f"{prefix}share_{name}", round(taken / applied, 2), "cores") for name, taken in spent.items()]
        return rows + costs + shares

    async def _latency(self, log: EventLog, probe: FeatureProbe, rate: int, seconds: int, batch: int) -> list[Measure]:
        """From the answer to a request, and from its being due, until its first event is seen in the online store."""
        before = self._source.requests(WARM_UP_SECONDS * rate // batch, batch)
        requests = self._source.requests(seconds * rate // batch, batch, probes=True)
        async with self._connections() as connections:
            await connections.at_rate(before, rate / batch)
            with self._processor_time() as spent:
                begin = perf_counter()
                watching = asyncio.create_task(probe.watch())
                await connections.at_rate(requests, rate / batch, probe.accepted)
                await probe.finish(watching)
                taken = perf_counter() - begin
        await _drained(log)
        suffix = "" if batch > 1 else "_single"
        rows = [Measure(f"{name}{suffix}", value, "ms") for name, value in probe.figures().items()]
        rows.append(Measure(f"probes{suffix}", len(probe.seen), "events"))
        return rows + [
            Measure(f"offered{suffix}_share_{name}", round(each / taken, 2), "cores") for name, each in spent.items()
        ]

    def _connections(self) -> Connections:
        """Fresh ones: the API closes those that are idle for long."""
        return Connections(self._settings.host, self._settings.api_port)

    @contextmanager
    def _processor_time(self) -> Iterator[dict[str, float]]:
        """Seconds that each process computed inside, the load generator included."""
        spent: dict[str, float] = {}
        before = self._computed()
        yield spent
        spent |= {name: taken - before[name] for name, taken in self._computed().items()}

    def _computed(self) -> Mapping[str, float]:
        state = read_run_state(self._settings)
        pids = {name: service.pid for name, service in state.services.items()} if state else {}
        processes = {name: psutil.Process(pid) for name, pid in pids.items()} | {"load": psutil.Process()}
        archivers = processes["worker"].children() if "worker" in processes else []
        processes |= {"archiver": archivers[0]} if archivers else {}
        return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


async def _drained(log: EventLog) -> None:
    while (await log.accounting()).pending:  # noqa: ASYNC110 - nothing tells when the worker is through
        await asyncio.sleep(POLL_SECONDS)

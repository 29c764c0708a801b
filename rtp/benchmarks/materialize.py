"""`rtp bench materialize`: Feast's own materialization, ours, and the floor that Redis sets, on the same rows.

The floor is plain pipelined HSET of bytes made beforehand: no rule about newer values, no encoding. The rows are
random, seeded; each contender starts with an empty Redis of its own settings (every write on disk first), except that
ours is measured a second time on top of its own rows, where it has to compare times.
"""

import io
import socket
import statistics
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from rtp.benchmarks.result import BenchResult, Measure
from rtp.features.types import FeatureType
from rtp.features.view import Feature, View
from rtp.features.views import CUSTOMER
from rtp.services.redis_server import find_redis, redis_arguments
from rtp.stores.feast_bulk import materialize, read_batches
from rtp.stores.feast_packets import ROWS_A_BLOCK, fields_of, keys_of, packed_rows
from rtp.stores.lake import Lake
from rtp.stores.redis_frames import ARGUMENT, framed
from rtp.stores.redis_lanes import Lanes

ON_TOP = "rtp_materialize_again"
"""What finds the rows of the turn before; all others start on an empty Redis."""
OURS = ["rtp_materialize", ON_TOP]
TURNS = ["redis_floor", *OURS, "feast_materialize", *OURS, "redis_floor"]
DAY = timedelta(days=1)
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = [FeatureType.INT] * 7 + [FeatureType.FLOAT] * 7 + [FeatureType.TEXT] * 2 + [FeatureType.TIME] * 2
KINDS += [FeatureType.FLAG, FeatureType.TEXTS]
VIEW = View(
    name="bench_profile", entity=CUSTOMER, mart="bench_profile", meaning="Random rows.", owner="bench", ttl_days=400,
    features=tuple(Feature(f"feature_{n}", kind, "Random.") for n, kind in enumerate(KINDS)),
)  # fmt: skip


def run(*, rows: int = 100_000, repetitions: int = 1) -> BenchResult:
    """Rows a second of each. The contenders take turns, so that a machine that is busier for a while is so for all."""
    with TemporaryDirectory(prefix="rtp-bench-") as work, redis_server(Path(work)) as url:
        lake = Lake(Path(work) / "lake")
        mart = lake.mart(VIEW.name)
        write_rows(mart, rows)
        commands = hset_commands(mart)
        feast = feast_materialization(url, lake, Path(work))
        contenders: dict[str, Callable[[], Any]] = {
            "redis_floor": lambda: send_all(url, commands),
            **dict.fromkeys(OURS, lambda: materialize(url, VIEW, mart)),
            "feast_materialize": feast,
        }
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for name in TURNS * repetitions:
            if name != ON_TOP:
                empty(url)
            seconds[name].append(timed(contenders[name]))
    return result(rows, {name: statistics.mean(taken) for name, taken in seconds.items()})


def result(rows: int, seconds: dict[str, float]) -> BenchResult:
    """The figures as rows a second."""
    ours = seconds["rtp_materialize"]
    return BenchResult(
        bench="materialize",
        rows=[
            Measure("rows", rows, "rows"),
            Measure("features", len(KINDS), "features a row"),
            *(Measure(name, round(rows / taken), "rows/s") for name, taken in seconds.items()),
        ],
        ratios={
            "rtp_over_feast": round(seconds["feast_materialize"] / ours, 1),
            "rtp_again_over_feast": round(seconds["feast_materialize"] / seconds[ON_TOP], 1),
            "rtp_over_floor": round(seconds["redis_floor"] / ours, 2),
        },
    )


def empty(url: str) -> None:
    """Forgets all that is in Redis."""
    with Redis.from_url(url) as client:
        client.flushall()


def timed(work: Callable[[], Any]) -> float:
    """Seconds that the work takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


def write_rows(path: Path, rows: int) -> None:
    """Random rows with a tenth of the values unknown."""
    random = np.random.default_rng(7)
    path.parent.mkdir(parents=True)
    columns: dict[str, Any] = {
        "customer_id": [f"c{n:024x}" for n in range(rows)],
        "as_of": pa.array([AS_OF] * rows, pa.timestamp("us", "UTC")),
    }
    for feature in VIEW.features:
        columns[feature.name] = _random_column(feature.type, rows, random)
    pq.write_table(pa.table(columns), path)


def _random_column(kind: FeatureType, rows: int, random: np.random.Generator) -> pa.Array:
    unknown = random.random(rows) < 0.1
    match kind:
        case FeatureType.INT:
            return pa.array(random.integers(0, 5000, rows), mask=unknown)
        case FeatureType.FLOAT:
            return pa.array(random.random(rows) * 1000, mask=unknown)
        case FeatureType.TEXT:
            return pa.array(np.char.add("category ", random.integers(0, 300, rows).astype(str)), mask=unknown)
        case FeatureType.FLAG:
            return pa.array(random.random(rows) < 0.5, mask=unknown)
        case FeatureType.TIME:
            moments = random.integers(1_700_000_000_000_000, 1_760_000_000_000_000, rows)
            return pa.array(moments, pa.timestamp("us", "UTC"), mask=unknown)
        case FeatureType.TEXTS:
            names = random.integers(0, 30, (rows, 3)).astype(str).tolist()
            return pa.array([None if skip else row for skip, row in zip(unknown, names, strict=True)])


class FieldAndValue(msgspec.Struct, frozen=True):
    """The frame of a field and its value as two arguments."""

    name: bytes

    def head(self, length: int) -> bytes:
        """What precedes a payload of this length."""
        return framed(self.name) + ARGUMENT.head(length)

    def tail(self, length: int) -> bytes:
        """What follows a payload of this length."""
        return ARGUMENT.tail(length)


def hset_commands(path: Path) -> list[bytes]:
    """One HSET a row, packed for the wire in blocks as long as the bulk writer's."""
    head = b"*%d\r\n$4\r\nHSET\r\n" % (2 + 2 * len(fields_of(VIEW)))
    blocks = []
    for batch in read_batches(VIEW, path):
        rows = zip(keys_of(VIEW, batch), packed_rows(VIEW, batch, FieldAndValue), strict=True)
        commands = [head + framed(key) + row for key, row in rows]
        blocks += [b"".join(commands[start : start + ROWS_A_BLOCK]) for start in range(0, len(commands), ROWS_A_BLOCK)]
    return blocks


def send_all(url: str, blocks: list[bytes]) -> None:
    """Sends the blocks as the bulk writer sends its own."""
    with Lanes(url) as lanes:
        for block in blocks:
            lanes.send(block, block.count(b"$4\r\nHSET\r\n"))
        lanes.finish()


def feast_materialization(url: str, lake: Lake, work: Path) -> Callable[[], None]:
    """Feast's own, set up but not started: its imports and its registry are not counted, its chatter is not shown."""
    from feast import FeatureStore, RepoConfig

    from rtp.stores.feast_objects import feast_entity, feast_view
    from rtp.stores.feast_repository import connection_string

    store = FeatureStore(
        config=RepoConfig(
            project="rtp", provider="local", registry=str(work / "registry.db"), entity_key_serialization_version=3,
            online_store={"type": "redis", "connection_string": connection_string(url)},
            offline_store={"type": "duckdb"},
        )
    )  # fmt: skip
    store.apply([feast_entity(CUSTOMER), feast_view(VIEW, lake)])

    def work_of_feast() -> None:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            store.materialize(AS_OF - DAY, AS_OF + DAY, feature_views=[VIEW.name])

    return work_of_feast


@contextmanager
def redis_server(work: Path) -> Iterator[str]:
    """A Redis of the product's own settings, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    data = work / "redis"
    data.mkdir()
    arguments = redis_arguments(find_redis().path, data, host="127.0.0.1", port=port)
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        with Redis.from_url(url, retry=Retry(ConstantBackoff(0.02), 250)) as client:
            client.ping()
        yield url
    finally:
        process.terminate()
        process.wait()

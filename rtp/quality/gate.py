"""The gate: nothing reaches the online store that did not pass here."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from rtp.quality.config import QualityConfig
from rtp.quality.delivery import Delivery, examine
from rtp.quality.frames import Held, Reader, Source, available
from rtp.quality.plan import plan
from rtp.quality.ports import Baselines, Feeds, Published
from rtp.quality.profile import Baseline, missing_shares, profile
from rtp.quality.result import CheckResult, blocking
from rtp.quality.runner import Checked, Runner, missing_column
from rtp.quality.suite import Expect, Frame, TableSuite, suite_fingerprint


class QualityGate:
    """Checks feeds and marts, and remembers what was accepted.

    One gate may check many tables; Great Expectations is imported at the first. Raises Fatal for a config that
    cannot be meant, never for bad data: that is a result.
    """

    def __init__(self, config: QualityConfig, feeds: Feeds, baselines: Baselines, published: Published) -> None:
        self.config = config
        self._feeds = feeds
        self._baselines = baselines
        self._published = published
        self._runner: Runner | None = None
        self.checked: list[Checked] = []
        """Everything checked so far, for the Data Docs."""

    def check_feeds(
        self, now: datetime, tables: Iterable[str] | None = None, *, everything: bool = False
    ) -> tuple[CheckResult, ...]:
        """Checks each feed's files that are not accepted yet (`everything`: all of them), and its freshness at `now`.

        What passes waits to be accepted with :meth:`accept`.
        """
        names = self.config.feeds if tables is None else tables
        return tuple(result for name in names for result in self._feed(self.config.feeds[name], now, everything))

    def check_marts(self, tables: Mapping[str, Path | Held], now: datetime) -> tuple[CheckResult, ...]:
        """Checks candidate marts before they are published; names without a suite are left out."""
        known = {name: source for name, source in tables.items() if name in self.config.marts}
        return tuple(
            result for name, source in known.items() for result in self._mart(self.config.marts[name], source, now)
        )

    def check_late(self, now: datetime) -> tuple[CheckResult, ...]:
        """Checks the feeds into which files came after their last check, with all that is new in them.

        A build reads what is there when it reads: call this once it has read, before anything is published.
        """
        return self.check_feeds(now, [table for table in self.config.feeds if self._late(table)])

    def accept(self, now: datetime, tables: Iterable[str] | None = None) -> tuple[str, ...]:
        """Makes the feeds that passed their last check the accepted ones; call it after a successful publish.

        Files that came in after that check are not accepted with them. Gives the names of the tables.
        """
        names = list(self.config.feeds if tables is None else tables)
        waiting = [passed for name in names if (passed := self._baselines.passed(name))]
        with Reader() as reader:
            for passed in waiting:
                self._baselines.accept(self._profiled(reader, passed, now))
        return tuple(passed.table for passed in waiting)

    def accepted_files(self, table: str) -> tuple[Path, ...]:
        """The files of a feed that may be served: what came in since is not among them."""
        accepted = self._baselines.accepted(table)
        known = set(accepted.files) if accepted else set()
        return tuple(path for path in self._feeds.files(table).files if path.name in known)

    def accept_as_it_is(self, now: datetime, tables: Iterable[str]) -> None:
        """Declares all present files of these feeds good, whatever their checks said: the change in them is real."""
        with Reader() as reader:
            for table in tables:
                suite, files = self.config.feeds[table], self._feeds.files(table).files
                state = self._state(suite, [path.name for path in files], now)
                self._baselines.accept(self._profiled(reader, state, now))

    def set_aside(self, results: Iterable[CheckResult]) -> dict[str, Path]:
        """Takes the files that are not accepted out of every feed that `results` stop; gives where they went.

        A feed that is only too old keeps its files: there is nothing wrong with them.
        """
        stopped = {one.table for one in blocking(results) if one.column != "hours_since_newest"} & set(
            self.config.feeds
        )
        moved = {}
        for table in sorted(stopped):
            accepted = self._baselines.accepted(table)
            known = set(accepted.files) if accepted else set()
            files = self._feeds.files(table)
            new = {path.name for path in (*files.files, *files.quarantine)} - known
            if new:
                moved[table] = self._feeds.set_aside(table, sorted(new))
        return moved

    def _late(self, table: str) -> bool:
        states = (self._baselines.passed(table), self._baselines.accepted(table))
        known = {name for state in states if state for name in state.files}
        return any(path.name not in known for path in self._feeds.files(table).files)

    def _feed(self, suite: TableSuite, now: datetime, everything: bool) -> tuple[CheckResult, ...]:
        files = self._feeds.files(suite.table)
        if not (files.files or files.quarantine or suite.min_rows):
            return ()
        baseline = self._baselines.accepted(suite.table)
        state = self._state(suite, [path.name for path in files.files], now)
        same = baseline is not None and baseline.suite == state.suite and not everything
        known = set(baseline.files) if baseline and same else set()
        with Reader() as reader:
            delivery = examine(reader, files, known, suite)
            rows = reader.count(delivery.incoming) if delivery.incoming else 0
            expects = plan(suite, baseline, rows, None)
            results = self._look(reader, suite, expects, delivery, now)
        if blocking(results):
            self._baselines.drop_passed(suite.table)
        else:
            self._baselines.put_passed(state)
        return results

    def _mart(self, suite: TableSuite, source: Path | Held, now: datetime) -> tuple[CheckResult, ...]:
        table: Source = (source,) if isinstance(source, Path) else source
        published = self._published.mart(suite.table)
        with Reader() as reader:
            before = reader.count((published,)) if published.exists() else None
            rows = reader.count(table)
            delivery = Delivery(incoming=table, whole=table, published=before)
            return self._look(reader, suite, plan(suite, None, rows, before), delivery, now)

    def _look(
        self, reader: Reader, suite: TableSuite, expects: Sequence[Expect], delivery: Delivery, now: datetime
    ) -> tuple[CheckResult, ...]:
        known = reader.schema(delivery.incoming) if len(delivery.incoming) else {}
        rows_expects = [expect for expect in expects if expect.frame is Frame.ROWS]
        absent = {
            id(expect): column for expect in rows_expects for column in expect.columns if not available(column, known)
        }
        checked = self._small_frames(reader, suite, expects, delivery, now)
        possible = [expect for expect in rows_expects if id(expect) not in absent]
        if possible:
            key = [column for column in suite.key if column in known]
            needed = dict.fromkeys([*key, *(column for expect in possible for column in expect.columns)])
            unique = [column for column in suite.unique if available(column, known)]
            rows = reader.rows(delivery.incoming, list(needed), unique, possible, self.config.sample_rows)
            checked += self._run(suite, possible, rows.frame, key, rows.rows)
        checked += [
            missing_column(suite, expect, absent[id(expect)], 0) for expect in rows_expects if id(expect) in absent
        ]
        self.checked += checked
        return tuple(one.result for one in checked)

    def _small_frames(
        self, reader: Reader, suite: TableSuite, expects: Sequence[Expect], delivery: Delivery, now: datetime
    ) -> list[Checked]:
        table = delivery.table_frame(reader, suite, now)
        frames: dict[Frame, tuple[Any, list[str]]] = {
            Frame.COLUMNS: (delivery.columns, ["_file", "delivery", "column", "expected", "found"]),
            Frame.REFUSED: (delivery.refused, ["_file", "delivery", "reason", "column", "lines"]),
            Frame.TABLE: (table, ["table"]),
        }
        checked = []
        for name, (frame, key) in frames.items():
            chosen = [expect for expect in expects if expect.frame is name]
            if chosen and frame is not None and len(frame):
                checked += self._run(suite, chosen, frame, key, len(frame))
        return checked

    def _run(
        self, suite: TableSuite, expects: Sequence[Expect], frame: Any, key: list[str], rows: int
    ) -> list[Checked]:
        if self._runner is None:
            self._runner = Runner()
        return self._runner.run(suite, expects, frame, key, rows)

    def _state(self, suite: TableSuite, files: Sequence[str], now: datetime) -> Baseline:
        return Baseline(
            table=suite.table,
            accepted_at=now.isoformat(),
            rows=0,
            files=tuple(sorted(files)),
            suite=suite_fingerprint(suite),
        )

    def _profiled(self, reader: Reader, state: Baseline, now: datetime) -> Baseline:
        suite = self.config.feeds[state.table]
        files = [path for path in self._feeds.files(state.table).files if path.name in set(state.files)]
        if not files:
            return msgspec.structs.replace(state, accepted_at=now.isoformat())
        columns = [c for c in dict.fromkeys([*suite.drift, *suite.max_missing]) if c in reader.schema(files)]
        rows = reader.rows(files, columns, suite.unique, (), self.config.sample_rows)
        return msgspec.structs.replace(
            state,
            accepted_at=now.isoformat(),
            rows=rows.rows,
            missing=missing_shares(rows.frame, suite.max_missing),
            columns=profile(rows.frame, suite.drift),
        )

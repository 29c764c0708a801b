"""Which line of a CSV file each record began at, when records may hold line breaks and some records are bad."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BadRecord = tuple[int, str]
"""(record number as the reader counts, 1 is the header; its text)"""


class LineCounter(msgspec.Struct):
    """Turns record numbers into line numbers, batch after batch."""

    next_record: int = 2
    extra_lines: int = 0
    """Line breaks inside records so far."""
    bad_done: int = 0
    bad_lines: list[tuple[int, str]] = []
    """(line, text) of the bad records passed so far."""

    def lines(self, batch: pa.RecordBatch, bad: list[BadRecord]) -> pa.Array:
        """The line of each row of the next batch; `bad` holds every bad record met so far, in order."""
        rows = len(batch)
        between = self._bad_between(rows, bad)
        records = np.arange(self.next_record, self.next_record + rows + len(between))
        is_bad = np.isin(records, [record for record, _ in between])
        breaks = np.zeros(len(records), dtype=np.int64)
        breaks[~is_bad] = _breaks(batch)
        breaks[is_bad] = [text.count("\n") for _, text in between]
        starts = records + self.extra_lines + np.cumsum(breaks) - breaks
        self.bad_lines += zip(starts[is_bad].tolist(), (text for _, text in between), strict=True)
        self.extra_lines += int(breaks.sum())
        self.next_record += len(records)
        self.bad_done += len(between)
        return pa.array(starts[~is_bad], pa.int64())

    def rest(self, bad: list[BadRecord]) -> list[tuple[int, str]]:
        """(line, text) of every bad record, when the last batch is through."""
        for record, text in bad[self.bad_done :]:
            self.bad_lines.append((record + self.extra_lines, text))
            self.extra_lines += text.count("\n")
        self.bad_done = len(bad)
        return self.bad_lines

    def _bad_between(self, rows: int, bad: list[BadRecord]) -> list[BadRecord]:
        """The bad records that come before the last of the next `rows` good ones."""
        end = self.bad_done
        while end < len(bad) and bad[end][0] < self.next_record + rows + (end - self.bad_done):
            end += 1
        return bad[self.bad_done : end]


def _breaks(batch: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many line breaks each row holds."""
    total = np.zeros(len(batch), dtype=np.int64)
    for column in batch.columns:
        texts = column.buffers()[2]
        if texts is not None and b"\n" in texts.to_pybytes():
            total += pc.count_substring(column, "\n").to_numpy(zero_copy_only=False)
    return total

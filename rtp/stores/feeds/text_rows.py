"""CSV and JSON lines as Parquet files of texts, each row with the line it began at."""

import codecs
import io
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from rtp.signals.feeds.check_sql import ROW, UNREADABLE_CHARACTER
from rtp.stores.feeds.files import csv_header, unreadable
from rtp.stores.feeds.lines import BadRecord, LineCounter

BLOCK = 8 << 20
MOST_UNREADABLE = 100_000
"""More unreadable lines than this, and the file is not what its name says."""
LINES_AT_ONCE = 50_000
LINE = "_line"


class TextRows(msgspec.Struct):
    """What a text file held: the rows that have a column for each name, and the lines that do not."""

    path: Path
    """A Parquet file: `_row`, and the columns as texts (or `_line` for JSON lines)."""
    unreadable: list[tuple[int, str]]
    """(line, text)"""
    garbled: bool
    """Some bytes were not UTF-8; U+FFFD stands in their place."""


class _Utf8(io.RawIOBase):
    """A byte stream that is valid UTF-8 whatever the file holds, has no byte-order mark and ends with a line break."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = b""
        self._ended = False
        self._last = ""
        self.garbled = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest and not self._ended:
            self._rest = self._next_block()
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _next_block(self) -> bytes:
        block = self._file.read(1 << 20)
        text = self._decoder.decode(block, final=not block)
        if not block:
            self._ended = True
            text += "" if (self._last + text).endswith("\n") else "\n"
        self._last = text[-1:] or self._last
        self.garbled = self.garbled or UNREADABLE_CHARACTER in text
        return text.encode()


def stage_csv(path: Path, target: Path, notify: Callable[[float], None]) -> TextRows:
    """Reads a CSV file with a header; `notify` hears which share is through. Raises Rejected if it cannot be read."""
    names, delimiter = csv_header(path)
    bad: list[BadRecord] = []

    def keep(row: pa_csv.InvalidRow) -> str:
        bad.append((row.number, row.text))
        return "skip"

    counter, size = LineCounter(bad_lines=[]), path.stat().st_size
    schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in names)])
    with path.open("rb") as file, pq.ParquetWriter(target, schema, compression="lz4") as writer:
        stream = _Utf8(file)
        try:
            for batch in _open_csv(stream, names, delimiter, keep):
                _refuse_nonsense(path, len(bad))
                writer.write_batch(pa.record_batch([counter.lines(batch, bad), *batch.columns], schema))
                notify(file.tell() / size)
        except pa.ArrowInvalid as error:
            raise unreadable(path, str(error).splitlines()[0].removeprefix("CSV parse error: ")) from error
    return TextRows(path=target, unreadable=counter.rest(bad), garbled=stream.garbled)


def _open_csv(
    stream: _Utf8, names: list[str], delimiter: str, keep: Callable[[pa_csv.InvalidRow], str]
) -> Iterator[pa.RecordBatch]:
    """Batches of texts. One thread: with more, the reader does not know the numbers of bad records."""
    reader: Iterator[pa.RecordBatch] = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, skip_rows=1, block_size=BLOCK),
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep
        ),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[]),
    )
    return reader


def _refuse_nonsense(path: Path, bad: int) -> None:
    if bad > MOST_UNREADABLE:
        raise unreadable(path, f"more than {MOST_UNREADABLE:,} of its lines do not fit its header")


def stage_json_lines(path: Path, target: Path, notify: Callable[[float], None]) -> TextRows:
    """Reads a file of one JSON document a line; whether each is one is for the caller's SQL to say."""
    schema = pa.schema([(ROW, pa.int64()), (LINE, pa.string())])
    garbled, size, number = False, max(path.stat().st_size, 1), 0
    with path.open("rb") as file, pq.ParquetWriter(target, schema, compression="lz4") as writer:
        while lines := list(islice(file, LINES_AT_ONCE)):
            texts = [line.decode("utf-8-sig" if number == 0 else "utf-8", "replace").strip() for line in lines]
            rows = [(number + offset, text) for offset, text in enumerate(texts, start=1) if text]
            number += len(lines)
            if rows:
                numbers, kept = zip(*rows, strict=True)
                garbled = garbled or any(UNREADABLE_CHARACTER in text for text in kept)
                writer.write_batch(pa.record_batch([pa.array(numbers, pa.int64()), pa.array(kept)], schema))
            notify(file.tell() / size)
    return TextRows(path=target, unreadable=[], garbled=garbled)

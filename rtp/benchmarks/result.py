"""What every benchmark gives back; `rtp bench NAME --json` prints it as it is."""

import msgspec


class Measure(msgspec.Struct, frozen=True):
    """One figure."""

    name: str
    value: float
    unit: str


class BenchResult(msgspec.Struct, frozen=True):
    """The figures of one benchmark, and how they stand to each other."""

    bench: str
    rows: list[Measure]
    ratios: dict[str, float]

"""What dbt's manifest says about its nodes: who reads whom, and what can be taken day by day."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

Node = Mapping[str, Any]


class DbtGraph(msgspec.Struct, frozen=True):
    """Nodes by unique id, and for each node those that read it and those that it reads."""

    nodes: dict[str, Any]
    sources: dict[str, Any]
    child_map: dict[str, list[str]]
    parent_map: dict[str, list[str]]

    def below(self, roots: Iterable[str]) -> set[str]:
        """The roots and everything that reads them, however indirectly."""
        return _reached(roots, self.child_map)

    def sources_of(self, node: str) -> set[str]:
        """The sources that a node reads, however indirectly."""
        return _reached([node], self.parent_map) & self.sources.keys()

    def built(self) -> Iterator[tuple[str, Node]]:
        """What a build runs: models and the tests of data."""
        return ((key, node) for key, node in self.nodes.items() if node["resource_type"] in {"model", "test"})


def read_graph(manifest: Path) -> DbtGraph:
    """Reads a `manifest.json`."""
    return msgspec.json.decode(manifest.read_bytes(), type=DbtGraph)


def is_daily(node: Node) -> bool:
    """Whether one day of a model can be taken anew: it grows, and its SQL asks for that day."""
    incremental = materialization(node) == "incremental"
    return incremental and any(word in node.get("raw_code", "") for word in ("moment = '", "build_day("))


def materialization(node: Node) -> str:
    """How dbt builds a node: view, table, incremental, test."""
    return str(node.get("config", {}).get("materialized", ""))


def _reached(roots: Iterable[str], edges: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += edges.get(node, [])
    return found

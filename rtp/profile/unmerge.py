"""Undoing a merge to its end: the graph, then the rows that every channel reads."""

from rtp.identity.graph import IdentityGraph
from rtp.identity.types import Evidence, Merge
from rtp.profile.projector import Projector


async def undo_merge(graph: IdentityGraph, projector: Projector, merge_id: str, evidence: Evidence) -> Merge:
    """Takes a merge back and returns once both customers' rows say what is theirs; may be repeated.

    Raises what :meth:`IdentityGraph.undo` raises.
    """
    merge = await graph.undo(merge_id, evidence)
    await projector.project([merge.loser, merge.survivor], known_empty=True)
    return merge

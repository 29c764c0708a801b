"""The tables a retailer brings: their contracts, how a row is checked, what a load reports. Opens no file."""

from rtp.signals.feeds.column import Column, Kind
from rtp.signals.feeds.contracts import CONTRACTS, PROVENANCE, TableContract, contract

__all__ = ["CONTRACTS", "PROVENANCE", "Column", "Kind", "TableContract", "contract"]

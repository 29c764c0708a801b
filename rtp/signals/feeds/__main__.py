"""`python -m rtp.signals.feeds`: the tables of docs/data.md, from the contracts."""

from rtp.signals.feeds.contracts import CONTRACTS
from rtp.signals.feeds.document import table_section

if __name__ == "__main__":
    print("\n".join(table_section(table) for table in CONTRACTS.values()))

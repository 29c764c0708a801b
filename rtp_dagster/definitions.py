"""What Dagster loads: the whole graph over this installation's settings."""

from rtp.settings import load_settings
from rtp_dagster.graph import build_definitions

defs = build_definitions(load_settings())

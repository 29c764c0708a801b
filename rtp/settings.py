"""One frozen Settings, read once from RTP_* environment variables."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from rtp.errors import Fatal


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are and which ports they use; every field `x` is set by `RTP_X`.

    `root` is the checkout (it holds `config/`, `dbt_project/`, `feature_repo/`); `state_dir` holds all state.
    """

    root: Path
    state_dir: Path
    config_dir: Path
    redis_url: str = ""
    """Use this Redis instead of starting one; empty means start one on `redis_port`."""
    host: str = "127.0.0.1"
    api_port: int = 8000
    dagster_port: int = 3000
    redis_port: int = 6390
    worker_port: int = 8001
    """The worker's own /healthz and /metrics."""
    partitions: int = 8
    """Partitions of the event log; fixed once events are in it."""
    event_log_entries: int = 1_000_000
    """A partition that holds more entries than this, not yet archived, accepts no more until readers catch up."""
    redis_memory_mb: int = 0
    """Above 85 % of it events are refused (503); 0 is Redis's `maxmemory`, or else three quarters of the machine's."""
    workers: int = 1
    """How many workers `rtp up` starts; each has its page on a port of its own, from `worker_port` upwards."""
    phone_region: str = "US"
    """Country (ISO 3166) of phone numbers written without a country code."""
    archive_seconds: int = 10
    """How often what the log holds is moved into the lake."""
    anonymous_ttl_days: int = 90
    stock_freshness_hours: int = 48
    """Stock that was last counted or moved longer ago promises nothing."""
    alert_webhook_url: str = ""
    """A failed run or blocking check is posted here."""
    log_level: str = "info"

    @property
    def redis_address(self) -> str:
        """The URL that clients connect to."""
        return self.redis_url or f"redis://{self.host}:{self.redis_port}/0"

    @property
    def api_url(self) -> str:
        """Where the HTTP API answers."""
        return f"http://{self.host}:{self.api_port}"

    @property
    def dagster_url(self) -> str:
        """Where the Dagster UI answers."""
        return f"http://{self.host}:{self.dagster_port}"

    @property
    def lake_dir(self) -> Path:
        """The Parquet lake."""
        return self.state_dir / "lake"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file; only builds open it."""
        return self.state_dir / "warehouse.duckdb"

    @property
    def models_dir(self) -> Path:
        """Model versions and the pointer to the live one."""
        return self.state_dir / "models"

    @property
    def quality_dir(self) -> Path:
        """The accepted states of the feeds, and the Data Docs."""
        return self.state_dir / "quality"

    @property
    def suppression_path(self) -> Path:
        """Keyed digests of who was erased."""
        return self.state_dir / "suppressed"

    @property
    def erasures_dir(self) -> Path:
        """Whom the erasures under way are about."""
        return self.state_dir / "erasing"

    @property
    def logs_dir(self) -> Path:
        """One log file per service."""
        return self.state_dir / "logs"


def checkout_root() -> Path:
    """The folder that holds `rtp/`, whatever the working directory is."""
    return Path(__file__).resolve().parent.parent


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; raises Fatal naming the variable that cannot be read."""
    source = os.environ if env is None else env
    root = Path(source.get("RTP_ROOT") or checkout_root())
    raw: dict[str, object] = {
        "root": root,
        "state_dir": root / ".rtp",
        "config_dir": root / "config",
    }
    for field in msgspec.structs.fields(Settings):
        text = source.get(f"RTP_{field.name.upper()}", "")
        if text:
            raw[field.name] = _parse(field.name, field.type, text)
    return Settings(**raw)  # type: ignore[arg-type]


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables by which another process loads the same settings."""
    values = ((field.name, getattr(settings, field.name)) for field in msgspec.structs.fields(Settings))
    return {f"RTP_{name.upper()}": str(value) for name, value in values if value != ""}


def _parse(name: str, kind: object, text: str) -> object:
    try:
        if kind is Path:
            return Path(text).expanduser().resolve()
        return int(text) if kind is int else text
    except ValueError as error:
        raise Fatal(
            f"RTP_{name.upper()}={text!r} is not a whole number.", hint="Set it to one, or unset it."
        ) from error

"""What is up and well right now."""

import msgspec

from rtp.services.health import is_ready
from rtp.services.run_state import read_run_state
from rtp.settings import Settings


class ServiceStatus(msgspec.Struct, frozen=True):
    """One service, asked just now."""

    url: str
    healthy: bool
    pid: int
    restarts: int


def service_statuses(settings: Settings) -> dict[str, ServiceStatus]:
    """Every service of the running supervisor, plus a Redis of the user's own; empty if nothing is up."""
    state = read_run_state(settings)
    if state is None:
        return {}
    statuses = {
        name: ServiceStatus(
            url=run.url,
            healthy=run.pid > 0 and (is_ready(run.health_url) if run.health_url else True),
            pid=run.pid,
            restarts=run.restarts,
        )
        for name, run in state.services.items()
    }
    if settings.redis_url:
        healthy = is_ready(settings.redis_url)
        statuses["redis"] = ServiceStatus(url=_without_password(settings.redis_url), healthy=healthy, pid=0, restarts=0)
    return statuses


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"

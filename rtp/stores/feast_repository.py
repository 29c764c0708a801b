"""Opening and applying the Feast project of `feature_repo/` with this installation's addresses put in."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from rtp.errors import Fatal
from rtp.features.views import ENTITIES, SERVICES, VIEWS
from rtp.settings import Settings
from rtp.stores.lake import Lake, appearing

if TYPE_CHECKING:
    from feast import FeatureStore


def connection_string(redis_url: str) -> str:
    """A Redis URL as Feast writes it: "host:port,db=0,…"; raises Fatal for a URL it has no words for."""
    url = urlsplit(redis_url)
    if url.scheme not in {"redis", "rediss"} or not url.hostname:
        raise Fatal(
            f"Feast cannot use a Redis address of the kind {url.scheme!r}.",
            hint="Set RTP_REDIS_URL to redis://[user:password@]host:port/0 or rediss://….",
        )
    parts = [f"{url.hostname}:{url.port or 6379}", f"db={url.path.strip('/') or 0}"]
    parts += [f"username={unquote(url.username)}"] if url.username else []
    parts += [f"password={unquote(url.password)}"] if url.password else []
    parts += ["ssl=true"] if url.scheme == "rediss" else []
    return ",".join(parts)


def feature_store(settings: Settings) -> "FeatureStore":
    """Feast's SDK on this installation's Redis and registry."""
    from feast import FeatureStore
    from feast.repo_config import load_repo_config

    repository = settings.root / "feature_repo"
    config = load_repo_config(repository, repository / "feature_store.yaml")
    registry = registry_path(settings)
    registry.parent.mkdir(parents=True, exist_ok=True)
    changed = config.model_dump(exclude_unset=True, by_alias=True)
    changed["registry"] = {**changed["registry"], "path": str(registry)}
    changed["online_store"] = {
        **changed["online_store"], "connection_string": connection_string(settings.redis_address)
    }  # fmt: skip
    result = type(config)(**changed)
    result.repo_path = repository
    return FeatureStore(config=result)


def registry_path(settings: Settings) -> Path:
    """Where Feast keeps what was applied."""
    return settings.state_dir / "feast" / "registry.db"


def apply(settings: Settings) -> list[str]:
    """Registers entities, views and services; returns their names. What is in Redis stays as it is.

    Where the registry already holds these definitions nothing is done: loading Feast alone takes seconds.
    """
    names = [item.name for item in (*ENTITIES, *VIEWS, *SERVICES)]
    applied, wanted = registry_path(settings).with_name("applied"), _fingerprint(settings)
    if registry_path(settings).exists() and applied.exists() and applied.read_text() == wanted:
        return names
    _register(settings)
    with appearing(applied) as path:
        path.write_text(wanted)
    return names


def _fingerprint(settings: Settings) -> str:
    """Changes whenever anything that is applied does, or Feast itself."""
    defined = msgspec.json.encode([ENTITIES, VIEWS, SERVICES, str(settings.lake_dir), version("feast")])
    return hashlib.sha256(defined).hexdigest()


def _register(settings: Settings) -> None:
    from rtp.stores.feast_objects import feast_entity, feast_service, feast_view

    views = {view.name: feast_view(view, Lake(settings.lake_dir)) for view in VIEWS}
    entities = [feast_entity(entity) for entity in ENTITIES]
    services = [feast_service(service, [views[view.name] for view in service.views]) for service in SERVICES]
    feature_store(settings).apply([*entities, *views.values(), *services])

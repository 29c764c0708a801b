"""Which processes one machine runs."""

import msgspec

from rtp.services.specs import service_specs
from rtp.settings import Settings


def test_more_workers_have_names_and_ports_of_their_own(settings: Settings) -> None:
    specs = service_specs(msgspec.structs.replace(settings, workers=3))
    workers = {each.name: each for each in specs if each.name.startswith("worker")}
    assert list(workers) == ["worker", "worker-2", "worker-3"]
    ports = [settings.worker_port + number for number in range(3)]
    assert [each.port for each in workers.values()] == ports
    assert [each.environment["RTP_WORKER_PORT"] for each in workers.values()] == list(map(str, ports))
    assert all(f":{each.port}/healthz" in each.health_url for each in workers.values())

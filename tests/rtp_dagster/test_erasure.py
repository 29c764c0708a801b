"""Erasures that were asked for over HTTP become runs."""

import asyncio

import dagster as dg
import msgspec

from rtp import wiring
from rtp.settings import Settings
from rtp_dagster.erasure import definitions


async def _ask(settings: Settings) -> str:
    client = wiring.redis_client(settings)
    try:
        return (await wiring.erasure(settings, client).request("email:ann@example.com")).regulation_id
    finally:
        await client.aclose()


def test_the_sensor_starts_a_run_that_carries_them_out(settings: Settings, redis_url: str) -> None:
    settings = msgspec.structs.replace(settings, redis_url=redis_url)
    defs = dg.Definitions.merge(definitions(), dg.Definitions(resources={"settings": settings}))
    sensor, job = defs.resolve_sensor_def("erasure_requests"), defs.resolve_job_def("erase")
    with dg.build_sensor_context(resources={"settings": settings}) as context:
        assert not sensor.evaluate_tick(context).run_requests
        regulation_id = asyncio.run(_ask(settings))
        (request,) = sensor.evaluate_tick(context).run_requests or []
        assert request.run_key == f"erase:{regulation_id}"
        assert job.execute_in_process().success
        assert not sensor.evaluate_tick(context).run_requests

"""A Redis for the time of one command, where no service is up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rtp.errors import Fatal
from rtp.services.health import redis_answers
from rtp.services.process import ServiceProcess
from rtp.services.run_state import read_run_state, supervisor_lock
from rtp.services.specs import child_environment, service_specs
from rtp.services.supervisor import preflight
from rtp.settings import Settings

START_SECONDS = 120.0


@contextmanager
def redis_available(settings: Settings) -> Iterator[None]:
    """The settings' Redis answers inside: the running one, or the embedded one started for this long.

    Raises Fatal if RTP_REDIS_URL names one that does not answer, or the port is another program's.
    """
    if settings.redis_url or read_run_state(settings) is not None:
        preflight(settings, [])
        yield
        return
    with supervisor_lock(settings):
        redis_spec = next(spec for spec in service_specs(settings) if spec.name == "redis")
        preflight(settings, [redis_spec])
        process = ServiceProcess(redis_spec, child_environment(settings), settings.logs_dir)
        try:
            _await_answer(process, settings)
            yield
        finally:
            process.terminate()
            process.wait_or_kill(30.0)


def _await_answer(process: ServiceProcess, settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not redis_answers(settings.redis_address):
        if process.exit_code is not None or time.monotonic() > deadline:
            raise Fatal("The embedded Redis does not start.", hint=f"Its log is {process.log_path}.")
        time.sleep(0.05)

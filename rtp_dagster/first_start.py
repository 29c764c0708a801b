"""`python -m rtp_dagster.first_start PROGRAM ARGUMENT…`: becomes a program of Dagster's, whose storage exists by then.

Two programs that make the storage at the same time leave it with two schema versions, and none of them ever starts
again: so one makes it, under a lock, and the others wait.
"""

import os
import sys
from pathlib import Path

from rtp.stores.file_lock import alone

WAIT_SECONDS = 120.0


def prepare_storage(home: Path) -> None:
    """Makes the storage of the DAGSTER_HOME `home`, once; later calls cost nothing.

    Raises Retryable if another process takes more than two minutes for it.
    """
    ready = home / "storage.ready"
    if ready.exists():
        return
    with alone(
        home / "storage.lock", "Dagster's storage is being made.", "Try again in a minute.", wait_seconds=WAIT_SECONDS
    ):
        if not ready.exists():
            from dagster import DagsterInstance

            with DagsterInstance.from_config(str(home)):
                ready.touch()


if __name__ == "__main__":
    prepare_storage(Path(os.environ["DAGSTER_HOME"]))
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 (`rtp up` names the program)

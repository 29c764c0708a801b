"""Programs of Dagster's that start together find one storage."""

import os
import sqlite3
import subprocess
import sys

from rtp.services.dagster_home import dagster_home
from rtp.settings import Settings


def test_programs_that_start_at_once_make_one_storage(settings: Settings) -> None:
    home = dagster_home(settings)
    command = [sys.executable, "-m", "rtp_dagster.first_start", sys.executable, "-c", "print('started')"]
    started = [
        subprocess.Popen(command, env=os.environ | {"DAGSTER_HOME": str(home)}, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate()[0] for process in started] == ["started\n"] * 3
    with sqlite3.connect(home / "schedules" / "schedules.db") as storage:
        assert len(storage.execute("select version_num from alembic_version").fetchall()) == 1

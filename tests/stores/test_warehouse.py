"""The lock that keeps the DuckDB file to one opener, and the errors of a build."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rtp.errors import Fatal, Rejected, Retryable
from rtp.settings import Settings
from rtp.stores.warehouse import connect, dbt_environment, warehouse_lock
from rtp.stores.warehouse_build import run_dbt

HOLD = """
import sys
from pathlib import Path
from rtp.settings import load_settings
from rtp.stores.warehouse import warehouse_lock
with warehouse_lock(load_settings()):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_waits_and_is_told_who_holds_the_warehouse(settings: Settings) -> None:
    env = {"RTP_STATE_DIR": str(settings.state_dir), "PATH": ""}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin
    assert holder.stdout
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Retryable, match=f"pid {holder.pid}"), warehouse_lock(settings, wait_seconds=0):
            pass
        told: list[str] = []

        def let_go(line: str) -> None:
            told.append(line)
            assert holder.stdin
            holder.stdin.write("\n")
            holder.stdin.flush()

        with warehouse_lock(settings, report=let_go):
            assert told == [f"waiting for process {holder.pid}, which is using the warehouse"]


def test_a_killed_holder_leaves_no_lock(settings: Settings) -> None:
    env = {"RTP_STATE_DIR": str(settings.state_dir), "PATH": ""}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    with holder:
        holder.stdout.readline()
        holder.kill()
        holder.wait()
        with warehouse_lock(settings, wait_seconds=0):
            pass


def test_the_lock_is_taken_again_by_its_own_thread_and_by_no_other(settings: Settings) -> None:
    refused: list[Exception] = []

    def other() -> None:
        try:
            with warehouse_lock(settings, wait_seconds=0):
                pass
        except Retryable as error:
            refused.append(error)

    with warehouse_lock(settings), warehouse_lock(settings, wait_seconds=0):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    with warehouse_lock(settings, wait_seconds=0):
        pass


def test_asking_before_the_first_build_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(Rejected, match="rtp build"), connect(settings):
        pass
    assert not settings.warehouse_path.exists()


def test_dbt_that_cannot_start_is_told_in_one_sentence(settings: Settings) -> None:
    with pytest.raises(Fatal, match="dbt could not start"):
        run_dbt(settings, ["no-such-command"])


def test_dbt_is_told_where_lake_and_warehouse_lie(settings: Settings) -> None:
    environment = dbt_environment(settings)
    assert Path(environment["RTP_WAREHOUSE_PATH"]) == settings.warehouse_path
    assert Path(environment["RTP_LAKE_DIR"]) == settings.lake_dir
    assert environment["RTP_BUILD_DAY"] == ""

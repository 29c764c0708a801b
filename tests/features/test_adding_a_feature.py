"""One definition in one place is all that a feature needs: the guide's own example, carried out."""

import subprocess
import sys
from pathlib import Path

import msgspec

from rtp.services.redis_server import find_redis
from rtp.settings import checkout_root
from tests.conftest import redis_running


def test_the_feature_of_the_guide_reaches_every_reader_by_its_definition_alone(tmp_path: Path) -> None:
    with redis_running(find_redis(), tmp_path) as url:
        script = [sys.executable, "-W", "ignore", "-m", "tests.features.added", url]
        done = subprocess.run(script, cwd=checkout_root(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert msgspec.json.decode(done.stdout) == {
        "fold and projection": 1, "Feast": "Int64", "look-up": 1, "decision reads it": True, "in the vector": True,
        "training": 1.0,
    }  # fmt: skip

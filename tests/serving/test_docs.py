"""The examples of docs/http.md work as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from rtp.settings import checkout_root
from tests.serving.processes import Api, running
from tests.waiting import until

PAGE = checkout_root() / "docs" / "http.md"
BIN = Path(sys.executable).parent


def test_the_examples_work_as_printed(api: Api) -> None:
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL))
    environment = api.environment()
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with (
        api.redis(),
        running([sys.executable, "-m", "rtp", "serve"], **environment),
        running([sys.executable, "-m", "rtp", "worker"], **environment),
    ):
        until(api.ready, what="the API is ready", seconds=60.0)
        answer = subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, **environment, "PATH": path, "API": api.settings.api_url},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert '"reason":"NO_IDENTITY"' in answer.stdout
    assert '"product_views_24h":1' in answer.stdout
    assert '"available":5' in answer.stdout

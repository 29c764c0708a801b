"""The long tests run with `make soak` only."""

import os

collect_ignore_glob = [] if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else ["test_*.py"]

#!/usr/bin/env bash
# Makes .venv from requirements.lock. uv is put into .tools/ if the machine has none; nothing outside this folder changes.
set -euo pipefail
cd "$(dirname "$0")/.."

find_uv() {
  if [ -x .tools/bin/uv ]; then echo .tools/bin/uv; elif command -v uv >/dev/null; then command -v uv; fi
}

install_uv() {
  local python
  for python in python3.12 python3.11 python3 python; do
    if command -v "$python" >/dev/null && "$python" -m venv .tools 2>/dev/null; then
      .tools/bin/pip install --quiet --disable-pip-version-check uv && return
      echo "error: pip could not fetch uv. Is the package index reachable? (PIP_INDEX_URL names a mirror.)" >&2
      exit 1
    fi
  done
  echo "error: no Python with the venv module was found. Install one (Debian: apt-get install python3-venv)." >&2
  exit 1
}

[ -n "$(find_uv)" ] || install_uv
uv=$(find_uv)
mkdir -p .tools/bin
[ -e .tools/bin/uv ] || ln -s "$uv" .tools/bin/uv
[ "${1:-}" != uv ] || exit 0

# A company's own certificate authority and package index are where pip already finds them.
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}
index=${PIP_INDEX_URL:-$( (pip config get global.index-url || pip config get user.index-url) 2>/dev/null || true)}
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX=$index; fi

# 3.11 and 3.12 are what the lock holds wheels for; uv fetches one only where none is on the machine.
if [ ! -x .venv/bin/python ]; then
  wanted=${RTP_PYTHON:-}
  if [ -z "$wanted" ]; then
    for version in 3.11 3.12; do
      if "$uv" python find --no-python-downloads "$version" >/dev/null 2>&1; then wanted=$version; break; fi
    done
  fi
  if ! "$uv" venv --quiet --python "${wanted:-3.11}" .venv 2>.tools/venv.log; then
    echo "error: this needs CPython 3.11 or 3.12; none was found and none could be fetched." \
         "Install one, or name it with RTP_PYTHON=/path/to/python3.11." >&2
    exit 1
  fi
fi

echo "Installing the locked packages into .venv" >&2
"$uv" pip sync --quiet --require-hashes --python .venv requirements.lock
"$uv" pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
# Feast's registry lies in .rtp/feast, and Feast makes no folder for it.
mkdir -p .rtp/feast
touch .venv/.complete

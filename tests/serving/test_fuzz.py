"""A short, seeded attack on every call; the long one is tests/soak/test_fuzz.py."""

from collections.abc import Iterator

import httpx
import pytest

from tests.serving.fuzzing import attack, operations
from tests.serving.processes import Api, api_and_worker

EXAMPLES = 12
SHORT_FORMS = {f"/v1/{letter}" for letter in "tipsgab"}
"""The same code as their long forms."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with api_and_worker(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


def test_no_call_answers_what_it_does_not_describe_whatever_it_is_sent(system: Api) -> None:
    assert system.track("m1").status_code == 200
    calls = operations(system)
    assert len(calls) > 30
    once = [call for call in calls if call.path not in SHORT_FORMS]
    for number, call in enumerate(once):
        attack(call, system, examples=EXAMPLES, start=number)
    assert httpx.get(f"{system.settings.api_url}/readyz").status_code == 200

"""The attack of tests/serving/test_fuzz.py, for long, and different at each run (the seed is printed on failure)."""

import secrets
from collections.abc import Iterator

import pytest

from tests.serving.fuzzing import attack, operations
from tests.serving.processes import Api, api_and_worker

EXAMPLES = 400


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with api_and_worker(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


def test_no_call_answers_what_it_does_not_describe_whatever_it_is_sent(system: Api) -> None:
    assert system.track("m1").status_code == 200
    start = secrets.randbelow(2**32)
    for number, call in enumerate(operations(system)):
        print(f"{call.label}: seed {start + number}")
        attack(call, system, examples=EXAMPLES, start=start + number)

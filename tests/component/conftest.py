"""Component tests: one handler or use case over the one table. Those of the stores (`test_*_store.py`) run on a
DynamoDB that is a process, the others on the one in this process, unless the run names one for all."""

from collections.abc import Callable, Iterator

import pytest

from tests.component.one_table import LocalAws, local_aws
from tests.dynamodb.stand_ins import StandIn, chosen


@pytest.fixture(autouse=True)
def _where_the_table_lies(
    request: pytest.FixtureRequest, dynamodb_url: Callable[[StandIn], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = chosen(StandIn.EMULATOR if request.path.stem.endswith("_store") else StandIn.MOTO)
    if stand_in is StandIn.MOTO:
        monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url(stand_in))


@pytest.fixture
def local() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws

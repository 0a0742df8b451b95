from collections.abc import Iterator

import pytest

from tests.component.one_table import local_aws
from tests.component.setup.api import SetupApi, setup_api


@pytest.fixture
def api() -> Iterator[SetupApi]:
    with local_aws() as local:
        yield setup_api(local)

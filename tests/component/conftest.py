"""Component tests: one handler or use case over the table in this process."""

from collections.abc import Iterator

import pytest

from tests.component.one_table import LocalAws, local_aws


@pytest.fixture
def local() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws

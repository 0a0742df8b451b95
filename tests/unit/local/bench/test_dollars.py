"""What usage comes to in dollars."""

import pytest

from local.bench.capacity import item_bytes, read_units
from local.bench.dollars.prices import MEMORY_GB, Usage, by_service, computing_s, container_month, per_million
from tests.template.test_template import FUNCTIONS, PARAMETERS

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(write_units=17), 10.625),
        (Usage(read_units=8), 1.0),
        (Usage(sqs_requests=5), 2.0),
        (Usage(http_requests=3), 3.0),
        (Usage(runs=10), 2.0),
        (Usage(s3_writes=1), 5.0),
        (Usage(log_bytes=1024**3 / 1_000_000), 0.5),
        (Usage(held_s=21), 140.0),
    ],
)
def test_a_million_of_it_costs_the_list_price(usage: Usage, dollars: float) -> None:
    assert per_million(usage) == pytest.approx(dollars, rel=1e-3)


def test_a_function_of_half_a_gigabyte_takes_longer_than_its_processor_time_and_waits_for_answers() -> None:
    assert computing_s(Usage(cpu_s=0.1)) == pytest.approx(0.3455, abs=1e-4)
    assert computing_s(Usage(aws_requests=10)) == pytest.approx(0.05)


def test_calls_add_up() -> None:
    half = Usage(write_units=10, held_s=2).times(0.5)
    both = half.plus(Usage(write_units=1, runs=3))
    assert both == Usage(write_units=6, held_s=1, runs=3)
    assert per_million(both) == pytest.approx(sum(by_service(both).values()))


def test_containers_cost_the_same_whether_they_dial_or_not() -> None:
    assert container_month(2, 0.5, 1.0) == pytest.approx(28.8, abs=0.1)
    assert per_million(Usage(container_cpu_s=1)) == 0


def test_the_prices_are_of_the_memory_that_the_template_gives() -> None:
    memory = {PARAMETERS[each["Properties"]["MemorySize"]["Ref"]]["Default"] for each in FUNCTIONS.values()}
    assert memory == {MEMORY_GB * 1024}


def test_items_that_are_counted_cost_what_reading_them_does() -> None:
    asked = {"Select": "COUNT", "ConsistentRead": False}
    assert read_units("Query", asked, {"Count": 0}) == 0.5
    assert read_units("Query", asked, {"Count": 200}) == 5.0


@pytest.mark.parametrize("packed", [b"123456", "MTIzNDU2"], ids=["as a client gives it", "in a request"])
def test_bytes_are_as_large_as_they_are(packed: object) -> None:
    assert item_bytes({"body": {"B": packed}}) == len("body") + 6

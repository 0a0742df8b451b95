"""What clients write into `If-Match`, and what becomes of a change to something that is not what they have read."""

import pytest

from ringline.runtime.web.problems import Problem
from ringline.runtime.web.revisions import check_revision, etag, if_match


def asked_with(if_match_header: str | None) -> dict[str, dict[str, str]]:
    return {"headers": {} if if_match_header is None else {"if-match": if_match_header}}


@pytest.mark.parametrize("told", ['"3"', "3", ' "3" ', etag(3)])
def test_a_revision_may_be_written_as_its_etag_or_as_the_number(told: str) -> None:
    assert if_match(asked_with(told)) == 3


@pytest.mark.parametrize("told", [None, "", "*", " * "])
def test_without_a_revision_any_will_do(told: str | None) -> None:
    assert if_match(asked_with(told)) is None
    check_revision(if_match(asked_with(told)), 7)


@pytest.mark.parametrize("told", ['"abc"', '"0"', "-1", '"1", "2"', 'W/"3"', "9" * 40])
def test_what_is_no_revision_of_ours_fits_nothing(told: str) -> None:
    with pytest.raises(Problem) as refused:
        check_revision(if_match(asked_with(told)), 3)
    assert (refused.value.status, refused.value.code) == (412, "revision_conflict")


def test_a_change_that_stands_already_is_no_conflict() -> None:
    check_revision(3, 4, is_so=True)
    check_revision(1, 4, is_so=True)
    for wanted in (0, 5):
        with pytest.raises(Problem):
            check_revision(wanted, 4, is_so=True)


def test_a_conflict_tells_the_present_revision() -> None:
    check_revision(3, 3)
    with pytest.raises(Problem) as refused:
        check_revision(3, 4)
    assert refused.value.headers == {"ETag": '"4"'}

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from collector.simulator.rest.responses import (
    ApiError,
    choice_of,
    list_page,
    matching,
    numbered_page,
    positive_int,
    search_page,
    time_window,
)

NOW = 1_700_000_000.0


def request(query=""):
    return make_mocked_request("GET", f"/api/v1/x?{query}")


def body_of(response):
    return json.loads(response.body)


def test_an_error_is_a_detail_with_an_optional_retry_after():
    response = ApiError(429, "Too many requests.", 7).response()
    assert (response.status, body_of(response)) == (429, {"detail": "Too many requests."})
    assert response.headers["Retry-After"] == "7"
    assert "Retry-After" not in ApiError(404, "Not found.").response().headers


def test_a_list_is_paginated_by_headers():
    rows, collected = list(range(12)), []
    for page in (1, 2, 3, 4):
        response = list_page(request(f"limit=5&page={page}"), rows)
        collected += body_of(response)
        headers = response.headers
        assert (headers["X-Page-Limit"], headers["X-Page-Page"], headers["X-Page-Total"]) == ("5", str(page), "12")
    assert collected == rows


def test_rows_are_converted_for_the_requested_page_only():
    converted = []
    list_page(request("limit=2&page=2"), range(10), converted.append)
    assert converted == [2, 3]


def test_the_limit_has_a_default_and_a_maximum():
    assert list_page(request(), []).headers["X-Page-Limit"] == "100"
    assert list_page(request("limit=100000"), []).headers["X-Page-Limit"] == "1000"


def test_a_numbered_page_has_its_number_in_the_body():
    body = body_of(numbered_page(request("limit=1&page=2"), [{"a": 1}, {"a": 2}], NOW))
    assert body == {"results": [{"a": 2}], "total": 2, "page": 2, "limit": 1, "start": NOW - 86_400, "end": NOW}


def test_a_search_continues_at_next_with_the_same_window():
    rows = [{"key": str(number)} for number in (3, 1, 2, 5, 4)]
    body = body_of(search_page(request("limit=2&duration=2h"), rows, lambda row: row["key"], NOW))
    assert (body["total"], body["end"] - body["start"]) == (5, 7200)
    collected, start = body["results"], body["start"]
    while "next" in body:
        assert body["next"].startswith("/api/v1/x?")
        body = body_of(search_page(request(body["next"].partition("?")[2]), rows, lambda row: row["key"], NOW + 60))
        assert body["start"] == start
        collected += body["results"]
    assert [row["key"] for row in collected] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("value", ["0", "x", "-1", "1.5", ""])
def test_a_number_below_one_is_400(value):
    with pytest.raises(ApiError, match="limit must be an integer from 1") as error:
        positive_int(request(f"limit={value}"), "limit", 100)
    assert error.value.status == 400


@pytest.mark.parametrize(
    ("query", "window"),
    [
        ("", (NOW - 86_400, NOW)),
        ("duration=2h", (NOW - 7200, NOW)),
        ("start=5&end=9", (5, 9)),
        ("end=100&duration=1m", (40, 100)),
    ],
)
def test_time_windows(query, window):
    assert time_window(request(query), NOW) == window


@pytest.mark.parametrize("query", ["duration=soon", "duration=2", "start=x", "end=nan", "end=inf"])
def test_an_invalid_time_window_is_400(query):
    with pytest.raises(ApiError) as error:
        time_window(request(query), NOW)
    assert error.value.status == 400


def test_a_choice_has_a_default_and_rejects_other_values():
    assert choice_of(request(), "type", ("ap", "all")) == "ap"
    assert choice_of(request("type=all"), "type", ("ap", "all")) == "all"
    with pytest.raises(ApiError, match="type must be one of ap, all"):
        choice_of(request("type=toaster"), "type", ("ap", "all"))


def test_rows_match_the_query_parameters_that_are_given():
    rows = [{"mac": "a", "site_id": "1"}, {"mac": "b", "site_id": "1"}, {"mac": "c", "site_id": "2"}]
    assert matching(request("site_id=1"), rows, ("mac", "site_id")) == rows[:2]
    assert matching(request("site_id=1&mac=b"), rows, ("mac", "site_id")) == rows[1:2]
    assert matching(request("other=1"), rows, ("mac", "site_id")) == rows

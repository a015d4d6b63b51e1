"""The overview: what is counted, that every figure opens its calls, the comparison, and the files."""

import csv
import html
import io
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from tests.fixtures.web import Web

DAY = timedelta(days=1)


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _felt(web: Web, name: str, score: float | None, **fields: object) -> str:
    call_id = web.add_call(name, **fields)
    web.finish(call_id, "some words", scores=() if score is None else (score,))
    return call_id


def test_it_counts_the_calls_of_the_time_and_of_the_time_before(web: Web) -> None:
    for number in range(3):
        _felt(web, f"now {number}", -2.0 if number else 3.0, ago=number * DAY)
    _felt(web, "before", 1.0, ago=8 * DAY)
    _felt(web, "long ago", 1.0, ago=40 * DAY)
    shown = web.owner().get("/api/v1/overview", params={"when": "7d"}).json()
    assert (shown["total"]["calls"], shown["total"]["positive"], shown["total"]["negative"]) == (3, 1, 2)
    assert shown["total"]["score"] == -0.33
    assert shown["before"]["calls"] == 1
    assert [day["calls"] for day in shown["by_day"]] == [0, 0, 0, 0, 1, 1, 1]
    page = _text(web.owner().get("/overview").text)
    assert "67 %" in page
    assert "few calls, uncertain" in page


def test_a_call_without_a_mood_is_counted_as_a_call_only(web: Web) -> None:
    _felt(web, "silent", None)
    total = web.owner().get("/api/v1/overview").json()["total"]
    assert (total["calls"], total["score"], total["neutral"]) == (1, None, 0)


def test_every_figure_opens_exactly_its_calls(web: Web) -> None:
    _felt(web, "sad", -3.0, extension="201", queue_or_group="600")
    _felt(web, "glad", 3.0, extension="201", queue_or_group="600")
    _felt(web, "other", 3.0, extension="202")
    browser = web.owner()
    page = browser.get("/overview").text
    links = [html.unescape(each) for each in re.findall(r'href="(/\?[^"]+)"', page)]
    counts = {}
    for link in links:
        given = dict(parse_qsl(urlsplit(link).query))
        if "from" in given and given["from"] != given["to"]:
            kind = tuple(given.get(name, "") for name in ("mood", "extension", "queue"))
            counts[kind] = len(re.findall(r'<tr role="row" id="call-', browser.get(link).text))
    assert counts == {
        ("", "", ""): 3,
        ("negative", "", ""): 1,
        ("", "201", ""): 2,
        ("negative", "201", ""): 1,
        ("", "202", ""): 1,
        ("", "", "600"): 2,
        ("negative", "", "600"): 1,
    }


def test_the_worst_calls_are_named_first(web: Web) -> None:
    _felt(web, "bad", -1.0, caller="5550111")
    _felt(web, "worse", -4.0, caller="5550122")
    _felt(web, "fine", 4.0, caller="5550133")
    page = _text(web.owner().get("/overview").text).partition("What needs somebody now")[2].partition("By extension")[0]
    assert page.index("5550122") < page.index("5550111")
    assert "5550133" not in page


def test_another_pbx_is_not_counted(web: Web) -> None:
    other = web.add_pbx("Other")
    _felt(web, "there", 1.0, pbx_id=other)
    _felt(web, "here", 1.0)
    browser = web.owner()
    assert browser.get("/api/v1/overview", params={"pbx": other}).json()["total"]["calls"] == 1


def test_a_table_comes_as_a_file_with_the_same_figures(web: Web) -> None:
    _felt(web, "sad", -3.0, extension="=201")
    answer = web.owner().get("/overview/extension.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["extension"], row["calls"], row["negative"]) for row in rows] == [("'=201", "1", "1")]
    assert web.owner().get("/overview/nothing.csv").status_code == 404


def test_without_calls_it_says_what_to_do(web: Web) -> None:
    assert "No calls in this time" in _text(web.owner().get("/overview").text)


def test_it_is_not_for_those_who_may_not_see_every_call(web: Web) -> None:
    assert web.owner("agent").get("/overview").status_code == 404

"""Errors as people and programs meet them."""

import re

import pytest
import sqlalchemy as sa
import structlog
from starlette.requests import Request
from tests.fixtures.web import Web

from aftercall.errors import AppError, every_error
from aftercall.web import problems


def _raise(web: Web, error: BaseException) -> None:
    def broken() -> None:
        raise error

    web.app.add_api_route("/broken", broken)
    web.app.add_api_route("/api/v1/broken", broken)


@pytest.mark.parametrize("kind", list(every_error()), ids=lambda kind: kind.code)
def test_every_error_has_a_page_and_a_problem_document(web: Web, kind: type[AppError]) -> None:
    for path, accept in (("/x", "text/html"), ("/api/v1/x", "*/*")):
        scope = {
            "type": "http", "method": "GET", "path": path, "query_string": b"", "scheme": "http", "app": web.app,
            "headers": [(b"accept", accept.encode()), (b"host", b"aftercall.test")], "server": ("aftercall.test", 80),
        }  # fmt: skip
        error = kind(**kind.example)
        answer = problems.respond(Request(scope), error)
        assert answer.status_code in {error.status, 303}
        if path.startswith("/api/"):
            assert answer.media_type == "application/problem+json"


def test_a_page_says_what_why_and_what_to_do_with_a_reference_that_is_logged(web: Web) -> None:
    with structlog.testing.capture_logs() as logged:
        page = web.owner().get("/calls/none").text
    assert "There is no such call here." in page
    assert "It was removed, or the address is mistyped." in page
    assert "Go back to the list of calls." in page
    found = re.search(r"reference (\w{8})", page)
    assert found
    assert logged[-1]["reference"] == found[1]


def test_a_program_gets_the_same_as_json(web: Web) -> None:
    answer = web.owner().get("/api/v1/calls/none")
    body = answer.json()
    assert answer.status_code == body["status"] == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert {body["what"], body["why"], body["fix"]} == {
        "There is no such call here.", "It was removed, or the address is mistyped.", "Go back to the list of calls.",
    }  # fmt: skip
    assert body["type"] == "urn:aftercall:error:not-found"
    assert len(body["reference"]) == 8


def test_what_nobody_foresaw_becomes_a_page_with_all_headers_and_a_trace_in_the_log(web: Web) -> None:
    _raise(web, ZeroDivisionError("secret detail"))
    with structlog.testing.capture_logs() as logged:
        answer = web.owner().get("/broken")
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.text
    assert "secret detail" not in answer.text
    assert "content-security-policy" in answer.headers
    assert any(isinstance(each.get("exc_info"), ZeroDivisionError) for each in logged)


def test_a_busy_database_is_named_as_such(web: Web) -> None:
    _raise(web, sa.exc.OperationalError("select", {}, Exception("database is locked")))
    answer = web.owner().get("/api/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-busy")


def test_a_value_that_cannot_be_used_is_named_with_its_field(web: Web) -> None:
    answer = web.owner().get("/api/v1/calls?limit=0")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "form-invalid", "limit")


def test_a_wrong_method_is_405(web: Web) -> None:
    assert web.owner().delete("/api/v1/calls").status_code == 405


def test_htmx_gets_the_error_without_a_page_around_it(web: Web) -> None:
    answer = web.owner().post("/sync", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert 'role="alert"' in answer.text


def test_whoever_is_not_signed_in_comes_back_to_the_page_asked_for(web: Web) -> None:
    answer = web.visitor().get("/calls/abc?t=12.5")
    assert answer.headers["location"] == "/login?next=%2Fcalls%2Fabc%3Ft%3D12.5"


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(web: Web) -> None:
    answer = web.visitor().get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


def test_nothing_private_is_in_the_log_of_a_refusal(web: Web) -> None:
    with structlog.testing.capture_logs() as logged:
        web.owner().get("/calls/none?q=5550123")
    assert "5550123" not in repr(logged)

"""Every route: who may come in, and what is on every answer."""

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route
from tests.fixtures.web import Web

#: These are for everybody: the doors, what the doors look like, and what the API is.
OPEN = {"/setup", "/login", "/logout", "/static/dist", "/api/v1/openapi.json"}


def _routes(routes: list[BaseRoute]) -> list[tuple[str, str]]:
    found = []
    for route in routes:
        if isinstance(route, APIRoute | Route):
            found += [(method, route.path) for method in sorted(route.methods or ()) if method != "HEAD"]
        elif isinstance(route, Mount):
            found.append(("GET", route.path))
        else:
            for attribute in ("original_router", "router"):
                if inner := getattr(route, attribute, None):
                    prefix = getattr(getattr(route, "include_context", None), "prefix", "")
                    found += [(method, prefix + path) for method, path in _routes(inner.routes)]
                    break
            else:
                raise AssertionError(f"a kind of route this test does not know: {route!r}")
    return found


def _concrete(path: str) -> str:
    return path.replace("{call_id}", "x").replace("{sync_id}", "x").replace("{pbx_id}", "x").replace(
        "{session_id}", "x"
    ).replace("{token_id}", "x")  # fmt: skip


def test_the_list_of_routes_is_complete(web: Web) -> None:
    paths = {path for _, path in _routes(web.app.routes)}
    assert {"/", "/calls/{call_id}/audio", "/events", "/settings/freepbx/{pbx_id}", "/api/v1/calls"} <= paths
    assert len(paths) > 30


def test_every_route_but_the_open_ones_wants_a_sign_in(web: Web) -> None:
    visitor = web.visitor()
    let_in = []
    for method, path in _routes(web.app.routes):
        if path in OPEN:
            continue
        answer = visitor.request(method, _concrete(path))
        is_sent_away = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        if not (is_sent_away or answer.status_code == 401):
            let_in.append((method, path, answer.status_code))
    assert let_in == []


@pytest.mark.parametrize("path", ["/", "/settings/freepbx/new", "/account/sessions", "/calls/none", "/nowhere"])
def test_every_page_carries_the_policy_and_its_companions(web: Web, path: str) -> None:
    headers = web.owner().get(path).headers
    assert "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/setup?token=once", "/setup?token=wrong", "/api/v1/calls"])
def test_the_open_pages_carry_them_too(web: Web, path: str) -> None:
    assert "frame-ancestors 'none'" in web.visitor().get(path).headers["content-security-policy"]


def test_each_answer_has_a_nonce_of_its_own(web: Web) -> None:
    visitor = web.visitor()
    policies = {visitor.get("/login").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize("path", ["/", "/settings/freepbx/new", "/account/sessions", "/login", "/setup?token=once"])
def test_no_page_holds_what_the_policy_forbids_or_an_address_elsewhere(web: Web, path: str) -> None:
    web.finish(web.add_call(), "hello there")
    text = (web.owner() if path not in {"/login", "/setup?token=once"} else web.visitor()).get(path).text
    assert "style=" not in text
    assert "onclick=" not in text
    assert 'src="http' not in text
    assert 'href="http' not in text


def test_bundled_files_are_kept_by_browsers(web: Web) -> None:
    page = web.visitor().get("/login").text
    style = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    answer = web.visitor().get(style)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]

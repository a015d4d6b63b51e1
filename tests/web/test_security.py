"""What other sites may not do."""

import pytest
from starlette.testclient import TestClient
from tests.fixtures.web import ORIGIN, Web

from aftercall.settings import Settings


def _post(web: Web, **headers: str) -> int:
    client = TestClient(web.app, base_url=ORIGIN, follow_redirects=False)
    return int(client.post("/logout", headers=headers).status_code)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": ORIGIN},
        {},  # no browser at all
    ],
)
def test_our_own_pages_and_programs_may_change_things(web: Web, headers: dict[str, str]) -> None:
    assert _post(web, **headers) == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Origin": "http://elsewhere.test"},
        {"Origin": "null"},
        {"Origin": f"{ORIGIN}.elsewhere.test"},
    ],
)
def test_other_sites_may_not(web: Web, headers: dict[str, str]) -> None:
    assert _post(web, **headers) == 403


def test_other_sites_may_link_to_us(web: Web) -> None:
    assert web.visitor().get("/login", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_behind_a_proxy_the_public_address_counts_as_ours(web: Web) -> None:
    app = web.make_app(settings=Settings(data=web.house.settings.data, public_url="https://calls.example.test"))
    client = TestClient(app, base_url="http://10.0.0.5:8080", follow_redirects=False)
    assert client.post("/logout", headers={"Origin": "https://calls.example.test"}).status_code == 303
    assert "max-age" in client.get("/login").headers["strict-transport-security"]


def test_the_refusal_says_what_to_do(web: Web) -> None:
    client = TestClient(web.app, base_url=ORIGIN)
    answer = client.post("/api/v1/pbxs", headers={"Origin": "http://elsewhere.test"})
    assert answer.json()["code"] == "cross-site-refused"
    assert "AFTERCALL_PUBLIC_URL" in answer.json()["fix"]

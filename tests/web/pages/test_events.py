"""The streams, read off the wire of the real application."""

import json
from datetime import timedelta

import anyio
import pytest
from tests.fixtures.web import ORIGIN, Web

from aftercall.model import CallState
from aftercall.store import calls


async def _read(
    web: Web, path: str, *, events: int, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """Open a stream as a server would and hang up after so many events."""
    sent: list[bytes] = []
    start: dict[str, object] = {}
    cookie = f"sid={web.session()}"
    raw = {"host": ORIGIN.partition("//")[2], "cookie": cookie} | (headers or {})
    plain, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": plain,
        "raw_path": plain.encode(), "query_string": query.encode(), "scheme": "http", "root_path": "",
        "headers": [(key.lower().encode(), value.encode()) for key, value in raw.items()],
        "client": ("192.0.2.7", 1), "server": ("aftercall.test", 80), "state": {},
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            sent.append(message.get("body", b""))  # type: ignore[arg-type]
            if b"".join(sent).count(b"event: ") >= events:
                web.parts.closing.set()

    web.parts.closing.clear()
    await web.app(scope, receive, send)  # type: ignore[arg-type]
    found = {key.decode(): value.decode() for key, value in start["headers"]}  # type: ignore[attr-defined]
    return int(str(start["status"])), found, b"".join(sent).decode()


def _events(text: str, name: str) -> list[dict[str, object]]:
    blocks = [block for block in text.split("\n\n") if f"event: {name}\n" in block]
    return [json.loads(block.partition("data: ")[2]) for block in blocks]


@pytest.fixture
def moved(web: Web) -> str:
    call_id = web.add_call()
    web.now += timedelta(seconds=60)
    with web.engine.begin() as db:
        calls.set_state(db, call_id, CallState.ANALYSING, web.now)
    return call_id


@pytest.mark.anyio
async def test_the_list_gets_its_rows_and_the_syncs_as_pieces_of_the_page(web: Web, moved: str) -> None:
    status, headers, text = await _read(web, "/events?since=2026-11-23T12:00:30Z&q=", events=2)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    (row,) = _events(text, "call")
    assert row["id"] == moved
    assert f'<tr role="row" id="call-{moved}"' in str(row["html"])
    assert row["wanted"] is True
    (panel,) = _events(text, "syncs")
    assert panel["busy"] is True


@pytest.mark.anyio
async def test_a_key_is_sent_as_text_since_javascript_cannot_hold_it(web: Web, moved: str) -> None:
    del moved
    *_, text = await _read(web, "/events?since=2026-11-23T12:00:30Z", events=2)
    assert isinstance(_events(text, "call")[0]["key"], str)


@pytest.mark.anyio
async def test_every_event_carries_the_id_to_resume_from(web: Web, moved: str) -> None:
    del moved
    *_, text = await _read(web, "/events?since=2026-11-23T12:00:30Z", events=2)
    blocks = [block for block in text.split("\n\n") if "event: " in block]
    assert all(block.startswith("id: 2026-11-23T12:01:00+00:00\n") for block in blocks)


@pytest.mark.anyio
async def test_the_last_id_counts_more_than_the_address(web: Web, moved: str) -> None:
    del moved
    headers = {"Last-Event-ID": "2026-11-23T13:00:00+00:00"}
    *_, text = await _read(web, "/events?since=2026-11-23T12:00:30Z", events=1, headers=headers)
    assert _events(text, "call") == []


@pytest.mark.anyio
async def test_the_sync_page_is_told_that_something_moved_and_asks_for_the_rest_itself(web: Web, moved: str) -> None:
    del moved
    *_, text = await _read(web, "/events?only=syncs&since=2026-11-23T12:00:30Z", events=1)
    assert _events(text, "call") == []
    assert _events(text, "syncs") == [{"busy": True}]


@pytest.mark.anyio
async def test_the_page_of_a_call_is_told_that_it_moved(web: Web, moved: str) -> None:
    *_, text = await _read(web, f"/events?call={moved}&since=2026-11-23T12:00:30Z", events=1)
    assert _events(text, "call") == [{"id": moved, "state": "analysing"}]


@pytest.mark.anyio
async def test_the_api_streams_the_same_as_json(web: Web, moved: str) -> None:
    _, headers, text = await _read(web, "/api/v1/events?since=2026-11-23T12:00:30Z", events=2)
    assert headers["content-type"].startswith("text/event-stream")
    assert _events(text, "call")[0]["id"] == moved
    assert _events(text, "sync")[0]["state"] == "queued"


@pytest.mark.anyio
async def test_a_full_page_is_not_told_of_calls_below_it(web: Web, moved: str) -> None:
    newer = web.add_call("newer", ago=timedelta(minutes=-5))
    with web.engine.connect() as db:
        (row,) = calls.rows_by_id(db, [newer])
    *_, text = await _read(web, f"/events?since=2026-11-23T12:00:30Z&low={row.sort_key}", events=2)
    assert [each["id"] for each in _events(text, "call")] == [newer]
    assert moved not in text


def test_a_stream_wants_a_sign_in_and_does_not_lead_browsers_away(web: Web) -> None:
    answer = web.visitor().get("/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401

"""Following the database."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fixtures.web import NOW, Web

from aftercall.model import CallState, Stage
from aftercall.store import calls, pbxs, stages, syncs
from aftercall.store.accounts import Account
from aftercall.store.calls import CallFilter
from aftercall.web import live
from aftercall.web.live import Follower, Subject

OWNER = Account(id="1", name="owner", role="owner", created_at=NOW)


def _move(web: Web, call_id: str, state: CallState, *, after_s: float = 60) -> None:
    web.now += timedelta(seconds=after_s)
    with web.engine.begin() as db:
        calls.set_state(db, call_id, state, web.now)


def _follower(web: Web, **subject: object) -> Follower:
    made = Follower(web.parts, replace(Subject(account=OWNER), **subject), web.now)  # type: ignore[arg-type]
    made.look()
    return made


def _moved(follower: Follower) -> list[tuple[str, bool]]:
    news = follower.look()
    return [(each.call.row.id, each.is_wanted) for each in news.moved] if news else []


def test_a_call_that_moves_is_told_once(web: Web) -> None:
    call_id = web.add_call()
    follower = _follower(web)
    _move(web, call_id, CallState.FETCHED)
    assert _moved(follower) == [(call_id, True)]
    assert _moved(follower) == []


def test_nothing_new_is_no_news(web: Web) -> None:
    web.add_call()
    assert _follower(web).look() is None


def test_a_row_that_comes_to_light_after_a_later_one_is_still_told(web: Web) -> None:
    early, late = web.add_call("early"), web.add_call("late")
    follower = _follower(web)
    _move(web, late, CallState.FETCHED)
    assert _moved(follower) == [(late, True)]
    _move(web, early, CallState.FETCHED, after_s=-2)
    assert _moved(follower) == [(early, True)]


def test_a_second_late_change_of_the_same_call_is_told_too(web: Web) -> None:
    early, late = web.add_call("early"), web.add_call("late")
    follower = _follower(web)
    _move(web, early, CallState.ANALYSING)
    _move(web, late, CallState.DONE, after_s=2)
    assert len(_moved(follower)) == 2
    _move(web, early, CallState.DONE, after_s=-1)
    web.now += timedelta(seconds=1)
    assert _moved(follower) == [(early, True)]


def test_a_call_outside_the_filter_is_told_as_such(web: Web) -> None:
    call_id = web.add_call()
    follower = _follower(web, wanted=CallFilter(state="failed"))
    _move(web, call_id, CallState.FETCHED)
    assert _moved(follower) == [(call_id, False)]


def test_what_lies_below_the_rows_shown_is_not_told(web: Web) -> None:
    new, old = web.add_call("new"), web.add_call("old", ago=timedelta(hours=1))
    with web.engine.connect() as db:
        (row,) = calls.rows_by_id(db, [new])
    follower = _follower(web, at_or_above=row.sort_key)
    _move(web, old, CallState.FETCHED)
    assert _moved(follower) == []


def test_the_page_of_a_call_hears_of_that_call_only(web: Web) -> None:
    mine, other = web.add_call("mine"), web.add_call("other")
    follower = _follower(web, call_id=mine)
    _move(web, other, CallState.FETCHED)
    assert _moved(follower) == []
    _move(web, mine, CallState.FETCHED)
    assert _moved(follower) == [(mine, True)]


def test_whoever_may_not_see_a_call_hears_nothing_of_it(web: Web) -> None:
    call_id = web.add_call()
    follower = _follower(web, account=replace(OWNER, role="guest"))
    _move(web, call_id, CallState.FETCHED)
    assert _moved(follower) == []


def test_a_page_without_calls_hears_of_the_syncs_only(web: Web) -> None:
    call_id = web.add_call()
    follower = _follower(web, follows_calls=False)
    _move(web, call_id, CallState.DONE)
    news = follower.look()
    assert news is not None
    assert (news.moved, news.pbxs[0].moving_count) == ((), 0)


def test_a_line_of_events_that_breaks_is_news(web: Web) -> None:
    pbx_id = web.add_pbx()
    follower = _follower(web, follows_calls=False)
    with web.engine.begin() as db:
        pbxs.record_events(db, pbx_id, "connected", web.now)
    news = follower.look()
    assert news is not None
    assert news.pbxs[0].pbx.events_state == "connected"
    assert follower.look() is None


def test_a_sync_that_moves_is_news_without_any_call(web: Web) -> None:
    sync_id = web.house.control.sync(web.add_pbx(), asked_by="user")
    follower = _follower(web)
    with web.engine.begin() as db:
        syncs.begin(db, sync_id, web.now)
    news = follower.look()
    assert news is not None
    assert news.pbxs[0].progress is not None
    assert news.pbxs[0].progress.sync.state == "listing"


def test_a_row_carries_the_stage_that_runs(web: Web) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.TRANSCRIBE, web.now)
        calls.set_state(db, call_id, CallState.ANALYSING, web.now)
        (listed,) = live.with_stages(db, calls.rows_by_id(db, [call_id]))
    assert listed.running is not None
    assert listed.running.stage is Stage.TRANSCRIBE


def test_a_reader_that_was_cut_off_goes_on_where_it_was(web: Web) -> None:
    call_id = web.add_call()
    follower = _follower(web)
    _move(web, call_id, CallState.FETCHED)
    news = follower.look()
    assert news is not None
    _move(web, call_id, CallState.ANALYSING)
    resumed = Follower(web.parts, Subject(account=OWNER), news.at)
    assert _moved(resumed) == [(call_id, True)]


@pytest.mark.anyio
async def test_following_ends_when_the_server_is_about_to_stop(web: Web) -> None:
    web.add_pbx()
    seen = []
    async for news in live.follow(web.parts, Subject(account=OWNER), web.now):
        seen.append(news)
        web.parts.closing.set()
    assert len(seen) == 1


@pytest.mark.anyio
async def test_a_silent_stream_gives_signs_of_life(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(live, "COMMENT_EVERY_S", 0.03)
    seen = []
    async for news in live.follow(web.parts, Subject(account=OWNER), web.now):
        seen.append(news)
        if len(seen) == 2:
            break
    assert seen == [None, None]

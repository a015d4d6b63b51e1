import json
from datetime import timedelta

import pytest
from tests.fixtures.web import Web

from aftercall.errors import CdrSignInRefused
from aftercall.model import Check
from aftercall.store import cdr_sources
from aftercall.store.cdr_sources import CdrSource

FORM = {"host": "192.0.2.10", "port": "3306", "database": "asteriskcdrdb", "username": "aftercall",
        "password": "open sesame", "tested": "ok"}  # fmt: skip
FILE = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,did,uniqueid,"
    "linkedid,cnum,cnam\n"
    '2026-11-23 11:00:00,"""Ada"" <7175550123>",7175550123,201,from-did-direct,PJSIP/provider-1,PJSIP/201-1,Dial,,20,0,'
    "NO ANSWER,7175550100,1795424400.1,1795424400.1,7175550123,Ada Example\n"
)


@pytest.fixture
def pbx_id(web: Web) -> str:
    return web.add_pbx()


@pytest.fixture
def address(pbx_id: str) -> str:
    return f"/settings/freepbx/{pbx_id}/cdr"


def stored(web: Web, pbx_id: str) -> CdrSource | None:
    with web.engine.connect() as db:
        return cdr_sources.get(db, pbx_id)


def test_the_settings_of_a_pbx_lead_to_its_call_detail_records(web: Web, pbx_id: str, address: str) -> None:
    assert f'href="{address}"' in web.owner().get(f"/settings/freepbx/{pbx_id}").text
    shown = web.owner().get(address).text
    assert 'value="192.0.2.10"' in shown
    assert "asteriskcdrdb" in shown


def test_what_was_tested_is_saved_and_due_at_once(web: Web, pbx_id: str, address: str) -> None:
    answer = web.owner().post(address, data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}?saved=true")
    with web.engine.connect() as db:
        assert cdr_sources.due(db, web.now) == [pbx_id]
        known = cdr_sources.address(db, pbx_id, web.house.vault)
    assert known is not None
    assert known.password == "open sesame"
    assert "open sesame" not in web.owner().get(address).text


def test_what_was_not_tested_is_saved_only_when_somebody_insists(web: Web, pbx_id: str, address: str) -> None:
    untested = FORM | {"tested": ""}
    assert "Save anyway" in web.owner().post(address, data=untested).text
    assert stored(web, pbx_id) is None
    assert web.owner().post(address, data=untested | {"is_sure": "true"}).status_code == 303


def test_a_problem_stands_at_its_field_and_nothing_is_saved(web: Web, pbx_id: str, address: str) -> None:
    answer = web.owner().post(address, data=FORM | {"port": "none"})
    assert answer.status_code == 422
    assert "Enter a whole number" in answer.text
    assert stored(web, pbx_id) is None


def test_the_test_streams_each_check_of_what_is_typed(web: Web, address: str) -> None:
    web.checks = [Check(check="tcp", status="ok", what="Open."), Check(check="sign-in", status="fail", what="No.")]
    lines = [json.loads(line) for line in web.owner().post(f"{address}/test", data=FORM).text.splitlines()]
    assert [line.get("check") for line in lines] == ["tcp", "sign-in", None]
    assert lines[-1] == {"result": "failed"}
    assert web.tested_cdr[0].password == "open sesame"


def test_the_test_uses_the_stored_password_where_none_was_typed(web: Web, address: str) -> None:
    web.owner().post(address, data=FORM)
    web.owner().post(f"{address}/test", data=FORM | {"password": ""})
    assert web.tested_cdr[0].password == "open sesame"


def test_trouble_with_the_reading_is_told_with_its_fix(web: Web, pbx_id: str, address: str) -> None:
    web.owner().post(address, data=FORM)
    source = stored(web, pbx_id)
    assert source is not None
    error = CdrSignInRefused(host="192.0.2.10", username="aftercall", detail="Access denied")
    with web.engine.begin() as db:
        cdr_sources.record_failure(db, source, error, web.now)
    shown = web.owner().get(address).text
    assert "refused the sign-in as aftercall" in shown
    assert "when the settings change" in shown


def test_a_file_brings_calls_and_twice_brings_nothing_more(web: Web, address: str) -> None:
    first = web.owner().post(f"{address}/import", files={"file": ("cdr.csv", FILE, "text/csv")})
    assert "1 row was read, which told something new of 1 call" in first.text
    again = web.owner().post(f"{address}/import", files={"file": ("cdr.csv", FILE, "text/csv")})
    assert "something new of 0 calls" in again.text
    assert "Ada Example" in web.owner().get("/").text


def test_bad_lines_of_a_file_are_counted_and_named(web: Web, address: str) -> None:
    answer = web.owner().post(f"{address}/import", files={"file": ("cdr.csv", FILE + "too,short\n", "text/csv")})
    assert "1 line was left out" in answer.text
    assert "Line 3: it has 2 fields, not 17." in answer.text


@pytest.mark.parametrize("content", ["", "a,b,c\n1,2,3\n", "\0\0\0"])
def test_a_file_of_something_else_is_refused_with_the_fix(web: Web, address: str, content: str) -> None:
    answer = web.owner().post(f"{address}/import", files={"file": ("photo.jpg", content, "image/jpeg")})
    assert answer.status_code == 422
    assert "column names in" in answer.text


def test_forgetting_the_connection_keeps_what_was_read(web: Web, pbx_id: str, address: str) -> None:
    web.owner().post(address, data=FORM)
    web.owner().post(f"{address}/import", files={"file": ("cdr.csv", FILE, "text/csv")})
    web.owner().post(f"{address}/remove")
    assert stored(web, pbx_id) is None
    assert "Ada Example" in web.owner().get("/").text


def test_only_administrators_get_there(web: Web, address: str) -> None:
    assert web.visitor().get(address).status_code == 303
    assert web.owner().get("/settings/freepbx/none/cdr").status_code == 404


# ---- what the list and the page of a call make of it ---------------------------------------------------------------


def bring(web: Web, pbx_id: str, *lines: str) -> None:
    head = FILE.splitlines()[0]
    content = "\n".join([head, *lines]) + "\n"
    web.owner().post(f"/settings/freepbx/{pbx_id}/cdr/import", files={"file": ("cdr.csv", content, "text/csv")})


def line(minute: int, *, outbound: bool = False, answered: bool = False) -> str:
    said = "ANSWERED" if answered else "NO ANSWER"
    identity = f"{1795424400 + minute * 60}.{minute}"
    billsec = 15 if answered else 0
    if outbound:
        return (
            f"2026-11-23 11:{minute:02}:00,,201,7175550123,from-internal,PJSIP/201-1,PJSIP/provider-1,Dial,,20,"
            f"{billsec},"
            f"{said},,{identity},{identity},201,Workshop"
        )
    return (
        f"2026-11-23 11:{minute:02}:00,,7175550123,201,from-did-direct,PJSIP/provider-1,PJSIP/201-1,Dial,,20,{billsec},"
        f"{said},7175550100,{identity},{identity},7175550123,Ada Example"
    )


def test_a_missed_call_is_in_the_list_with_its_badge_and_says_that_nobody_called_back(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(0))
    shown = web.owner().get("/").text
    assert "Missed</span>" in shown
    assert "not called back" in shown
    assert "rang 0:20" in shown
    assert "Any outcome" in shown


def test_a_missed_call_that_was_called_back_leads_there(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(0), line(5, outbound=True, answered=True))
    shown = web.owner().get("/?disposition=missed").text
    assert ">called back</a>" in shown
    assert "1 call" in shown


def test_the_page_of_a_missed_call_shows_its_legs_and_why_there_is_no_sound(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(0))
    client = web.owner()
    (call,) = client.get("/api/v1/calls").json()["items"]
    shown = client.get(f"/calls/{call['id']}").text
    assert "Nobody answered, so there is nothing to hear" in shown
    assert "no answer" in shown
    assert "Stages" not in shown
    assert "Retry" not in shown


def test_the_api_tells_what_the_records_tell(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(0), line(5, outbound=True, answered=True))
    client = web.owner()
    back, missed = client.get("/api/v1/calls").json()["items"]
    assert (missed["disposition"], missed["called_back_by"], missed["ring_s"]) == ("missed", back["id"], 20)
    assert (missed["state"], missed["recording"], missed["caller_name"]) == ("no recording", None, "Ada Example")
    assert client.get("/api/v1/calls?disposition=missed").json()["count"] == 1
    assert client.get(f"/api/v1/calls/{missed['id']}").json()["did"] == "7175550100"
    (leg,) = client.get(f"/api/v1/calls/{missed['id']}/legs").json()
    assert (leg["extension"], leg["outcome"]) == ("201", "no answer")


# ---- the coverage report ---------------------------------------------------------------------------------------------


def test_without_records_the_report_says_what_it_needs(web: Web, pbx_id: str) -> None:
    shown = web.owner().get("/coverage").text
    assert "This needs call detail records" in shown
    assert 'href="/coverage"' not in web.owner().get("/sync").text


def test_the_report_counts_and_each_figure_opens_its_calls(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(0), line(5, answered=True))
    client = web.owner()
    shown = client.get("/coverage").text
    assert "Not recorded" in shown
    assert "extension=201" in shown
    assert 'href="/coverage"' in shown
    listed = client.get("/coverage?cause=not+recorded").text
    assert "Ada Example" in listed
    assert "No such calls" in client.get("/coverage?cause=failed").text
    web.now += timedelta(days=30)
    assert "No answered calls in this time" in client.get("/coverage?when=7d").text


def test_the_report_as_a_file_cannot_smuggle_formulas(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(5, answered=True).replace("Ada Example", "=SUM(A1)"))
    answer = web.owner().get("/coverage.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "'=SUM(A1)" in answer.text
    assert "2026-11-23T11:05:00+02:00" in answer.text


@pytest.mark.parametrize(
    "query", ["when=forever", "day=2026-13-01", "day=0001-01-01", "cause=x", "extension=" + "9" * 99]
)
def test_nonsense_in_the_address_of_the_report_is_dropped(web: Web, pbx_id: str, query: str) -> None:
    bring(web, pbx_id, line(5, answered=True))
    assert web.owner().get(f"/coverage?{query}").status_code == 200


def test_the_api_has_the_report_and_its_calls(web: Web, pbx_id: str) -> None:
    bring(web, pbx_id, line(5, answered=True))
    client = web.owner()
    report = client.get("/api/v1/coverage").json()
    assert report["total"]["causes"] == {"not recorded": 1}
    assert [each["name"] for each in report["by_extension"]] == ["201"]
    (gap,) = client.get("/api/v1/coverage/calls?extension=201").json()
    assert gap["cause"] == "not recorded"


def test_the_api_saves_tests_and_forgets_the_connection(web: Web, pbx_id: str) -> None:
    client, where = web.owner(), f"/api/v1/pbxs/{pbx_id}/cdr"
    assert client.get(where).status_code == 404
    entry = {"host": "192.0.2.10", "username": "aftercall", "password": "open sesame"}
    saved = client.put(where, json=entry)
    assert (saved.status_code, saved.json()["database"]) == (200, "asteriskcdrdb")
    assert "open sesame" not in client.get(where).text
    assert client.post(f"{where}/test").json()[0]["status"] == "ok"
    assert web.tested_cdr[0].password == "open sesame"
    assert client.put(where, json=entry | {"port": 0}).status_code == 422
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 404

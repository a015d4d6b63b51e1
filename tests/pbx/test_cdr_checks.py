"""Every trouble with the database has exactly one failing check, with its cause and its fix."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lab.mariadb import Database
from tests.pbx.test_cdr import QUICK, TROUBLES, address, row

from aftercall.model import CdrAddress, Check
from aftercall.pbx.cdr import CdrPatience
from aftercall.pbx.cdr_checks import CHECKS, diagnose_cdr
from aftercall.pbx.cdr_remedies import REMEDIES

ORDER = [step.name for step in CHECKS]


def checks(where: CdrAddress, *, zone: str | None = None, patience: CdrPatience = QUICK) -> dict[str, Check]:
    async def collect() -> list[Check]:
        return [check async for check in diagnose_cdr(where, zone=zone, patience=patience)]

    found = asyncio.run(collect())
    assert [each.check for each in found] == ORDER
    return {each.check: each for each in found}


def now() -> datetime:
    return datetime.now(UTC)


def test_a_table_as_it_should_be_passes_every_check(mariadb: Database) -> None:
    mariadb.add([row(now() - timedelta(minutes=5)), row(now() - timedelta(days=30))])
    found = checks(address(mariadb, use_tls=True, certificate=mariadb.certificate_pem))
    assert {each.status for each in found.values()} == {"ok"}
    assert "trusted by its SHA-256" in found["tls"].what
    assert found["rows"].what == "The newest record is 5 minutes old; they go back 30 days."
    assert found["clock"].what == "The clocks agree, and the records are kept in UTC+1:00."


@pytest.mark.parametrize(("trouble", "code", "check"), TROUBLES)
def test_every_trouble_fails_its_own_check_alone(
    mariadb: Database, trouble: Callable[[Database], dict[str, object]], code: str, check: str
) -> None:
    found = checks(address(mariadb, **trouble(mariadb)))
    failed = [each for each in found.values() if each.status == "fail"]
    assert [(each.check, each.code) for each in failed] == [(check, code)]
    assert failed[0].why
    assert failed[0].fix
    after = ORDER[ORDER.index(check) + 1 :]
    assert all(found[name].status in {"skip", "ok"} for name in after)
    assert code in REMEDIES or code in {"cdr-columns-missing"}


def test_an_untrusted_certificate_is_offered_for_trust(mariadb: Database) -> None:
    refused = checks(address(mariadb, use_tls=True))["tls"]
    assert refused.certificate_sha256 in refused.why
    trusted = address(mariadb, use_tls=True, certificate=refused.certificate_pem)
    assert checks(trusted)["tls"].status == "ok"


@pytest.mark.parametrize(
    ("may", "on"), [("select, insert", "asteriskcdrdb.cdr"), ("all privileges", "*.*"), ("delete", "asteriskcdrdb.*")]
)
def test_a_user_who_may_write_is_a_warning(mariadb: Database, may: str, on: str) -> None:
    mariadb.sql(f"grant {may} on {on} to 'aftercall'@'%'")
    found = checks(address(mariadb))["read-only"]
    assert (found.status, found.code) == ("warn", "cdr-user-may-write")
    assert found.fixes


def test_a_user_who_may_read_more_than_needed_is_none(mariadb: Database) -> None:
    mariadb.sql("grant select on *.* to 'aftercall'@'%'")
    assert checks(address(mariadb))["read-only"].status == "ok"


def test_an_empty_table_and_one_that_stopped_long_ago_are_warnings(mariadb: Database) -> None:
    assert checks(address(mariadb))["rows"].code == "cdr-no-rows"
    mariadb.add([row(now() - timedelta(days=8))])
    assert checks(address(mariadb))["rows"].code == "cdr-rows-old"


def test_records_in_another_zone_than_the_pbx_was_given_are_a_warning(mariadb: Database) -> None:
    mariadb.add([row(now())])
    assert checks(address(mariadb), zone="Asia/Tokyo")["clock"].code == "cdr-zone-differs"
    assert checks(address(mariadb), zone="Africa/Lagos")["clock"].status == "ok"


def test_a_table_without_the_newer_columns_is_a_warning(mariadb: Database) -> None:
    mariadb.sql("alter table asteriskcdrdb.cdr drop column linkedid")
    found = checks(address(mariadb))["table"]
    assert (found.status, found.code) == ("warn", "cdr-table-old")


def test_the_password_is_in_no_outcome(mariadb: Database) -> None:
    found = checks(replace(address(mariadb), password="v3ry-secret"))
    assert "v3ry-secret" not in str(found)

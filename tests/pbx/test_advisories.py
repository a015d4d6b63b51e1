"""This file tests which Asterisk is said to have which published fault."""

import pytest

from aftercall.pbx import advisories
from aftercall.pbx.advisories import ADVISORIES, Version, concerning, mended_by, read_version

WRONG_FILE = "ASTERISK-29960"
READ_ONLY_WRITES = "GHSA-wcvv-g26m-wx5c"
READ_WRITE_RUNS = "GHSA-vrfp-mg3q-3959"
HTTP_STATUS = "GHSA-v6hp-wh3r-cwxh"
ORIGINATE = "GHSA-c4cg-9275-6w44"


def ids(text: str) -> set[str]:
    version = read_version(text)
    assert version is not None
    return {advisory.id for advisory in concerning(version)}


def release(text: str) -> Version:
    version = read_version(text)
    assert version is not None
    return version


@pytest.mark.parametrize(("text", "version"), [
    ("22.10.1", Version(major=22, minor=10, patch=1)),
    ("16.28.0~dfsg-0+deb11u4", Version(major=16, minor=28)),
    ("22.10.1+dfsg+~cs6.17.60671435-1", Version(major=22, minor=10, patch=1)),
    ("certified-18.9-cert13", Version(major=18, minor=9, certified=13)),
    ("certified/16.8-cert14", Version(major=16, minor=8, certified=14)),
    ("20.7-cert10", Version(major=20, minor=7, certified=10)),
    ("23.0.0-rc1", Version(major=23, minor=0)),
    ("GIT-master-1234abcd", None),
])  # fmt: skip
def test_a_version_is_read_from_what_asterisk_says(text: str, version: Version | None) -> None:
    assert read_version(text) == version


@pytest.mark.parametrize(("text", "has_it"), [
    ("15.7.4", True), ("16.25.3", True), ("16.26.0", False), ("16.30.1", False), ("17.9.4", True), ("18.11.2", True),
    ("18.12.0", False), ("19.3.3", True), ("19.4.0", False), ("20.0.0", False), ("certified-18.9-cert5", True),
])  # fmt: skip
def test_the_wrong_file_is_handed_out_by_these(text: str, has_it: bool) -> None:
    assert (WRONG_FILE in ids(text)) == has_it


@pytest.mark.parametrize(("text", "has_it"), [
    ("18.24.1", True), ("18.24.2", False), ("20.9.1", True), ("20.9.2", False), ("21.4.2", False), ("22.0.0", False),
    ("16.30.1", True), ("19.8.1", True), ("certified-18.9-cert10", True), ("certified-18.9-cert11", False),
    ("certified-20.7-cert1", True), ("certified-20.7-cert2", False), ("certified-22.8-cert1", False),
])  # fmt: skip
def test_a_branch_that_ended_before_a_fix_keeps_its_fault(text: str, has_it: bool) -> None:
    assert (ORIGINATE in ids(text)) == has_it


@pytest.mark.parametrize(("text", "has_it"), [
    ("20.13.9", False), ("20.14.0", True), ("20.20.0", True), ("20.20.1", False), ("21.8.0", False), ("21.12.2", True),
    ("22.3.0", False), ("22.4.0", True), ("22.10.1", False), ("23.0.0", True), ("23.4.1", False), ("18.26.4", False),
    ("certified-20.7-cert5", False), ("certified-22.8-cert2", True), ("certified-22.8-cert3", False),
])  # fmt: skip
def test_a_fault_is_not_older_than_what_it_is_in(text: str, has_it: bool) -> None:
    assert (READ_ONLY_WRITES in ids(text)) == has_it


def test_the_oldest_faults_end_with_their_branches() -> None:
    assert {"AST-2018-006", "AST-2018-007", "AST-2018-009"} <= ids("15.2.1")
    assert {"AST-2018-006", "AST-2018-007", "AST-2018-009"}.isdisjoint(ids("15.6.1") | ids("16.0.0"))
    assert {advisory for advisory in ids("14.7.7") if advisory.startswith("AST-")} == {"AST-2018-009"}


@pytest.mark.parametrize("text", ["20.20.1", "21.12.3", "22.10.1", "23.4.1", "24.0.0", "certified-20.7-cert11",
                                  "certified-22.8-cert3"])  # fmt: skip
def test_the_newest_have_none(text: str) -> None:
    assert ids(text) == set()


@pytest.mark.parametrize(("text", "mended"), [
    ("22.8.1", "22.10.1"),
    ("20.9.1", "20.20.1"),
    ("23.4.0", "23.4.1"),
    ("certified-20.7-cert8", "certified 20.7-cert11"),
    ("certified-22.8-cert2", "certified 22.8-cert3"),
    ("16.28.0", "20.20.1 or 22.10.1"),
    ("18.26.4", "20.20.1 or 22.10.1"),
    ("certified-18.9-cert14", "20.20.1 or 22.10.1"),
])  # fmt: skip
def test_the_release_that_mends_is_named_in_the_same_branch_or_where_fixes_are_made(text: str, mended: str) -> None:
    version = release(text)
    assert " or ".join(str(each) for each in mended_by(version, concerning(version))) == mended


@pytest.mark.parametrize(
    "text", ["13.38.3", "16.28.0", "18.26.4", "20.9.1", "21.4.0", "22.8.1", "certified-20.7-cert8"]
)
def test_what_is_said_to_mend_does(text: str) -> None:
    version = release(text)
    assert all(concerning(each) == [] for each in mended_by(version, concerning(version)))


def test_a_fault_that_needs_more_than_the_network_says_what() -> None:
    needing = {advisory.id for advisory in ADVISORIES if advisory.only_if}
    assert {READ_WRITE_RUNS, READ_ONLY_WRITES, HTTP_STATUS, ORIGINATE} <= needing
    assert WRONG_FILE not in needing


@pytest.mark.parametrize(("text", "may_be"), [("16.28.0~dfsg-0+deb11u4", True), ("18.10.0~dfsg+~cs6.10ubuntu1", True),
                                              ("22.10.0", False)])  # fmt: skip
def test_packages_of_a_distribution_are_known_by_their_name(text: str, may_be: bool) -> None:
    assert advisories.may_be_mended_by_the_distribution(text) == may_be

import subprocess

import pytest

from aftercall.errors import CdrError, every_error
from aftercall.pbx.cdr_remedies import REMEDIES, CdrFinding, find
from aftercall.pbx.remedies import ANY, GUIDE, NEW, OLD, filled_in

#: Their own words say it all: another port, another file, or nothing to do but wait.
PLAIN = {
    "cdr-not-a-database", "cdr-file-unreadable", "cdr-columns-missing", "cdr-tls-failed", "cdr-busy", "cdr-dropped",
    "cdr-reply-malformed", "cdr-without-tls", "cdr-table-old",
}  # fmt: skip
CODES = {error.code for error in every_error(CdrError)} | {*map(str, CdrFinding)}
FACTS = {
    "host": "pbx.example.test",
    "port": "3306",
    "username": "aftercall",
    "database": "asteriskcdrdb",
    "server": "192.0.2.5",
}


def test_whatever_can_be_done_on_the_pbx_has_its_commands() -> None:
    assert {code for code in CODES if find(code)} == CODES - PLAIN
    assert set(map(str, REMEDIES)) <= CODES


@pytest.mark.parametrize("key", REMEDIES)
def test_each_remedy_is_for_any_freepbx_or_for_both_kinds(key: str) -> None:
    assert [fix.where for fix in REMEDIES[key].fixes] in ([ANY], [OLD, NEW])
    assert REMEDIES[key].guide in GUIDE


@pytest.mark.parametrize("key", REMEDIES)
def test_each_command_is_a_line_that_a_shell_understands(key: str) -> None:
    for fix in filled_in(REMEDIES[key], FACTS):
        for command in fix.commands:
            checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
            assert checked.stderr == ""

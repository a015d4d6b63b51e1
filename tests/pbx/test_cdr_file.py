import io

import pytest

from aftercall.errors import CdrColumnsMissing, CdrFileUnreadable
from aftercall.pbx.cdr_file import NAMED_LINES, FileReport, read_file
from aftercall.pbx.cdr_rows import CdrRow

COLUMNS = "calldate,src,dst,channel,dstchannel,lastapp,duration,billsec,disposition,uniqueid,cnam"
ROW = "2026-11-23 11:00:00,7175550123,201,PJSIP/a-1,PJSIP/201-1,Dial,20,0,NO ANSWER,1795424400.1,Ada"


def read(text: str) -> tuple[list[CdrRow], FileReport]:
    report = FileReport()
    return list(read_file(io.StringIO(text, newline=""), report)), report


def test_a_file_with_column_names_is_read() -> None:
    (row,), report = read(f"{COLUMNS}\n{ROW}\n")
    assert (row.uniqueid, row.cnam, row.duration, row.disposition) == ("1795424400.1", "Ada", 20, "NO ANSWER")
    assert (report.row_count, report.bad_count) == (1, 0)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_understood(delimiter: str) -> None:
    (row,), _ = read(f"{COLUMNS}\n{ROW}\n".replace(",", delimiter))
    assert row.cnam == "Ada"


def test_columns_may_stand_in_any_order_with_others_among_them_quoted_and_in_capitals() -> None:
    head = ["amaflags", *reversed(COLUMNS.split(","))]
    values = ["3", *reversed(ROW.split(","))]
    text = "\ufeff" + ",".join(f'"{name.upper()}"' for name in head) + "\r\n" + ",".join(f'"{v}"' for v in values)
    (row,), _ = read(text)
    assert (row.uniqueid, row.cnam) == ("1795424400.1", "Ada")


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends() -> None:
    (row,), _ = read(f'{COLUMNS}\n{ROW.removesuffix("Ada")}"Ada ""the"" Example,\nLtd"\n')
    assert row.cnam == 'Ada "the" Example,\nLtd'


def test_what_mysql_itself_prints_is_not_spoilt_by_quotation_marks_in_names() -> None:
    lines = [ROW.replace("Ada", f'"Ada {number}') for number in range(3)]
    rows, report = read("\n".join([COLUMNS, *lines]).replace(",", "\t"))
    assert [row.cnam for row in rows] == ['"Ada 0', '"Ada 1', '"Ada 2']
    assert report.bad_count == 0


def test_bad_lines_are_left_out_counted_and_the_first_of_them_named() -> None:
    bad = ["only,three,fields", ROW.replace("2026-11-23 11:00:00", "never"), "\0,".join("a" * 4)]
    rows, report = read("\n".join([COLUMNS, ROW, *bad, ROW, *["x"] * 50]))
    assert len(rows) == 2
    assert report.bad_count == 53
    assert [line for line, _ in report.bad_lines[:3]] == [3, 4, 5]
    assert len(report.bad_lines) == NAMED_LINES


@pytest.mark.parametrize("rows_after", [0, 3, 500])
def test_a_quote_that_is_never_closed_spoils_its_own_line_alone(rows_after: int) -> None:
    stray = ROW.replace("Ada", '"Ada')
    rows, report = read("\n".join([COLUMNS, ROW, stray, *[ROW] * rows_after]) + "\n")
    assert len(rows) == report.row_count == 1 + rows_after
    assert report.bad_lines == [(3, "it has a quote that is never closed")]


def test_two_stray_quotes_do_not_swallow_the_lines_between_them() -> None:
    stray = ROW.replace("Ada", '"Ada')
    rows, report = read("\n".join([COLUMNS, stray, *[ROW] * 3, stray, ROW]))
    assert len(rows) == 4
    assert [line for line, _ in report.bad_lines] == [2, 6]


def test_a_bad_line_is_named_by_its_own_number_after_a_row_of_several_lines() -> None:
    rows, report = read("\n".join([COLUMNS, ROW.replace("Ada", '"Ada\nExample"'), "only,three,fields", ROW]))
    assert len(rows) == 2
    assert [line for line, _ in report.bad_lines] == [4]


@pytest.mark.parametrize("text", ["", "\n\n", "\0\0\0PNG"])
def test_what_has_no_column_names_is_no_such_file(text: str) -> None:
    with pytest.raises(CdrFileUnreadable):
        read(text)


def test_missing_columns_are_named() -> None:
    with pytest.raises(CdrColumnsMissing, match="the column uniqueid"):
        read("calldate,src,dst,channel,dstchannel,lastapp,duration,billsec,disposition\n")

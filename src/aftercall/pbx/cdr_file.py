"""This file reads call detail records from a CSV file, line by line; a bad line is named and left out."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from aftercall.errors import CdrColumnsMissing, CdrFileUnreadable
from aftercall.pbx.cdr_rows import COLUMNS, NEEDED, CdrRow, read_row

#: So many bad lines are named; the others are counted.
NAMED_LINES = 20
#: A quoted field may hold line ends, but a row over more lines than this has a quote that nobody closed.
LONGEST_ROW_LINES = 20
_DELIMITERS = ",;\t|"


@dataclass(kw_only=True)
class FileReport:
    """How the reading of a file went; complete once the rows are all taken."""

    row_count: int = 0
    bad_count: int = 0
    #: Line number and what is wrong with it, the first `NAMED_LINES`.
    bad_lines: list[tuple[int, str]] = field(default_factory=list)

    def spoilt(self, line: int, why: str) -> None:
        self.bad_count += 1
        if len(self.bad_lines) < NAMED_LINES:
            self.bad_lines.append((line, why))


def read_file(lines: Iterable[str], report: FileReport) -> Iterator[CdrRow]:
    """The rows of an export of the table, with its column names in the first line.

    Args:
        lines: with their line ends, as an open text file gives them.
        report: is filled in on the way.
    Raises:
        CdrFileUnreadable, CdrColumnsMissing: this is no such export.
    """
    source = iter(lines)
    head = next(source, "").removeprefix("\ufeff")
    if not head.strip() or "\0" in head:
        raise CdrFileUnreadable(detail="Its first line holds no column names")
    delimiter = max(_DELIMITERS, key=head.count)
    columns = [name.strip().strip('"`').lower() for name in next(csv.reader([head], delimiter=delimiter))]
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise CdrColumnsMissing(columns=f"the column{'' if len(missing) == 1 else 's'} {', '.join(missing)}")
    places = {name: columns.index(name) for name in COLUMNS if name in columns}
    # `mysql --batch` quotes nothing, and a caller's name may begin with a quotation mark that never closes.
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" and '"' not in head else csv.QUOTE_MINIMAL
    below = _Lines(source)
    reader = csv.reader(below, delimiter=delimiter, quoting=quoting)
    while True:
        below.begin_row()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            report.spoilt(below.give_back(), str(exc))
            continue
        if not values:
            continue
        if not below.is_one_row(delimiter):
            report.spoilt(below.give_back(), "it has a quote that is never closed")
            continue
        if len(values) != len(columns):
            report.spoilt(below.give_back(), f"it has {len(values)} fields, not {len(columns)}")
            continue
        row = read_row({name: values[place] for name, place in places.items()})
        if row is None:
            report.spoilt(below.give_back(), "it has no time, or belongs to no call")
            continue
        report.row_count += 1
        yield row


class _Lines:
    """The lines below the first, which can be given back: a stray quote makes one row of many that are good."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._given_back: deque[str] = deque()
        #: The lines of the row that is being read, and the number of the last of them.
        self._taken: list[str] = []
        self._number = 1
        #: Its lines came to an end before it did.
        self.is_cut_short = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = None
        if len(self._taken) < LONGEST_ROW_LINES:
            line = self._given_back.popleft() if self._given_back else next(self._source, None)
        if line is None:
            self.is_cut_short = bool(self._taken)
            raise StopIteration
        self._taken.append(line)
        self._number += 1
        return line.replace("\0", "")

    def begin_row(self) -> None:
        self._taken.clear()
        self.is_cut_short = False

    def is_one_row(self, delimiter: str) -> bool:
        """Whether its lines belong together: two stray quotes, lines apart, look like a field of several lines too."""
        if self.is_cut_short:
            return False
        try:
            return len(self._taken) == 1 or len(list(csv.reader(self._taken, delimiter=delimiter, strict=True))) == 1
        except csv.Error:
            return False

    def give_back(self) -> int:
        """Let all lines of a bad row but its first be read again, and tell the number of that one."""
        again = self._taken[1:]
        self._given_back.extendleft(reversed(again))
        self._number -= len(again)
        return self._number

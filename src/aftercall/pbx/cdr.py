"""This file reads the PBX's table of call detail records: over MySQL's protocol, by index only, and never to write.

How the way is kept light for the PBX: every question names a range of one indexed column and forces that index, so the
table is never read whole, however many years it holds. FreePBX's table has an index on `calldate`; without one the
epochs in `uniqueid` or `linkedid` serve the same end.
"""

import socket
import ssl
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Literal

import pymysql
from pymysql.cursors import DictCursor, SSDictCursor

from aftercall.errors import (
    AppError,
    CdrBusy,
    CdrCertificateRefused,
    CdrColumnsMissing,
    CdrDatabaseMissing,
    CdrDropped,
    CdrForbidden,
    CdrIndexMissing,
    CdrReplyMalformed,
    CdrSignInRefused,
    CdrTableMissing,
    CdrTlsFailed,
    CdrTlsOff,
)
from aftercall.model import CdrAddress
from aftercall.pbx import cdr_greeting, cdr_rows, names, tls
from aftercall.pbx.cdr_calls import offset_of
from aftercall.pbx.cdr_rows import COLUMNS, NEEDED, CdrRow

#: A row appears when its leg ends and carries the time it began: so far back a look reaches.
LONGEST_LEG = timedelta(hours=12)
#: The newest rows, which tell how far the table's clock is from UTC.
_SAMPLE = 20

RangeColumn = Literal["calldate", "uniqueid", "linkedid"]
_RANGES: tuple[RangeColumn, ...] = ("calldate", "uniqueid", "linkedid")


@dataclass(frozen=True, kw_only=True)
class CdrPatience:
    """How long to wait, in seconds."""

    connect_s: float = 5.0
    #: For any one piece of an answer.
    answer_s: float = 30.0
    #: The database itself gives up a question after this.
    question_s: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the table offers."""

    columns: tuple[str, ...]
    #: The column whose index every question uses, and that index.
    column: RangeColumn
    index: str


@dataclass(frozen=True, kw_only=True)
class TableClock:
    """The database's time, and what the table makes of it."""

    #: UTC.
    now: datetime
    #: How far `calldate` is ahead of UTC; None for an empty table whose zone nothing tells.
    offset_min: int | None
    #: The newest and the oldest row, in UTC; None for an empty table.
    newest_at: datetime | None
    oldest_at: datetime | None


class CdrReader:
    """One signed-in, read-only connection; blocking, for one thread."""

    def __init__(self, address: CdrAddress, *, patience: CdrPatience | None = None) -> None:
        self.address = address
        self.patience = patience or CdrPatience()
        self._connection: pymysql.Connection | None = None
        self._columns: tuple[str, ...] = ()
        self._layout: Layout | None = None
        self._system_name = ""

    def __enter__(self) -> "CdrReader":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connect and sign in.

        Raises:
            PbxError: one of ours, whatever is in the way.
        """
        where, patience = self.address, self.patience
        context = tls.build_context(where.certificate) if where.use_tls else None
        line = cdr_greeting.dial(where, wait_s=patience.connect_s)
        try:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = pymysql.connect(
                host=where.host,
                user=where.username,
                password=where.password,
                database=where.database,
                charset="utf8mb4",
                ssl=context,
                ssl_disabled=context is None,
                read_timeout=patience.answer_s,
                write_timeout=patience.answer_s,
                autocommit=True,
                local_infile=False,
                defer_connect=True,
            )
            connection.connect(line)
            self._connection = connection
            self._ask("set session transaction read only")
            self._limit_questions(str(connection.get_server_info()))
        except BaseException as exc:
            self.close()
            line.close()
            if isinstance(exc, (pymysql.MySQLError, OSError)):
                raise self._translated(exc) from exc
            raise

    def close(self) -> None:
        if self._connection is not None:
            with suppress(pymysql.MySQLError, OSError):  # it says goodbye, and the line may have broken before
                self._connection.close()
            self._connection = None

    @property
    def version(self) -> str:
        return str(self._connected.get_server_info())

    @property
    def is_encrypted(self) -> bool:
        return self.address.use_tls

    def may_write(self) -> list[str]:
        """What the user may do besides reading, as the database words it; empty for a read-only user."""
        found: list[str] = []
        for row in self._rows("show grants"):
            said = str(next(iter(row.values())))
            rights = said.removeprefix("GRANT ").partition(" ON ")[0]
            for right in rights.split(","):
                plain = right.strip().upper().partition(" (")[0]
                if plain and plain not in {"SELECT", "USAGE", "SHOW VIEW", "PROXY", "SHOW DATABASES", "PROCESS"}:
                    found.append(plain)
        return list(dict.fromkeys(found))

    def columns(self) -> tuple[str, ...]:
        """Those of the table's columns that tell us something.

        Raises:
            CdrTableMissing, CdrForbidden: it cannot be looked at.
            CdrColumnsMissing: it is not FreePBX's.
        """
        if not self._columns:
            there = {str(row["Field"]).lower() for row in self._rows("show columns from cdr")}
            missing = [name for name in NEEDED if name not in there]
            if missing:
                words = f"the column{'' if len(missing) == 1 else 's'} {', '.join(missing)}"
                raise CdrColumnsMissing(columns=words)
            self._columns = tuple(name for name in COLUMNS if name in there)
        return self._columns

    def layout(self) -> Layout:
        """The table's columns, and the index to read it by.

        Raises:
            CdrTableMissing, CdrForbidden, CdrColumnsMissing: as `columns`.
            CdrIndexMissing: it could only be read whole.
        """
        if self._layout is None:
            columns = self.columns()
            leading = {
                str(row["Column_name"]).lower(): str(row["Key_name"])
                for row in self._rows("show index from cdr")
                if int(row["Seq_in_index"]) == 1 and row["Sub_part"] is None
            }
            column = next((name for name in _RANGES if name in leading and name in columns), None)
            if column is None:
                raise CdrIndexMissing(database=self.address.database)
            self._layout = layout = Layout(columns=columns, column=column, index=leading[column])
            if column != "calldate" and not self._has_one_system_name(layout):
                self._layout = None
                raise CdrIndexMissing(database=self.address.database)
        return self._layout

    def clock(self) -> TableClock:
        """What time it is there, by the newest rows."""
        layout = self.layout()
        now = next(iter(self._rows("select utc_timestamp() as now")))["now"].replace(tzinfo=UTC)
        newest = self._select("", (), f"order by {layout.column} desc limit {_SAMPLE}")
        if newest:
            self._system_name = cdr_rows.system_name(newest[0].uniqueid)
        offsets = [found for row in newest if (found := offset_of(row)) is not None]
        offset_min = max(set(offsets), key=offsets.count) if offsets else self._server_offset_min()
        oldest = next(iter(self._select(self._after_nothing(), (), f"order by {layout.column} limit 1")), None)
        ahead = timedelta(minutes=offset_min)
        return TableClock(
            now=now,
            offset_min=offset_min,
            newest_at=max(row.calldate for row in newest).replace(tzinfo=UTC) - ahead if newest else None,
            oldest_at=oldest.calldate.replace(tzinfo=UTC) - ahead if oldest else None,
        )

    def _after_nothing(self) -> str:
        # Zero dates and empty ids sort first and tell nothing. An id begins with an epoch of ten digits, or a name.
        column = self.layout().column
        return f"where {column} >= '1000000000'" if column != "calldate" else "where calldate > '1990-01-01'"

    def _has_one_system_name(self, layout: Layout) -> bool:
        """Whether ids sort by time: they sort by name first, so with two names no range of them is a time."""
        ends = [
            cdr_rows.system_name(getattr(row, layout.column))
            for order in ("asc", "desc")
            for row in self._select(self._after_nothing(), (), f"order by {layout.column} {order} limit 1")
        ]
        return len(set(ends)) <= 1

    def ended(self, since: datetime, until: datetime, *, offset_min: int) -> list[CdrRow]:
        """The rows of legs that ended from `since` on and began before `until`.

        One answer holds them all: ask for hours, not for years.

        Args:
            since, until: aware.
            offset_min: how far the table's clock is ahead of UTC.
        """
        low, high = self._bound(since - LONGEST_LEG, offset_min), self._bound(until, offset_min)
        column = self.layout().column
        return self._select(
            f"where {column} >= %s and {column} < %s and date_add(calldate, interval duration second) >= %s",
            (low, high, self._table_time(since, offset_min)),
        )

    def began(self, since: datetime, until: datetime, *, offset_min: int) -> list[CdrRow]:
        """The rows of legs that began in this time, the beginning included."""
        column = self.layout().column
        bounds = (self._bound(since, offset_min), self._bound(until, offset_min))
        return self._select(f"where {column} >= %s and {column} < %s", bounds)

    def explain(self, since: datetime, until: datetime) -> Sequence[dict[str, Any]]:
        """How the database would find the rows of `began`, as it says itself."""
        column = self.layout().column
        question = self._question(f"where {column} >= %s and {column} < %s")
        return self._rows(f"explain {question}", (self._bound(since, 0), self._bound(until, 0)))

    # ---- below ----------------------------------------------------------------------------------------------

    def _bound(self, at: datetime, offset_min: int) -> str:
        if self.layout().column == "calldate":
            return self._table_time(at, offset_min)
        return f"{self._system_name}{int(at.timestamp()):010}"

    @staticmethod
    def _table_time(at: datetime, offset_min: int) -> str:
        return f"{at.astimezone(UTC) + timedelta(minutes=offset_min):%Y-%m-%d %H:%M:%S}"

    def _server_offset_min(self) -> int:
        """The database's own zone: what is left where no row tells."""
        row = next(iter(self._rows("select timestampdiff(minute, utc_timestamp(), now()) as ahead")))
        quarter = names.QUARTER_HOUR // timedelta(minutes=1)
        return round(int(row["ahead"]) / quarter) * quarter

    def _question(self, where: str, tail: str = "") -> str:
        layout = self.layout()
        columns = ", ".join(layout.columns)
        # No text of a user is in it: the columns and clauses are ours, the index is the database's own name for it.
        return f"select {columns} from cdr force index (`{layout.index}`) {where} {tail}"  # noqa: S608

    def _select(self, where: str, given: tuple[Any, ...], tail: str = "") -> list[CdrRow]:
        """The rows that make sense; each is read as it comes, so that the answer is not in memory twice."""
        question = self._question(where, tail)
        with closing(self._connected.cursor(SSDictCursor)) as cursor:
            try:
                cursor.execute(question, given)
                return [row for values in cursor if (row := cdr_rows.read_row(values))]
            except (pymysql.MySQLError, OSError) as exc:
                if cursor._result is not None:  # else the library goes on to read the rest from a line that broke
                    cursor._result.unbuffered_active = False
                raise self._translated(exc) from exc

    def _rows(self, question: str, given: tuple[Any, ...] = ()) -> Sequence[dict[str, Any]]:
        try:
            return self._ask(question, given)
        except (pymysql.MySQLError, OSError) as exc:
            raise self._translated(exc) from exc

    def _ask(self, question: str, given: tuple[Any, ...] = ()) -> Sequence[dict[str, Any]]:
        with closing(self._connected.cursor(DictCursor)) as cursor:
            cursor.execute(question, given)
            return list(cursor.fetchall())

    def _limit_questions(self, version: str) -> None:
        limit = self.patience.question_s
        is_mariadb = "mariadb" in version.lower()
        said = f"max_statement_time = {limit:g}" if is_mariadb else f"max_execution_time = {limit * 1000:.0f}"
        with suppress(pymysql.MySQLError):  # MySQL 5.6 and MariaDB 10.0 know neither
            self._ask(f"set session {said}")

    @property
    def _connected(self) -> pymysql.Connection:
        if self._connection is None:
            raise CdrDropped(host=self.address.host, seconds=self.patience.answer_s)
        return self._connection

    def _translated(self, exc: BaseException) -> AppError:
        return translate(exc, self.address, self.patience)


# ---- errors -----------------------------------------------------------------------------------------------------

_REFUSED = frozenset({1045, 1251, 1275, 1698, 1820, 1862, 2059, 3118, 3159, 4031})
_FORBIDDEN = frozenset({1044, 1142, 1143, 1227, 1370})
_BUSY = frozenset({1040, 1203, 1205, 1226, 1317, 1969, 3024})
_AT_THE_DOOR = frozenset({1129, 1130})


def translate(exc: BaseException, address: CdrAddress, patience: CdrPatience) -> AppError:  # noqa: PLR0911 - one each
    """What an exception of the library, of TLS or of the network means: the one place that says so."""
    cause = getattr(exc, "original_exception", exc)
    if isinstance(cause, ssl.SSLError):
        return from_tls(cause, address, patience)
    if isinstance(cause, OSError):
        return CdrDropped(host=address.host, seconds=patience.answer_s)
    code = exc.args[0] if exc.args and isinstance(exc.args[0], int) else 0
    detail = str(exc.args[1] if len(exc.args) > 1 else exc)[:200]
    if code in _REFUSED:
        return CdrSignInRefused(host=address.host, username=address.username, detail=detail)
    if code in _FORBIDDEN:
        return CdrForbidden(username=address.username, database=address.database, detail=detail)
    if code in _BUSY:
        return CdrBusy(host=address.host, detail=detail)
    if code in _AT_THE_DOOR:
        return cdr_greeting.refusal(code, detail, address)
    match code:
        case 1049:
            return CdrDatabaseMissing(host=address.host, database=address.database)
        case 1146:
            return CdrTableMissing(database=address.database)
        case 2006 | 2013 | 2014 | 2055 | 1053 | 1927:
            return CdrDropped(host=address.host, seconds=patience.answer_s)
        case 2026:
            return CdrTlsOff(host=address.host)
    # Without a code the library met something that is no answer, or a line that was cut.
    return CdrReplyMalformed(host=address.host, detail=f"{code}, {detail}" if code else detail)


def from_tls(exc: ssl.SSLError, address: CdrAddress, patience: CdrPatience) -> AppError:
    """What the ssl module means; a certificate that is not trusted is fetched once more to be named."""
    if not isinstance(exc, ssl.SSLCertVerificationError):
        detail = (exc.reason or str(exc)).replace("_", " ").lower()
        return CdrTlsFailed(host=address.host, detail=detail)
    sha256 = "unknown (it could not be fetched a second time)"
    with suppress(AppError, OSError):
        sha256 = cdr_greeting.fetch_certificate(address, wait_s=patience.connect_s).sha256
    return CdrCertificateRefused(host=address.host, reason=_untrusted(exc, address), sha256=sha256)


def _untrusted(exc: ssl.SSLCertVerificationError, address: CdrAddress) -> str:
    if exc.verify_code in {9, 10}:  # not yet valid, expired
        return "it is not valid today"
    if address.certificate is not None:
        return "it is another than the one you trusted"
    if exc.verify_code in {62, 63, 64}:  # made out to another host, e-mail or IP address
        return "it is made out to another name"
    return "no authority that this machine trusts has signed it"

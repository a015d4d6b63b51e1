"""This file runs a real MariaDB on loopback, without root, with the table of call detail records as FreePBX has it."""

import contextlib
import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pymysql
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pymysql.cursors import DictCursor

from lab.debian import NotHere, loader_of, own_suite, unpack
from lab.ports import Block
from lab.process import Process

PACKAGES = ["mariadb-server-core"]
BOOT_S = 60
#: What a first start may not do without.
SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")

#: The table of FreePBX 13 to 17, indexes included.
TABLE = """
create table cdr (
  calldate datetime not null default '0000-00-00 00:00:00',
  clid varchar(80) not null default '', src varchar(80) not null default '', dst varchar(80) not null default '',
  dcontext varchar(80) not null default '', channel varchar(80) not null default '',
  dstchannel varchar(80) not null default '', lastapp varchar(80) not null default '',
  lastdata varchar(80) not null default '', duration int(11) not null default 0, billsec int(11) not null default 0,
  disposition varchar(45) not null default '', amaflags int(11) not null default 0,
  accountcode varchar(20) not null default '', uniqueid varchar(32) not null default '',
  userfield varchar(255) not null default '', did varchar(50) not null default '',
  recordingfile varchar(255) not null default '', cnum varchar(80) not null default '',
  cnam varchar(80) not null default '', outbound_cnum varchar(80) not null default '',
  outbound_cnam varchar(80) not null default '', dst_cnam varchar(80) not null default '',
  linkedid varchar(32) not null default '', peeraccount varchar(80) not null default '',
  sequence int(11) not null default 0,
  key calldate (calldate), key dst (dst), key accountcode (accountcode), key uniqueid (uniqueid), key did (did),
  key recordingfile (recordingfile(191))
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_ci
"""


@dataclass(kw_only=True)
class Database:
    """One running MariaDB. `start` makes it, `stop` ends it and removes its folder; so does a with block."""

    root: Path
    top: Path
    port: int
    host: str = "127.0.0.1"
    _block: Block
    _has_tls: bool = True
    #: Even its root cannot sign in.
    _is_closed: bool = False
    _process: Process | None = None

    # ---- its life -------------------------------------------------------------------------------------------

    @classmethod
    def start(cls) -> "Database":
        """Unpack (at the first time) and start a MariaDB of this machine's own Debian release.

        Raises:
            NotHere: this machine cannot provide it.
        """
        root = unpack("mariadb", PACKAGES, suite=own_suite())
        block = Block.claim()
        made = cls(root=root, top=block.folder, port=block.http, _block=block)
        try:
            for folder in ("data/mysql", "tmp"):
                (made.top / folder).mkdir(parents=True)
            made._make_certificate()
            made._fill_system_tables()
            made._boot()
            # Only the root of the local socket stays, and every host is known by its address alone.
            made.sql("delete from mysql.global_priv where Host <> 'localhost'")
            made.sql("flush privileges")
            made.reset()
        except BaseException:
            made.stop()
            raise
        return made

    def __enter__(self) -> "Database":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def kill(self) -> None:
        """End it in mid-work, as a power cut does; its files stay."""
        if self._process is not None:
            self._process.kill()
        self._process = None

    def restart(self, *, has_tls: bool = True) -> None:
        """Start it anew, with TLS or without."""
        self.kill()
        self._has_tls = has_tls
        self._boot()

    def stop(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.top, ignore_errors=True)
        self._block.release()

    @contextlib.contextmanager
    def frozen(self) -> Any:
        """It takes connections, and never answers one."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def turn_away(self) -> None:
        """Let nobody in from this machine's address any more, until the next start."""
        self.sql("update mysql.global_priv set Host = 'away.example.test' where Host = 'localhost'", "flush privileges")
        self._is_closed = True

    def reset(self) -> None:
        """Everything right again: it runs, with TLS, an empty table, and one user who may only read it."""
        is_well = self._process is not None and self._process.is_running and self._has_tls and not self._is_closed
        if not is_well:
            self.restart()
        for name, host in self.query("select User, Host from mysql.global_priv where Host <> 'localhost'"):
            self.sql(f"drop user '{name}'@'{host}'")
        self.sql("drop database if exists asteriskcdrdb", "create database asteriskcdrdb")
        self.sql("use asteriskcdrdb", TABLE)
        self.user("aftercall", "s3cret!")

    # ---- what is in it --------------------------------------------------------------------------------------

    def user(self, name: str, password: str, *, host: str = "%", may: str = "select", on: str = "asteriskcdrdb.cdr",
             requires: str = "none") -> None:  # fmt: skip
        """Make a user, or change one."""
        self.sql(
            f"create or replace user '{name}'@'{host}' identified by '{password}' require {requires}",
            *([f"grant {may} on {on} to '{name}'@'{host}'"] if may else []),
        )

    def add(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Write rows into the table as Asterisk does; what they leave out is empty."""
        with self._as_root() as connection, connection.cursor() as cursor:
            for row in rows:
                names = ", ".join(row)
                places = ", ".join(["%s"] * len(row))
                cursor.execute(f"insert into asteriskcdrdb.cdr ({names}) values ({places})", list(row.values()))
            connection.commit()

    def sql(self, *statements: str) -> None:
        with self._as_root() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with self._as_root() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row.values()) for row in cursor.fetchall()]

    def _as_root(self) -> pymysql.Connection:
        # Connected here: the library forgets to close a socket that nobody answers.
        line = socket.socket(socket.AF_UNIX)
        try:
            line.settimeout(5)
            line.connect(str(self._socket))
            connection = pymysql.connect(
                user="root", charset="utf8mb4", cursorclass=DictCursor, ssl_disabled=True, defer_connect=True
            )
            connection.connect(line)
        except BaseException:
            line.close()
            raise
        return connection

    @property
    def certificate_pem(self) -> str:
        return (self.top / "server.crt").read_text()

    # ---- its files ------------------------------------------------------------------------------------------

    @property
    def _socket(self) -> Path:
        return self.top / "sql.sock"

    def _command(self) -> list[str]:
        share = self.root / "usr/share/mysql"
        return [
            *loader_of(self.root), str(self.root / "usr/sbin/mariadbd"), "--no-defaults", "--user=root",
            f"--basedir={self.root}/usr", f"--datadir={self.top}/data", f"--tmpdir={self.top}/tmp",
            f"--lc-messages-dir={share}", f"--plugin-dir={self.top}/tmp",
            "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=8M", "--innodb-fast-shutdown=2",
            "--innodb-flush-log-at-trx-commit=2", "--key-buffer-size=1M", "--skip-log-bin", "--performance-schema=off",
        ]  # fmt: skip

    def _fill_system_tables(self) -> None:
        """What mariadb-install-db does, without its help texts and test data: a third of a second."""
        share = self.root / "usr/share/mysql"
        script = "use mysql;\n" + "".join((share / name).read_text() for name in SYSTEM_TABLES)
        ended = subprocess.run(
            [*self._command(), "--bootstrap", "--silent-startup"],
            input=script.encode(),
            capture_output=True,
            check=False,
        )
        if ended.returncode:
            raise NotHere(f"MariaDB's first start: {ended.stderr.decode(errors='replace')[-400:]}")

    def _boot(self) -> None:
        init = self.top / "init.sql"
        init.write_text(
            "update mysql.global_priv set Host = 'localhost' where Host = 'away.example.test';\nflush privileges;\n"
        )
        self._is_closed = False
        tls = [f"--ssl-cert={self.top}/server.crt", f"--ssl-key={self.top}/server.key"] if self._has_tls else []
        self._process = Process.start(
            [*self._command(), f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self._socket}",
             "--skip-name-resolve", "--max-connections=20", f"--init-file={init}", *(tls or ["--skip-ssl"])],
            folder=self.top,
            output=self.top / "log",
            is_tied=True,
            inherited=self._block.inherited,
        )  # fmt: skip
        end = time.monotonic() + BOOT_S
        while not self._answers():
            if not self._process.is_running or time.monotonic() > end:
                raise NotHere(f"MariaDB did not come up: {(self.top / 'log').read_text(errors='replace')[-400:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self._as_root().close()
        except (OSError, pymysql.MySQLError):
            return False
        return True

    def _make_certificate(self) -> None:
        """A self-signed one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "db.example.test")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=3650))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("db.example.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        (self.top / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (self.top / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

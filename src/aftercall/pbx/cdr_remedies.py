"""This file holds the remedies for the way to the call detail records as data, as `remedies.py` does for ARI; pure."""

from enum import StrEnum

from aftercall.model import Fix
from aftercall.pbx.remedies import ANY, NEW, OLD, Remedy

GUIDE = "call-detail-records"


class CdrFinding(StrEnum):
    """What a check can warn of without anything having failed."""

    WITHOUT_TLS = "cdr-without-tls"
    OLD_TABLE = "cdr-table-old"
    USER_MAY_WRITE = "cdr-user-may-write"
    NO_ROWS = "cdr-no-rows"
    OLD_ROWS = "cdr-rows-old"
    CLOCK_OFF = "cdr-clock-off"
    ZONE_DIFFERS = "cdr-zone-differs"


def find(code: str) -> Remedy | None:
    """The remedy of an error or finding; None if its own words say all there is."""
    return REMEDIES.get(code)


def _any(text: str, *commands: str) -> Remedy:
    return Remedy(guide=GUIDE, fixes=(Fix(where=ANY, text=text, commands=commands),))


_TUNNEL = "ssh -N -L 3307:127.0.0.1:3306 aftercall@{host}"
_USER = (
    "mysql -e \"CREATE USER 'aftercall'@'{server}' IDENTIFIED BY 'A-LONG-PASSWORD'\"",
    "mysql -e \"GRANT SELECT ON asteriskcdrdb.cdr TO 'aftercall'@'{server}'\"",
)

REMEDIES = {
    "cdr-connection-refused": Remedy(
        guide=GUIDE,
        fixes=(
            Fix(
                where=OLD,
                text="The simplest is an SSH tunnel, dug on this server; then host 127.0.0.1, port 3307 here. To see "
                "where MariaDB listens, run the second line on the PBX.",
                commands=(_TUNNEL, "ss -ltnp | grep -E 'mysqld|mariadbd'"),
            ),
            Fix(
                where=NEW,
                text="The simplest is an SSH tunnel, dug on this server; then host 127.0.0.1, port 3307 here. To let "
                "MariaDB listen instead, set bind-address in 50-server.cnf, restart it, and open the port for this "
                "server alone.",
                commands=(
                    _TUNNEL,
                    "grep -n bind-address /etc/mysql/mariadb.conf.d/50-server.cnf",
                    "systemctl restart mariadb",
                    "ss -ltnp | grep mariadbd",
                ),
            ),
        ),
    ),
    "cdr-host-refused": _any(
        "Make a user who may come from this server's address. The first line shows who may come from where.",
        'mysql -e "SELECT user, host FROM mysql.user"',
        *_USER,
    ),
    "cdr-sign-in-refused": _any(
        "See who may come from where; then set the password anew for exactly that user and host.",
        'mysql -e "SELECT user, host FROM mysql.user"',
        "mysql -e \"ALTER USER 'aftercall'@'{server}' IDENTIFIED BY 'A-LONG-PASSWORD'\"",
    ),
    "cdr-forbidden": _any("Give the user the one right it needs, and see what it has.", *_USER[1:]),
    "cdr-host-blocked": _any("This lets every locked out address try again.", "mysqladmin flush-hosts"),
    "cdr-database-missing": _any("These are the databases there.", 'mysql -e "SHOW DATABASES"'),
    "cdr-table-missing": _any(
        "See whether the table is there under that database, and whether FreePBX's own module is.",
        'mysql -e "SHOW TABLES FROM asteriskcdrdb"',
        "fwconsole ma list | grep cdr",
    ),
    "cdr-index-missing": _any(
        "This takes a minute for every few million rows, in which calls write no records; do it at night.",
        'mysql -e "ALTER TABLE asteriskcdrdb.cdr ADD INDEX calldate (calldate)"',
    ),
    "cdr-tls-off": _any(
        "Give MariaDB the certificate that Asterisk has, in a file it may read, and name it under [mysqld] as ssl-cert "
        "and ssl-key; or untick TLS and use the tunnel of the last line, dug on this server.",
        "mysql -e \"SHOW VARIABLES LIKE '%ssl%'\"",
        _TUNNEL,
    ),
    "cdr-certificate-refused": _any(
        "Compare what these lines print with the SHA-256 above.",
        'mysql -NBe "SELECT @@ssl_cert" | xargs openssl x509 -noout -fingerprint -sha256 -in',
    ),
    CdrFinding.USER_MAY_WRITE: _any("Make a user with the one right that Aftercall needs, and enter it here.", *_USER),
    CdrFinding.CLOCK_OFF: _any(
        "Let the PBX take its time from the network.", "timedatectl set-ntp true", "timedatectl"
    ),
    CdrFinding.ZONE_DIFFERS: _any("This shows which zone the PBX itself uses.", "timedatectl"),
    CdrFinding.NO_ROWS: _any("See whether FreePBX writes records at all.", 'asterisk -rx "cdr show status"'),
    CdrFinding.OLD_ROWS: _any(
        "See when the last record was written, and whether Asterisk still has a way to the database.",
        'mysql -e "SELECT MAX(calldate) FROM asteriskcdrdb.cdr"',
        'asterisk -rx "odbc show all"',
    ),
}

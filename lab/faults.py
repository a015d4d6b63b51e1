"""This file lists what can be wrong with a PBX, each as one change of an otherwise right configuration."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The settings of the lab's Asterisk that faults change; the defaults are right."""

    http_enabled: bool = True
    tls_enabled: bool = True
    prefix: str = ""
    session_limit: int = 100
    ari_enabled: bool = True
    read_only: bool = True
    password_format: str = "plain"
    #: Lines added to ari.conf's [general].
    ari_general: str = ""
    #: Lines added to the user.
    ari_user: str = ""
    #: Modules that are not loaded: names or beginnings.
    modules_missing: tuple[str, ...] = ()
    #: What `recording` in the spool is: `link`, `none`, `elsewhere`, `dangling`, `folder`.
    recording: str = "link"
    #: What lies below the recordings besides them: `dangling link`, `loop`, `bad name`.
    litter: str = ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    name: str
    text: str
    configuration: Configuration = field(default_factory=Configuration)


def _fault(name: str, text: str, configuration: Configuration) -> tuple[str, Fault]:
    return name, Fault(name=name, text=text, configuration=configuration)


FAULTS: dict[str, Fault] = dict(
    [
        _fault("none", "everything is right, the user is read-only", Configuration()),
        _fault("read-write", "read_only=no", Configuration(read_only=False)),
        _fault("http-off", "enabled=no in http.conf", Configuration(http_enabled=False)),
        _fault("no-tls", "the TLS port is closed", Configuration(tls_enabled=False)),
        _fault("http-prefix", "prefix=asterisk", Configuration(prefix="asterisk")),
        _fault("session-limit", "sessionlimit=4", Configuration(session_limit=4)),
        _fault("ari-disabled", "enabled=no in ari.conf", Configuration(ari_enabled=False)),
        _fault("no-ari-module", "no res_ari module is loaded", Configuration(modules_missing=("res_ari",))),
        _fault(
            "recording-directory-line",
            "a recording_directory line in ari.conf",
            Configuration(ari_general="recording_directory = /var/spool/asterisk/monitor"),
        ),
        _fault(
            "no-recordings-module",
            "res_ari_recordings is not loaded",
            Configuration(modules_missing=("res_ari_recordings",)),
        ),
        _fault("crypt-mismatch", "password_format=crypt over a plain password", Configuration(password_format="crypt")),
        _fault(
            "acl",
            "the user is kept out by address; before 20.19 Asterisk does not know such a line and drops ARI",
            Configuration(ari_user="deny=0.0.0.0/0.0.0.0"),
        ),
        _fault("no-symlink", "recording/ is absent", Configuration(recording="none")),
        _fault("wrong-symlink", "recording points to another folder", Configuration(recording="elsewhere")),
        _fault("dangling-symlink", "recording points to nothing", Configuration(recording="dangling")),
        _fault("own-directory", "recording/ is an empty folder of its own", Configuration(recording="folder")),
        _fault("dangling-link-below", "a dangling link among the recordings", Configuration(litter="dangling link")),
        _fault("loop-below", "a link to its own folder among the recordings", Configuration(litter="loop")),
        _fault("bad-name-below", "a file name that is not UTF-8", Configuration(litter="bad name")),
    ]
)

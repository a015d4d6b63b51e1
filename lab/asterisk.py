"""This file runs a real Asterisk on loopback, without root, configured as FreePBX lays its files out."""

import base64
import contextlib
import ctypes
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lab import dialplan, recordings
from lab.debian import NotHere, loader_of, unpack
from lab.faults import FAULTS, Configuration

#: Releases under test, and the Debian suite whose packages hold them; `sid` moves on with time.
SUITES = {"16": "bullseye", "22": "sid"}
PACKAGES = ["asterisk", "asterisk-core-sounds-en-wav"]
USERNAME, PASSWORD = "aftercall", "lab-Secret-20-chars-long"
BOOT_S = 60

MODULES = """
res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_sorcery_realtime res_http_websocket
res_websocket_client res_stasis res_stasis_answer res_stasis_playback res_stasis_recording res_stasis_snoop
res_stasis_device_state app_stasis res_ari res_ari_model res_ari_applications res_ari_asterisk res_ari_bridges
res_ari_channels res_ari_device_states res_ari_endpoints res_ari_events res_ari_playbacks res_ari_recordings
res_ari_sounds pbx_config pbx_spool func_callerid func_channel func_strings func_logic func_cdr func_math func_uri
func_global func_timeout func_env func_cut func_groupcount func_periodic_hook app_chanspy app_stack app_dial
app_mixmonitor app_playback app_echo app_senddtmf app_verbose app_exec app_record app_system bridge_simple
bridge_native_rtp bridge_softmix bridge_builtin_features bridge_builtin_interval_features bridge_holding codec_ulaw
codec_alaw codec_gsm codec_g722 codec_resample codec_a_mu format_wav format_wav_gsm format_gsm format_pcm format_sln
format_g722 res_rtp_asterisk res_pjproject res_pjsip res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id
res_pjsip_pubsub res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_ip chan_pjsip
""".split()  # noqa: SIM905 (one long list reads better so)


@dataclass(kw_only=True)
class Lab:
    """One running Asterisk. `start` makes it, `stop` ends it and removes its folder."""

    release: str
    root: Path
    top: Path
    port: int
    tls_port: int
    sip_port: int
    rtp_port: int
    host: str = "127.0.0.1"
    username: str = USERNAME
    password: str = PASSWORD
    configuration: Configuration = field(default_factory=Configuration)
    pid: int | None = None
    #: Ends with the process that started it.
    is_tied: bool = True
    _process: "subprocess.Popen[bytes] | None" = None

    # ---- its life -------------------------------------------------------------------------------------------

    @classmethod
    def start(
        cls, release: str, *, top: Path | None = None, port: int = 0, tls_port: int = 0, is_tied: bool = True
    ) -> "Lab":
        """Unpack (at the first time) and start an Asterisk of this release.

        Raises:
            NotHere: this machine cannot provide it.
        """
        root = unpack(f"asterisk-{release}", PACKAGES, suite=SUITES[release])
        # A short path: the control socket's may not exceed 107 characters.
        folder = top or Path(tempfile.mkdtemp(prefix="lab"))
        lab = cls(
            release=release,
            root=root,
            top=folder,
            port=port or free_port(),
            tls_port=tls_port or free_port(),
            sip_port=free_port(socket.SOCK_DGRAM),
            rtp_port=free_port(socket.SOCK_DGRAM) // 2 * 2,
            is_tied=is_tied,
        )
        lab.write_configuration()
        try:
            lab.boot()
        except BaseException:
            lab.stop()
            raise
        return lab

    def boot(self) -> None:
        """Start the process and wait until it answers."""
        with (self.top / "log" / "console").open("ab") as console:
            process = subprocess.Popen(
                [*self._command(), "-f"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=self.top,
                start_new_session=True,
                preexec_fn=_die_with_parent if self.is_tied else None,
            )
        self._process, self.pid = process, process.pid
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end:
            if process.poll() is not None:
                raise NotHere(f"Asterisk {self.release} ended at once: {self._last_words()}")
            if "fully booted" in self.cli("core waitfullybooted"):
                return
            time.sleep(0.1)
        raise NotHere(f"Asterisk {self.release} did not come up in {BOOT_S} s: {self._last_words()}")

    def shut_down(self) -> None:
        """End the process by its id; its files stay."""
        if self.pid is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)
            if self._has_ended(8):
                break
        self.pid = self._process = None

    def stop(self) -> None:
        """End it and remove its folder."""
        self.shut_down()
        shutil.rmtree(self.top, ignore_errors=True)

    def restart(self) -> None:
        self.shut_down()
        self.boot()

    def _has_ended(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process is not None:
                if self._process.poll() is not None:
                    return True
            elif not Path(f"/proc/{self.pid}").exists():
                return True
            time.sleep(0.02)
        return False

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return (self.top / "log" / "console").read_text(errors="replace")[-400:]
        return "it said nothing"

    def _command(self) -> list[str]:
        return [*loader_of(self.root), str(self.root / "usr/sbin/asterisk"), "-C", str(self.etc / "asterisk.conf")]

    # ---- what it shows ------------------------------------------------------------------------------------------

    @property
    def etc(self) -> Path:
        return self.top / "etc"

    @property
    def spool(self) -> Path:
        return self.top / "spool"

    @property
    def monitor(self) -> Path:
        """Where the recordings lie."""
        return self.spool / "monitor"

    @property
    def certificate_pem(self) -> str:
        return (self.etc / "keys/asterisk.pem").read_text()

    @property
    def version(self) -> str:
        return self.cli("core show version").split()[1]

    def cli(self, command: str) -> str:
        """What Asterisk's console answers."""
        ended = subprocess.run(
            [*self._command(), "-rx", command], capture_output=True, text=True, timeout=60, check=False
        )
        return (ended.stdout + ended.stderr).strip()

    def request(
        self, path: str, *, method: str = "GET", user: str | None = None, password: str | None = None
    ) -> tuple[int, bytes]:
        """Ask its HTTP server; status 0 when nobody answers."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        token = base64.b64encode(f"{user or self.username}:{password or self.password}".encode()).decode()
        try:
            connection.request(method, path, headers={"Authorization": f"Basic {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as exc:
            return 0, str(exc).encode()
        finally:
            connection.close()

    # ---- faults --------------------------------------------------------------------------------------------------

    def fault(self, name: str) -> None:
        """Break one thing; everything else is right."""
        self.configure(FAULTS[name].configuration)

    def mend(self) -> None:
        """Make everything right again."""
        if self.configuration != Configuration():
            self.configure(Configuration())

    def configure(self, wanted: Configuration) -> None:
        before, self.configuration = self.configuration, wanted
        self.write_configuration()
        # What lies on the disk is read at each request; everything else at the start.
        untouched = {"recording", "litter"}
        if {k: v for k, v in vars(before).items() if k not in untouched} != {
            k: v for k, v in vars(wanted).items() if k not in untouched
        }:
            self.restart()

    # ---- recordings ------------------------------------------------------------------------------------------------

    def seed(self, count: int, *, days: int = 30, content: bytes | None = None) -> list[str]:
        """Put so many finished recordings into the folder; returns their names as ARI lists them."""
        return recordings.seed(self.monitor, count, days=days, content=content)

    def clear(self) -> None:
        """Remove every recording."""
        shutil.rmtree(self.monitor, ignore_errors=True)
        self.monitor.mkdir(parents=True)

    def names(self) -> set[str]:
        """The recordings on the disk, as ARI lists them."""
        return {
            str(path.relative_to(self.monitor).with_suffix("")) for path in self.monitor.rglob("*.*") if path.is_file()
        }

    def call(
        self,
        *,
        kind: str = "external",
        frm: str | None = None,
        to: str | None = None,
        caller_name: str = "Ada Example",
        a: str | Path = "hello-world",
        b: str | Path = "demo-thanks",
        tail_s: float = 0.5,
        audio_format: str = "wav",
        wait: bool = True,
    ) -> list[str]:
        """Make a real two-leg call that MixMonitor records.

        Args:
            kind: `in`, `external`, `q`, `rg` (from the trunk), `out`, `internal` (from an extension).
            a, b: what the caller and the callee say: a core sound's name, or a WAV file of 8 or 16 kHz, 16-bit, mono.
            tail_s: silence after the callee's words, before the hang-up.
            wait: for the end of the call; else return as soon as the recording is there, to `hang_up` later.
        Returns:
            The names of the new recordings.
        """
        from_inside = kind in {"out", "internal"}
        frm = frm or ("201" if from_inside else "5550101234")
        to = to or {"out": "5550100777", "internal": "202", "q": "600", "rg": "601"}.get(kind, "200")
        before = self.names()
        values = (kind, to, audio_format, self._sound(a), self._sound(b), f"{tail_s:g}")
        for name, value in zip(dialplan.GLOBALS, values, strict=True):
            self.cli(f"dialplan set global {name} {value}")
        leg = "far-ext" if from_inside else "far-trunk"
        order = self.top / "spool/tmp" / f"{time.monotonic_ns()}.call"
        order.write_text(
            f"Channel: PJSIP/{leg}/sip:{to}@127.0.0.1:{self.sip_port}\n"
            f'CallerID: "{caller_name}" <{frm}>\n'
            "MaxRetries: 0\nWaitTime: 30\nContext: caller\nExtension: s\nPriority: 1\n"
        )
        order.rename(self.spool / "outgoing" / order.name)
        self._until(lambda: bool(self.names() - before), "no recording appeared")
        if wait:
            self.wait_until_quiet()
        return sorted(self.names() - before)

    def hang_up(self) -> None:
        """End every call."""
        self.cli("channel request hangup all")
        self.wait_until_quiet()

    def wait_until_quiet(self) -> None:
        self._until(lambda: re.search(r"\b0 active channels", self.cli("core show channels count")), "a call goes on")
        time.sleep(0.2)  # MixMonitor closes the file in a thread of its own

    @staticmethod
    def _until(condition: "object", problem: str) -> None:
        end = time.monotonic() + 120
        while not condition():  # type: ignore[operator]
            if time.monotonic() > end:
                raise TimeoutError(problem)
            time.sleep(0.1)

    def _sound(self, sound: str | Path) -> str:
        """What Playback() takes: a core sound's name, or a copy of the file without its extension."""
        path = Path(sound)
        if not path.is_file():
            return str(sound)
        content = path.read_bytes()
        rate_hz = int.from_bytes(content[24:28], "little")
        target = self.top / "sounds" / hashlib.sha256(content).hexdigest()[:12]
        target.with_suffix({8000: ".wav", 16000: ".wav16"}[rate_hz]).write_bytes(content)
        return str(target)

    # ---- configuration -----------------------------------------------------------------------------------------------

    def write_configuration(self) -> None:
        """Write every file; those that FreePBX generates under its names, ours under the ones it leaves alone."""
        wanted = self.configuration
        for folder in (
            "etc/keys",
            "run",
            "log/cdr-csv",
            "varlib",
            "db",
            "spool/monitor",
            "spool/outgoing",
            "spool/tmp",
            "sounds",
        ):
            (self.top / folder).mkdir(parents=True, exist_ok=True)
        share = self.root / "usr/share/asterisk"
        voice = next(iter(sorted((share / "sounds").glob("en_*"))), None)
        if voice and not (share / "sounds/en").exists():
            with contextlib.suppress(FileExistsError):
                (share / "sounds/en").symlink_to(voice.name)  # the package makes this link when it is installed
        modules = next(iter(self.root.glob("usr/lib/**/asterisk/modules")))
        self._write(
            "asterisk.conf",
            "[directories]\n"
            f"astcachedir => {self.spool}/tmp\nastetcdir => {self.etc}\nastmoddir => {modules}\n"
            f"astvarlibdir => {self.top}/varlib\nastdbdir => {self.top}/db\nastkeydir => {self.top}/varlib\n"
            f"astdatadir => {share}\nastagidir => {share}/agi-bin\nastspooldir => {self.spool}\n"
            f"astrundir => {self.top}/run\nastlogdir => {self.top}/log\nastsbindir => {self.root}/usr/sbin\n"
            "[options]\nverbose = 3\ntransmit_silence = yes\n",
        )
        there = {path.stem for path in modules.glob("*.so")}
        loaded = [name for name in MODULES if name in there and not name.startswith(wanted.modules_missing or ("-",))]
        self._write("modules.conf", "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in loaded))
        self._write("logger.conf", "[general]\n[logfiles]\nfull => notice,warning,error,verbose(3)\n")
        self._write(
            "ari.conf",
            "[general]\n#include ari_general_additional.conf\n#include ari_general_custom.conf\n"
            "#include ari_additional.conf\n#include ari_additional_custom.conf\n",
        )
        self._write(
            "ari_general_additional.conf",
            f"enabled={_yes(wanted.ari_enabled)}\npretty=no\nallowed_origins=localhost:8088\n",
        )
        self._write("ari_general_custom.conf", wanted.ari_general + "\n")
        self._write("ari_additional.conf", "")
        self._write(
            "ari_additional_custom.conf",
            f"[{self.username}]\ntype=user\nread_only={_yes(wanted.read_only)}\n"
            f"password_format={wanted.password_format}\npassword={self.password}\n{wanted.ari_user}\n",
        )
        key, certificate = self._certificate()
        tls = f"tlsenable=yes\ntlsbindaddr=127.0.0.1:{self.tls_port}\ntlscertfile={certificate}\ntlsprivatekey={key}\n"
        self._write("http.conf", "#include http_additional.conf\n#include http_custom.conf\n")
        self._write(
            "http_additional.conf",
            f"[general]\nenabled={_yes(wanted.http_enabled)}\nenablestatic=no\nbindaddr=127.0.0.1\nbindport={self.port}\n"
            f"prefix={wanted.prefix}\nsessionlimit={wanted.session_limit}\nsession_inactivity=30000\n"
            f"session_keep_alive=15000\n{tls if wanted.tls_enabled else ''}",
        )
        self._write("http_custom.conf", "")
        self._write("rtp.conf", f"[general]\nrtpstart={self.rtp_port}\nrtpend={self.rtp_port + 200}\nstrictrtp=no\n")
        self._write("pjsip.conf", dialplan.pjsip(self.sip_port))
        self._write("extensions.conf", dialplan.extensions(self.monitor))
        self._write("cdr.conf", "[general]\nenable=yes\n")
        self._lay_out_spool()

    def _write(self, name: str, text: str) -> None:
        (self.etc / name).write_text(text)

    def _certificate(self) -> tuple[Path, Path]:
        """A self-signed certificate, as FreePBX makes one."""
        key, certificate = self.etc / "keys/asterisk.key", self.etc / "keys/asterisk.pem"
        if not certificate.exists():
            if not shutil.which("openssl"):
                raise NotHere("it needs the openssl command")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
                 "-subj", "/CN=pbx.example.test", "-addext", "subjectAltName=DNS:pbx.example.test",
                 "-keyout", str(key), "-out", str(certificate)],
                check=True, capture_output=True,
            )  # fmt: skip
        return key, certificate

    def _lay_out_spool(self) -> None:
        link = self.spool / "recording"
        if link.is_symlink() or link.is_file():
            link.unlink()
        elif link.is_dir():
            shutil.rmtree(link)
        match self.configuration.recording:
            case "link":
                link.symlink_to(self.monitor)
            case "elsewhere":
                (self.spool / "elsewhere").mkdir(exist_ok=True)
                link.symlink_to(self.spool / "elsewhere")
            case "dangling":
                link.symlink_to(self.spool / "gone")
            case "folder":
                link.mkdir()
        litter = os.fsencode(self.monitor / "litter")
        shutil.rmtree(litter, ignore_errors=True)
        match self.configuration.litter:
            case "dangling link":
                os.mkdir(litter)
                os.symlink(b"gone.wav", litter + b"/old.wav")
            case "loop":
                os.mkdir(litter)
                os.symlink(b".", litter + b"/monitor")
            case "bad name":
                os.mkdir(litter)
                with open(litter + b"/caf\xe9.wav", "wb") as file:
                    file.write(recordings.silence(0.1))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _die_with_parent() -> None:
    """Between fork and exec: let the kernel end the child with the thread that started it (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(release: str) -> Iterator[Lab]:
    """An Asterisk for the length of a with block."""
    lab = Lab.start(release)
    try:
        yield lab
    finally:
        lab.stop()


# ---- instances that outlive the command which started them ---------------------------------------------------------


def remember(lab: Lab, file: Path) -> None:
    state = {name: getattr(lab, name) for name in ("release", "port", "tls_port", "sip_port", "rtp_port", "pid")}
    file.write_text(json.dumps({**state, "root": str(lab.root), "top": str(lab.top)}))


def recall(file: Path) -> Lab | None:
    """The instance an earlier command started, if it still runs."""
    try:
        state = json.loads(file.read_text())
        command = Path(f"/proc/{state['pid']}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, ValueError):
        return None
    lab = Lab(**{**state, "root": Path(state["root"]), "top": Path(state["top"])}, is_tied=False)
    return lab if str(lab.etc) in command else None

"""This file runs a real Asterisk on loopback, without root, configured as FreePBX lays its files out."""

import base64
import contextlib
import hashlib
import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType

from lab import layout, recordings, spool
from lab.calls import Order
from lab.debian import NotHere, loader_of, unpack
from lab.faults import FAULTS, Configuration
from lab.ports import Block, is_free
from lab.process import Process

#: Releases under test, and the Debian suite whose packages hold them; `sid` moves on with time.
SUITES = {"16": "bullseye", "22": "sid"}
PACKAGES = ["asterisk", "asterisk-core-sounds-en-wav", "openssl"]
BOOT_S = 60
#: The longest path a Unix socket may have.
SOCKET_PATH_BYTES = 107


@dataclass(kw_only=True)
class Lab(layout.Site):
    """One running Asterisk. `start` makes it, `stop` ends it and removes its folder; so does a with block."""

    release: str
    host: str = "127.0.0.1"
    configuration: Configuration = field(default_factory=Configuration)
    #: Ends with the process that started it.
    is_tied: bool = True
    _block: Block
    _process: Process | None = None

    # ---- its life -------------------------------------------------------------------------------------------

    @classmethod
    def start(
        cls, release: str, *, folder: Path | None = None, port: int = 0, tls_port: int = 0, is_tied: bool = True
    ) -> "Lab":
        """Unpack (at the first time) and start an Asterisk of this release.

        Args:
            folder: its own, made and removed by it; default: one in the cache.
            port, tls_port: 0 to choose free ones.
            is_tied: end it with the thread that starts it, however that ends.
        Raises:
            NotHere: this machine cannot provide it.
        """
        root = unpack(f"asterisk-{release}", PACKAGES, suite=SUITES[release])
        for given in (port, tls_port):
            if given and not is_free(given):
                raise NotHere(f"port {given} is taken")
        block = Block.claim()
        lab = cls(
            release=release,
            root=root,
            top=folder or block.folder,
            port=port or block.http,
            tls_port=tls_port or block.tls,
            sip_port=block.sip,
            rtp_ports=block.rtp,
            is_tied=is_tied,
            _block=block,
        )
        try:
            lab._write_configuration()
            lab._boot()
        except BaseException:
            lab.stop()
            raise
        return lab

    def __enter__(self) -> "Lab":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def restart(self) -> None:
        """Start it anew, with the configuration on the disk."""
        self.kill()
        self._boot()

    def kill(self) -> None:
        """End it in mid-work, as a power cut does; its files stay."""
        if self._process is not None:
            self._process.kill()
        self._process = None

    def stop(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.top, ignore_errors=True)
        self._block.release()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def _boot(self) -> None:
        socket_path = f"{self.top}/run/asterisk.ctl"
        if len(socket_path.encode()) > SOCKET_PATH_BYTES:
            raise NotHere(f"the path {socket_path} is too long for a socket; set AFTERCALL_LAB_DIR to a shorter folder")
        if not self._block.hold():
            raise NotHere(f"another instance has the ports from {self._block.first} on")
        self._process = Process.start(
            [*self._command(), "-f"],
            folder=self.top,
            output=self.top / "log/console",
            is_tied=self.is_tied,
            inherited=self._block.inherited,
        )
        end = time.monotonic() + BOOT_S
        while "fully booted" not in self.cli("core waitfullybooted"):
            if not self.is_running:
                raise NotHere(f"Asterisk {self.release} ended at once: {self._last_words()}")
            if time.monotonic() > end:
                raise NotHere(f"Asterisk {self.release} did not come up in {BOOT_S} s: {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return (self.top / "log/console").read_text(errors="replace")[-400:]
        return "it said nothing"

    def _command(self) -> list[str]:
        return [*loader_of(self.root), str(self.root / "usr/sbin/asterisk"), "-C", str(self.etc / "asterisk.conf")]

    # ---- what it shows ------------------------------------------------------------------------------------------

    @property
    def certificate_pem(self) -> str:
        return self.certificate.read_text()

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

    @contextlib.contextmanager
    def all_sessions_used(self) -> Iterator[None]:
        """Hold every HTTP session (for 15 s at most: then Asterisk closes what is idle).

        A connection is not yet a session: Asterisk counts it a moment later, and turns it away if an earlier one has
        not quite ended. So each is held only once it has been answered.
        """
        end = time.monotonic() + 10
        with contextlib.ExitStack() as held:
            count = 0
            while count < self.configuration.session_limit:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
                held.callback(connection.close)
                try:
                    connection.request("GET", "/ari/asterisk/ping")
                    connection.getresponse().read()
                    count += 1
                except (OSError, http.client.HTTPException):
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05)
            yield

    # ---- faults --------------------------------------------------------------------------------------------------

    def fault(self, name: str) -> None:
        """Break one thing; everything else is right."""
        self.configure(FAULTS[name].configuration)

    def mend(self) -> None:
        """Make everything right again, and start it if it has ended."""
        self.configure(Configuration())

    def configure(self, wanted: Configuration) -> None:
        before, self.configuration = self.configuration, wanted
        self._write_configuration()
        # What lies on the disk is read at each request, everything else at the start.
        is_on_disk = replace(before, recording=wanted.recording, litter=wanted.litter) == wanted
        if not (is_on_disk and self.is_running):
            self.restart()

    def _write_configuration(self) -> None:
        for folder in self.folders():
            folder.mkdir(parents=True, exist_ok=True)
        for name, text in layout.files(self, self.configuration).items():
            (self.etc / name).write_text(text)
        if not self.certificate.exists():
            self._make_certificate()
        self._name_the_voice()
        spool.lay_out(self.spool, self.monitor, self.configuration)

    def _make_certificate(self) -> None:
        """A self-signed one, as FreePBX makes it."""
        plain = self.etc / "keys/openssl.cnf"
        plain.write_text("[req]\ndistinguished_name = name\n[name]\n")
        subprocess.run(
            [*loader_of(self.root), str(self.root / "usr/bin/openssl"), "req", "-config", str(plain),
             "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
             "-subj", "/CN=pbx.example.test", "-addext", "subjectAltName=DNS:pbx.example.test",
             "-keyout", str(self.key), "-out", str(self.certificate)],
            check=True, capture_output=True,
        )  # fmt: skip

    def _name_the_voice(self) -> None:
        """Make the link to the English prompts that the package makes when it is installed."""
        sounds = self.root / "usr/share/asterisk/sounds"
        for voice in sorted(sounds.glob("en_*")):
            with contextlib.suppress(FileExistsError):
                (sounds / "en").symlink_to(voice.name)

    # ---- recordings ------------------------------------------------------------------------------------------------

    def seed(
        self,
        count: int,
        *,
        days: int = 30,
        seconds: float = 0.1,
        newest: datetime | None = None,
        content: bytes | None = None,
    ) -> list[str]:
        """Put so many finished recordings into the folder; returns their names as ARI lists them."""
        content = recordings.silence(seconds) if content is None else content
        return recordings.seed(self.monitor, count, days=days, content=content, newest=newest)

    def clear(self) -> None:
        """End every call and remove every recording."""
        if self._is_talking():
            self.hang_up()
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
        frm: str = "",
        to: str = "",
        caller_name: str = "Ada Example",
        a: str | Path = "hello-world",
        b: str | Path = "demo-thanks",
        tail_s: float = 0.5,
        audio_format: str = "wav",
        count: int = 1,
        wait: bool = True,
        within_s: float = 120,
    ) -> list[str]:
        """Make a real two-leg call that MixMonitor records.

        Args:
            kind: `in`, `external`, `q`, `rg` (from the trunk), `out`, `internal` (from an extension).
            frm, to: the numbers; empty for a usual one of the kind.
            a, b: what the caller and the callee say: a core sound's name, or a WAV file of 8 or 16 kHz, 16-bit, mono.
            tail_s: silence after the callee's words, before the hang-up.
            audio_format: one of `calls.FORMATS`.
            count: so many such calls at once.
            wait: for the end of the calls; else return as soon as the recordings are there, to `hang_up` later.
            within_s: the longest wait for that end.
        Returns:
            The names of the new recordings.
        """
        order = Order(
            kind=kind,
            frm=frm,
            to=to,
            caller_name=caller_name,
            sound_a=self._sound(a),
            sound_b=self._sound(b),
            tail_s=tail_s,
            audio_format=audio_format,
        )
        before = self.names()
        for name, value in order.globals().items():
            self.cli(f"dialplan set global {name} {value}")
        for _ in range(count):
            file = self.spool / "tmp" / f"{time.monotonic_ns()}.call"
            file.write_text(order.call_file(self.sip_port))
            file.rename(self.spool / "outgoing" / file.name)
        self._until(lambda: len(self.names() - before) >= count, "no recording appeared", within_s=30)
        if wait:
            self.wait_until_quiet(within_s)
        return sorted(self.names() - before)

    def hang_up(self) -> None:
        """End every call."""
        self.cli("channel request hangup all")
        self.wait_until_quiet()

    def wait_until_quiet(self, within_s: float = 120) -> None:
        """Wait until every call has ended and its recording is finished."""
        self._until(lambda: not self._is_talking(), "a call goes on", within_s=within_s)
        time.sleep(0.2)  # MixMonitor closes the file in a thread of its own

    def _is_talking(self) -> bool:
        return re.search(r"\b0 active channels", self.cli("core show channels count")) is None

    def _until(self, condition: Callable[[], bool], problem: str, *, within_s: float) -> None:
        end = time.monotonic() + within_s
        while not condition():
            if not self.is_running:
                raise RuntimeError(f"{problem}: Asterisk has ended: {self._last_words()}")
            if time.monotonic() > end:
                raise TimeoutError(f"{problem} after {within_s:g} s; see {self.top / 'log/full'}")
            time.sleep(0.1)

    def _sound(self, sound: str | Path) -> str:
        """What Playback() takes: a core sound's name, or a copy of the file without its extension."""
        path = Path(sound)
        if not path.is_file():
            return str(sound)
        content = path.read_bytes()
        extension = {8000: ".wav", 16000: ".wav16"}.get(int.from_bytes(content[24:28], "little"))
        if extension is None:
            raise ValueError(f"{path}: Asterisk plays WAV files of 8 or 16 kHz, 16-bit, mono")
        target = self.top / "sounds" / hashlib.sha256(content).hexdigest()[:12]
        target.with_suffix(extension).write_bytes(content)
        return str(target)

    # ---- outliving the command that started it -----------------------------------------------------------------

    def remember(self) -> None:
        """Note in its folder what `recall` needs."""
        noted = {"release": self.release, "root": str(self.root), "pid": self.pid, "block": self._block.first}
        ports = {"port": self.port, "tls_port": self.tls_port}
        state = {**noted, **ports, "configuration": asdict(self.configuration)}
        (self.top / "lab.json").write_text(json.dumps(state))

    @classmethod
    def recall(cls, folder: Path) -> "Lab | None":
        """The instance an earlier command started in this folder, whether it still runs or not."""
        try:
            state = json.loads((folder / "lab.json").read_text())
        except FileNotFoundError:
            return None
        block = Block(first=state["block"])
        changes = {**state["configuration"], "modules_missing": tuple(state["configuration"]["modules_missing"])}
        lab = cls(
            release=state["release"],
            root=Path(state["root"]),
            top=folder,
            port=state["port"],
            tls_port=state["tls_port"],
            sip_port=block.sip,
            rtp_ports=block.rtp,
            configuration=Configuration(**changes),
            is_tied=False,
            _block=block,
        )
        with contextlib.suppress(OSError):
            # Another process may have got the number since.
            command = Path(f"/proc/{state['pid']}/cmdline").read_bytes().decode(errors="replace")
            if str(lab.etc) in command:
                lab._process = Process(pid=state["pid"])
        return lab


def running(release: str) -> Lab:
    """An Asterisk for the length of a with block."""
    return Lab.start(release)

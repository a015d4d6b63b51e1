"""This file lays out one instance: where its files are, and what stands in them, in the files FreePBX uses for it."""

from dataclasses import dataclass
from pathlib import Path

from lab import dialplan
from lab.faults import Configuration

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
class Site:
    """Where one instance lives and what it listens on."""

    #: The unpacked packages, shared by all instances of a release.
    root: Path
    #: Its own folder.
    top: Path
    port: int
    tls_port: int
    sip_port: int
    rtp_ports: tuple[int, int]
    username: str = "aftercall"
    password: str = "lab-Secret-20-chars-long"

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
    def certificate(self) -> Path:
        return self.etc / "keys/asterisk.pem"

    @property
    def key(self) -> Path:
        return self.etc / "keys/asterisk.key"

    @property
    def modules(self) -> Path:
        return next(iter(self.root.glob("usr/lib/**/asterisk/modules")))

    def folders(self) -> list[Path]:
        """Those that must exist before it starts."""
        here = [self.etc / "keys", self.monitor, self.spool / "outgoing", self.spool / "tmp"]
        return here + [self.top / name for name in ("run", "log/cdr-csv", "varlib", "db", "sounds")]


def files(site: Site, wanted: Configuration) -> dict[str, str]:
    """Name -> text of every file in etc/: generated ones as FreePBX generates them, ours in those it leaves alone."""
    return {
        "asterisk.conf": _asterisk(site),
        "modules.conf": _modules(site, wanted),
        "logger.conf": "[general]\n[logfiles]\nfull => notice,warning,error,verbose(3)\n",
        "cdr.conf": "[general]\nenable=yes\n",
        "ari.conf": (
            "[general]\n#include ari_general_additional.conf\n#include ari_general_custom.conf\n"
            "#include ari_additional.conf\n#include ari_additional_custom.conf\n"
        ),
        "ari_general_additional.conf": (
            f"enabled={_yes(wanted.ari_enabled)}\npretty=no\nallowed_origins=localhost:8088\n"
        ),
        "ari_general_custom.conf": wanted.ari_general + "\n",
        "ari_additional.conf": "",
        "ari_additional_custom.conf": (
            f"[{site.username}]\ntype=user\nread_only={_yes(wanted.read_only)}\n"
            f"password_format={wanted.password_format}\npassword={site.password}\n{wanted.ari_user}\n"
        ),
        "http.conf": "#include http_additional.conf\n#include http_custom.conf\n",
        "http_additional.conf": _http(site, wanted),
        "http_custom.conf": "",
        "rtp.conf": "[general]\nrtpstart={}\nrtpend={}\nstrictrtp=no\n".format(*site.rtp_ports),
        "pjsip.conf": dialplan.pjsip(site.sip_port),
        "extensions.conf": dialplan.extensions(site.monitor),
    }


def _asterisk(site: Site) -> str:
    share = site.root / "usr/share/asterisk"
    folders = {
        "astcachedir": site.spool / "tmp",
        "astetcdir": site.etc,
        "astmoddir": site.modules,
        "astvarlibdir": site.top / "varlib",
        "astdbdir": site.top / "db",
        "astkeydir": site.top / "varlib",
        "astdatadir": share,
        "astagidir": share / "agi-bin",
        "astspooldir": site.spool,
        "astrundir": site.top / "run",
        "astlogdir": site.top / "log",
        "astsbindir": site.root / "usr/sbin",
    }
    lines = [f"{name} => {path}" for name, path in folders.items()]
    return "\n".join(["[directories]", *lines, "[options]", "verbose = 3", "transmit_silence = yes", ""])


def _modules(site: Site, wanted: Configuration) -> str:
    there = {path.stem for path in site.modules.glob("*.so")}
    loaded = [name for name in MODULES if name in there and not name.startswith(wanted.modules_missing)]
    return "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in loaded)


def _http(site: Site, wanted: Configuration) -> str:
    lines = [
        "[general]",
        f"enabled={_yes(wanted.http_enabled)}",
        "enablestatic=no",
        "bindaddr=127.0.0.1",
        f"bindport={site.port}",
        f"prefix={wanted.prefix}",
        f"sessionlimit={wanted.session_limit}",
        "session_inactivity=30000",
        "session_keep_alive=15000",
    ]
    if wanted.tls_enabled:
        lines += [
            "tlsenable=yes",
            f"tlsbindaddr=127.0.0.1:{site.tls_port}",
            f"tlscertfile={site.certificate}",
            f"tlsprivatekey={site.key}",
        ]
    return "\n".join([*lines, ""])


def _yes(value: bool) -> str:
    return "yes" if value else "no"

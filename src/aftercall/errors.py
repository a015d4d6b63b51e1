"""This file names everything that can go wrong, as one tree; it imports nothing of ours.

    AppError
      SettingsError    SettingInvalid  SecretUnreadable
      PbxError
        PbxUnreachable   PbxNameUnknown  PbxConnectionRefused  PbxNoRoute  PbxTimeout  PbxClosedSilently  PbxDropped
        PbxTlsError      PbxPortIsPlain  PbxPortIsTls  PbxCertificateUntrusted  PbxCertificateName
                         PbxCertificateExpired  PbxCertificateChanged  PbxCertificateUnreadable  PbxTlsTooOld
        PbxSignInRefused  PbxForbidden  PbxAriOff  PbxPrefixWrong  PbxNotAsterisk  PbxTooOld
        PbxRecordingsModuleMissing  PbxEventsModuleMissing  PbxEventsTaken
        PbxListBroken  PbxListEmpty  PbxBusy  PbxReplyMalformed  PbxReplyTooLarge  PbxAddressRefused
        CdrError         CdrConnectionRefused  CdrNotADatabase  CdrHostRefused  CdrHostBlocked  CdrTlsOff
                         CdrCertificateRefused  CdrTlsFailed  CdrSignInRefused  CdrForbidden  CdrDatabaseMissing
                         CdrTableMissing  CdrColumnsMissing  CdrIndexMissing  CdrBusy  CdrDropped  CdrReplyMalformed
                         CdrFileUnreadable
      RecordingError   RecordingMissing  RecordingUnreadable  RecordingStillGrowing  RecordingIncomplete  RecordingNotAudio
                       RecordingTooLarge  ArchiveFull  ArchiveBroken
      AudioError       AudioEmpty  AudioTooShort  AudioUnreadable  CodecUnsupported  AudioTooLong
      EngineError      EngineNotInstalled  EngineUnknown  EngineDied  LanguageUnsupported  ModelMissing  ModelDamaged
                       MoodHeadDamaged
        RemoteError      RemoteNotSet  RemoteUnreachable  RemoteUntrusted  RemoteRefused  RemoteTooLarge  RemoteRejected
                         RemoteAnswerMalformed
      ModelError       ModelUnknown  ModelBusy  ModelSourceUnreachable  ModelSourceRefused  ModelDownloadStalled
                       ModelDownloadIncomplete  ModelTooLarge  ModelWrongBytes  ModelArchiveUnsafe  ModelArchiveDamaged
                       ModelNotInside  ModelFetchDied  ModelsFolderFull  ModelsFolderUnwritable
                       MachineNotMeasured
      LlmError         LlmNotInstalled  LlmOff  LlmUnreachable  LlmTimeout  LlmSignInRefused  LlmModelUnknown  LlmBusy
                       LlmRequestRefused  LlmBroken  LlmAnswerUnusable  LlmContextFull  LlmCallTooLong  LlmCallCap
                       LlmDayCap  LlmPaused  LlmNothingToSummarise
      StoreError       StoreBusy  StoreFull  SchemaAhead
      JobError         AttemptsSpent  Cancelled  DataFolderInUse  Unexpected
      WebError         NotFound  Forbidden  FormInvalid  SignInRequired  TooManyAttempts  CrossSiteRefused
                       SetupLinkInvalid  SignInFailed  PagesMissing  CorrectionOutdated

Every leaf carries a stable `code`, says `what` happened, `why`, and the exact `fix`, whether trying again can help
(`retry`) and which HTTP status our own API answers (`status`). The texts are templates over the facts given to the
constructor; `example` holds facts that fill them, so that docs/errors.md and the tests can show every error.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar


class Retry(StrEnum):
    """Whether, and how soon, the same attempt may succeed without anybody mending anything."""

    NEVER = "never"
    #: A passing fault: seconds, then minutes.
    SOON = "soon"
    #: Wait for something slow, such as a call that is still being recorded.
    LATER = "later"
    #: Only after an administrator has changed the settings; trying before may lock us out.
    SETTINGS = "settings"


class AppError(Exception):
    """The root of every error a user can meet."""

    code: ClassVar[str] = ""
    what_template: ClassVar[str] = ""
    why_template: ClassVar[str] = ""
    fix_template: ClassVar[str] = ""
    retry: ClassVar[Retry] = Retry.NEVER
    status: ClassVar[int] = 500
    example: ClassVar[dict[str, Any]] = {}

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        self.what = self.what_template.format_map(facts)
        self.why = self.why_template.format_map(facts)
        self.fix = self.fix_template.format_map(facts)
        super().__init__(f"{self.what} {self.why} {self.fix}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way back from a worker process: rebuild from the facts, not from the sentence."""
        return _rebuild, (type(self), self.facts)


def _rebuild(kind: type[AppError], facts: dict[str, Any]) -> AppError:
    return kind(**facts)


def every_error(root: type[AppError] = AppError) -> Iterator[type[AppError]]:
    """Yield the errors a user can meet (the leaves with a code), in the order of this file."""
    if root.code:
        yield root
    for kind in root.__subclasses__():
        yield from every_error(kind)


# ---- settings ---------------------------------------------------------------------------------------------------


class SettingsError(AppError):
    """The installation itself is set up wrongly."""


class SettingInvalid(SettingsError):
    code = "setting-invalid"
    what_template = "The setting {name} has the value {value!r}, which Aftercall cannot use."
    why_template = "It must be {expected}."
    fix_template = "Change {name} in the environment (or unset it to get the default) and start Aftercall again."
    example = {"name": "AFTERCALL_PORT", "value": "eighty", "expected": "a port number from 1 to 65535"}


class SecretUnreadable(SettingsError):
    code = "secret-unreadable"
    what_template = "A stored password cannot be decrypted."
    why_template = "The key file {path} is not the one the password was saved with, or it is damaged."
    fix_template = (
        "Put the original key file back from your backup, or enter the password again where it belongs: Settings > FreePBX, "
        "Settings > Speech > Remote service, or Settings > Language model."
    )
    example = {"path": "/var/lib/aftercall/secret.key"}


# ---- the PBX ----------------------------------------------------------------------------------------------------


class PbxError(AppError):
    """The PBX does not do what we ask of it."""

    status = 502


class PbxUnreachable(PbxError):
    """No conversation with the PBX came about at all."""

    retry = Retry.SOON


class PbxNameUnknown(PbxUnreachable):
    code = "pbx-name-unknown"
    what_template = "The host name {host} could not be looked up."
    why_template = "No name server known to this machine has an address for it."
    fix_template = "Check the spelling of the host, or enter the PBX's IP address instead."
    example = {"host": "pbx.example.test"}


class PbxConnectionRefused(PbxUnreachable):
    code = "pbx-connection-refused"
    what_template = "{host} refuses connections on port {port}."
    why_template = (
        "Asterisk's HTTP server is switched off (FreePBX ships it off), listens on another port or address, "
        "or, for a TLS port, TLS is not enabled."
    )
    fix_template = (
        "On the PBX run: fwconsole setting HTTPENABLED 1 && fwconsole setting ENABLE_ARI 1 && fwconsole reload "
        "(for TLS also: fwconsole setting HTTPTLSENABLE 1 and choose a certificate in Certificate Manager). "
        'Then asterisk -rx "http show status" must show port {port}.'
    )
    example = {"host": "192.0.2.10", "port": 8088}


class PbxNoRoute(PbxUnreachable):
    code = "pbx-no-route"
    what_template = "This machine cannot reach {host}:{port} ({detail})."
    why_template = "There is no network route to that address, or a firewall on the way turns the connection away."
    fix_template = (
        "Check the address and this machine's network or VPN. On the PBX run: fwconsole firewall add other <address of "
        "this server>/32, and allow TCP {port} for zone Other in Firewall > Services > Custom."
    )
    example = {"host": "192.0.2.10", "port": 8088, "detail": "No route to host"}


class PbxTimeout(PbxUnreachable):
    code = "pbx-timeout"
    what_template = "{host}:{port} did not answer within {seconds:g} s."
    why_template = "A firewall drops the packets, the address is wrong, or the PBX is down or overloaded."
    fix_template = (
        "On the PBX run: fwconsole firewall add other <address of this server>/32, and allow TCP {port} for zone "
        "Other in Firewall > Services > Custom. Then test again."
    )
    example = {"host": "192.0.2.10", "port": 8089, "seconds": 5.0}


class PbxClosedSilently(PbxUnreachable):
    code = "pbx-closed-silently"
    what_template = "{host}:{port} accepted the connection and closed it without an answer."
    why_template = "Either plain HTTP was sent to a TLS port, or all of Asterisk's HTTP sessions are in use (session limit, 100 by default)."
    fix_template = (
        'If {port} is the TLS port (usually 8089), tick "Use TLS". Otherwise raise HTTPSESSIONLIMIT: '
        "fwconsole setting HTTPSESSIONLIMIT 200 && fwconsole reload."
    )
    example = {"host": "192.0.2.10", "port": 8089}


class PbxDropped(PbxUnreachable):
    code = "pbx-dropped"
    what_template = "The connection to {host}:{port} broke in the middle of an answer."
    why_template = "The network failed, or Asterisk restarted."
    fix_template = (
        "Nothing is lost: Aftercall tries again by itself. If it keeps happening, look at /var/log/asterisk/full."
    )
    example = {"host": "192.0.2.10", "port": 8088}


class PbxTlsError(PbxError):
    """TLS did not come about or is not to be trusted."""

    retry = Retry.SETTINGS


class PbxPortIsPlain(PbxTlsError):
    code = "pbx-port-is-plain"
    what_template = "Port {port} of {host} does not speak TLS."
    why_template = "It answers plain HTTP: this is Asterisk's unencrypted port (usually 8088), or another service."
    fix_template = 'Use the TLS port (usually 8089), or untick "Use TLS" if you must use plain HTTP.'
    example = {"host": "192.0.2.10", "port": 8088}


class PbxPortIsTls(PbxTlsError):
    code = "pbx-port-is-tls"
    what_template = "Port {port} of {host} speaks TLS, not plain HTTP."
    why_template = 'Here "Use TLS" is not ticked, and a TLS port closes a connection that begins without it.'
    fix_template = 'Tick "Use TLS", then test again.'
    example = {"host": "192.0.2.10", "port": 8089}


class PbxCertificateUntrusted(PbxTlsError):
    code = "pbx-certificate-untrusted"
    what_template = "The certificate of {host}:{port} is not signed by an authority this machine trusts."
    why_template = "Most PBXs use a self-signed certificate. Its SHA-256 is {sha256}."
    fix_template = (
        "Compare the SHA-256 with the one the PBX shows (openssl x509 -noout -fingerprint -sha256 -in "
        '/etc/asterisk/keys/default.crt). If it is the same, press "Trust this certificate".'
    )
    example = {"host": "192.0.2.10", "port": 8089, "sha256": "AB:CD:…"}


class PbxCertificateName(PbxTlsError):
    code = "pbx-certificate-name"
    what_template = "The certificate of {host}:{port} is made out to another name."
    why_template = "It is for {names}, not for {host}."
    fix_template = 'Enter the host exactly as in the certificate, or press "Trust this certificate" after comparing its SHA-256 ({sha256}).'
    example = {"host": "192.0.2.10", "port": 8089, "names": "pbx.example.test", "sha256": "AB:CD:…"}


class PbxCertificateExpired(PbxTlsError):
    code = "pbx-certificate-expired"
    what_template = "The certificate of {host}:{port} is not valid today."
    why_template = "It is valid from {not_before} to {not_after}."
    fix_template = "Renew it in FreePBX: Admin > Certificate Management, make it the default, then fwconsole reload."
    example = {"host": "192.0.2.10", "port": 8089, "not_before": "2024-01-01", "not_after": "2025-01-01"}


class PbxCertificateChanged(PbxTlsError):
    code = "pbx-certificate-changed"
    what_template = "{host}:{port} shows another certificate than the one you trusted."
    why_template = "The PBX got a new certificate, or somebody stands in between. The new SHA-256 is {sha256}."
    fix_template = (
        'If you renewed the certificate, compare its SHA-256 on the PBX and press "Trust this certificate" again.'
    )
    example = {"host": "192.0.2.10", "port": 8089, "sha256": "AB:CD:…"}


class PbxCertificateUnreadable(PbxTlsError):
    code = "pbx-certificate-unreadable"
    what_template = "The certificate that was trusted for this PBX cannot be read."
    why_template = "What is stored here is no certificate: {detail}."
    fix_template = 'Press "Trust it no longer", test again, and trust the certificate the PBX shows.'
    example = {"detail": "not enough data"}


class PbxTlsTooOld(PbxTlsError):
    code = "pbx-tls-failed"
    what_template = "No common TLS version or cipher with {host}:{port}."
    why_template = "The PBX's TLS library said: {detail}."
    fix_template = "Update the PBX (Asterisk must offer TLS 1.2 or later), or use an SSH tunnel to its plain port."
    example = {"host": "192.0.2.10", "port": 8089, "detail": "unsupported protocol"}


class PbxSignInRefused(PbxError):
    code = "pbx-sign-in-refused"
    what_template = "The PBX at {host} answered 401 to the ARI sign-in as {username}."
    why_template = (
        "There is no such ARI user, the password differs, or its password_format does not fit (crypt over a plain "
        "password). User names are case-sensitive on Asterisk 20.15 and later; a ';' in a password cuts it off."
    )
    fix_template = (
        "FreePBX: Settings > Asterisk REST Interface Users: create {username} (Read Only: Yes, Password Type: Crypt), Apply Config, "
        'and enter the same password here. asterisk -rx "ari show users" lists the users Asterisk really has. '
        "Aftercall stops asking until you change these settings, so that the PBX does not ban this server."
    )
    retry = Retry.SETTINGS
    example = {"host": "192.0.2.10", "username": "aftercall"}


class PbxForbidden(PbxError):
    code = "pbx-forbidden"
    what_template = "The PBX answered 403 ({detail})."
    why_template = "The ARI user's access list excludes this server."
    fix_template = (
        "On the PBX, remove the permit/deny lines of this user from ari_additional_custom.conf (or add this server's "
        "address to them), then run: fwconsole reload."
    )
    retry = Retry.SETTINGS
    example = {"detail": "Access denied by ACL"}


class PbxAriOff(PbxError):
    code = "pbx-ari-off"
    what_template = "{host}:{port} is an Asterisk HTTP server, but there is no ARI under {path}."
    why_template = (
        "ARI is switched off (FreePBX's default), ari.conf holds a line Asterisk refuses (such as recording_directory), "
        "the ARI modules are not loaded, or an HTTP prefix is set."
    )
    fix_template = (
        "On the PBX run: fwconsole setting ENABLE_ARI 1 && fwconsole reload. Delete any recording_directory line from ari.conf. "
        "If Advanced Settings > HTTP Prefix is not empty, enter it here as prefix."
    )
    # Asterisk says the same for a moment while it starts.
    retry = Retry.LATER
    example = {"host": "192.0.2.10", "port": 8088, "path": "/ari"}


class PbxPrefixWrong(PbxError):
    code = "pbx-prefix-wrong"
    what_template = "ARI answers at {host}:{port}{found}, not at {given}."
    why_template = (
        "The HTTP prefix entered here differs from the one set in Asterisk (FreePBX: Advanced Settings > HTTP Prefix)."
    )
    fix_template = "{advice}, then test again."
    retry = Retry.SETTINGS
    example = {
        "host": "192.0.2.10",
        "port": 8088,
        "found": "/asterisk/ari",
        "given": "/ari",
        "advice": "Enter asterisk as HTTP prefix",
    }


class PbxNotAsterisk(PbxError):
    code = "pbx-not-asterisk"
    what_template = "{host}:{port} answers, but it is not Asterisk."
    why_template = "It answered {detail}; a web server or another service lives on this port."
    fix_template = "Use Asterisk's own HTTP port: 8088 for plain HTTP, 8089 for TLS (not FreePBX's web port 80 or 443)."
    # Asterisk says the same for a moment while it starts.
    retry = Retry.LATER
    example = {"host": "192.0.2.10", "port": 443, "detail": "Server: Apache"}


class PbxEventsModuleMissing(PbxError):
    code = "pbx-events-module-missing"
    what_template = "ARI works, but it does not send events."
    why_template = "The module res_ari_events.so (or res_http_websocket.so) is not loaded."
    fix_template = (
        'On the PBX run: asterisk -rx "module load res_ari_events.so". If modules.conf has a noload line for it, remove '
        "that line. Meanwhile calls come with the lists."
    )
    retry = Retry.LATER
    example: ClassVar[dict[str, Any]] = {}


class PbxEventsTaken(PbxError):
    code = "pbx-events-taken"
    what_template = "Another program listens to the PBX under our name ({application})."
    why_template = (
        "The PBX sends its events to the newest listener of a name only. Most likely a second Aftercall runs on a copy of "
        "this one's data folder."
    )
    fix_template = (
        "Stop the other Aftercall. If both are wanted, run on one of them: aftercall pbx events --new-name. "
        "Meanwhile calls come with the lists."
    )
    retry = Retry.LATER
    example = {"application": "aftercall-1a2b3c4d"}


class PbxTooOld(PbxError):
    code = "pbx-too-old"
    what_template = "Asterisk {version} does not hand out recordings over ARI."
    why_template = "Downloads of stored recordings came with Asterisk 14; Aftercall is made for 16 and later."
    fix_template = "Update the PBX: FreePBX 15 and later bring Asterisk 16 or newer."
    retry = Retry.SETTINGS
    example = {"version": "13.38.3"}


class PbxRecordingsModuleMissing(PbxError):
    code = "pbx-recordings-module-missing"
    what_template = "ARI works, but it does not know stored recordings."
    why_template = "The module res_ari_recordings.so is not loaded."
    fix_template = 'On the PBX run: asterisk -rx "module load res_ari_recordings.so". If modules.conf has a noload line for it, remove that line.'
    # Asterisk says the same for a moment while it starts.
    retry = Retry.LATER
    example: ClassVar[dict[str, Any]] = {}


class PbxListBroken(PbxError):
    code = "pbx-list-broken"
    what_template = "The PBX cannot list its recordings (500, Allocation failed)."
    why_template = (
        "The folder {folder} is missing or points to nothing, or below it lies a dangling or looping link or a file name that is "
        "not UTF-8. One bad entry takes the whole list down."
    )
    fix_template = (
        "On the PBX run: ls -l {spool} | grep recording; it must be a link to monitor (ln -sfn {spool}/monitor {folder}). "
        "Then find bad entries with: find {spool}/monitor -xtype l. Your stored calls are safe: nothing is deleted."
    )
    retry = Retry.LATER
    example = {"folder": "/var/spool/asterisk/recording", "spool": "/var/spool/asterisk"}


class PbxListEmpty(PbxError):
    code = "pbx-list-empty"
    what_template = "The PBX lists no recordings."
    why_template = "Far more often than that there are no calls yet, {link} does not lead to the folder where the recordings are ({kept_in})."
    fix_template = (
        "On the PBX run: ls -ld {link}; it must be a link to {kept_in}. If it is an empty folder of its own: "
        "rmdir {link} && ln -sfn {kept_in} {link}. Then try again; nothing needs a restart. Your stored calls are safe."
    )
    retry = Retry.LATER
    example = {"link": "/var/spool/asterisk/recording", "kept_in": "/var/spool/asterisk/monitor"}


class PbxBusy(PbxError):
    code = "pbx-busy"
    what_template = "The PBX answered {http_status}."
    why_template = "Asterisk is starting, reloading or overloaded."
    fix_template = "Nothing to do: Aftercall tries again by itself. If it lasts, look at /var/log/asterisk/full."
    retry = Retry.SOON
    example = {"http_status": 503}


class PbxReplyMalformed(PbxError):
    code = "pbx-reply-malformed"
    what_template = "The PBX gave an answer that makes no sense here ({detail})."
    why_template = (
        "A proxy or another program answers in Asterisk's place, or this version of Asterisk is unknown to us."
    )
    fix_template = (
        "Connect to Asterisk's HTTP port directly, without a proxy. If you do, please report this answer to us."
    )
    retry = Retry.LATER
    example = {"detail": "the list of recordings is not a JSON list"}


class PbxReplyTooLarge(PbxError):
    code = "pbx-reply-too-large"
    what_template = "The PBX's answer is larger than {limit_mb} MB."
    why_template = (
        "The recording folder holds more than a million files, or another program answers in Asterisk's place."
    )
    fix_template = "Mount only the recent months of recordings into the recording folder (docs/freepbx.md, many recordings), then sync again."
    retry = Retry.LATER
    example = {"limit_mb": 100}


class PbxAddressRefused(PbxError):
    code = "pbx-address-refused"
    what_template = "Aftercall does not connect to {host}."
    why_template = "It is a link-local or metadata address, where cloud providers keep their secrets, not PBXs."
    fix_template = "Enter the PBX's real host name or IP address."
    retry = Retry.SETTINGS
    status = 422
    example = {"host": "169.254.169.254"}


# ---- the PBX's call detail records ------------------------------------------------------------------------------


class CdrError(PbxError):
    """The database with the PBX's call detail records does not do what we ask of it."""

    retry = Retry.SETTINGS


class CdrConnectionRefused(CdrError):
    code = "cdr-connection-refused"
    what_template = "{host} refuses connections to its database on port {port}."
    why_template = (
        "MariaDB listens for programs on the PBX itself only (the default on most systems), it does not run, or it has "
        "another port."
    )
    fix_template = (
        "Use an SSH tunnel, which needs no open port. Or let MariaDB listen: on the PBX set bind-address = 0.0.0.0 (and "
        "no skip-networking) in its configuration, restart mariadb, and let this server alone through the firewall."
    )
    retry = Retry.SOON
    example = {"host": "192.0.2.10", "port": 3306}


class CdrNotADatabase(CdrError):
    code = "cdr-not-a-database"
    what_template = "{host}:{port} answers, but it is no MySQL or MariaDB."
    why_template = "It {detail}; another service lives on this port."
    fix_template = "Enter the port of the PBX's database, usually 3306, or of the near end of your SSH tunnel."
    example = {"host": "192.0.2.10", "port": 8088, "detail": "said something else first"}


class CdrHostRefused(CdrError):
    code = "cdr-host-refused"
    what_template = "The database on {host} lets nobody in from this server's address."
    why_template = "None of its users may sign in from here. It said: {detail}."
    fix_template = (
        "On the PBX, in mysql as root: CREATE USER 'aftercall'@'<address of this server>' IDENTIFIED BY '<password>'; "
        "GRANT SELECT ON asteriskcdrdb.cdr TO the same user. Through an SSH tunnel the address is 127.0.0.1."
    )
    example = {"host": "192.0.2.10", "detail": "Host '192.0.2.20' is not allowed to connect to this MariaDB server"}


class CdrHostBlocked(CdrError):
    code = "cdr-host-blocked"
    what_template = "The database on {host} has locked this server out."
    why_template = "Too many connections from here were cut off before they signed in. It said: {detail}."
    fix_template = "On the PBX run: mysqladmin flush-hosts. Then test again."
    example = {"host": "192.0.2.10", "detail": "Host '192.0.2.20' is blocked because of many connection errors"}


class CdrTlsOff(CdrError):
    code = "cdr-tls-off"
    what_template = "The database on {host} offers no TLS."
    why_template = "MariaDB needs a certificate and a key of its own for that, and most PBXs come without."
    fix_template = (
        "Set ssl-cert and ssl-key under [mysqld] in MariaDB's configuration and restart it; or untick TLS here and use "
        "an SSH tunnel, which encrypts as well."
    )
    example = {"host": "192.0.2.10"}


class CdrCertificateRefused(CdrError):
    code = "cdr-certificate-refused"
    what_template = "The certificate of the database on {host} is not to be trusted: {reason}."
    why_template = "Most databases use a certificate of their own making. Its SHA-256 is {sha256}."
    fix_template = (
        "Compare the SHA-256 on the PBX (openssl x509 -noout -fingerprint -sha256 -in the file that ssl-cert names). "
        'If it is the same, press "Trust this certificate".'
    )
    example = {"host": "192.0.2.10", "reason": "no authority that this machine trusts has signed it", "sha256": "AB:…"}


class CdrTlsFailed(CdrError):
    code = "cdr-tls-failed"
    what_template = "TLS with the database on {host} did not come about."
    why_template = "The TLS library said: {detail}."
    fix_template = "Update MariaDB on the PBX (it must offer TLS 1.2 or later), or untick TLS and use an SSH tunnel."
    example = {"host": "192.0.2.10", "detail": "unsupported protocol"}


class CdrSignInRefused(CdrError):
    code = "cdr-sign-in-refused"
    what_template = "The database on {host} refused the sign-in as {username}."
    why_template = (
        "There is no such user for this server's address, the password differs, or the user must use TLS. "
        "It said: {detail}."
    )
    fix_template = (
        "On the PBX, in mysql as root: SELECT user, host FROM mysql.user; shows who may come from where. "
        "ALTER USER '{username}'@'<that host>' IDENTIFIED BY '<password>'; sets the password. Aftercall stops asking "
        "until you change these settings, so that the PBX does not ban this server."
    )
    example = {"host": "192.0.2.10", "username": "aftercall", "detail": "Access denied for user 'aftercall'"}


class CdrForbidden(CdrError):
    code = "cdr-forbidden"
    what_template = "The database user {username} may not read {database}.cdr."
    why_template = "It signed in, but lacks the right, or there is no such database. It said: {detail}."
    fix_template = (
        "On the PBX, in mysql as root: GRANT SELECT ON {database}.cdr TO '{username}'@'<address of this server>'; "
        "SHOW DATABASES; lists the databases there are."
    )
    example = {"username": "aftercall", "database": "asteriskcdrdb", "detail": "SELECT command denied"}


class CdrDatabaseMissing(CdrError):
    code = "cdr-database-missing"
    what_template = "There is no database {database} on {host}."
    why_template = "FreePBX's is named asteriskcdrdb, unless it was changed in Advanced Settings > Remote CDR DB Name."
    fix_template = "Enter the right name here. On the PBX, in mysql as root: SHOW DATABASES; lists those there are."
    example = {"host": "192.0.2.10", "database": "asteriskcdr"}


class CdrTableMissing(CdrError):
    code = "cdr-table-missing"
    what_template = "The database {database} has no table cdr."
    why_template = "Another database was named, or this PBX does not write call detail records there."
    fix_template = (
        "In mysql on the PBX: SHOW TABLES FROM {database};. In FreePBX, Reports > CDR Reports must show calls; if it is "
        "empty, run: fwconsole ma install cdr, then fwconsole reload."
    )
    example = {"database": "asterisk"}


class CdrColumnsMissing(CdrError):
    code = "cdr-columns-missing"
    what_template = "The call detail records lack {columns}."
    why_template = "This is no table as FreePBX makes it, or a file with other headings."
    fix_template = "Name the database that FreePBX's CDR Reports uses. A CSV file needs the table's own column names in its first line."
    example = {"columns": "the column uniqueid"}


class CdrIndexMissing(CdrError):
    code = "cdr-index-missing"
    what_template = "The table cdr has no index that finds calls by their time."
    why_template = "There is none on calldate, and none on uniqueid or linkedid with the same system name in every id. Without one every look would read the whole table, which slows the PBX down; so Aftercall does not."
    fix_template = (
        "On the PBX, in mysql as root, at a quiet hour: ALTER TABLE {database}.cdr ADD INDEX calldate (calldate);."
    )
    example = {"database": "asteriskcdrdb"}


class CdrBusy(CdrError):
    code = "cdr-busy"
    what_template = "The database on {host} has no time for us now."
    why_template = "All its connections are in use, or the question took too long. It said: {detail}."
    fix_template = (
        "Nothing is lost: Aftercall asks again by itself. If it stays so, look at SHOW PROCESSLIST on the PBX."
    )
    retry = Retry.SOON
    example = {"host": "192.0.2.10", "detail": "Too many connections"}


class CdrDropped(CdrError):
    code = "cdr-dropped"
    what_template = "The connection to the database on {host} broke."
    why_template = "The network failed, the database restarted, or it did not answer within {seconds:g} s."
    fix_template = (
        "Nothing is lost: Aftercall goes on where it was. If it keeps happening, look at MariaDB's log on the PBX."
    )
    retry = Retry.SOON
    example = {"host": "192.0.2.10", "seconds": 30.0}


class CdrReplyMalformed(CdrError):
    code = "cdr-reply-malformed"
    what_template = "The database on {host} answered something unexpected."
    why_template = "It said: {detail}."
    fix_template = (
        "Test the connection in Settings > FreePBX > Call detail records; if all checks pass, please report this."
    )
    retry = Retry.SOON
    example = {"host": "192.0.2.10", "detail": "1064, You have an error in your SQL syntax"}


class CdrFileUnreadable(CdrError):
    code = "cdr-file-unreadable"
    what_template = "This file cannot be read as call detail records."
    why_template = "{detail}."
    fix_template = (
        "Export the table with its column names in the first line, separated by commas, semicolons or tabs, in UTF-8."
    )
    retry = Retry.NEVER
    status = 422
    example = {"detail": "Its first line holds no column names"}


# ---- recordings -------------------------------------------------------------------------------------------------


class RecordingError(AppError):
    """One recording cannot be brought home."""

    status = 502


class RecordingMissing(RecordingError):
    code = "recording-missing"
    what_template = "The PBX lists this recording but does not hand it out (404, Recording not found)."
    why_template = (
        "It was deleted or renamed meanwhile, or it lies below a folder link that leaves the recording folder "
        "(such as old years moved to another disk), which Asterisk lists but never serves."
    )
    fix_template = (
        "If old years live on another disk, bind-mount them (mount --bind) instead of linking the folder. "
        "Aftercall tries again a few times within a day."
    )
    retry = Retry.LATER
    status = 404
    example: ClassVar[dict[str, Any]] = {}


class RecordingUnreadable(RecordingError):
    code = "recording-unreadable"
    what_template = "The PBX may not open this recording's file (403, Recording could not be opened)."
    why_template = "The file belongs to another user than the one Asterisk runs as."
    fix_template = "On the PBX run: fwconsole chown. Aftercall tries again a few times within a day."
    retry = Retry.LATER
    example: ClassVar[dict[str, Any]] = {}


class RecordingStillGrowing(RecordingError):
    code = "recording-still-growing"
    what_template = "The call is still being recorded ({size_bytes} bytes so far)."
    why_template = "Asterisk writes the sizes into the file's header when the recording ends."
    fix_template = "Nothing to do: Aftercall looks again by itself."
    retry = Retry.LATER
    status = 409
    example = {"size_bytes": 32812}


class RecordingIncomplete(RecordingError):
    code = "recording-incomplete"
    what_template = "Only {received_bytes} of {announced_bytes} bytes arrived."
    why_template = "The connection broke, or the file was cut short on the PBX meanwhile."
    fix_template = "Nothing to do: nothing was stored, and Aftercall fetches the recording again."
    retry = Retry.SOON
    example = {"received_bytes": 1000, "announced_bytes": 96684}


class RecordingNotAudio(RecordingError):
    code = "recording-not-audio"
    what_template = "What the PBX sent for this recording is not audio ({detail})."
    why_template = "It looks like {looks_like}: an error message or a damaged file in place of the recording."
    fix_template = "Look at the file on the PBX. If it plays there, press Retry on the call's page."
    retry = Retry.LATER
    example = {"detail": "33 bytes of application/json", "looks_like": "JSON"}


class RecordingTooLarge(RecordingError):
    code = "recording-too-large"
    what_template = "The recording is {size_mb} MB; the limit is {limit_mb} MB."
    why_template = "So large a file is hardly a call, and Asterisk cannot serve 2 GB and more."
    fix_template = "Raise AFTERCALL_MAX_RECORDING_MB if the recording is real, then press Retry on the call's page."
    status = 413
    example = {"size_mb": 2048, "limit_mb": 1024}


class ArchiveFull(RecordingError):
    code = "archive-full"
    what_template = "There is no room left to store recordings in {folder}."
    why_template = "Only {free_mb} MB are free on that disk."
    fix_template = "Free some space or move AFTERCALL_DATA to a larger disk. The recordings stay on the PBX until then."
    retry = Retry.LATER
    status = 507
    example = {"folder": "/var/lib/aftercall", "free_mb": 3}


class ArchiveBroken(RecordingError):
    code = "archive-broken"
    what_template = "A stored recording cannot be read back."
    why_template = "Its file is missing or unreadable in {folder}: {detail}."
    fix_template = 'Restore the file from your backup, or press "Fetch again" while the PBX still has it.'
    status = 500
    example = {"folder": "/var/lib/aftercall/recordings", "detail": "No such file"}


# ---- audio ------------------------------------------------------------------------------------------------------


class AudioError(AppError):
    """The bytes are home but cannot be heard."""

    status = 422


class AudioEmpty(AudioError):
    code = "audio-empty"
    what_template = "No audio: the recording holds a header and no sound."
    why_template = "Asterisk makes such files for calls that nobody answered or that ended before anyone spoke."
    fix_template = "Nothing to do."
    example: ClassVar[dict[str, Any]] = {}


class AudioTooShort(AudioError):
    code = "audio-too-short"
    what_template = "Not analysed: the recording lasts {duration_s} s."
    why_template = "The filters of this PBX leave out recordings shorter than {shortest_s} s."
    fix_template = "Nothing to do. To have it analysed, change the filter in Settings > FreePBX and press Retry."
    example = {"duration_s": 2.4, "shortest_s": 5}


class AudioUnreadable(AudioError):
    code = "audio-unreadable"
    what_template = "The recording cannot be decoded."
    why_template = "The decoder said: {detail}."
    fix_template = "Play the file on the PBX. If it is damaged there too, nothing can be done; else press Retry and report it to us."
    example = {"detail": "Invalid data found when processing input"}


class CodecUnsupported(AudioError):
    code = "codec-unsupported"
    what_template = "Recordings in the format {format} cannot be decoded."
    why_template = "Aftercall knows {known}."
    fix_template = "FreePBX: Settings > Advanced Settings > Call Recording Format: choose wav, then Apply Config. New calls will work."
    example = {"format": "g729", "known": "wav, WAV, gsm, ulaw, alaw, sln, g722, mp3, ogg and opus"}


class AudioTooLong(AudioError):
    code = "audio-too-long"
    what_template = "The recording holds more than {limit_h:g} hours of sound."
    why_template = (
        "Aftercall keeps a recording's sound in memory while it listens; at {rate_hz} Hz with {audio_channels} audio channel(s) "
        "{limit_h:g} hours are the most it takes."
    )
    fix_template = "So long a recording is hardly a call. If it is one, cut it into shorter files on the PBX."
    status = 413
    example = {"limit_h": 12.0, "rate_hz": 8000, "audio_channels": 1}


# ---- speech -----------------------------------------------------------------------------------------------------


class EngineError(AppError):
    """Speech recognition does not work."""


class EngineNotInstalled(EngineError):
    code = "engine-not-installed"
    what_template = "The speech engine {engine} is not installed."
    why_template = "Its package {package} is missing from this installation."
    fix_template = "Install it (pip install {package}) or choose another engine. Installed: {available}."
    example = {"engine": "parakeet", "package": "sherpa-onnx", "available": "pocketsphinx"}


class EngineUnknown(EngineError):
    code = "engine-unknown"
    what_template = "There is no speech engine named {engine}."
    why_template = "Neither Aftercall nor a package installed beside it brings an engine of that name."
    fix_template = "Choose one of these: {available}."
    status = 422
    example = {"engine": "parrot", "available": "auto, pocketsphinx"}


class ModelMissing(EngineError):
    code = "model-missing"
    what_template = "The speech model {model} of the engine {engine} is not there."
    why_template = "The models folder {folder} does not hold it."
    fix_template = (
        "Open Settings > Models and fetch it, or run `aftercall models fetch {model}`. Without internet: copy its files "
        "here with `aftercall models import`. Or choose another engine."
    )
    example = {
        "model": "parakeet-tdt-0.6b-v3-int8",
        "engine": "parakeet",
        "folder": "/var/lib/aftercall/models",
    }


class ModelDamaged(EngineError):
    code = "model-damaged"
    what_template = "The speech model {model} cannot be used: bad model."
    why_template = "Loading it failed: {detail}."
    fix_template = (
        "Run `aftercall models verify {model}`. If a file is damaged, remove the model and fetch or import it again; "
        "then use Retry on the call. Its recording is kept."
    )
    retry = Retry.NEVER
    example = {"model": "parakeet-tdt-0.6b-v3-int8", "detail": "the process that loaded it ended with status 255"}


class MoodHeadDamaged(EngineError):
    code = "mood-head-damaged"
    what_template = "The trained coefficients of the mood in {path} cannot be used."
    why_template = "Reading them failed: {detail}."
    fix_template = (
        "If the file lies in the models folder, delete it (the coefficients that came with Aftercall are used again), "
        "or train it anew with scripts/train_mood.py. If it lies in the program, install Aftercall again. Then use "
        "Retry on the call."
    )
    retry = Retry.NEVER
    example = {"path": "/srv/aftercall/models/mood-head/mood_head.npy", "detail": "its shape or its figures are wrong"}


class EngineDied(EngineError):
    code = "engine-died"
    what_template = "The process that was analysing the call ended unexpectedly."
    why_template = "It ran out of memory, was killed, or met a bug in a decoder or speech engine."
    fix_template = "Aftercall tries again by itself. If the same call fails each time, give the machine more memory or report the recording's format to us."
    retry = Retry.SOON
    example: ClassVar[dict[str, Any]] = {}


class LanguageUnsupported(EngineError):
    code = "language-unsupported"
    what_template = "The speech engine {engine} does not know the language {language}."
    why_template = "It knows {known}."
    fix_template = "Choose one of these languages or another engine."
    status = 422
    example = {"engine": "pocketsphinx", "language": "de", "known": "en"}


class RemoteError(EngineError):
    """The remote speech service does not do what it should."""


class RemoteNotSet(RemoteError):
    code = "remote-not-set"
    what_template = "No remote speech service is set."
    why_template = (
        "The engine `remote` was chosen, by the settings, a rule or a person, but Aftercall does not know where it is."
    )
    fix_template = (
        "Name it in Settings > Speech > Remote service (or `aftercall speech-service set`; for `aftercall analyse`: "
        "--remote-url), or choose another engine; then use Retry on the calls that failed."
    )
    status = 422
    example: ClassVar[dict[str, Any]] = {}


class RemoteUnreachable(RemoteError):
    code = "remote-unreachable"
    what_template = "The speech service at {host} gave no transcript."
    why_template = "It is out of reach or overloaded: {detail}."
    fix_template = (
        "Aftercall tries again by itself. If it stays so: start the service, check the address in Settings > Speech > "
        "Remote service, and press Test there."
    )
    retry = Retry.SOON
    status = 502
    example = {"host": "192.0.2.7:8000", "detail": "connection refused"}


class RemoteUntrusted(RemoteError):
    code = "remote-untrusted"
    what_template = "The certificate of the speech service at {host} is not trusted; nothing was sent."
    why_template = "This machine says: {detail}."
    fix_template = (
        "Check that the address is right. If the service has a certificate of your own authority, add that authority to "
        "this machine's, or name its file in SSL_CERT_FILE and start Aftercall again; then press Test in Settings > "
        "Speech > Remote service."
    )
    status = 502
    example = {"host": "speech.example.com", "detail": "self-signed certificate"}


class RemoteRefused(RemoteError):
    code = "remote-refused"
    what_template = "The speech service at {host} does not let Aftercall in."
    why_template = "It answered {answer}: the API key is missing, wrong or without credit."
    fix_template = (
        "Enter a valid key in Settings > Speech > Remote service, press Test, save; then use Retry on the calls that "
        "failed. Their recordings are kept."
    )
    status = 502
    example = {"host": "192.0.2.7:8000", "answer": "401 Incorrect API key"}


class RemoteTooLarge(RemoteError):
    code = "remote-too-large"
    what_template = "A stretch of speech is too large for the speech service at {host}."
    why_template = "It is {size_mb} MB and cannot be cut further at a pause; the service or its limit takes less."
    fix_template = (
        "Raise the upload limit of the service (for a proxy before it, such as nginx: client_max_body_size) and the "
        "limit in Settings > Speech > Remote service; then use Retry on the call."
    )
    status = 502
    example = {"host": "192.0.2.7:8000", "size_mb": "31.5"}


class RemoteRejected(RemoteError):
    code = "remote-rejected"
    what_template = "The speech service at {host} did not accept the request."
    why_template = "It answered {answer}."
    fix_template = (
        "Check address and model name in Settings > Speech > Remote service (the address ends in /v1) and press Test "
        "there; then use Retry on the call."
    )
    status = 502
    example = {"host": "192.0.2.7:8000", "answer": "404 model not found"}


class RemoteAnswerMalformed(RemoteError):
    code = "remote-answer-malformed"
    what_template = "The answer of {host} is no transcript."
    why_template = "It cannot be read: {detail}. Perhaps a proxy or a sign-in page answers in the service's place."
    fix_template = (
        "Check that the address in Settings > Speech > Remote service is that of a service with OpenAI's "
        "/v1/audio/transcriptions, and press Test there."
    )
    status = 502
    example = {"host": "192.0.2.7:8000", "detail": "the answer is not JSON"}


# ---- models -----------------------------------------------------------------------------------------------------


class ModelError(AppError):
    """A model cannot be brought into the models folder, or out of it."""


class ModelUnknown(ModelError):
    code = "model-unknown"
    what_template = "There is no model named {model}."
    why_template = "Neither our list nor the models folder has one of that name."
    fix_template = "Known are: {known}. `aftercall models list` shows them all."
    status = 404
    example = {"model": "parrot", "known": "parakeet-tdt-0.6b-v3-int8, whisper-small"}


class ModelBusy(ModelError):
    code = "model-busy"
    what_template = "The model {model} is being fetched or imported already."
    why_template = "Another Aftercall process works on it in the same models folder."
    fix_template = "Wait until it is done: Settings > Models shows how far it is."
    retry = Retry.SOON
    status = 409
    example = {"model": "parakeet-tdt-0.6b-v3-int8"}


class ModelSourceUnreachable(ModelError):
    code = "model-source-unreachable"
    what_template = "The model {model} cannot be fetched: {host} is out of reach."
    why_template = "The attempt said: {detail}."
    fix_template = (
        "Check this machine's way to the internet (a proxy is taken from HTTPS_PROXY). Without one: name a mirror inside "
        "your network in Settings > Models, or fetch the files elsewhere and import them there "
        "(`aftercall models import`)."
    )
    retry = Retry.SOON
    status = 502
    example = {"host": "models.example.com", "model": "parakeet-tdt-0.6b-v3-int8", "detail": "connection refused"}


class ModelSourceRefused(ModelError):
    code = "model-source-refused"
    what_template = "The model {model} is not handed out by {host}."
    why_template = "It answered {answer} instead of the file."
    fix_template = (
        "Open {url} in a browser on this network. If a proxy or a sign-in page answers there, ask for an exception or "
        "name a mirror in Settings > Models. If the file has moved, import it (`aftercall models import`) and tell us."
    )
    status = 502
    example = {
        "host": "models.example.com",
        "model": "parakeet-tdt-0.6b-v3-int8",
        "answer": "404 Not Found",
        "url": "https://models.example.com/parakeet.tar.bz2",
    }


class ModelDownloadStalled(ModelError):
    code = "model-download-stalled"
    what_template = "The download of {model} was given up."
    why_template = "{detail}"
    fix_template = "Press Fetch again, or repeat the command: it goes on where it stopped. If it keeps stalling, use a mirror or import the files."
    retry = Retry.SOON
    status = 504
    example = {"model": "parakeet-tdt-0.6b-v3-int8", "detail": "Nothing came for 60 seconds."}


class ModelDownloadIncomplete(ModelError):
    code = "model-download-incomplete"
    what_template = "The download of {model} from {host} broke off."
    why_template = "Of {expected} bytes {received} came, and going on from there failed {attempts} times."
    fix_template = "Press Fetch again, or repeat the command: it goes on where it stopped."
    retry = Retry.SOON
    status = 502
    example = {
        "host": "models.example.com",
        "model": "parakeet-tdt-0.6b-v3-int8",
        "received": "104857600",
        "expected": "487170055",
        "attempts": 3,
    }


class ModelTooLarge(ModelError):
    code = "model-too-large"
    what_template = "The file {file} is larger than a model may be."
    why_template = "It holds more than {limit_bytes} bytes. Nothing of it was kept."
    fix_template = "Check that it is the right file. If the source announces other sizes than our list, tell us."
    status = 413
    example = {"file": "sherpa-onnx-whisper-small.tar.bz2", "limit_bytes": 639387718}


class ModelWrongBytes(ModelError):
    code = "model-wrong-bytes"
    what_template = "The file {file} of the model {model} is not what it should be."
    why_template = "Its {measure} is {found}; expected was {expected}."
    fix_template = (
        "Nothing of it was installed. Fetch it again. If it stays different, a proxy or mirror may have changed it, "
        "or the publisher has replaced the file: compare the checksum with the publisher's."
    )
    status = 502
    example = {
        "file": "tokens.txt",
        "model": "parakeet-tdt-0.6b-v3-int8",
        "measure": "size in bytes",
        "found": "93938",
        "expected": "93939",
    }


class ModelArchiveUnsafe(ModelError):
    code = "model-archive-unsafe"
    what_template = "The archive {archive} was not unpacked."
    why_template = "{detail}"
    fix_template = (
        "A model's archive holds plain files and folders only. Take it from the publisher, or pack the files anew "
        "(tar --dereference -cf model.tar FOLDER)."
    )
    status = 422
    example = {"archive": "model.tar", "detail": "Its entry ../../etc/passwd points outside of the archive."}


class ModelArchiveDamaged(ModelError):
    code = "model-archive-damaged"
    what_template = "The archive {archive} cannot be unpacked."
    why_template = "Reading it failed: {detail}."
    fix_template = (
        "It was not copied completely, or it is no .tar, .tar.bz2, .tar.gz, .tar.xz or .zip file. Copy it again."
    )
    status = 422
    example = {"archive": "model.tar.bz2", "detail": "unexpected end of data"}


class ModelNotInside(ModelError):
    code = "model-not-inside"
    what_template = "No model that Aftercall can use is in {path}."
    why_template = "{detail}"
    fix_template = (
        "Point to the folder, the archive or the files of one model. A Parakeet has four files: encoder, decoder and "
        "joiner (.onnx) and tokens.txt; docs/models.md lists them all."
    )
    status = 422
    example = {"path": "/mnt/usb/models", "detail": "Missing: joiner.int8.onnx, tokens.txt."}


class ModelFetchDied(ModelError):
    code = "model-fetch-died"
    what_template = "The process that was bringing the model {model} ended unexpectedly."
    why_template = "It was killed, or ran out of memory or met a bug ({detail})."
    fix_template = (
        "Press Fetch again, or repeat the command: what had come is kept. If it happens again, report it to us."
    )
    retry = Retry.SOON
    example = {"model": "parakeet-tdt-0.6b-v3-int8", "detail": "status -9"}


class ModelsFolderFull(ModelError):
    code = "models-folder-full"
    what_template = "There is no room for the model {model}."
    why_template = "It needs {needed_mb} MB in {folder} while it is brought there; {free_mb} MB are free."
    fix_template = "Free some space, remove a model you do not use, or point AFTERCALL_MODELS to a larger disk."
    retry = Retry.LATER
    status = 507
    example = {
        "model": "parakeet-tdt-0.6b-v3-int8",
        "folder": "/var/lib/aftercall/models",
        "needed_mb": 1208,
        "free_mb": 640,
    }


class ModelsFolderUnwritable(ModelError):
    code = "models-folder-unwritable"
    what_template = "The models folder {folder} cannot be written."
    why_template = "The system said: {detail}."
    fix_template = (
        "Give the user that runs Aftercall the right to write there, or set AFTERCALL_MODELS to another folder."
    )
    example = {"folder": "/var/lib/aftercall/models", "detail": "Permission denied"}


class MachineNotMeasured(ModelError):
    code = "machine-not-measured"
    what_template = "The speed of this machine could not be measured."
    why_template = "The process that measures it ended early: {detail}."
    fix_template = "Try again. Everything else works without it; only the estimated speed is missing."
    example = {"detail": "it ended with status -9"}


# ---- language model ---------------------------------------------------------------------------------------------


class LlmError(AppError):
    """The language model gave no summary; everything else known of the call stays as it is."""

    status = 502


class LlmNotInstalled(LlmError):
    code = "llm-not-installed"
    what_template = "The client for language models is not installed ({module} is missing)."
    why_template = "It comes with the optional extra `llm`, and this installation was made without it."
    fix_template = (
        "Install Aftercall with that extra (`make runtime`, or pip install 'aftercall[llm]'), then restart it."
    )
    retry = Retry.SETTINGS
    status = 501
    example = {"module": "pydantic_ai"}


class LlmOff(LlmError):
    code = "llm-off"
    what_template = "No language model is switched on."
    why_template = "It is off until an administrator sets an endpoint, because transcripts are sent there."
    fix_template = "Set one in Settings > Language model, test it and switch it on."
    retry = Retry.SETTINGS
    status = 409


class LlmUnreachable(LlmError):
    code = "llm-unreachable"
    what_template = "{host} does not answer."
    why_template = "The address is wrong, the server is not running, or a firewall is between: {detail}"
    fix_template = "Check the address in Settings > Language model and that the server runs (Ollama: `ollama serve`), then press Test."
    retry = Retry.SOON
    example = {"host": "127.0.0.1:11434", "detail": "Connection error."}


class LlmTimeout(LlmError):
    code = "llm-timeout"
    what_template = "{host} did not answer within {timeout_s:g} seconds."
    why_template = "The model is too slow for this call, is still being loaded, or the server is busy."
    fix_template = "Try again once the model is loaded; raise the time-out in Settings > Language model, or choose a smaller model."
    retry = Retry.SOON
    status = 504
    example = {"host": "127.0.0.1:11434", "timeout_s": 120}


class LlmSignInRefused(LlmError):
    code = "llm-sign-in-refused"
    what_template = "The key was refused by {host} (HTTP {status_code})."
    why_template = "The key is missing, mistyped, revoked, or may not use this model."
    fix_template = "Enter a valid key in Settings > Language model and press Test."
    retry = Retry.SETTINGS
    example = {"host": "api.example.com", "status_code": 401}


class LlmModelUnknown(LlmError):
    code = "llm-model-unknown"
    what_template = "{host} has no model `{model}`, or nothing at this address (HTTP 404)."
    why_template = "The model's name is mistyped or was never fetched there, or the address lacks its `/v1`."
    fix_template = "Compare the name with the server's list (Ollama: `ollama list`) and end the address with `/v1`, then press Test."
    retry = Retry.SETTINGS
    example = {"host": "127.0.0.1:11434", "model": "llama3.1:8b"}


class LlmBusy(LlmError):
    code = "llm-busy"
    what_template = "Too many requests for {host} at the moment (HTTP 429)."
    why_template = "Its limit of requests or tokens a minute is reached, or the account has no credit left."
    fix_template = (
        "Press Generate again in some minutes. If it stays so, look at the limits and the credit of that account."
    )
    retry = Retry.SOON
    status = 503
    example = {"host": "api.example.com"}


class LlmRequestRefused(LlmError):
    code = "llm-request-refused"
    what_template = "{host} refused the request in the mode `{mode}` (HTTP {status_code})."
    why_template = "The model or the server cannot do what this mode asks: {detail}"
    fix_template = "Press Test in Settings > Language model: it finds the mode that works."
    retry = Retry.SETTINGS
    example = {
        "host": "127.0.0.1:11434",
        "mode": "tools",
        "status_code": 400,
        "detail": "the model does not support tools",
    }


class LlmBroken(LlmError):
    code = "llm-broken"
    what_template = "{host} answered with an error: {detail}"
    why_template = "The server failed, or it is no OpenAI-compatible endpoint."
    fix_template = "Look at that server's log, then press Generate again."
    retry = Retry.SOON
    example = {"host": "127.0.0.1:11434", "detail": "HTTP 500"}


class LlmAnswerUnusable(LlmError):
    code = "llm-answer-unusable"
    what_template = "No usable answer came from {model}."
    why_template = (
        "It was asked twice for a structured answer and refused, was cut off, or is too small for it: {detail}"
    )
    fix_template = "Press Test in Settings > Language model to find a better mode, or choose a more capable model."
    example = {"model": "llama3.1:8b", "detail": "Exceeded maximum output retries (1)"}


class LlmContextFull(LlmError):
    code = "llm-context-full"
    what_template = "The transcript does not fit into what {model} can read at once."
    why_template = "The context size that is set ({context_tokens} tokens) is larger than the model's own."
    fix_template = (
        "Set the model's real context size in Settings > Language model; Aftercall then sends long calls in parts."
    )
    retry = Retry.SETTINGS
    example = {"model": "llama3.1:8b", "context_tokens": 8192}


class LlmCallTooLong(LlmError):
    code = "llm-call-too-long"
    what_template = "The call is too long: it would take {parts} parts, and {most} is the most."
    why_template = "The context size that is set ({context_tokens} tokens) makes small parts, and one call gets 12 requests at most."
    fix_template = "Choose a model with a larger context and set its size in Settings > Language model."
    example = {"parts": 22, "most": 8, "context_tokens": 8192}


class LlmCallCap(LlmError):
    code = "llm-call-cap"
    what_template = "The call needs more tokens than one call may use ({needed} of {cap})."
    why_template = "The cap per call in Settings > Language model bounds what one call can cost."
    fix_template = "Raise the cap per call if you want calls of this length summarised, then press Generate."
    retry = Retry.SETTINGS
    status = 409
    example = {"needed": 31000, "cap": 20000}


class LlmDayCap(LlmError):
    code = "llm-day-cap"
    what_template = "Today's cap is reached: {used} of {cap} tokens are used, and this call needs about {needed}."
    why_template = "The cap per day in Settings > Language model bounds what a day can cost; a day begins at 00:00 UTC."
    fix_template = "Press Generate tomorrow, or raise the cap per day."
    retry = Retry.SETTINGS
    status = 409
    example = {"used": 499000, "cap": 500000, "needed": 4000}


class LlmPaused(LlmError):
    code = "llm-paused"
    what_template = "Summaries are paused until {until} UTC."
    why_template = "{failures} requests in a row failed, the last one so: {last}"
    fix_template = "Mend that cause and press Test in Settings > Language model: a test that works ends the pause."
    retry = Retry.LATER
    status = 503
    example = {"until": "14:10", "failures": 5, "last": "127.0.0.1:11434 does not answer."}


class LlmNothingToSummarise(LlmError):
    code = "llm-nothing-to-summarise"
    what_template = "There is nothing to summarise: {reason}."
    why_template = "Calls under 20 seconds, voicemail and calls without understood words are not sent to the model."
    fix_template = "Nothing needs to be done."
    status = 409
    example = {"reason": "the call lasted 12 s"}


# ---- store ------------------------------------------------------------------------------------------------------


class StoreError(AppError):
    """The database does not do what we ask of it."""


class StoreBusy(StoreError):
    code = "store-busy"
    what_template = "The database was busy for too long."
    why_template = "Another process holds it, such as a backup or a second Aftercall on the same data folder."
    fix_template = "Stop the other process. Aftercall tries again by itself."
    retry = Retry.SOON
    status = 503
    example: ClassVar[dict[str, Any]] = {}


class StoreFull(StoreError):
    code = "store-full"
    what_template = "The database cannot grow: the disk is full."
    why_template = "There is no room left in {folder}."
    fix_template = "Free some space or move AFTERCALL_DATA to a larger disk, then start Aftercall again."
    retry = Retry.LATER
    status = 507
    example = {"folder": "/var/lib/aftercall"}


class SchemaAhead(StoreError):
    code = "schema-ahead"
    what_template = "The database in {folder} was made by a newer Aftercall."
    why_template = "Its version {found} is unknown to this release."
    fix_template = "Install the newer release again, or point AFTERCALL_DATA to another folder."
    example = {"folder": "/var/lib/aftercall", "found": "0009"}


# ---- jobs -------------------------------------------------------------------------------------------------------


class JobError(AppError):
    """Work in the background did not come to its end."""


class AttemptsSpent(JobError):
    code = "attempts-spent"
    what_template = "Given up after {attempts} attempts."
    why_template = "The last one ended with: {last}"
    fix_template = "Mend that cause, then press Retry on the call's page."
    example = {"attempts": 6, "last": "192.0.2.10 refuses connections on port 8088."}


class Cancelled(JobError):
    code = "cancelled"
    what_template = "Cancelled by {who}."
    why_template = "Somebody asked for it."
    fix_template = "Start it again when you want it."
    status = 409
    example = {"who": "the owner"}


class DataFolderInUse(JobError):
    code = "data-folder-in-use"
    what_template = "Another Aftercall process works in {folder}."
    why_template = "Two processes on the same embedded job database would do the same work twice."
    fix_template = "Use the running one (its web page or API), or stop it first. Its process id is {pid}."
    status = 409
    example = {"folder": "/var/lib/aftercall", "pid": 4711}


class Unexpected(JobError):
    code = "unexpected"
    what_template = "Something went wrong that Aftercall did not foresee ({kind})."
    why_template = "This is a bug in Aftercall."
    fix_template = "Press Retry. If it happens again, please report it to us with the lines around it in the log."
    example = {"kind": "ZeroDivisionError"}


# ---- web --------------------------------------------------------------------------------------------------------


class WebError(AppError):
    """A request that cannot be answered as asked."""

    status = 400


class NotFound(WebError):
    code = "not-found"
    what_template = "There is no {thing} here."
    why_template = "It was removed, or the address is mistyped."
    fix_template = "Go back to the list of calls."
    status = 404
    example = {"thing": "call 1f2e"}


class Forbidden(WebError):
    code = "forbidden"
    what_template = "You may not {action}."
    why_template = "Your role does not include it."
    fix_template = "Ask the owner of this installation."
    status = 403
    example = {"action": "see this call"}


class FormInvalid(WebError):
    code = "form-invalid"
    what_template = "{field}: {problem}"
    why_template = "The value cannot be used."
    fix_template = "Correct it and send the form again; nothing was saved."
    status = 422
    example = {"field": "Port", "problem": "must be a number from 1 to 65535."}


class CorrectionOutdated(WebError):
    code = "correction-outdated"
    what_template = "Line {line} was changed after you opened it, so your text was not saved."
    why_template = "Somebody else corrected it meanwhile, or the call was transcribed again."
    fix_template = "Look at what the line says now, then save your text again if it still fits."
    status = 409
    example = {"line": 3}


class SignInRequired(WebError):
    code = "sign-in-required"
    what_template = "Please sign in."
    why_template = "You are not signed in, or your session has ended."
    fix_template = "Sign in; you come back to this page. Programs send an API token (Authorization: Bearer)."
    status = 401
    example: ClassVar[dict[str, Any]] = {}


class SignInFailed(WebError):
    code = "sign-in-failed"
    what_template = "Name or password is wrong."
    why_template = "No account has both."
    fix_template = "Try again, or set a new password on the server: aftercall user password NAME."
    status = 401
    example: ClassVar[dict[str, Any]] = {}


class TooManyAttempts(WebError):
    code = "too-many-attempts"
    what_template = "Too many failed sign-ins."
    why_template = "After several failures Aftercall makes everybody wait a little, to stop password guessing."
    fix_template = "Try again in {seconds} seconds."
    status = 429
    example = {"seconds": 60}


class CrossSiteRefused(WebError):
    code = "cross-site-refused"
    what_template = "This request came from another site and was not carried out."
    why_template = "Its Origin ({origin}) is not this Aftercall; another page may have tried to act in your name."
    fix_template = "Open Aftercall itself and repeat the action there. Behind a reverse proxy, set AFTERCALL_PUBLIC_URL to the address users see."
    status = 403
    example = {"origin": "https://elsewhere.example"}


class SetupLinkInvalid(WebError):
    code = "setup-link-invalid"
    what_template = "This setup link is not valid."
    why_template = "It was used already, or the server was started again and printed a new one."
    fix_template = "Use the newest link the server printed, or create the owner on the server: aftercall user add NAME --role owner."
    status = 403
    example: ClassVar[dict[str, Any]] = {}


class PagesMissing(WebError):
    code = "pages-missing"
    what_template = "The web pages were not built: {folder} holds no manifest.json."
    why_template = "They are built together with the package; this copy of the source was never installed, or the folder was deleted."
    fix_template = "Run make setup in the repository, or install the published package, which carries them."
    status = 500
    example = {"folder": "src/aftercall/web/static/dist"}

"""This file holds what the checks of one connection learn on the way and hand to the next, and how they say it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from aftercall.errors import (
    AppError,
    PbxCertificateChanged,
    PbxCertificateName,
    PbxCertificateUntrusted,
)
from aftercall.model import Check, CheckStatus, PbxAddress
from aftercall.pbx import failures, remedies, tls
from aftercall.pbx.ari import USUAL_SPOOL, AriClient, Patience
from aftercall.pbx.listing import Listing
from aftercall.pbx.lookup import UNKNOWN_OWN_ADDRESS, bare, own_address
from aftercall.pbx.remedies import Finding


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A recording that was brought over to look at."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(kw_only=True)
class Visit:
    """One test of one connection."""

    address: PbxAddress
    patience: Patience
    #: The zone this PBX was given in our settings (IANA name), None if nobody has said.
    zone: str | None = None
    addresses: tuple[str, ...] = ()
    #: The IP address that took our connection.
    ip: str = ""
    certificate: tls.ServerCertificate | None = None
    #: The answer to a question without a password.
    knock: failures.Reply | None = None
    version: str = ""
    listing: Listing | None = None
    list_s: float = 0.0
    #: On the PBX: where ARI looks for recordings, and where FreePBX keeps them.
    link: str = f"{USUAL_SPOOL}/recording"
    kept_in: str = f"{USUAL_SPOOL}/monitor"
    sample: Sample | None = None
    _client: AriClient | None = None

    @property
    def client(self) -> AriClient:
        """Made when it is first needed: a stored certificate that cannot be read is the fault of `tls`, not of all."""
        if self._client is None:
            self._client = AriClient(self.address, patience=self.patience)
        return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    @property
    def recordings(self) -> dict[str, str]:
        """Name to format of everything listed; empty before the list is in."""
        return self.listing.recordings if self.listing else {}

    def facts(self) -> dict[str, str]:
        """What the remedies' texts and commands may name."""
        return {
            "host": bare(self.address.host),
            "port": str(self.address.port),
            "username": self.address.username,
            "server": _own_network(self.ip or next(iter(self.addresses), "")),
            "link": self.link,
            "kept_in": self.kept_in,
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """One check."""

    name: str
    look: Callable[[Visit], Awaitable[Check]]
    #: The check without which this one makes no sense.
    after: str = ""


# ---- outcomes ---------------------------------------------------------------------------------------------------


def passed(name: str, what: str, *, why: str = "", guide: str = "") -> Check:
    return Check(check=name, status="ok", what=what, why=why, guide=guide)


def not_tried(name: str, what: str, why: str = "") -> Check:
    return Check(check=name, status="skip", what=what, why=why)


def found(name: str, finding: Finding, visit: Visit, *, what: str, why: str, fix: str) -> Check:
    """A warning."""
    check = Check(check=name, status="warn", what=what, why=why, fix=fix, code=finding)
    return _with_remedy(check, visit)


def failed(name: str, error: AppError, visit: Visit, *, is_warning: bool = False) -> Check:
    """What an error says, with its remedy; a certificate that a person may trust is offered."""
    status: CheckStatus = "warn" if is_warning else "fail"
    check = Check(check=name, status=status, what=error.what, why=error.why, fix=error.fix, code=error.code)
    check = _with_remedy(check, visit, error.facts)
    may_trust = isinstance(error, (PbxCertificateUntrusted, PbxCertificateName, PbxCertificateChanged))
    if not may_trust or visit.certificate is None:
        return check
    return replace(check, certificate_sha256=visit.certificate.sha256, certificate_pem=visit.certificate.pem)


def _with_remedy(check: Check, visit: Visit, more_facts: dict[str, object] | None = None) -> Check:
    remedy = remedies.find(check.code, check=check.check, is_tls=visit.address.use_tls)
    if remedy is None:
        return check
    facts = {name: str(fact) for name, fact in (more_facts or {}).items()} | visit.facts()
    return replace(check, guide=remedy.guide, fixes=remedies.filled_in(remedy, facts))


def _own_network(ip: str) -> str:
    """This server as the PBX sees it, as a network of one address."""
    own = own_address(ip)
    return f"{own}/{own.max_prefixlen}" if own else UNKNOWN_OWN_ADDRESS

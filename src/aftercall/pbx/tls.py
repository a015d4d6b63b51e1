"""This file decides whom we trust when the PBX speaks TLS, and shows the certificate a person is asked to trust."""

import asyncio
import hashlib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from aftercall.errors import PbxCertificateUnreadable


@dataclass(frozen=True, kw_only=True)
class ServerCertificate:
    """The certificate a server shows, trusted or not."""

    pem: str
    #: As openssl prints it: AB:CD:...
    sha256: str
    #: The host names and addresses it is made out to.
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    is_self_signed: bool


def build_context(pinned_certificate: str | None = None) -> ssl.SSLContext:
    """Trust the system's authorities, or one pinned certificate and nothing else.

    Args:
        pinned_certificate: PEM of the very certificate the PBX shows.
    Raises:
        PbxCertificateUnreadable: it is none.
    """
    if pinned_certificate is None:
        return ssl.create_default_context()
    if not pinned_certificate.strip():
        # The ssl module would take that for "none given" and trust every authority.
        raise PbxCertificateUnreadable(detail="it is empty")
    try:
        context = ssl.create_default_context(cadata=pinned_certificate)
    # A ValueError or TypeError is text that cannot be PEM at all, such as one with letters that ASCII lacks.
    except (ssl.SSLError, ValueError, TypeError) as exc:
        detail = getattr(exc, "reason", None) or str(exc)
        raise PbxCertificateUnreadable(detail=detail.replace("_", " ").lower()) from exc
    # The leaf itself is the anchor, although it is no root...
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # ...and the pin is stronger than the name: PBXs are reached by IP, their certificates are made out to names.
    context.check_hostname = False
    return context


async def shake_hands(ip: str, port: int, *, server_name: str, context: ssl.SSLContext, timeout_s: float) -> str:
    """Make a TLS connection, send nothing, and tell which TLS version came about.

    Raises:
        OSError: as the network and the ssl module raise it, TimeoutError and ssl.SSLError among them.
    """
    return (await _handshake(ip, port, server_name, context, timeout_s)).version() or "TLS"


async def fetch_certificate(
    ip: str, port: int, *, server_name: str | None = None, timeout_s: float = 5.0
) -> ServerCertificate:
    """Ask a server for its certificate without trusting it; nothing else is sent or believed.

    Raises:
        OSError: as the network and the ssl module raise it, TimeoutError and ssl.SSLError among them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    shown = (await _handshake(ip, port, server_name or ip, context, timeout_s)).getpeercert(binary_form=True)
    if shown is None:
        raise ssl.SSLError("the server shows no certificate")
    return read_certificate(shown)


def read_pem(pem: str) -> ServerCertificate:
    """What a stored certificate says of itself.

    Raises:
        ValueError: this is no certificate.
    """
    return read_certificate(ssl.PEM_cert_to_DER_cert(pem.strip()))


def read_certificate(der: bytes) -> ServerCertificate:
    """What a certificate says of itself."""
    certificate = x509.load_der_x509_certificate(der)
    return ServerCertificate(
        pem=ssl.DER_cert_to_PEM_cert(der),
        sha256=hashlib.sha256(der).digest().hex(":").upper(),
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_self_signed=certificate.issuer == certificate.subject,
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    # ValueError: home-made certificates hold extensions that no standard knows.
    except (x509.ExtensionNotFound, ValueError):
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return tuple(str(attribute.value) for attribute in common)
    names = alternatives.get_values_for_type(x509.DNSName)
    return (*names, *(str(ip) for ip in alternatives.get_values_for_type(x509.IPAddress)))


async def _handshake(ip: str, port: int, server_name: str, context: ssl.SSLContext, timeout_s: float) -> ssl.SSLObject:
    async with asyncio.timeout(timeout_s):
        _, writer = await asyncio.open_connection(ip, port, ssl=context, server_hostname=server_name)
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
    return connection

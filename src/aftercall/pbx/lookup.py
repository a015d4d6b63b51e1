"""This file finds the IP addresses behind a PBX's host name and refuses those where no PBX lives."""

import asyncio
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from aftercall.errors import PbxAddressRefused, PbxNameUnknown

#: A name server that takes longer does not know the name as far as a person at a form is concerned.
LOOKUP_S = 10.0

#: What stands in a command where that cannot be told.
UNKNOWN_OWN_ADDRESS = "ADDRESS-OF-THIS-SERVER"

#: Where clouds serve their secrets besides the link-local range.
_METADATA = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200")})


async def find_addresses(host: str) -> tuple[str, ...]:
    """Look the host up, once, so that the address that was checked is the address that is connected to.

    Args:
        host: a name or an IP address; IPv6 with or without brackets.
    Returns:
        At least one IP address, in the order in which to try them.
    Raises:
        PbxNameUnknown: there is no address for it.
        PbxAddressRefused: there are only addresses that cannot be a PBX's.
    """
    name = bare(host)
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    # A ValueError is a name that cannot even be asked for: too long, an empty label, a null byte.
    except (OSError, ValueError) as exc:
        raise PbxNameUnknown(host=host) from exc
    # glibc also reads 2852039166 and 0xA9FEA9FE as addresses, so the answer is judged, not the text.
    allowed = dict.fromkeys(address for *_, (address, *_) in found if not is_refused(str(address)))
    if not allowed:
        raise PbxAddressRefused(host=host)
    return tuple(str(address) for address in allowed)


def own_address(host: str) -> IPv4Address | IPv6Address | None:
    """This server's address as seen from there, unless something on the way translates it; None if there is no way."""
    with suppress(OSError, ValueError):
        family, *_, there = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Nothing is sent: the kernel only chooses the way.
            probe.connect(there)
            return ip_address(str(probe.getsockname()[0]))
    return None


def bare(host: str) -> str:
    """The host without the brackets of a written IPv6 address."""
    host = host.strip()
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def is_refused(address: str) -> bool:
    """Whether an IP address is link-local or a cloud's metadata service, also when dressed up as IPv6."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_link_local or ip in _METADATA

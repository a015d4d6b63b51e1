"""This file knows which Asterisk has which published fault near ARI and its HTTP server, and what mends it; pure.

The number alone decides. Debian and others mend faults in packages of their own without changing it: see
`may_be_mended_by_the_distribution`.

Source: the advisories of asterisk/asterisk and the change logs of the releases named in the table.
"""

import re
from dataclasses import dataclass, field

#: The branches that get fixes for years; what to name where a branch has ended.
LASTING_BRANCHES = (20, 22)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A release, such as 22.10.1 or certified 20.7-cert9."""

    major: int
    minor: int
    patch: int = 0
    #: The number behind `-cert`, None for a release that is not certified.
    certified: int | None = None

    def __str__(self) -> str:
        if self.certified is not None:
            return f"certified {self.major}.{self.minor}-cert{self.certified}"
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, kw_only=True)
class Advisory:
    id: str
    #: "" where none was given.
    cve: str = ""
    about: str
    #: What must be so for it to do harm, as the end of "only if ..."; "" if nothing.
    only_if: str = ""
    #: Branch -> the first release without it (minor, patch). Later branches were born without it, earlier ones and
    #: those between never got the fix.
    fixed: dict[int, tuple[int, int]]
    #: Base of a certified release -> the first `-cert` without it.
    fixed_certified: dict[tuple[int, int], int] = field(default_factory=dict)
    #: The first branch that has it.
    since: int = 0
    #: Branch -> the first minor release that has it, where that is not the first of all.
    since_minor: dict[int, int] = field(default_factory=dict)


_SUMMER_2026 = {20: (20, 1), 21: (12, 3), 22: (10, 1), 23: (4, 1)}
_SUMMER_2026_CERTIFIED = {(20, 7): 11, (22, 8): 3}

ADVISORIES: tuple[Advisory, ...] = (
    Advisory(
        id="AST-2018-006",
        cve="CVE-2018-7287",
        about="an empty websocket frame keeps a processor busy for ever",
        fixed={15: (2, 2)},
        since=15,
    ),
    Advisory(
        id="AST-2018-007",
        cve="CVE-2018-12228",
        about="a connection that ends early keeps a processor busy for ever",
        fixed={15: (4, 1)},
        since=15,
    ),
    Advisory(
        id="AST-2018-009",
        cve="CVE-2018-17281",
        about="a crafted websocket request crashes Asterisk without any password",
        fixed={13: (23, 1), 14: (7, 8), 15: (6, 1)},
    ),
    Advisory(
        id="ASTERISK-29960",
        about="asked for one recording, it may hand out another whose name begins alike",
        fixed={16: (26, 0), 18: (12, 0), 19: (4, 0)},
    ),
    Advisory(
        id="GHSA-c4cg-9275-6w44",
        cve="CVE-2024-42365",
        about="a manager (AMI) user who may originate calls can run commands",
        only_if="somebody has such a user's password",
        fixed={18: (24, 2), 20: (9, 2), 21: (4, 2)},
        fixed_certified={(18, 9): 11, (20, 7): 2},
    ),
    Advisory(
        id="GHSA-33x6-fj46-6rfh",
        cve="CVE-2024-53566",
        about="a manager (AMI) user can read files outside Asterisk's folder",
        only_if="somebody has such a user's password",
        fixed={18: (26, 1), 20: (11, 1), 21: (6, 1), 22: (1, 1)},
        fixed_certified={(18, 9): 13, (20, 7): 4},
    ),
    Advisory(
        id="GHSA-v6hp-wh3r-cwxh",
        cve="CVE-2026-23738",
        about="a crafted link runs a script in the browser that opens the page /httpstatus",
        only_if="an administrator follows such a link",
        fixed={20: (18, 2), 21: (12, 1), 22: (8, 2), 23: (2, 2)},
        fixed_certified={(20, 7): 9, (22, 8): 1},
    ),
    Advisory(
        id="GHSA-4pgv-j3mr-3rcp",
        about="a crafted link runs a script in the browser that opens a page of the phone provisioning",
        only_if="res_phoneprov is set up, which FreePBX does not do",
        fixed=_SUMMER_2026,
        fixed_certified=_SUMMER_2026_CERTIFIED,
    ),
    Advisory(
        id="GHSA-vrfp-mg3q-3959",
        cve="CVE-2026-57200",
        about="an ARI user who may write can write files and run commands on the PBX",
        only_if="the ARI user may write",
        fixed=_SUMMER_2026,
        fixed_certified=_SUMMER_2026_CERTIFIED,
    ),
    Advisory(
        id="GHSA-wcvv-g26m-wx5c",
        cve="CVE-2026-57202",
        about="even a read-only ARI user can change things over a websocket",
        only_if="somebody has that user's password",
        fixed=_SUMMER_2026,
        fixed_certified=_SUMMER_2026_CERTIFIED,
        # Requests over a websocket came with these.
        since=20,
        since_minor={20: 14, 21: 9, 22: 4},
    ),
)

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:-cert(\d+))?")
_PACKAGED = re.compile(r"dfsg|deb\d|ubuntu", re.IGNORECASE)


def read_version(text: str) -> Version | None:
    """What `asterisk/info` calls the version; None where nobody can tell, as for a build from git."""
    found = _VERSION.search(text)
    if found is None:
        return None
    major, minor, patch, certified = found.groups()
    return Version(
        major=int(major),
        minor=int(minor),
        patch=int(patch or 0),
        certified=None if certified is None else int(certified),
    )


def may_be_mended_by_the_distribution(text: str) -> bool:
    """Whether this is a package of a distribution that mends faults under the old number."""
    return _PACKAGED.search(text) is not None


def concerning(version: Version) -> list[Advisory]:
    """The published faults this Asterisk has, oldest first."""
    return [advisory for advisory in ADVISORIES if _has(version, advisory)]


def mended_by(version: Version, faults: list[Advisory]) -> list[Version]:
    """The releases that end these faults: one of the same branch, or, where it gets no more fixes, those that last."""
    if version.certified is not None:
        base = (version.major, version.minor)
        fixes = [fault.fixed_certified.get(base) for fault in faults]
        known = [fix for fix in fixes if fix is not None]
        if len(known) == len(fixes):
            return [Version(major=version.major, minor=version.minor, certified=max(known))]
    elif all(version.major in fault.fixed for fault in faults):
        return [_newest_fix(version.major, faults)]
    return [_newest_fix(branch, list(ADVISORIES)) for branch in LASTING_BRANCHES]


def _newest_fix(branch: int, faults: list[Advisory]) -> Version:
    minor, patch = max(fault.fixed[branch] for fault in faults if branch in fault.fixed)
    return Version(major=branch, minor=minor, patch=patch)


def _has(version: Version, advisory: Advisory) -> bool:
    if version.major < advisory.since or version.minor < advisory.since_minor.get(version.major, 0):
        return False
    base = (version.major, version.minor)
    if version.certified is not None and base in advisory.fixed_certified:
        return version.certified < advisory.fixed_certified[base]
    if version.major in advisory.fixed:
        return (version.minor, version.patch) < advisory.fixed[version.major]
    return version.major < max(advisory.fixed)

"""This file unpacks Debian packages, with all they need, into a folder: no root, nothing is installed.

The packages come from the mirror this machine's own apt uses.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

#: Parts of every dependency closure that a program started from a folder never opens.
NEVER_OPENED = re.compile(
    r"^(adduser|base-|bash|bsd|coreutils|dash|dbus|debconf|debianutils|diffutils|dirmngr|dpkg|findutils|gnupg|gpg|"
    r"grep|gzip|hostname|init-|libperl|login|logsave|lsb-|mawk|mount|ncurses-b|passwd|perl|pinentry|procps|"
    r"readline-common|sed$|sensible|systemd$|sysv|tar$|ucf|util-linux)"
)


class NotHere(Exception):
    """This machine cannot provide the part; the text says why."""


def cache_folder() -> Path:
    """Where unpacked packages are kept between runs."""
    if given := os.environ.get("AFTERCALL_LAB_DIR"):
        return Path(given).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "aftercall-lab"


def own_suite() -> str:
    """The code name of the Debian release this machine runs."""
    try:
        found = re.search(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if not found:
        raise NotHere("this machine does not say which Debian release it runs")
    return found.group(1).strip('"')


def unpack(name: str, packages: list[str], *, suite: str) -> Path:
    """Give the folder with these packages and their dependencies, unpacking it at the first call.

    Args:
        name: of the folder in the cache; another list of packages or another suite gets another folder.
        suite: the Debian suite to take them from.
    Raises:
        NotHere: this is no Debian machine, or its mirror does not answer.
    """
    for program in ("apt-get", "dpkg-deb", "tar"):
        if not shutil.which(program):
            raise NotHere(f"it needs {program} (a Debian machine)")
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(" ".join([suite, *packages]).encode()).hexdigest()[:8]
    name = f"{name}-{digest}"
    target = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two processes that start at once, one unpacks and the other waits
        if (target / ".complete").exists():
            return target
        scratch = cache / f"{name}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        try:
            _unpack_all(_download(packages, suite, scratch / "apt"), scratch / "root")
            (scratch / "root" / ".complete").touch()
            (scratch / "root").rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def _download(packages: list[str], suite: str, apt: Path) -> list[Path]:
    for folder in ("state/lists/partial", "cache/archives/partial", "debs"):
        (apt / folder).mkdir(parents=True)
    (apt / "state/status").touch()  # an empty status: everything counts as missing
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    (apt / "sources.list").write_text(f"deb {signed}{_mirror()} {suite} main\n")
    (apt / "apt.conf").write_text(
        f'Dir::State "{apt}/state";\n'
        f'Dir::State::status "{apt}/state/status";\n'
        f'Dir::Cache "{apt}/cache";\n'
        f'Dir::Etc::sourcelist "{apt}/sources.list";\n'
        'Dir::Etc::sourceparts "-";\n'
        'Dir::Log "/dev/null";\n'
        'Acquire::Languages "none";\n'
        'Acquire::Retries "3";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'APT::Install-Recommends "false";\n'
        'APT::Sandbox::User "";\n'
        'Debug::NoLocking "true";\n'
    )

    def run(*words: str, cwd: Path | None = None) -> str:
        command = ["apt-get", "-qq", "-c", str(apt / "apt.conf"), *words]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
        if ended.returncode:
            raise NotHere(f"apt-get {words[0]} ({suite}): {ended.stderr.strip()[-300:]}")
        return ended.stdout

    run("update")
    planned = run("install", "--print-uris", "-y", *packages)
    names = {line.split()[1].split("_")[0] for line in planned.splitlines() if line.startswith("'")}
    wanted = sorted(name for name in names if not NEVER_OPENED.match(name))
    run("download", *wanted, cwd=apt / "debs")
    return sorted((apt / "debs").glob("*.deb"))


def _mirror() -> str:
    """The Debian mirror among this machine's apt sources."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for line in listed.splitlines():
        uri, _, kind = line.partition(" ")
        if kind == "Debian Debian":
            return uri
    # The lists were never fetched here: read the sources themselves.
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for file in files:
        text = file.read_text() if file.is_file() else ""
        for uri in re.findall(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(\S+)", text, re.MULTILINE):
            if uri.rstrip("/").endswith("/debian"):
                return str(uri)
    raise NotHere("no Debian mirror among this machine's apt sources")


def _unpack_all(packages: list[Path], root: Path) -> None:
    # The merged-/usr layout first, so that /lib and /usr/lib are one folder whatever a package says.
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as content:
            subprocess.run(
                ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner"]
                + [f"--exclude=./usr/share/{each}" for each in ("doc", "man", "locale", "i18n", "snmp")]
                + ["--exclude=*gconv*"],
                stdin=content.stdout,
                check=True,
            )
        if content.returncode:
            raise NotHere(f"{package.name} could not be unpacked")


def loader_of(root: Path) -> list[str]:
    """The command that starts a program of that folder with its own libraries."""
    # The usual name is an absolute link in older suites, so take the file itself.
    loaders = [path for path in sorted(root.glob("usr/lib*/**/ld-*.so*")) if path.is_file() and not path.is_symlink()]
    if not loaders:
        loaders = [path for path in sorted(root.glob("usr/lib*/**/ld-*.so*")) if path.is_file()]
    if not loaders:
        raise NotHere(f"no dynamic loader among the packages in {root}")
    return [str(loaders[0]), "--library-path", ":".join(libraries_of(root))]


def libraries_of(root: Path) -> list[str]:
    """The folders that hold its libraries."""
    return [str(path) for path in sorted(root.glob("usr/lib/*-linux-gnu*")) if path.is_dir()] + [str(root / "usr/lib")]

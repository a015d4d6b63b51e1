"""This file is `aftercall pbx setup`: write the script that prepares a FreePBX, and connect that PBX if asked."""

import os
from pathlib import Path

from aftercall import wiring
from aftercall.errors import FormInvalid
from aftercall.jobs.steps import utc_now
from aftercall.pbx import guide
from aftercall.pbx.guide import Answers, Secret
from aftercall.settings import Settings
from aftercall.store import pbxs


def write(text: str, path: Path) -> None:
    """Write the script for its owner alone; a file that is there already stays as it is.

    Raises:
        FormInvalid: it cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w") as file:
            file.write(text)
    except FileExistsError as exc:
        raise FormInvalid(field="--output", problem=f"{path} is there already; give another name.") from exc
    except OSError as exc:
        raise FormInvalid(field="--output", problem=f"{path} cannot be written ({exc.strerror}).") from exc


def refuse_taken_name(settings: Settings, name: str) -> None:
    """Raises FormInvalid if a PBX has that name."""
    with wiring.open_house(settings) as house, house.engine.connect() as db:
        if pbxs.by_name(db, name):
            raise FormInvalid(field="--connect", problem=f"there is a PBX named {name} already.")


def connect(settings: Settings, name: str, answers: Answers, secret: Secret) -> str:
    """Store the PBX with its password and return its id.

    It is disabled: a sync before the script has run would be refused, and a refusal stops the syncs anyway.
    """
    target = guide.target(answers)
    entered = pbxs.PbxSettings(
        name=name,
        host=target.host,
        port=target.port,
        username=target.username,
        password=secret.password,
        use_tls=target.use_tls,
        is_enabled=False,
    )
    with wiring.open_house(settings) as house, house.engine.begin() as db:
        return pbxs.add(db, entered, house.vault, utc_now())


def next_steps(answers: Answers, path: Path | None) -> str:
    """What to do with the script, in words for a terminal."""
    name = path.name if path else "the script"
    target = guide.target(answers)
    host = f"[{target.host}]" if ":" in target.host else target.host
    return (
        f"Read {path or name}, bring it to the PBX and run it there as root:\n"
        f"  bash {name} --dry-run\n  bash {name}\n"
        f"Then Aftercall connects to {'https' if target.use_tls else 'http'}://{host}:{target.port} "
        f"as {target.username}" + (", through your SSH tunnel." if answers.connection == "tunnel" else ".")
    )

"""This file is the lab's command line: python -m lab up | down | status | cli | call | hangup | seed | fault."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from lab.asterisk import SUITES, Lab
from lab.calls import FORMATS, KINDS
from lab.debian import NotHere, cache_folder
from lab.faults import FAULTS


def main() -> int:
    arguments = _parser().parse_args()
    folder = arguments.dir.resolve() if arguments.dir else cache_folder() / f"cli-{arguments.release}"
    if arguments.verb == "fault" and arguments.name is None:
        for fault in FAULTS.values():
            print(f"{fault.name:26} {fault.text}")
        return 0
    lab = Lab.recall(folder)
    if arguments.verb == "up":
        return _up(lab, folder, arguments)
    if arguments.verb == "down":
        return _down(lab)
    if lab is None or not lab.is_running:
        print(f"Asterisk {arguments.release} is not running: python -m lab up --release {arguments.release}")
        return 3
    VERBS[arguments.verb](lab, arguments)
    return 0


def _up(lab: Lab | None, folder: Path, arguments: argparse.Namespace) -> int:
    if lab is None or not lab.is_running:
        if lab is not None:
            lab.stop()  # what a killed one has left
        lab = Lab.start(
            arguments.release, folder=folder, port=arguments.port, tls_port=arguments.tls_port, is_tied=False
        )
        lab.remember()
    _status(lab, arguments)
    return 0


def _down(lab: Lab | None) -> int:
    if lab is not None:
        lab.stop()
    print("not running" if lab is None else "down")
    return 0


def _status(lab: Lab, _: argparse.Namespace) -> None:
    fault = next((name for name, each in FAULTS.items() if each.configuration == lab.configuration), "")
    shown = {
        "version": lab.version, "pid": lab.pid, "host": lab.host, "port": lab.port, "tls_port": lab.tls_port,
        "username": lab.username, "password": lab.password, "monitor": str(lab.monitor),
        "certificate": str(lab.certificate), "fault": fault,
    }  # fmt: skip
    print(json.dumps(shown, indent=1))


def _cli(lab: Lab, arguments: argparse.Namespace) -> None:
    print(lab.cli(" ".join(arguments.words)))


def _call(lab: Lab, arguments: argparse.Namespace) -> None:
    names = lab.call(
        kind=arguments.kind,
        frm=arguments.frm,
        to=arguments.to,
        caller_name=arguments.name,
        a=arguments.a,
        b=arguments.b,
        tail_s=arguments.tail,
        audio_format=arguments.format,
        count=arguments.count,
        wait=not arguments.no_wait,
        within_s=arguments.within,
    )
    print("\n".join(names))


def _hang_up(lab: Lab, _: argparse.Namespace) -> None:
    lab.hang_up()


def _seed(lab: Lab, arguments: argparse.Namespace) -> None:
    names = lab.seed(arguments.count, days=arguments.days, seconds=arguments.seconds, newest=arguments.newest)
    print(f"{len(names)} recordings below {lab.monitor}")


def _fault(lab: Lab, arguments: argparse.Namespace) -> None:
    lab.fault(arguments.name)
    lab.remember()


VERBS: dict[str, Callable[[Lab, argparse.Namespace], None]] = {
    "status": _status,
    "cli": _cli,
    "call": _call,
    "hangup": _hang_up,
    "seed": _seed,
    "fault": _fault,
}


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--release", choices=SUITES, default="16")
    common.add_argument("--dir", type=Path, help="a folder for its files, to run more than one of a release")
    parser = argparse.ArgumentParser(prog="python -m lab", description="A real Asterisk on loopback, without root.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", parents=[common], help="unpack (the first time) and start it")
    up.add_argument("--port", type=int, default=0)
    up.add_argument("--tls-port", type=int, default=0)
    verbs.add_parser("down", parents=[common], help="end it and remove what it wrote")
    verbs.add_parser("status", parents=[common], help="show its address and password; exit 3 when it is not running")
    verbs.add_parser("hangup", parents=[common], help="end every call")
    verbs.add_parser("cli", parents=[common], help="ask its console").add_argument("words", nargs="+")
    call = verbs.add_parser("call", parents=[common], help="make a recorded two-leg call")
    call.add_argument("--kind", default="external", choices=KINDS)
    call.add_argument("--from", dest="frm", default="")
    call.add_argument("--to", default="")
    call.add_argument("--name", default="Ada Example", help="the caller's name")
    call.add_argument("--a", default="hello-world", help="what the caller says: a core sound or a WAV file")
    call.add_argument("--b", default="demo-thanks", help="what the callee says; the call ends after it")
    call.add_argument("--tail", type=float, default=0.5, help="silence before the hang-up, seconds")
    call.add_argument("--format", default="wav", choices=FORMATS)
    call.add_argument("--count", type=int, default=1, help="so many at once")
    call.add_argument("--within", type=float, default=120, help="give up waiting after so many seconds")
    call.add_argument("--no-wait", action="store_true", help="return while the call goes on")
    seed = verbs.add_parser("seed", parents=[common], help="write finished recordings")
    seed.add_argument("count", type=int)
    seed.add_argument("--days", type=int, default=30)
    seed.add_argument("--seconds", type=float, default=0.1, help="the length of each")
    seed.add_argument("--newest", type=datetime.fromisoformat, help="the PBX's local time of the last; default: now")
    fault = verbs.add_parser("fault", parents=[common], help="break one thing; without a name, list them")
    fault.add_argument("name", nargs="?", choices=FAULTS)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (NotHere, TimeoutError, RuntimeError, ValueError) as problem:
        sys.exit(f"lab: {problem}")

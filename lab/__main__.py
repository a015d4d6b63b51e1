"""This file is the lab's command line: python -m lab up | down | status | cli | call | hangup | seed | fault."""

import argparse
import json
import sys
from pathlib import Path

from lab.asterisk import SUITES, Lab, recall, remember
from lab.debian import NotHere, cache_folder
from lab.faults import FAULTS


def main() -> int:
    arguments = _parser().parse_args()
    state = cache_folder() / f"running-{arguments.release}.json"
    lab = recall(state)
    if arguments.command == "up":
        if lab is None:
            lab = Lab.start(
                arguments.release,
                top=_folder(arguments),
                port=arguments.port,
                tls_port=arguments.tls_port,
                is_tied=False,
            )
            remember(lab, state)
        _show(lab)
        return 0
    if lab is None:
        print(f"Asterisk {arguments.release} is not running: python -m lab up --release {arguments.release}")
        return 0 if arguments.command in {"down", "status"} else 1
    match arguments.command:
        case "down":
            lab.stop()
            state.unlink()
        case "status":
            _show(lab)
        case "cli":
            print(lab.cli(" ".join(arguments.words)))
        case "call":
            for name in lab.call(
                kind=arguments.kind,
                frm=arguments.frm,
                to=arguments.to,
                caller_name=arguments.name,
                a=arguments.a,
                b=arguments.b,
                tail_s=arguments.tail,
                audio_format=arguments.format,
                wait=not arguments.no_wait,
            ):
                print(name)
        case "hangup":
            lab.hang_up()
        case "seed":
            print(f"{len(lab.seed(arguments.count, days=arguments.days))} recordings below {lab.monitor}")
        case "fault":
            if arguments.name is None:
                for fault in FAULTS.values():
                    print(f"{fault.name:26} {fault.text}")
            else:
                lab.fault(arguments.name)
                remember(lab, state)
    return 0


def _folder(arguments: argparse.Namespace) -> Path:
    folder = cache_folder() / f"run-{arguments.release}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _show(lab: Lab) -> None:
    shown = {
        "version": lab.version, "pid": lab.pid, "host": lab.host, "port": lab.port, "tls_port": lab.tls_port,
        "username": lab.username, "password": lab.password, "monitor": str(lab.monitor),
        "certificate": str(lab.etc / "keys/asterisk.pem"),
    }  # fmt: skip
    print(json.dumps(shown, indent=1))


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--release", choices=SUITES, default="16")
    parser = argparse.ArgumentParser(prog="python -m lab", description="A real Asterisk on loopback, without root.")
    verbs = parser.add_subparsers(dest="command", required=True)
    up = verbs.add_parser("up", parents=[common], help="unpack (the first time) and start it")
    up.add_argument("--port", type=int, default=0)
    up.add_argument("--tls-port", type=int, default=0)
    verbs.add_parser("down", parents=[common], help="end it and remove what it wrote")
    verbs.add_parser("status", parents=[common], help="show its address and password")
    verbs.add_parser("hangup", parents=[common], help="end every call")
    verbs.add_parser("cli", parents=[common], help="ask its console").add_argument("words", nargs="+")
    call = verbs.add_parser("call", parents=[common], help="make a recorded two-leg call")
    call.add_argument("--kind", default="external", choices=["in", "external", "q", "rg", "out", "internal"])
    call.add_argument("--from", dest="frm")
    call.add_argument("--to")
    call.add_argument("--name", default="Ada Example")
    call.add_argument("--a", default="hello-world", help="what the caller says: a core sound or a WAV file")
    call.add_argument("--b", default="demo-thanks", help="what the callee says; the call ends after it")
    call.add_argument("--tail", type=float, default=0.5, help="silence before the hang-up, seconds")
    call.add_argument("--format", default="wav")
    call.add_argument("--no-wait", action="store_true", help="return while the call goes on")
    seed = verbs.add_parser("seed", parents=[common], help="write finished recordings")
    seed.add_argument("count", type=int)
    seed.add_argument("--days", type=int, default=30)
    fault = verbs.add_parser("fault", parents=[common], help="break one thing; without a name, list them")
    fault.add_argument("name", nargs="?", choices=FAULTS)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotHere as problem:
        sys.exit(f"lab: {problem}")

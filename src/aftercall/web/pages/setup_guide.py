"""This file is Settings > FreePBX > Prepare the PBX: a few questions, then a script and the steps; and our guide."""

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import Response

from aftercall.pbx import guide
from aftercall.pbx.guide import Answers, Secret
from aftercall.web import markdown, rendering
from aftercall.web.pages import freepbx
from aftercall.web.pbx_form import Entered
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/freepbx", dependencies=[Depends(administrator)])

FILE_NAME = "aftercall-setup.sh"
#: What the questions show first.
USUAL = {"freepbx": "17", "connection": "tls", "username": "aftercall", "folder": "mount"}


def _entered(  # noqa: PLR0917 - each is a field of the form
    freepbx: Annotated[str, Form()] = "",
    connection: Annotated[str, Form()] = "",
    host: Annotated[str, Form()] = "",
    server: Annotated[str, Form()] = "",
    username: Annotated[str, Form()] = "",
    recordings: Annotated[str, Form()] = "",
    folder: Annotated[str, Form()] = "",
    close_plain_port: Annotated[bool, Form()] = False,
) -> dict[str, str | bool]:
    return guide.clean(
        {
            "freepbx": freepbx,
            "connection": connection,
            "host": host,
            "server": server,
            "username": username,
            "recordings": recordings,
            "folder": folder,
            "close_plain_port": close_plain_port,
        }
    )


def _secret(password: Annotated[str, Form()] = "", crypt: Annotated[str, Form()] = "") -> Secret:
    """The password rides in the form from the first page on: whatever is sent again, script and form agree on it."""
    return guide.same_secret(password, crypt)


Entered_ = Annotated[dict[str, str | bool], Depends(_entered)]
Secret_ = Annotated[Secret, Depends(_secret)]


@router.get("/setup")
def ask(request: Request) -> Response:
    """The questions."""
    return _page(request, dict(USUAL), guide.new_secret())


@router.post("/setup")
def show(request: Request, entered: Entered_, secret: Secret_) -> Response:
    """The script, the steps and the password that belong to the answers."""
    if problems := guide.problems(entered):
        return _page(request, entered, secret, problems=problems)
    return _page(request, entered, secret, answers=guide.read(entered))


@router.post("/setup/script")
def download(entered: Entered_, secret: Secret_) -> Response:
    """The script as a file."""
    text = guide.script(guide.read(entered), secret.crypt)
    return Response(
        text,
        media_type="text/x-shellscript; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'},
    )


@router.post("/setup/connect")
def connect(request: Request, entered: Entered_, secret: Secret_) -> Response:
    """The form of a new PBX with everything filled in: the password comes by POST, so no address ever holds it."""
    target = guide.target(guide.read(entered))
    filled_in = Entered(
        name="FreePBX",
        host=target.host,
        port=str(target.port),
        username=target.username,
        password=secret.password,
        use_tls=target.use_tls,
    )
    return freepbx.show_filled_in(request, filled_in)


@router.get("/guide")
def read_guide(request: Request) -> Response:
    """Our guide to FreePBX."""
    return rendering.page(request, "settings/guide.html", guide=_guide())


@cache
def _guide() -> markdown.Text:
    return markdown.render(guide.markdown())


def _page(
    request: Request,
    entered: dict[str, str | bool],
    secret: Secret,
    *,
    problems: dict[str, str] | None = None,
    answers: Answers | None = None,
) -> Response:
    return rendering.page(
        request,
        "settings/setup_guide.html",
        status=422 if problems else 200,
        entered={"host": "", "server": "", "recordings": "", "close_plain_port": False} | entered,
        secret=secret,
        problems=problems or {},
        answers=answers,
        target=guide.target(answers) if answers else None,
        script=guide.script(answers, secret.crypt) if answers else "",
        steps=guide.steps(answers, secret.crypt) if answers else (),
        file_name=FILE_NAME,
    )

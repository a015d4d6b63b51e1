"""This file renders templates: Jinja set up once, the bundle's hashed names, and what every page needs to know."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from aftercall import __version__
from aftercall.errors import PagesMissing
from aftercall.speech import language
from aftercall.web import display, mood
from aftercall.web.parts import Parts

HERE = Path(__file__).parent
STATIC = HERE / "static"
BUNDLE = STATIC / "dist"

#: htmx without its inline style and without eval, so that the content security policy holds; no page is kept in the
#: browser's storage, since pages hold what people said.
HTMX = {
    "includeIndicatorStyles": False,
    "allowEval": False,
    "allowScriptTags": False,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "selfRequestsOnly": True,
    "scrollBehavior": "auto",
    # A refused form is an answer too: show it.
    "responseHandling": [{"code": "204", "swap": False}, {"code": "...", "swap": True}],
}


@cache
def _manifest() -> dict[str, str]:
    try:
        names: dict[str, str] = json.loads((BUNDLE / "manifest.json").read_text())
    except OSError as exc:
        raise PagesMissing(folder=str(BUNDLE)) from exc
    return names


def asset(name: str) -> str:
    """The address of a bundled file."""
    return f"/static/dist/{_manifest()[name]}"


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals |= {
        "asset": asset,
        "htmx_config": json.dumps(HTMX),
        "version": __version__,
        "display": display,
        "mood": mood,
        "language_name": language.name,
    }
    for name in ("clock", "position", "signed", "size", "took"):
        made.filters[name] = getattr(display, name)
    return made


_templates = _environment()


def parts_of(request: Request) -> Parts:
    """What the application was built with."""
    parts: Parts = request.app.state.parts
    return parts


def fragment(request: Request, template: str, /, **context: Any) -> Markup:
    """A piece of a page."""
    return Markup(_templates.get_template(template).render(_shared(request) | context))  # noqa: S704 - autoescaped


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole answer."""
    return HTMLResponse(_templates.get_template(template).render(_shared(request) | context), status_code=status)


def _shared(request: Request) -> dict[str, Any]:
    return {
        "account": getattr(request.state, "account", None),
        "nonce": getattr(request.state, "nonce", ""),
        "path": request.url.path,
        "now": parts_of(request).clock(),
        "has_demo": getattr(request.state, "has_demo", False),
        "has_records": getattr(request.state, "has_records", False),
        "has_others": getattr(request.state, "has_others", False),
        "is_insecure": request.url.scheme == "http" and request.url.hostname not in {"127.0.0.1", "localhost", "::1"},
    }

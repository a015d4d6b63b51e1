"""This file turns our own Markdown into HTML for a page: headings with anchors, code with a button to copy it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

from aftercall.pbx import guide


@dataclass(frozen=True, kw_only=True)
class Heading:
    slug: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Text:
    title: str
    #: Everything below the title.
    html: Markup
    #: Its second-level headings, in order.
    headings: tuple[Heading, ...]


def render(markdown: str) -> Text:
    """Render a text that begins with its title.

    HTML in the text is shown, not obeyed. Pictures stay out: what they show of the product, the product shows itself.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = parser.parse(markdown)
    title = tokens[1].content
    kept: list[Token] = []
    headings: list[Heading] = []
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if any(each is not None and _is_picture(each) for each in (before, token, after)):
            continue
        if token.type == "heading_open" and token.tag == "h2":
            assert after is not None
            headings.append(Heading(slug=guide.slug(after.content), title=after.content))
            token.attrSet("id", headings[-1].slug)
        kept.append(token)
    _label_cells(kept)
    html = parser.renderer.render(kept[3:], parser.options, {})
    return Text(title=title, html=Markup(html), headings=tuple(headings))  # noqa: S704 - rendered without HTML


def _label_cells(tokens: Sequence[Token]) -> None:
    """Tell each cell of a table its column: on a phone the cells stand below one another."""
    columns: list[str] = []
    cell = 0
    for token, inside in pairwise(tokens):
        match token.type:
            case "table_open":
                columns = []
            case "th_open":
                columns.append(inside.content)
            case "tr_open":
                cell = 0
            case "td_open":
                token.attrSet("data-column", columns[cell])
                cell += 1


def _is_picture(token: Token) -> bool:
    return token.type == "inline" and [each.type for each in token.children or ()] == ["image"]


def _fence(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: dict[str, Any]
) -> str:
    return (
        f'<div class="command"><pre data-copied-text>{escape(tokens[index].content)}</pre>'
        '<button type="button" class="button button-small button-quiet" data-copy><span>Copy</span></button></div>\n'
    )

"""This file is the list of calls: filter, search, page; everything it shows is in its address."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aftercall.store import calls, categories, condition
from aftercall.store.calls import CallPage
from aftercall.web import access, list_query, live, rendering
from aftercall.web.list_query import ListQuery
from aftercall.web.sessions import SignedIn

router = APIRouter()

EMPTY = CallPage(rows=(), older_than=None, newer_than=None, count=0)


@router.get("/")
def show(request: Request, account: SignedIn) -> Response:
    """The whole page, or only its list when htmx asks."""
    parts = rendering.parts_of(request)
    query = list_query.read(request.query_params)
    now = parts.clock()
    with parts.engine.connect() as db:
        offset = calls.newest_utc_offset_min(db)
        wanted = access.narrowed(account, query.wanted(now, offset))
        page = EMPTY
        if wanted is not None:
            page = calls.page(db, wanted, older_than=query.older_than, newer_than=query.newer_than)
        rows = live.with_stages(db, page.rows)
        statuses = live.statuses(db)
        silences = [
            (each.pbx, silent) for each in statuses if (silent := condition.silent_since(db, each.pbx, now))
        ]  # fmt: skip
        category_names = categories.names(db)
        has_calls = page.count > 0 or calls.last_change(db) is not None
    names = {each.pbx.id: each.pbx.name for each in statuses}
    context: dict[str, Any] = {
        "query": query,
        "page": page,
        "rows": rows,
        "statuses": statuses,
        "silences": silences,
        "offset": offset,
        "has_calls": has_calls,
        "pbx_names": names,
        "category_names": category_names,
        "chips": query.chips(names, category_names),
        "options": list_query,
        "events": events_address(query, page, now.isoformat()),
        "count_limit": calls.COUNT_LIMIT,
    }
    is_fragment = "hx-request" in request.headers and "hx-history-restore-request" not in request.headers
    response = rendering.page(request, "calls/list.html" if is_fragment else "calls/page.html", **context)
    response.headers["Vary"] = "HX-Request"
    # The form sends its empty fields too; the address bar need not show them.
    response.headers["HX-Push-Url"] = query.page_address(older_than=query.older_than, newer_than=query.newer_than)
    return response


def events_address(query: ListQuery, page: CallPage, since: str) -> str:
    """Where the page listens for what happens after it was made."""
    # A full page follows only what lies within it; a page with room left also gets older calls that come to light.
    low = page.rows[-1].sort_key if page.rows and page.older_than is not None else 0
    pairs = [*query.values, ("since", since), ("low", str(low))]
    return f"/events?{urlencode(pairs)}"

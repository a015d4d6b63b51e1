"""This file answers the one question every page, API route and stream asks: may this person see this call?"""

from aftercall.errors import NotFound
from aftercall.store.accounts import Account
from aftercall.store.calls import CallDetail, CallFilter, CallRow

#: Roles that see every call. More roles, with calls of their own, get their answer here and nowhere else.
SEES_EVERYTHING = frozenset({"owner"})


def may_see_call(account: Account, call: CallRow) -> bool:
    """Whether this account may see and hear this call."""
    del call  # no role looks at it yet
    return account.role in SEES_EVERYTHING


def may_administer(account: Account) -> bool:
    """Whether this account may connect PBXs and change the installation."""
    return account.role == "owner"


def narrowed(account: Account, wanted: CallFilter) -> CallFilter | None:
    """The same question for a whole list: what is asked for, less what this account may not see; None for nothing."""
    return wanted if account.role in SEES_EVERYTHING else None


def require_all(account: Account) -> None:
    """For what concerns many calls at once: it is for those who see them all.

    Raises:
        NotFound: this account does not.
    """
    if narrowed(account, CallFilter()) != CallFilter():
        raise NotFound(thing="such page")


def require_call(account: Account, found: CallDetail | None) -> CallDetail:
    """The call, if there is one and this account may see it; nobody learns that a hidden call exists.

    Raises:
        NotFound: either is not so.
    """
    if found is None or not may_see_call(account, found.row):
        raise NotFound(thing="such call")
    return found

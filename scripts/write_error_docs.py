"""Write docs/errors.md from the errors themselves, so that it is never out of date."""

from pathlib import Path

from aftercall.errors import AppError, Retry, every_error

TARGET = Path(__file__).parents[1] / "docs" / "errors.md"

HEAD = """# Errors

Every error a user can meet, in the order of the tree in `src/aftercall/errors.py`, with example values filled in.
This file is written by `make docs`; a test keeps it complete.

The code stays the same between releases: search for it here.
"""

RETRIES = {
    Retry.NEVER: "No: it stays until somebody mends the cause.",
    Retry.SOON: "Yes, within seconds to minutes.",
    Retry.LATER: "Yes, within minutes to hours.",
    Retry.SETTINGS: "Only after the settings have changed, so that the PBX does not ban this server.",
}


def section(kind: type[AppError]) -> str:
    error = kind(**kind.example)
    return (
        f"## {kind.code}\n\n{error.what}\n\n"
        f"- **Why:** {error.why}\n- **Fix:** {error.fix}\n"
        f"- **Tried again by itself?** {RETRIES[kind.retry]}\n- **HTTP status of our API:** {kind.status}\n"
    )


def text() -> str:
    return "\n".join([HEAD, *(section(kind) for kind in every_error())])


if __name__ == "__main__":
    TARGET.write_text(text())

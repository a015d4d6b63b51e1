"""This file keeps what people are called from becoming a formula in somebody's spreadsheet; pure."""


def plain(text: str | None) -> str:
    """The text as a cell that no spreadsheet reckons with."""
    said = text or ""
    is_number = said.removeprefix("+").isdigit()
    return f"'{said}" if said[:1] in {"=", "+", "-", "@", "\t", "\r"} and not is_number else said

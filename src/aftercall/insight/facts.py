"""This file reads one fact of a call by the name a rule uses; pure."""

from datetime import timedelta

from aftercall.model import CallFacts

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def fact_value(facts: CallFacts, name: str) -> str | float | None:
    """The fact, None if it is not known; hour and weekday are those on the PBX's clock."""
    if name in {"hour", "weekday"}:
        if facts.started_at is None or facts.utc_offset_min is None:
            return None
        local = facts.started_at + timedelta(minutes=facts.utc_offset_min)
        return WEEKDAYS[local.weekday()] if name == "weekday" else local.hour
    value: str | float | None = getattr(facts, name)
    return None if value in {"", "unknown"} else value

"""This file is the form in which a language model must answer; its values are checked in `llm_evidence.py`.

Lengths and ranges are not part of it: an answer that is a little too long is cut, not asked for again.
"""

from typing import Literal

from pydantic import BaseModel

from aftercall.model import GeneratedOutcome


class Claim(BaseModel):
    """A sentence and the numbers of the lines that bear it."""

    text: str
    turns: list[int]


class Action(BaseModel):
    """What a party promised or has to do, and the number of the line that says so."""

    owner: Literal["agent", "customer", "unknown"]
    text: str
    due: str | None
    turn: int


class Evidence(BaseModel):
    """Words copied from a line, and the field they bear."""

    field: str
    turn: int
    quote: str


class Answer(BaseModel):
    """What is known of the call."""

    summary: list[Claim]
    reason: Claim | None
    outcome: GeneratedOutcome
    resolved: bool | None
    actions: list[Action]
    topics: list[str]
    customer_sentiment: float | None
    agent_sentiment: float | None
    evidence: list[Evidence]
    language: str

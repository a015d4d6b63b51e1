"""This file says who of the two speakers works here and who does not, and why it thinks so; else it says nothing.

A person's choice comes first, then what the PBX knows, then what is said: people who answer telephones for a living
greet, verify and apologise in much the same words everywhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aftercall.model import Direction, Role, Turn

SPEAKERS = ("A", "B")
#: The words decide if one speaker has so many points more than the other.
DECIDES_FROM = 1.5
#: The words overrule the PBX only from here, and only if each speaker said enough.
OVERRULES_FROM = 4.0
ENOUGH_WORDS = 20
#: On an inbound call the agent answers, on an outbound call the customer does.
AGENT_ANSWERS = 1.5
CUSTOMER_ANSWERS = 1.0
#: A first turn that names the company or the department.
COMPANY_GREETING = 2.0
#: The same thing said over and over proves no more than said twice.
MOST_HITS = 2

_OTHER: dict[Role, Role] = {"agent": "customer", "customer": "agent"}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The roles of speakers `A` and `B`."""

    #: None where it is not known.
    roles: Mapping[str, Role | None]
    #: One sentence.
    reason: str
    #: The words say clearly that the audio channels are not the ones the PBX should have written.
    channels_look_swapped: bool = False


@dataclass(frozen=True, kw_only=True)
class _Phrase:
    """Words that one of the two roles says."""

    points: float
    pattern: re.Pattern[str]
    #: On calls in any other direction it means nothing.
    only: Direction | None = None


@dataclass(kw_only=True)
class _Heard:
    """What speaks for one speaker being the agent (above 0) or the customer (below)."""

    points: float = 0.0
    words: int = 0
    #: What was said that counted, with its points.
    quotes: list[tuple[float, str]] = field(default_factory=list)


def decide(
    said: Sequence[Turn],
    direction: Direction,
    *,
    caller: str | None = None,
    language: str = "en",
    chosen: Mapping[str, Role] | None = None,
) -> Decision:
    """Decide the roles of speakers `A` and `B`.

    Args:
        said: the call's turns, by start; turns of speaker `unknown` say nothing.
        direction: which way the call went.
        caller: the speaker who is known to have dialled. A stereo recording alone does not tell which of its audio
            channels that is; whoever knows how the PBX wrote it says so here.
        language: BCP 47; what people say is known in English only.
        chosen: what a person chose for one or both of the speakers; it is never overruled.
    Returns:
        Both roles, or None for both: where one of two is the agent, the other is the customer. Calls among ourselves
        have neither.
    """
    if chosen:
        return Decision(roles=_completed(chosen), reason="Chosen by a person.")
    if direction == "internal":
        return _nobody("An internal call has no customer.")
    if direction == "conference":
        return _nobody("A conference has more than two parties.")
    heard = _listen(said, direction) if language.lower().partition("-")[0] == "en" else None
    agent = _agent_by_pbx(direction, caller)
    if agent is not None:
        return _checked(agent, heard)
    if heard is None:
        return _nobody("The PBX does not say who dialled, and what agents say is known in English only.")
    return _by_words(heard, _who_answers(said, direction))


def _completed(chosen: Mapping[str, Role]) -> dict[str, Role | None]:
    roles: dict[str, Role | None] = {speaker: chosen.get(speaker) for speaker in SPEAKERS}
    for speaker, other in (SPEAKERS, SPEAKERS[::-1]):
        if roles[speaker] is None and (known := roles[other]) is not None:
            roles[speaker] = _OTHER[known]
    return roles


def _nobody(reason: str) -> Decision:
    return Decision(roles=dict.fromkeys(SPEAKERS), reason=reason)


def _agent_is(speaker: str) -> dict[str, Role | None]:
    return {each: "agent" if each == speaker else "customer" for each in SPEAKERS}


def _agent_by_pbx(direction: Direction, caller: str | None) -> str | None:
    if caller not in SPEAKERS or direction not in {"inbound", "outbound"}:
        return None
    return caller if direction == "outbound" else _other(caller)


def _other(speaker: str) -> str:
    return SPEAKERS[1 - SPEAKERS.index(speaker)]


def _checked(agent: str, heard: Mapping[str, _Heard] | None) -> Decision:
    """The PBX's word, unless what is said clearly contradicts it."""
    if heard is not None:
        against = heard[_other(agent)].points - heard[agent].points
        if against > OVERRULES_FROM and min(each.words for each in heard.values()) >= ENOUGH_WORDS:
            return Decision(
                roles=_agent_is(_other(agent)),
                reason=f"The channels look swapped: {_quoted(heard, _other(agent))}.",
                channels_look_swapped=True,
            )
    return Decision(roles=_agent_is(agent), reason="The PBX says who dialled.")


def _by_words(heard: Mapping[str, _Heard], answers: Mapping[str, float]) -> Decision:
    points = {speaker: heard[speaker].points + answers.get(speaker, 0.0) for speaker in SPEAKERS}
    difference = points["A"] - points["B"]
    if abs(difference) <= DECIDES_FROM:
        return _nobody("What is said does not tell who is the agent.")
    agent = "A" if difference > 0 else "B"
    return Decision(roles=_agent_is(agent), reason=f"By what is said: {_quoted(heard, agent)}.")


def _quoted(heard: Mapping[str, _Heard], agent: str) -> str:
    """What weighed most, such as: speaker A says “thank you for calling”, speaker B “i'm calling about”."""
    parts = []
    for speaker, sign in ((agent, 1), (_other(agent), -1)):
        quotes = [quote for quote in heard[speaker].quotes if quote[0] * sign > 0]
        if quotes:
            parts.append(f"speaker {speaker} says “{max(quotes, key=lambda quote: abs(quote[0]))[1]}”")
    return " and ".join(parts) or f"speaker {agent} answers the call"


# ---- what is said -----------------------------------------------------------------------------------------------


def _who_answers(said: Sequence[Turn], direction: Direction) -> dict[str, float]:
    """Points for who speaks first; too few to decide anything alone."""
    first = next((turn.speaker for turn in said if turn.speaker in SPEAKERS and turn.text), None)
    if first is None or direction not in {"inbound", "outbound"}:
        return {}
    return {first: AGENT_ANSWERS if direction == "inbound" else -CUSTOMER_ANSWERS}


def _listen(said: Sequence[Turn], direction: Direction) -> dict[str, _Heard]:
    heard = {speaker: _Heard() for speaker in SPEAKERS}
    texts: dict[str, list[str]] = {speaker: [] for speaker in SPEAKERS}
    for turn in said:
        if turn.speaker in texts and turn.text:
            texts[turn.speaker].append(_plain(turn.text))
    for speaker, own in texts.items():
        heard[speaker].words = sum(text.count(" ") + 1 for text in own)
        for phrase in _PHRASES:
            if phrase.only in {None, direction}:
                _count(heard[speaker], phrase, own)
        # On an outbound call it is the customer who answers, and may well do so for a company of his own.
        if own and direction != "outbound" and (greeting := _COMPANY_GREETING.search(own[0])):
            heard[speaker].points += COMPANY_GREETING
            heard[speaker].quotes.append((COMPANY_GREETING, greeting[0]))
    return heard


def _count(heard: _Heard, phrase: _Phrase, texts: Sequence[str]) -> None:
    hits = [hit[0] for text in texts if (hit := phrase.pattern.search(text))][:MOST_HITS]
    heard.points += phrase.points * len(hits)
    heard.quotes += [(phrase.points, hit) for hit in hits]


def _plain(text: str) -> str:
    """Lower case, one kind of apostrophe, nothing else but letters, digits and single spaces."""
    return " ".join(re.sub(r"[^a-z0-9' ]+", " ", text.lower().replace("’", "'")).split())


def _agent(points: float, pattern: str, *, only: Direction | None = None) -> _Phrase:
    return _Phrase(points=points, pattern=re.compile(rf"\b(?:{pattern})\b"), only=only)


def _customer(points: float, pattern: str, *, only: Direction | None = None) -> _Phrase:
    return _Phrase(points=-points, pattern=re.compile(rf"\b(?:{pattern})\b"), only=only)


_COMPANY_GREETING = re.compile(
    r"\b(?:for calling (?!me\b|us\b|back\b|so\b|about\b)\w+|welcome to \w+|(?:through to|reached) (?:the )?\w+"
    r"|good (?:morning|afternoon|evening) (?:\w+ ){0,4}(?:this is|speaking|how (?:can|may)))\b"
)

_YOURS = (
    r"(?:name|first name|last name|surname|date of birth|address|post ?code|zip(?: code)?|e ?mail|phone number"
    r"|(?:account|order|policy|reference|customer|contract|card|call ?back|telephone|mobile) number|details)"
)
_DO = (
    r"(?:check|look|pull|bring|see|send|book|put|make|add|waive|schedule|cancel|process|issue|credit|refund|note|order"
    r"|arrange|raise|open|e ?mail|text|transfer|get|go ahead|find out|have (?:someone|somebody|an engineer))"
)

#: Our own, from what people say on such calls. Words that both say ("thank you", "bye") tell nothing.
_PHRASES = (
    _agent(3.0, r"(?:thanks|thank you)(?: \w+){0,2} for (?:calling|ringing|phoning)(?! (?:me|us|back)\b)"),
    _agent(3.0, r"(?:how|what) (?:can|may|could) (?:i|we) (?:help|assist|direct|do for)|may i (?:help|direct|assist)"),
    _agent(
        3.0,
        r"recorded for (?:quality|training)|(?:quality|training)(?: and \w+)? purposes"
        r"|calls? (?:may|will) be (?:recorded|monitored)|(?:call|line) is (?:being )?recorded",
    ),
    _agent(2.5, r"anything else (?:that )?(?:i|we) (?:can|could|may)|anything else (?:i )?can (?:i )?help"),
    _agent(
        2.5,
        rf"(?:can|could|may) i (?:\w+ )?(?:have|get|take|ask)(?: \w+){{0,3}} {_YOURS}"
        rf"|(?:what is|what's|confirm|verify|spell)(?: \w+)? your (?:\w+ )?{_YOURS}"
        r"|(?:can|could) you (?:spell|confirm|verify)",
    ),
    _agent(1.5, rf"your (?:full |best |current )?{_YOURS}|call ?back number|number to reach"),
    _agent(
        2.5,
        r"(?:place|put|keep|pop) you on(?: a)?(?: brief| short)? hold|please hold|hold while|for holding|hold the line",
    ),
    _agent(2.0, r"(?:connect|put|pass) you (?:through|over|to|back)|transfer you"),
    _agent(1.5, rf"let me (?:just )?{_DO}|i'?(?:ll| will| can| could)(?: just| also)? {_DO}|bear with me|one moment"),
    _agent(
        1.5,
        r"i(?: can|'m)? see(?:ing)? (?:here|that you|you have|your)|on my (?:screen|system|end)|pull(?:ed)? up your",
    ),
    _agent(2.0, r"(?:happy|glad|pleased) to (?:help|assist)|(?:can|be able to) help you (?:with|there)|be happy to"),
    _agent(
        2.0,
        r"for (?:the|any|that|your) (?:inconvenience|delay|wait|trouble|patience|confusion)|i apologi[sz]e"
        r"|my apologies|sorry to hear|understand your (?:frustration|concern)",
    ),
    _agent(1.0, r"unfortunately|i'm afraid (?:\w+ ){0,2}(?:we|i|can't|that|there)|sir|ma'am|madam"),
    _agent(
        1.5,
        r"our (?!internet|house|account|bill|order|boiler|heating|kitchen|address|home|card|son|daughter)\w+",
    ),
    _agent(1.0, r"we (?:can|could|will|do|don't|do not|offer|close|open|would need|would be able)|we'll|we'd"),
    _agent(0.8, r"you're (?:all set|welcome|very welcome)|my pleasure|have a (?:great|good|nice|lovely|wonderful)"),
    _agent(
        2.5,
        r"calling (?:you )?(?:from|on behalf|about|regarding|because)"
        r"|this is \w+ (?:\w+ )?(?:from|with|at) (?!the\b)\w+",
        only="outbound",
    ),
    _customer(
        2.5,
        r"(?:i'm|i am|i was|just) (?:calling|ringing|phoning)(?: in)? (?:about|because|to|for|regarding|on)",
        only="inbound",
    ),
    _customer(
        2.5,
        r"(?:speak|talk) (?:to|with) (?:\w+ )?(?:supervisor|manager|someone|somebody|human|person|boss)"
        r"|file a complaint",
    ),
    _customer(
        1.2, r"i (?:want|need|wanted|would like|was hoping|was wondering)|i'd like|i have a (?:question|problem)"
    ),
    _customer(
        1.2,
        r"my (?:\w+ )?(?:bill|account|order|internet|card|payment|subscription|husband|wife|delivery|appointment|boiler"
        r"|heating|policy|service|refund|invoice|car|house|kitchen|router|package|money|contract|insurance|line|son"
        r"|daughter|bank|number is|phone|last call|plan)",
    ),
    _customer(
        1.5,
        r"(?:doesn't|does not|isn't|is not|won't|not|stopped) work\w*|(?:still|been) (?:broken|down|out|leaking)"
        r"|nobody|no one (?:\w+ )?(?:called|came|told|showed|answers?|answered)"
        r"|never (?:\w+ )?(?:showed|came|got|arrived|received|called|turned)",
    ),
    _customer(
        1.5,
        r"you (?:guys|people|charged|cut me|sent me|told me|promised|said)"
        r"|i (?:was|got|have been|'ve been|been) (?:told|charged|billed|on hold|waiting|a customer)"
        r"|(?:first|second|third|fourth) time (?:i|i'm|i've|this)",
    ),
    _customer(
        0.8,
        r"(?:thanks|thank you) for (?:\w+ )?help|you've been|(?:can|could) you (?:tell|help|check|send|please)"
        r"|how much (?:is|does|do|would|will)|do you (?:know|have|offer|do)",
    ),
)

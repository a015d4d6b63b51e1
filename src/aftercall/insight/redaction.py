"""This file finds what is better hidden in a transcript - cards, numbers, addresses, dates of birth - and masks it.

Numbers are put together across turns, over the other party's "mhm", from words and written digits alike. The last word
that names a number decides what it is; without one its length does. A card is hidden even with a wrong digit.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from aftercall.insight.spoken_numbers import MONTHS, Digits, digits_of, passes_luhn, plain, together
from aftercall.model import Redaction, RedactionKind, Transcript, Turn, Word

LABELS: dict[RedactionKind, str] = {
    "card": "[card number]",
    "cvv": "[card security code]",
    "expiry": "[card expiry]",
    "ssn": "[social security number]",
    "account": "[bank account]",
    "phone": "[phone number]",
    "email": "[e-mail address]",
    "dob": "[date of birth]",
}
#: A number goes on after a pause of at most so long.
PAUSE_S = 6.0
#: A word that names a number counts for so many words and seconds after it.
_REACH_WORDS, _REACH_S = 30, 45.0

_FILLERS = frozenset(
    [
        "uh",
        "um",
        "er",
        "erm",
        "hmm",
        "and",
        "dash",
        "hyphen",
        "space",
        "then",
        "comma",
        "slash",
        "ok",
        "okay",
        "yes",
        "yeah",
        "so",
    ]
)
_BACK_CHANNEL = frozenset(
    [
        "uh-huh",
        "uhhuh",
        "mhm",
        "mm-hmm",
        "mmhmm",
        "mm",
        "hmm",
        "uh",
        "huh",
        "ok",
        "okay",
        "yes",
        "yeah",
        "yep",
        "yup",
        "right",
        "sure",
        "go",
        "ahead",
        "got",
        "it",
        "carry",
        "on",
        "alright",
        "thanks",
        "thank",
        "you",
        "perfect",
        "great",
        "good",
    ]
)
_IN_DATES = frozenset({"the", "of"})
_ISSUED = re.compile(r"4|5[1-5]|2[2-7]|3[47]|3[068]|6")
_WRITTEN_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")

_NAMED: tuple[tuple[str, str], ...] = (
    ("cvv", "cvv|cvv2|cvc|cvc2|cid|security code|security number|code on the back|digits on the back|number on the back"
     "|verification value|three digit code|four digit code|three digits|signature strip|card code"),
    ("expiry", "expiry|expires|expire|expiration|exp|expiring"
     "|valid until|valid thru|valid through|good through|good thru"),
    ("card", "card|visa|mastercard|amex|american express|debit|credit|cards"),
    ("ssn", "social|ssn|socials|tax id|taxpayer"),
    ("pin", "pin|passcode"),
    ("account", "bank|routing|account|iban|sort code|checking|savings|aba"),
    ("phone", "phone|mobile|cell|telephone|fax|callback|landline|call me|reach me|text me|reach you|call you|call back"
     "|contact number|cellphone"),
    ("dob", "birth|birthday|born|dob|birthdate"),
    ("keep", "order|ticket|confirmation|serial|tracking|reference|invoice|case|model|extension|part|booking|reservation"
     "|flight|zip|postcode|room|version|claim|product|sku|meter|imei|dollars|item|shipment|parcel|quote|po|barcode|ref"),
)  # fmt: skip
_CONTEXT = tuple(
    (name, tuple(phrase.split())) for name, phrases in _NAMED for phrase in phrases.split("|")
)  # fmt: skip
_WRITTEN_EMAIL = re.compile(r"[\w.+\-]+@[\w\-]+(\.[\w\-]+)*")
_DOMAIN = re.compile(r"[\w\-]+(\.[\w\-]+)+")
_ENDINGS = frozenset(
    ["com", "org", "net", "co", "uk", "io", "edu", "gov", "de", "fr", "us", "ca", "info", "biz", "au", "nl"]
)
_NO_LOCAL_PART = frozenset(
    [
        "is",
        "it's",
        "its",
        "it",
        "email",
        "e-mail",
        "mail",
        "address",
        "my",
        "at",
        "the",
        "to",
        "me",
        "that's",
        "so",
        "okay",
        "ok",
        "yes",
        "us",
        "find",
        "online",
        "website",
        "visit",
        "look",
        "shop",
        "site",
        "go",
        "page",
        "here",
        "there",
        "and",
        "you",
        "we",
        "i",
        "them",
        "him",
        "her",
        "sure",
        "was",
        "be",
        "would",
        "are",
        "our",
        "your",
        "order",
        "arrive",
        "out",
        "up",
    ]
)
_JOINTS = frozenset(["dot", "underscore", "dash", "hyphen", "plus", "period"])


@dataclass(frozen=True, kw_only=True)
class _Token:
    #: Place among all tokens of the transcript.
    index: int
    turn: int
    word: int
    text: str
    start_s: float
    end_s: float
    digits: Digits | None


@dataclass(frozen=True, kw_only=True)
class _Run:
    tokens: tuple[_Token, ...]
    digits: str
    has_month: bool


def find(transcript: Transcript) -> tuple[Redaction, ...]:
    """What to hide, in order; a turn whose words nobody understood is searched too, for its words are kept."""
    tokens = list(_tokens(transcript.turns))
    streams = list(_streams(transcript.turns, tokens))
    names = _names(tokens)
    hidden: dict[int, RedactionKind] = {}
    for stream in streams:
        for found in _emails(stream, tokens):
            hidden.update((token.index, "email") for token in found)
    runs = sorted(
        (run for stream in streams for run in _runs(stream) if not any(each.index in hidden for each in run.tokens)),
        key=lambda run: run.tokens[0].index,
    )
    for run, kind in _kinds(runs, names, tokens):
        hidden.update((token.index, kind) for token in run.tokens)
        hidden.update((token.index, kind) for token in _overhang(run, tokens))
    return tuple(_redactions(tokens, hidden))


def mask(
    transcript: Transcript, redactions: Sequence[Redaction], kinds: Collection[RedactionKind] = tuple(LABELS)
) -> Transcript:
    """The transcript with a label in place of each redaction of these kinds; times stay as they are."""
    wanted = [each for each in redactions if each.kind in kinds]
    turns = tuple(
        _masked(turn, [each for each in wanted if each.turn == position])
        for position, turn in enumerate(transcript.turns)
    )
    return replace(transcript, turns=turns)


def _masked(turn: Turn, redactions: Sequence[Redaction]) -> Turn:
    if not redactions:
        return turn
    pieces = turn.text.split()
    words = list(turn.words)
    # Text that is not word for word what the words say is made anew from them, so that nothing stays in it.
    if words and len(pieces) != len(words):
        pieces = [word.text for word in words]
    for each in sorted(redactions, key=lambda each: -each.first_word):
        label = LABELS[each.kind]
        ending = re.search(r"[.,?!;:]*$", pieces[each.last_word])
        pieces[each.first_word : each.last_word + 1] = [label + (ending[0] if ending else "")]
        if words:
            words[each.first_word : each.last_word + 1] = [
                Word(text=label, start_s=each.start_s, end_s=each.end_s, redacted=each.kind)
            ]
    return replace(turn, text=" ".join(pieces) if turn.text else "", words=tuple(words))


def with_labels(transcript: Transcript) -> Transcript:
    """The transcript whose labels are one word each again: a person who corrects a line leaves them as plain text."""
    return replace(transcript, turns=tuple(_with_labels(turn) for turn in transcript.turns))


def _with_labels(turn: Turn) -> Turn:
    if "[" not in turn.text or not turn.words:
        return turn
    words: list[Word] = []
    rest = list(turn.words)
    while rest:
        kind, length = _label_at(rest)
        if kind is None:
            words.append(rest.pop(0))
            continue
        words.append(
            Word(text=LABELS[kind], start_s=rest[0].start_s, end_s=rest[length - 1].end_s, redacted=kind)
        )  # fmt: skip
        del rest[:length]
    return replace(turn, words=tuple(words))


def _label_at(words: Sequence[Word]) -> tuple[RedactionKind | None, int]:
    """The label that these words begin with, and how many of them it takes."""
    for kind, label in LABELS.items():
        length = 1 if words[0].text == label else len(label.split())
        said = " ".join(word.text for word in words[:length]).rstrip(".,?!;:")
        if said == label:
            return kind, length
    return None, 0


# ---- tokens -----------------------------------------------------------------------------------------------------


def _tokens(turns: Sequence[Turn]) -> Iterator[_Token]:
    index = 0
    for position, turn in enumerate(turns):
        for number, word in enumerate(turn.words or _timed(turn)):
            yield _Token(
                index=index,
                turn=position,
                word=number,
                text=plain(word.text),
                start_s=word.start_s,
                end_s=word.end_s,
                digits=None if word.redacted else digits_of(word.text),
            )
            index += 1


def _timed(turn: Turn) -> list[Word]:
    """The words of a turn that has only text, spread evenly over its time."""
    texts = turn.text.split()
    each_s = (turn.end_s - turn.start_s) / max(1, len(texts))
    return [
        Word(text=text, start_s=turn.start_s + number * each_s, end_s=turn.start_s + (number + 1) * each_s)
        for number, text in enumerate(texts)
    ]


def _streams(turns: Sequence[Turn], tokens: Sequence[_Token]) -> Iterator[list[_Token]]:
    """What each speaker says without the other taking over; "mhm" and repeated digits do not take over."""
    by_turn: dict[int, list[_Token]] = {}
    for token in tokens:
        by_turn.setdefault(token.turn, []).append(token)
    open_streams: dict[str, list[_Token]] = {}
    for position, turn in enumerate(turns):
        said = by_turn.get(position, [])
        if not _leaves_the_floor(said):
            for speaker in [each for each in open_streams if each != turn.speaker]:
                yield open_streams.pop(speaker)
        open_streams.setdefault(turn.speaker, []).extend(said)
    yield from open_streams.values()


def _leaves_the_floor(said: Sequence[_Token]) -> bool:
    back_channel = [token for token in said if token.digits is None]
    return len(back_channel) <= 3 and all(token.text in _BACK_CHANNEL for token in back_channel)


# ---- numbers ----------------------------------------------------------------------------------------------------


def _runs(stream: Sequence[_Token]) -> Iterator[_Run]:
    """The numbers in a stream, each as long as it goes on."""
    run: list[_Token] = []
    #: Since the last sure number: what belongs to the number only if it goes on.
    pending: list[_Token] = []
    for position, token in enumerate(stream):
        following = stream[position + 1] if position + 1 < len(stream) else None
        last = run[-1] if run else None
        if last is not None and token.start_s - last.end_s > PAUSE_S:
            yield from _closed(run)
            run, pending = [], []
        is_month = token.text in MONTHS
        if is_month and len(_said(run)) >= 8:
            yield from _closed(run)
            run, pending = [], []
        if (is_month and (run or _goes_on(following))) or (
            token.digits is not None and (token.digits.certainty == "sure" or _counts(token, run, following))
        ):
            run += [*pending, token]
            pending = []
        elif token.digits is not None or token.text in _FILLERS or token.text in _BACK_CHANNEL or _in_date(token, run):
            if run:
                pending.append(token)
            if len([each for each in pending if each.digits is None]) > 3:
                yield from _closed(run)
                run, pending = [], []
        else:
            yield from _closed(run)
            run, pending = [], []
    yield from _closed(run)


def _closed(run: list[_Token]) -> Iterator[_Run]:
    if run:
        yield _Run(tokens=tuple(run), digits=_said(run), has_month=any(each.text in MONTHS for each in run))


def _said(run: Sequence[_Token]) -> str:
    return together([each.digits for each in run if each.digits is not None])


def _goes_on(following: _Token | None) -> bool:
    return following is not None and (following.digits is not None or following.text in _IN_DATES)


def _in_date(token: _Token, run: Sequence[_Token]) -> bool:
    return token.text in _IN_DATES and bool(run)


def _counts(token: _Token, run: Sequence[_Token], following: _Token | None) -> bool:
    """Whether what only sounds like a number is one here."""
    assert token.digits is not None
    is_followed = following is not None and following.digits is not None
    if token.digits.is_ordinal:
        return bool(run) or (following is not None and (following.text == "of" or following.text in MONTHS))
    if token.text in {"hundred", "thousand"}:
        return bool(run)
    if not token.digits.digits or token.text in {"oh", "o"}:
        return is_followed or bool(run)
    return bool(run) and is_followed


def _overhang(run: _Run, tokens: Sequence[_Token]) -> Iterator[_Token]:
    """What sounds like a digit right after a number: the last "four" of a card may be written "for"."""
    after = run.tokens[-1].index + 1
    if len(run.digits) >= 11 and after < len(tokens):
        token = tokens[after]
        if token.digits is not None and token.turn == run.tokens[-1].turn:
            yield token


# ---- what a number is -------------------------------------------------------------------------------------------


def _names(tokens: Sequence[_Token]) -> list[tuple[int, str]]:
    """Where words name a number, and which, in order of place; the longest name at a place counts."""
    texts = [token.text.removesuffix("'s") for token in tokens]
    found: list[tuple[int, str]] = []
    for place in range(len(texts)):
        here = [
            (len(words), name) for name, words in _CONTEXT if tuple(texts[place : place + len(words)]) == words
        ]  # fmt: skip
        if here:
            found.append((place, max(here)[1]))
    return found


def _kinds(
    runs: Sequence[_Run], names: Sequence[tuple[int, str]], tokens: Sequence[_Token]
) -> Iterator[tuple[_Run, RedactionKind]]:
    left: list[_Run] = []
    used = -1
    for run in runs:
        first = run.tokens[0]
        said_before = [
            (place, name)
            for place, name in names
            if used < place < first.index
            and first.index - place <= _REACH_WORDS
            and first.start_s - tokens[place].end_s <= _REACH_S
        ]
        said_after = [name for place, name in names if 0 < place - run.tokens[-1].index <= 5]
        named = [name for _, name in reversed(said_before)] or said_after[:1]
        kind = _kind(run, named)
        if kind is None:
            left.append(run)
        else:
            used = first.index if kind in {"cvv", "expiry", "dob"} else used
            yield run, kind
    yield from _pieces_of_cards(left, names)


def _kind(run: _Run, named: Sequence[str]) -> RedactionKind | None:
    """What a number is.

    Args:
        named: what was said before it, the last first.
    """
    count, digits = len(run.digits), run.digits
    if not run.has_month and _is_card(digits, named[0] if named else ""):
        return "card"
    written = " ".join(each.text for each in run.tokens)
    for name in named:
        if name == "keep":
            return None
        fitting = _fitting(name, count, run)
        if fitting is not None:
            return fitting
    if run.has_month:
        return None
    if _WRITTEN_SSN.search(written):
        return "ssn"
    return "phone" if count in {10, 11} else None


def _fitting(name: str, count: int, run: _Run) -> RedactionKind | None:
    if name == "dob" and (count >= 4 or (run.has_month and count >= 1)):
        return "dob"
    if name == "expiry" and (3 <= count <= 6 or (run.has_month and count >= 2) or (count == 2 and len(run.tokens) > 1)):
        return "expiry"
    if run.has_month:
        return None
    fits: dict[str, tuple[RedactionKind, range]] = {
        "cvv": ("cvv", range(3, 5)),
        "ssn": ("ssn", range(8, 11)),
        "account": ("account", range(6, 35)),
        "pin": ("account", range(4, 13)),
        "phone": ("phone", range(7, 13)),
    }
    if name == "ssn" and count == 4:
        return "ssn"
    if name in fits and count in fits[name][1]:
        return fits[name][0]
    return None


def _is_card(digits: str, named: str) -> bool:
    """Whether to hide a number as a card; one wrong digit must not save it, so the check digit is not asked for."""
    count = len(digits)
    if 13 <= count <= 19 and passes_luhn(digits) and _ISSUED.match(digits):
        return True
    if named in {"card", "cvv", "expiry"}:
        return count >= 11
    if named == "account" and count < 14:
        return False
    if count in {15, 16} and _ISSUED.match(digits):
        return True
    return count >= 14 and named != "keep"


def _pieces_of_cards(runs: Sequence[_Run], names: Sequence[tuple[int, str]]) -> Iterator[tuple[_Run, RedactionKind]]:
    """Pieces of a card number that other words tore apart: together they are as long as one, after a card was named."""
    group: list[_Run] = []
    for run in [*runs, None]:
        first = run.tokens[0] if run else None
        is_near = bool(group) and first is not None and first.start_s - group[-1].tokens[-1].end_s <= 2 * PAUSE_S
        if group and not is_near:
            if sum(len(each.digits) for each in group) >= 11:
                yield from ((each, "card") for each in group)
            group = []
        if run is None or run.has_month or len(run.digits) < 3:
            continue
        before = [name for place, name in names if place < run.tokens[0].index]
        if group or (before and before[-1] == "card"):
            group.append(run)


# ---- e-mail addresses -------------------------------------------------------------------------------------------


def _emails(stream: Sequence[_Token], tokens: Sequence[_Token]) -> Iterator[Sequence[_Token]]:
    for position, token in enumerate(stream):
        if "@" in token.text and _WRITTEN_EMAIL.fullmatch(token.text):
            yield stream[position : _domain_end(stream, position) + 1]
        elif token.text == "at":
            end = _domain_end(stream, position + 1)
            is_spoken = end > position + 1
            is_written = position + 1 < len(stream) and bool(_DOMAIN.fullmatch(stream[position + 1].text))
            if not (is_spoken or (is_written and _is_about_mail(tokens[: token.index]))):
                continue
            start = _local_start(stream, position)
            if start < position:
                yield stream[start : end + 1]


def _domain_end(stream: Sequence[_Token], start: int) -> int:
    """The place of the last word of a domain that begins here: `example dot co dot uk`."""
    end = start
    for position in range(start + 1, min(start + 9, len(stream) - 1)):
        if stream[position].text == "dot" and stream[position + 1].text in _ENDINGS:
            end = position + 1
    return end


def _is_about_mail(before: Sequence[_Token]) -> bool:
    return any(token.text in {"email", "e-mail", "mail"} for token in before[-_REACH_WORDS:])


def _local_start(stream: Sequence[_Token], at: int) -> int:
    """The place where the part before the `at` begins: words joined by `dot`, spelled letters, numbers."""
    start, loose = at, 0
    while start > 0:
        before = stream[start - 1]
        is_bound = (
            before.text in _JOINTS
            or len(before.text) == 1
            or before.digits is not None
            or (start < at and stream[start].text in _JOINTS)
        )
        if not is_bound:
            loose += 1
            if loose > 2 or before.text in _NO_LOCAL_PART:
                break
        start -= 1
    return start


# ---- the outcome ------------------------------------------------------------------------------------------------


def _redactions(tokens: Iterable[_Token], hidden: dict[int, RedactionKind]) -> Iterator[Redaction]:
    """Neighbours of one kind in one turn are one redaction."""
    last: Redaction | None = None
    for token in tokens:
        kind = hidden.get(token.index)
        if last is not None and (last.kind, last.turn, last.last_word + 1) == (kind, token.turn, token.word):
            last = replace(last, last_word=token.word, end_s=token.end_s)
            continue
        if last is not None:
            yield last
            last = None
        if kind is not None:
            last = Redaction(
                kind=kind,
                turn=token.turn,
                first_word=token.word,
                last_word=token.word,
                start_s=token.start_s,
                end_s=token.end_s,
            )
    if last is not None:
        yield last

"""This file makes bare words readable: capitals and punctuation, where the engine writes none.

Only case and marks change: each word stays the word that was heard, with its times, and no word comes or goes. Figures
and addresses stay as spoken ("five five five", "jo at example dot com"): written out they would look surer than they
were heard, and a single wrong digit could no longer be seen, found or silenced by itself.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import median

from aftercall.model import Word

#: A gap from here on is a pause; shorter ones lie inside words, and in the drift of word times.
PAUSE_S = 0.1
#: Longer ones say nothing of how somebody ends a sentence: he waits.
WAIT_S = 1.5
#: Fewer pauses than these do not tell how somebody speaks.
FEWEST_PAUSES = 8
USUAL_PAUSE_S = 0.5
#: A sentence ends at the upper half of its speaker's pauses, but not at less than the first, and at any of the second.
#: Measured by aligning 32 read texts with their sound: half of the pauses at full stops are longer than 0.25 s, and
#: most places without any mark have no pause at all; people who think while they speak pause twice as long.
SHORTEST_END_S, LONGEST_END_S = 0.3, 0.7
#: A comma stands at a pause of this part of one that ends a sentence, and of no less than the second.
COMMA_SHARE, SHORTEST_COMMA_S = 0.6, 0.2

#: Nobody ends a sentence with these: whoever pauses here is looking for the next word.
_GOES_ON = frozenset(
    """
    a an the my your his its our their every and or but because if than to of for from with at by into as which
    i we he she they i'm you're we're they're it's that's i'll we'll you'll they'll i've we've you've they've i'd we'd
    you'd they'd be very just um uh er erm mr mrs ms dr
    """.split()  # noqa: SIM905 - a list of words reads best as running text
)
_ALWAYS_CAPITAL = frozenset(
    {
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
        "january", "february", "april", "june", "july", "august", "september", "october", "november", "december",
        "christmas", "easter", "mr", "mrs", "ms", "dr",
    }
)  # fmt: skip
#: "In May", but "it may"; "last March", but "they march".
_MONTH_OR_VERB = frozenset({"march", "may"})
_BEFORE_A_MONTH = frozenset({"in", "of", "since", "until", "till", "last", "next", "early", "late"})

_I = r"(?:i|you|he|she|it|we|they|this|that|these|those|there|the|my|your|anyone|anybody|someone|somebody)"
_QUESTION = re.compile(
    r"(?:(?:and|so|but|or|um|uh|okay|ok|oh|hi|hello|yes|yeah|well|now|also|alright|sorry|sir|ma'am) )*"
    r"(?:"
    # Not "do it", "have your card ready", "should you need anything": they ask for nothing.
    r"(?:can|could|would|will|does|did|is|are|was|were|am|isn't|aren't|doesn't|didn't|can't|couldn't|won't|wouldn't) "
    rf"{_I}\b"
    r"|(?:do|have) (?:i|you|we|they)\b|(?:has|hasn't) (?:he|she|it|this|that|the|my|your|anyone|anybody)\b"
    r"|(?:may|shall|should) (?:i|we)\b"
    # Not "what i said", "which is why", "when they came".
    r"|(?:what|where|who|why|how)(?:'s| is| are| was| were| do| does| did| can| could| would| should| will)\b"
    r"|why (?:don't|didn't|isn't|aren't|can't|won't)\b"
    r"|when(?:'s| is| are| do| does| did| can| could| will| would)\b"
    r"|how (?:much|many|long|far|soon|often|old|about)\b|what (?:time|kind|day|about)\b|which one\b"
    r")"
)
_TAG = re.compile(
    r" (?:isn't|aren't|wasn't|weren't|doesn't|don't|didn't|won't|wouldn't|can't|couldn't) (?:i|you|he|she|it|we|they)$"
)
#: Agents greet in one breath: "this is Anna how can I help you".
_OFFER = re.compile(r"\bhow (?:can|may|could) i (?:help|assist|direct)\b")

#: Where a full stop is no dot; Thai and Lao have none.
_FULL_STOPS = {
    "zh": "。", "yue": "。", "ja": "。", "hi": "।", "mr": "।", "ne": "।", "bn": "।", "as": "।", "ur": "۔", "hy": "։",
    "my": "။", "km": "។", "am": "።", "th": "", "lo": "",
}  # fmt: skip
_MARKS = tuple(".,;:!?…。।۔։။។።？！，、؟،")


def pause_that_ends(gaps_s: Iterable[float]) -> float:
    """The pause with which a speaker ends a sentence, from the gaps between his words."""
    pauses = [gap_s for gap_s in gaps_s if PAUSE_S <= gap_s <= WAIT_S]
    if len(pauses) < FEWEST_PAUSES:
        return USUAL_PAUSE_S
    return min(max(median(pauses), SHORTEST_END_S), LONGEST_END_S)


def readable(words: Sequence[Word], *, language: str, pause_s: float) -> tuple[Word, ...]:
    """One turn's words with capitals and punctuation.

    Args:
        words: in order, without capitals and punctuation; what has them already keeps them.
        language: BCP 47. English gets commas, question marks, "I" and names of days and months; every other language
            a capital at the start of a sentence and a full stop at its end.
        pause_s: the pause with which this speaker ends a sentence.
    Returns:
        As many words, each with its own times and confidence. Where the turn breaks off ("and then I"), no mark
        pretends that it ends.
    """
    tag = language.replace("_", "-").partition("-")[0].lower()
    written: list[Word] = []
    for sentence in _sentences(words, pause_s, is_english=tag == "en"):
        texts = _english(sentence, pause_s) if tag == "en" else [word.text for word in sentence]
        texts[0] = _with_capital(texts[0], tag)
        texts[-1] += _mark(sentence, texts[-1], tag)
        written += [replace(word, text=text) for word, text in zip(sentence, texts, strict=True)]
    return tuple(written)


def _sentences(words: Sequence[Word], pause_s: float, *, is_english: bool) -> Iterator[Sequence[Word]]:
    first = 0
    for at in range(1, len(words)):
        gap_s = words[at].start_s - words[at - 1].end_s
        if gap_s >= pause_s and not (is_english and _goes_on(words[first:at])):
            yield words[first:at]
            first = at
    if words:
        yield words[first:]


def _goes_on(sentence: Sequence[Word]) -> bool:
    """Whether the last word needs another one; a word alone may always stand alone ("No.", "So.")."""
    return len(sentence) > 1 and sentence[-1].text.lower() in _GOES_ON


def _mark(sentence: Sequence[Word], last: str, tag: str) -> str:
    if last.endswith(_MARKS) or (tag == "en" and _goes_on(sentence)):
        return ""
    if tag == "en" and _is_question(" ".join(word.text.lower() for word in sentence)):
        return "?"
    return _FULL_STOPS.get(tag, ".")


def _is_question(sentence: str) -> bool:
    return bool(_QUESTION.match(sentence) or _TAG.search(sentence) or _OFFER.search(sentence))


def _with_capital(text: str, tag: str) -> str:
    if text != text.lower():
        return text  # it has its own: iPhone
    # Title case, not upper case: Georgian has capitals, and begins no sentence with them.
    return ("İ" if tag in {"tr", "az"} and text[:1] == "i" else text[:1].title()) + text[1:]


def _english(sentence: Sequence[Word], pause_s: float) -> list[str]:
    """The words of a sentence as English writes them inside one."""
    comma_s = max(SHORTEST_COMMA_S, COMMA_SHARE * pause_s)
    texts = []
    for at, word in enumerate(sentence):
        text = word.text
        if _is_a_name(text.lower(), sentence[at - 1].text.lower() if at else ""):
            text = _with_capital(text, "en")
        if at + 1 < len(sentence) and sentence[at + 1].start_s - word.end_s >= comma_s:
            text += "" if text.endswith(_MARKS) or text.lower() in _GOES_ON else ","
        texts.append(text)
    return texts


def _is_a_name(word: str, before: str) -> bool:
    """Whether a word is written with a capital wherever it stands."""
    stem = word.partition("'")[0]
    if stem in _MONTH_OR_VERB:
        return before in _BEFORE_A_MONTH
    return stem == "i" or stem in _ALWAYS_CAPITAL or stem.removesuffix("s") in _ALWAYS_CAPITAL

import pytest

from aftercall.model import Word
from aftercall.speech.favour import favoured


def said(*texts: tuple[str, float | None]) -> list[Word]:
    return [
        Word(text=text, start_s=float(number), end_s=number + 0.5, confidence=confidence)
        for number, (text, confidence) in enumerate(texts)
    ]


def written(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


@pytest.mark.parametrize(
    ("heard", "phrase"),
    [
        ("Kowalchick", "Kowalczyk"),
        ("Smith", "Smyth"),
        ("Meier", "Mayer"),
        ("Shimanski", "Szymański"),
        ("Jonson", "Johnson"),
    ],
)
def test_an_unsure_word_that_sounds_alike_becomes_the_phrase(heard: str, phrase: str) -> None:
    assert (
        written(favoured(said(("Mister", 0.95), (heard, 0.4), ("please", 0.95)), [phrase])) == f"Mister {phrase} please"
    )


@pytest.mark.parametrize(
    ("heard", "phrase"),
    [
        ("account", "amount"),
        ("billing", "building"),
        ("order", "older"),
        ("payment", "basement"),
        ("later", "Luther"),
        ("Jansen", "Johnson"),
        ("call", "Cole"),
        ("tomorrow", "Thomas"),
    ],
)
def test_an_unsure_word_that_sounds_unlike_stays(heard: str, phrase: str) -> None:
    words = said((heard, 0.2))
    assert favoured(words, [phrase]) == words


def test_a_word_that_was_understood_stays() -> None:
    words = said(("Smith", 0.9))
    assert favoured(words, ["Smyth"]) == words


def test_words_without_a_confidence_stay() -> None:
    words = said(("Smith", None))
    assert favoured(words, ["Smyth"]) == words


def test_several_words_may_have_been_meant_as_one() -> None:
    (word,) = favoured(said(("coval", 0.3), ("check.", 0.5)), ["Kowalczyk"])
    assert (word.text, word.start_s, word.end_s, word.confidence) == ("Kowalczyk.", 0.0, 1.5, 0.3)


def test_one_word_may_have_been_meant_as_several_which_share_its_time() -> None:
    words = favoured(said(("so", 0.9), ("nordlicht", 0.3)), ["Nord Licht"])
    assert [(word.text, word.start_s, word.end_s) for word in words[1:]] == [
        ("Nord", 1.0, 1.222),
        ("Licht", 1.222, 1.5),
    ]


def test_as_many_words_keep_their_times() -> None:
    words = favoured(said(("Fourth", 0.3), ("suit", 0.4)), ["Fürth Süd"])
    assert [(word.text, word.start_s, word.end_s) for word in words] == [("Fürth", 0.0, 0.5), ("Süd", 1.0, 1.5)]


def test_a_sure_word_counts_if_it_is_part_of_the_phrase() -> None:
    assert written(favoured(said(("Anna", 0.98), ("Smith", 0.4)), ["Anna Smyth"])) == "Anna Smyth"


def test_a_sure_word_that_is_no_part_of_the_phrase_keeps_its_neighbour_from_changing() -> None:
    words = said(("Hanna", 0.98), ("Smith", 0.4))
    assert favoured(words, ["Anna Smyth"]) == words


def test_punctuation_around_stays() -> None:
    assert (
        written(
            favoured(
                said(
                    ("(Smith),", 0.4),
                ),
                ["Smyth"],
            )
        )
        == "(Smyth),"
    )


def test_between_two_phrases_that_would_do_none_is_chosen() -> None:
    words = said(("Meier", 0.3))
    assert favoured(words, ["Mayer", "Meyer"]) == words


def test_a_phrase_that_was_said_stays_as_it_was_written() -> None:
    words = said(("smyth", 0.3))
    assert favoured(words, ["Smyth"]) == words


def test_short_phrases_are_never_put_anywhere() -> None:
    words = said(("ana", 0.1))
    assert favoured(words, ["Ann"]) == words


def test_without_a_vocabulary_nothing_changes() -> None:
    words = said(("Smith", 0.1))
    assert favoured(words, []) == words

import pickle
import string

import pytest

from aftercall.errors import AppError, Retry, every_error

EVERY = list(every_error())


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.code)
def test_every_error_says_what_why_and_how_to_fix_it(kind: type[AppError]) -> None:
    error = kind(**kind.example)
    assert all(text[0].isupper() or text[0] in "{0123456789" for text in (error.what, error.why, error.fix))
    assert min(len(error.what), len(error.why), len(error.fix)) > 5


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.code)
def test_the_example_names_exactly_the_facts_the_texts_use(kind: type[AppError]) -> None:
    texts = kind.what_template + kind.why_template + kind.fix_template
    used = {field for _, field, _, _ in string.Formatter().parse(texts) if field}
    assert used == kind.example.keys()


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.code)
def test_an_error_comes_back_from_a_worker_process_as_itself(kind: type[AppError]) -> None:
    error = kind(**kind.example)
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), back.what, back.fix) == (kind, error.what, error.fix)


def test_codes_are_stable_words_and_unique() -> None:
    codes = [kind.code for kind in EVERY]
    assert len(set(codes)) == len(codes)
    assert all(set(code) <= set(string.ascii_lowercase + "-") for code in codes)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    import aftercall.errors

    assert [kind.__name__ for kind in EVERY if kind.__name__ not in (aftercall.errors.__doc__ or "")] == []


def test_a_refused_sign_in_is_never_repeated_by_itself() -> None:
    from aftercall.errors import PbxSignInRefused

    assert PbxSignInRefused.retry is Retry.SETTINGS

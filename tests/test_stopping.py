"""The one stopping rule: the same end however the tokens arrive."""

from dataclasses import replace
from os.path import commonprefix

import pytest
from bench_pair import make_spaced_tokenizer, make_tokenizer
from hypothesis import example, given
from hypothesis import strategies as st

from decoding.stopping import Stopping
from decoding.text import Pieces, bytewise


def decode(tokens: list[int]) -> str:
    """Token 0 is end-of-sequence, 1..26 are letters, 27 is a two-letter token."""
    return "".join("" if t == 0 else "ab" if t == 27 else chr(96 + t) for t in tokens)


def in_chunks(stopping: Stopping, text: list[int], sizes: list[int]) -> tuple[list[int], str | None]:
    output: list[int] = []
    position, reason = 0, None
    while position < len(text) and reason is None:
        size = sizes.pop(0) if sizes else 3
        reason = stopping.extend(output, text[position : position + size])
        position += size
    return output, reason


# A token without text stands only where it ends the output: elsewhere it would stretch a stop
# string over more tokens than the rule looks at.
@given(
    text=st.lists(st.sampled_from([0, 1, 2, 3, 27]), max_size=30),
    sizes=st.lists(st.integers(1, 6), max_size=12),
    strings=st.lists(st.text("abc", min_size=1, max_size=3), max_size=2),
    length=st.integers(1, 20),
    with_eos=st.booleans(),
)
def test_chunks_do_not_matter(text: list, sizes: list, strings: list, length: int, with_eos: bool) -> None:
    text = text if with_eos else [token for token in text if token]
    stopping = Stopping(frozenset({0} if with_eos else ()), length, tuple(strings), decode)
    expected, expected_reason = [], None
    for token in text:
        expected.append(token)
        if with_eos and token == 0:
            expected_reason = "eos"
        elif any(string in decode(expected) for string in strings):
            expected_reason = "stop_string"
        elif len(expected) == length:
            expected_reason = "length"
        if expected_reason:
            break
    assert in_chunks(stopping, text, list(sizes)) == (expected, expected_reason)


TOKENIZERS = {"spaces begin words": make_spaced_tokenizer(), "bytes": make_tokenizer()}
CHARACTERS = "ab c\né😀日"


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@given(
    prompt=st.text(CHARACTERS, min_size=1, max_size=24),
    output=st.text(CHARACTERS, min_size=1, max_size=30),
    strings=st.lists(st.text(CHARACTERS, min_size=1, max_size=3), min_size=1, max_size=2),
    sizes=st.lists(st.integers(1, 6), max_size=12),
)
@example(prompt="a", output=" b", strings=[" b"], sizes=[])
@example(prompt="a", output="😀😀\nb", strings=["\n"], sizes=[9, 9])
@example(prompt="a" + 5 * "😀", output="\nb", strings=["\n"], sizes=[1])
@example(prompt="a", output="c\n😀", strings=["\n"], sizes=[3])
@example(prompt="a\n", output="é", strings=["a"], sizes=[])
@example(prompt="ab", output="c ab", strings=["bc"], sizes=[])
def test_a_stop_string_is_seen_as_in_the_whole_text(tokenizer, prompt, output, strings, sizes) -> None:
    """It counts with the token that completes it, begins in the output, and keeps the space that it
    begins with."""
    before = tokenizer(prompt).input_ids
    tokens = tokenizer(prompt + output).input_ids
    # Where the tokens of the whole text part from the prompt's, the output begins within a word.
    before = before if tokens[: len(before)] == before else before[:0]
    tokens, expected, reason = tokens[len(before) :], [], None

    def text(ids: list[int]) -> str:
        return tokenizer.decode(ids, clean_up_tokenization_spaces=False)

    while reason is None and len(expected) < len(tokens):
        expected.append(tokens[len(expected)])
        known, whole = text(before), text(before + expected)
        # Single bytes in a row are all shown as unfinished if one is.
        added = whole[len(commonprefix([known, whole])) :]
        reason = "stop_string" if any(string in added for string in strings) else None
    stopping = Stopping(frozenset(), 500, tuple(strings), text, tuple(before))
    assert in_chunks(stopping, tokens, list(sizes)) == (expected, reason)
    if bytewise(tokenizer):
        stopping = replace(stopping, pieces=Pieces(text))
        assert in_chunks(stopping, tokens, list(sizes)) == (expected, reason)


def test_only_of_byte_level_tokenizers_is_a_text_its_tokens_in_a_row() -> None:
    assert {name: bytewise(tokenizer) for name, tokenizer in TOKENIZERS.items()} == {
        "spaces begin words": False, "bytes": True,
    }  # fmt: skip


def test_with_pieces_no_text_is_decoded_but_around_parts_of_characters() -> None:
    tokenizer, looked = TOKENIZERS["bytes"], []

    def text(ids: list[int]) -> str:
        looked.append(len(ids))
        return tokenizer.decode(ids)

    tokens, output = tokenizer("ab. c, " * 20).input_ids, []
    stopping = Stopping(frozenset(), 2000, ("b c", "x"), text, (), Pieces(text))
    assert {stopping.extend(output, [token]) for token in tokens} == {None}
    assert looked == [1] * len(set(tokens))
    assert stopping.extend(output, tokenizer("😀").input_ids) is None
    assert max(looked) > 1


def test_only_the_ends_of_prompt_and_output_are_decoded() -> None:
    tokenizer, lengths = TOKENIZERS["bytes"], []

    def text(ids: list[int]) -> str:
        lengths.append(len(ids))
        return tokenizer.decode(ids)

    prompt, output = tokenizer("ab c" * 400).input_ids, []
    stopping = Stopping(frozenset(), 2000, (" xyz",), text, tuple(prompt))
    for token in prompt[:1000]:
        assert stopping.extend(output, [token]) is None
    assert max(lengths) <= 32 and len(lengths) < 1100


def test_senseless_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Stopping(frozenset(), 0)
    with pytest.raises(ValueError, match="cannot be empty"):
        Stopping(frozenset(), 4, ("",), decode)
    with pytest.raises(ValueError, match="decode"):
        Stopping(frozenset(), 4, ("a",))

"""Text as its tokens come: the pieces make up the text of the whole."""

import pytest
from bench_pair import make_spaced_tokenizer, make_tokenizer
from hypothesis import example, given
from hypothesis import strategies as st

import ouroboros
from decoding.text import continuation

TOKENIZERS = {"spaces begin words": make_spaced_tokenizer(), "bytes": make_tokenizer()}
CHARACTERS = "ab c\né😀日\ufffd"


def decoded(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def streamed(tokenizer, tokens, prompt=()):
    stream = ouroboros.TextStream(tokenizer, prompt)
    return [*map(stream.add, tokens), stream.end()]


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@given(text=st.text(CHARACTERS, max_size=40), split=st.integers(0, 40))
@example(text="\ufffdé日日日日\n", split=0)
def test_the_pieces_make_up_the_text(tokenizer, text, split) -> None:
    ids = tokenizer(text).input_ids
    assert "".join(streamed(tokenizer, ids)) == decoded(tokenizer, ids)
    # The prompt's end decides whether a first space is one; here it ends with a whole character.
    prompt, output = ids[:split], ids[split:]
    whole, known = decoded(tokenizer, ids), decoded(tokenizer, prompt)
    if not known.endswith("\ufffd"):
        assert known + "".join(streamed(tokenizer, output, prompt)) == whole


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
def test_pieces_come_as_soon_as_they_are_certain(tokenizer) -> None:
    prompt, tokens = tokenizer("ab").input_ids, tokenizer("ab a😀b").input_ids
    pieces = streamed(tokenizer, tokens[len(prompt) :], prompt)
    assert "".join(pieces) == " a😀b"
    assert pieces[pieces.index("😀") - 3 : pieces.index("😀")] == ["", "", ""], "four tokens, one character"
    assert pieces[0].startswith(" ") and pieces[-1] == "" and pieces[-2] == "b"


def test_a_character_that_is_cut_ends_in_its_mark_and_special_tokens_are_left_out() -> None:
    tokenizer = TOKENIZERS["bytes"]
    ids = tokenizer("a😀").input_ids
    assert streamed(tokenizer, [*ids[:-1], 0]) == ["a", "", "", "", "", "\ufffd"]
    assert streamed(tokenizer, [0, *ids, 0])[0] == ""
    stream = ouroboros.TextStream(tokenizer)
    assert [stream.end(), stream.add(ids[0]), stream.end(), stream.end()] == ["", "a", "", ""]


def test_a_prompt_that_ends_in_many_single_bytes_hides_nothing() -> None:
    tokenizer = TOKENIZERS["spaces begin words"]
    for count in range(1, 12):
        prompt, output = tokenizer("a" + "日😀" * count).input_ids, tokenizer("\n").input_ids[-1:]
        assert continuation(lambda ids: decoded(tokenizer, ids), prompt, output) == "\n"

"""Rows that read an embedding in the place of a token, on every engine."""

import pytest
import torch
from families import FAMILIES, make_model

from baselines import superposed
from decoding.decoder import ModelPair
from decoding.packing import can_pack, pack
from decoding.session import ModelSession
from decoding.tracing import CannotTrace
from decoding.tree import TokenTree
from decoding.view import SessionView

TEXT = [1, 2, 3, 4]


def grown(session: ModelSession, row: torch.Tensor | None) -> list[torch.Tensor]:
    """Logits after a second node: what it reads is `row`, or its own token, 7; and of a forward
    with a root beside such a node."""
    session.reset()
    session.prefill(TEXT)
    tree = TokenTree(5, session.room(4))
    session.forward([], tree, [0])
    found = [session.extend(tree.add(0, [7], "draft"), row)[0]]
    tree = TokenTree(5, session.room(4))
    nodes = tree.add(0, [7], "draft")
    found.append(session.forward([6], tree, nodes, row)[0])
    session.keep([0])
    assert session.tokens == [*TEXT, 6, 5]
    found.append(session.prefill([8]))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mixture_of_one_token_is_that_token(family: str) -> None:
    """Beside token rows, whatever the other weights of zero are for."""
    session = ModelSession(make_model(family))
    plain = grown(session, None)
    for tokens, weights in (([7], [1.0]), ([7, 9], [1.0, 0.0])):
        row = session.mixed(tokens, weights)
        for own, found in zip(plain, grown(session, row), strict=True):
            assert torch.allclose(own, found, rtol=0, atol=1e-12)
    half = grown(session, session.mixed([7, 9], [0.5, 0.5]))
    assert (half[0] - plain[0]).abs().max() > 1e-3 < (half[1] - plain[1]).abs().max()
    assert torch.allclose(half[2], plain[2], rtol=0, atol=1e-12), "nothing of the row is kept"


@pytest.mark.parametrize("expected", [False, True], ids=["not expected", "expected"])
@pytest.mark.parametrize("engine", ["traced", "packed"])
def test_so_on_engines_that_are_no_modules(monkeypatch: pytest.MonkeyPatch, engine: str, expected: bool) -> None:
    dtype = torch.float64 if engine == "traced" else torch.float32
    if engine == "packed" and not can_pack(dtype):
        pytest.skip("this CPU has no packed float16 kernels")
    model = make_model("qwen2", dtype=dtype)
    session = ModelSession(pack(model) if engine == "packed" else model)
    row = session.mixed([7, 9], [0.3, 0.7])
    wanted = grown(session, row)
    session.trace()
    if expected:
        session.expect_embeddings()
        monkeypatch.setattr(model, "forward", lambda *_, **__: pytest.fail("the model ran in eager mode"))
    for own, found in zip(wanted, grown(session, row), strict=True):
        assert torch.allclose(own, found, rtol=0, atol=1e-4 if engine == "packed" else 1e-12)


def test_a_view_has_its_own_trace_of_such_rows_or_none() -> None:
    session = ModelSession(make_model("llama"))
    session.trace()
    session.expect_embeddings()
    other = make_model("llama", seed=4)
    view = SessionView(session, other)
    tree = TokenTree(5, view.room(4))
    row = view.mixed([7, 9], [0.5, 0.5])
    with view.ahead():
        view.prefill(TEXT)
        view.forward([], tree, [0])
        found = view.extend(tree.add(0, [7], "draft"), row)[0]
    assert torch.allclose(found, grown(ModelSession(other), row)[0], rtol=0, atol=1e-12)


def test_what_cannot_be_traced_so_runs_in_the_models_own_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    session = ModelSession(make_model("llama"))
    row = session.mixed([7, 9], [0.5, 0.5])
    wanted = grown(session, row)
    session.trace()

    def refuse(*_: object, **__: object) -> None:
        raise CannotTrace("for a test")

    monkeypatch.setattr("decoding.session.TracedForward", refuse)
    superposed.build(superposed.Config(), ModelPair(session, session, frozenset(), str))
    for own, found in zip(wanted, grown(session, row), strict=True):
        assert torch.allclose(own, found, rtol=0, atol=1e-12)


def test_a_row_that_read_no_token_cannot_be_kept() -> None:
    session = ModelSession(make_model("llama"))
    session.prefill(TEXT)
    tree = TokenTree(5, session.room(4))
    session.forward([], tree, [0])
    nodes = tree.add(0, [7], "draft")
    session.extend(nodes, session.mixed([7], [1.0]))
    with pytest.raises(RuntimeError, match="read its token"):
        session.keep([0, *nodes])
    session.keep([0])
    assert session.tokens == [*TEXT, 5]
    tree = TokenTree(6, session.room(5))
    nodes = tree.add(0, [7], "draft")
    session.forward([], tree, nodes)
    session.keep([0, *nodes])

"""What a device would make the host wait for: one copy to the host and one from it a forward,
whatever the method."""

from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from families import blurred, make_model
from matrix import build, decode, ouroboros_config, prompts, reference
from pretend_device import DEVICE, PretendDevice
from samples import chosen, covering

from baselines import (
    cascade,
    clasp,
    greedy,
    hybrid,
    lookahead,
    multi_candidate,
    prompt_lookup,
    racer,
    sam,
    self_speculative,
    speculative,
    suffix,
    superposed,
    tapout,
    token_recycling,
)
from bench.plan.nesting import flat_config
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping

STOPPING = Stopping(frozenset(), 10)
# With the copies to the host that a forward of the target has: its choices, and what else a method
# looks at.
METHODS = [
    (greedy.Config(), 1),
    (speculative.Config(gamma=5), 1),
    (speculative.Config(gamma=5, confidence=0.4), 1),
    (multi_candidate.Config(), 1),
    (multi_candidate.Config(branching=[3, 3, 3], width=2, nodes=6), 1),
    (multi_candidate.Config(branching=[3, 3, 3], nodes=8, cape=True, pruning=0.1, sharing=1), 1),
    (cascade.Config(gamma=4, tail=3, lenience=1.0), 1),
    (lookahead.Config(window=3, ngram=3, text_phrases=True), 1),
    (prompt_lookup.Config(), 1),
    (sam.Config(), 1),
    (suffix.Config(), 1),
    (self_speculative.Config(skip=None, skip_attention=[1], threshold=0.3), 1),
    (clasp.Config(interval=1, threshold=0.3), 1),
    (ouroboros_config(gamma=4, k=2, window=4, ngram=4), 1),
    (ouroboros_config(gamma=4, k=2, window=0, ngram=4, capacity=4, confidence=0.4, text_phrases=True), 1),
    (ouroboros_config(drafter=sam.Config(), k=2, ngram=3, text_phrases=True), 1),
    (hybrid.Config(min_match=3, fallback=speculative.Config()), 1),
    (token_recycling.Config(nodes=12), 2),
    (racer.Config(nodes=12), 2),
    (hybrid.Config(min_match=3), 2),
]


class Far:
    """A pair on the pretended device, and what greedy decoding gives on the CPU."""

    def __init__(self, family: str) -> None:
        target = make_model(family)
        draft = blurred(target, 0.1)
        self.prompt = prompts(1, length=12)[0] * 2
        here = ModelPair(ModelSession(target), None, frozenset(), decode)
        self.expected = reference(here, self.prompt, STOPPING).tokens
        self.device = PretendDevice()
        with self.device:
            sessions = [ModelSession(self.device.move(model)) for model in (target, draft)]
        self.pair = ModelPair(*sessions, frozenset(), decode)

    def copies(self, config: object, waits: list | None = None) -> tuple[Counter[str], int, int]:
        """Copies of a generation, and forwards of the target and of what drafts."""
        with self.device:
            decoder = build(config, self.pair)
            self.pair.draft.reset()
            self.device.copies.clear()
            if waits is not None:
                self.pair.target._wait = lambda: waits.append(1)
            outcome = decoder.generate(self.prompt, STOPPING)
            vars(self.pair.target).pop("_wait", None)
        assert outcome.tokens == self.expected
        view = getattr(decoder.drafter, "view", None)
        drafting = view.counters.forwards if view else self.pair.draft.counters.forwards
        return Counter(self.device.copies), self.pair.target.counters.forwards, drafting


@pytest.fixture(scope="module")
def llama() -> Far:
    return Far("llama")


def parts_of(case: tuple[object, int]) -> list[object]:
    """For samples that lack no setting which is on in any of the cases, nor any number of looks."""
    config, looks = case
    return [looks, *(name.rpartition(".")[2] for name, value in flat_config(config).items() if value)]


@pytest.mark.parametrize("case", covering(METHODS, parts_of), ids=lambda case: f"{case}"[:70])
def test_a_forward_has_one_copy_to_the_device_and_its_choices_one_back(llama: Far, case: tuple[object, int]) -> None:
    config, looks = case
    copies, target, drafting = llama.copies(config)
    assert copies["to device"] == target + drafting
    # Of the draft model, whose choices nobody asks for.
    prefill = 1 if llama.pair.draft.counters.forwards else 0
    assert copies["to host"] == looks * target + drafting - prefill


def test_a_mixed_row_has_one_copy_more_to_the_device(llama: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens and weights of which it is a mixture."""
    mixed = []
    plain = llama.pair.draft.mixed
    monkeypatch.setattr(llama.pair.draft, "mixed", lambda *given: (mixed.append(1), plain(*given))[1])
    copies, target, drafting = llama.copies(superposed.Config())
    assert len(mixed) > target and copies["to device"] == target + drafting + len(mixed)
    assert copies["to host"] == target + drafting - 1


def test_a_draft_model_that_is_looked_at_more_closely_has_a_copy_more(llama: Far) -> None:
    """TapOut's after every forward, Cascade's lenient review where a look-up had something."""
    copies, target, drafting = llama.copies(tapout.Config(gamma=5))
    assert copies["to device"] == target + drafting
    assert copies["to host"] == target + 2 * (drafting - 1)
    copies, target, drafting = llama.copies(cascade.Config(gamma=4, tail=3, lenience=3.0))
    more = copies["to device"] - target - drafting
    assert 0 < more < drafting
    assert copies["to host"] == target + drafting - 1 + more


@pytest.mark.parametrize("family", chosen(["gpt2", "gemma3"], "gemma3"))
def test_so_on_every_kind_of_mask_and_position(family: str) -> None:
    """Sliding windows, two masks a forward, learned positions: nothing more is copied."""
    far = Far(family)
    for config in (greedy.Config(), ouroboros_config(gamma=4, k=2, window=4, ngram=4)):
        copies, target, drafting = far.copies(config)
        assert copies["to device"] == target + drafting
        assert copies["to host"] == target + max(drafting - 1, 0)


def test_the_host_waits_beyond_that_only_where_rows_move(llama: Far) -> None:
    waits: list[int] = []
    llama.copies(speculative.Config(gamma=5), waits)
    assert not waits, "the rows of a chain stay where they are"
    _, target, _ = llama.copies(multi_candidate.Config(branching=[4, 4]), waits)
    assert 0 < len(waits) < target


@pytest.fixture
def device() -> Iterator[PretendDevice]:
    with PretendDevice() as device:
        yield device


def test_what_the_device_counts(device: PretendDevice) -> None:
    def copies(action) -> dict[str, int]:
        device.copies.clear()
        action()
        return {name: count for name, count in device.copies.items() if count}

    here = torch.arange(6.0)
    there = here.to(DEVICE)
    assert there.device == DEVICE and (there * 2).device == DEVICE and (there + 1).tolist() == [1, 2, 3, 4, 5, 6]
    assert copies(lambda: here.to(DEVICE)) == copies(lambda: torch.tensor([1], device=DEVICE)) == {"to device": 1}
    assert copies(lambda: there.copy_(here)) == copies(lambda: there[torch.tensor([1])]) == {"to device": 1}
    for action in (
        lambda: there.cpu(), lambda: there.to("cpu"), lambda: there.tolist(), lambda: there.sum().item(),
        lambda: bool(there[0]), lambda: int(there[1]), lambda: float(there[1]), lambda: there.nonzero(),
        lambda: there[there > 2], lambda: here.copy_(there),
    ):  # fmt: skip
        assert copies(action) == {"to host": 1}
    view = there[2:4]
    assert copies(lambda: (view.zero_(), torch.zeros(3, device=DEVICE), there.narrow(0, 1, 2).unbind())) == {}
    assert there.tolist() == [0, 1, 0, 0, 4, 5], "views write through"

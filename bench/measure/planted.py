"""Faults planted on purpose, which verification and verdicts must catch: python -m bench.selfcheck.

A tiny model with random weights, built from its config, decodes one prompt in the race that every
run is measured in; each fault sits where a broken method or a broken cache would have it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from bench.measure.lossless import noise_floor
from bench.measure.record import METHOD, REFERENCE, Record
from bench.measure.runner import Entrant, Race
from bench.measure.verdicts import IDENTICAL, MISMATCH, divergence, verdict
from bench.models.loading import LoadedPair
from bench.plan.methods import REFERENCE_METHOD
from decoding.decoder import Decoder, Drafter, ModelPair
from decoding.loop import DraftThenVerify, whole
from decoding.records import Generation
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from tasks import TASKS, Example

VOCABULARY = 64
PROMPT = [5, 17, 40, 9, 33, 2, 58, 21]
# How many outcomes `planted` gives.
PLANTED = 4
# Of the one wrong token: one in this many.
TOKENS = 1000
# Of the other outputs.
SHORT = 48


@dataclass(frozen=True)
class Planted:
    """What became of a planted fault.

    Attributes:
        name: of the fault; of none planted, what is shown then.
        caught: whether the verdict is what it must be.
        said: the verdict, and what it rests on.
    """

    name: str
    caught: bool
    said: str


class WrongToken(DraftThenVerify):
    """At one place of the output the model's second choice stands.

    Args:
        place: index in the output.
    """

    def __init__(self, pair: ModelPair, place: int) -> None:
        super().__init__(pair, Drafter())
        self.place = place

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:  # noqa: ARG002
        """As the loop does, but for that one choice."""

        def choose(before: list[int], logits: torch.Tensor, _tree: TokenTree, _node: int) -> int:
            wrong = len(before) - len(prompt) == self.place
            return int(logits.topk(2).indices[int(wrong)])

        return whole(self.stream(prompt, stopping, choose))


class PastTheEnd(DraftThenVerify):
    """Does not end with the end of sequence."""

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """As the loop does, by a rule that knows no such token."""
        return super().generate(prompt, replace(stopping, eos=frozenset()), sampler)


class Branches(Drafter):
    """Drafts the known output behind a wrong sibling, so that accepted rows must move in the cache.

    Args:
        output: what the target gives after PROMPT.
    """

    def __init__(self, output: list[int]) -> None:
        self.output = output

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """A wrong token, then as its sibling the right one with the next."""
        right = self.output[len(tokens) - len(PROMPT) :][: min(limit, 2)]
        if right:
            tree.add(0, [(right[0] + 1) % VOCABULARY], "wrong")
            tree.add(0, right, "right")


class StaleSession(ModelSession):
    """Keeps the rows that come first, not those of the accepted path."""

    def keep(self, path: list[int]) -> None:
        """As many rows as were accepted, and the accepted path's tokens: the rows are others'."""
        super().keep(list(range(len(path))))


def planted(tokens: int = TOKENS) -> Iterator[Planted]:
    """Decode without a fault, then with each of them.

    Args:
        tokens: of the output in which one token is wrong.
    """
    model = _tiny_model(len(PROMPT) + tokens + 8)
    session = ModelSession(model)
    pair = ModelPair(session, None, frozenset(), str)
    race = _race(pair, tokens)
    reference = _measured(race, DraftThenVerify(pair, Drafter()), _stopping(tokens), REFERENCE)
    # The end comes with the first token, from the tenth on, that has not occurred before.
    output = reference.tokens
    last = next((at for at in range(10, SHORT - 8) if output[at] not in output[:at]), None)
    assert last is not None, "the tiny model goes round in circles"
    ending = replace(_stopping(SHORT), eos=frozenset({output[last]}))
    short = _measured(race, DraftThenVerify(pair, Drafter()), _stopping(SHORT), REFERENCE)
    ended = _measured(race, DraftThenVerify(pair, Drafter()), ending, REFERENCE)
    stale = ModelPair(StaleSession(model), None, frozenset(), str)

    yield _judged("no fault, a tree of drafts", race, DraftThenVerify(pair, Branches(output)), _stopping(SHORT), short)
    yield _judged(f"one wrong token in {tokens}", race, WrongToken(pair, tokens // 2), _stopping(tokens), reference)
    yield _judged("tokens after the end of sequence", race, PastTheEnd(pair, Drafter()), ending, ended)
    yield _judged("a stale cache row", race, DraftThenVerify(stale, Branches(output)), _stopping(SHORT), short)


def _judged(name: str, race: Race, decoder: Decoder, stopping: Stopping, reference: Record) -> Planted:
    record = _measured(race, decoder, stopping, METHOD)
    found = verdict(record, reference, record)
    wanted = IDENTICAL if name.startswith("no fault") else MISMATCH
    said = found
    if found != IDENTICAL:
        seen = divergence(record, reference, found)
        why = record.stop_fault or f"gap {record.gap:.3g}"
        said = f"{found}, first difference at token {seen.first_difference}, {why}"
    return Planted(name, found == wanted, said)


def _tiny_model(context: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, bos_token_id=None, eos_token_id=None,
        # Large, so that no choice is near a tie.
        initializer_range=0.4,
    )  # fmt: skip
    model: LlamaForCausalLM = LlamaForCausalLM(config).double()
    return model


def _race(pair: ModelPair, tokens: int) -> Race:
    words = Tokenizer(WordLevel({f"w{index}": index for index in range(VOCABULARY)}, unk_token="w0"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words)  # type: ignore[no-untyped-call]  # untyped there
    loaded = LoadedPair(pair, tokenizer)
    noise = noise_floor(pair.target.model, VOCABULARY, [PROMPT])
    greedy = Entrant(REFERENCE_METHOD, DraftThenVerify(pair, Drafter()), "cold", None, REFERENCE)
    return Race(loaded, TASKS["custom"](), tokens, 2 * noise, "selfcheck", [greedy])


def _stopping(tokens: int) -> Stopping:
    return Stopping(frozenset(), tokens)


def _measured(race: Race, decoder: Decoder, stopping: Stopping, role: str) -> Record:
    entrant = Entrant(role, decoder, "cold", None, role)
    example: Example = race.task.example({"id": "selfcheck", "prompt": "w5"})
    return race.measure(entrant, example, PROMPT, stopping)

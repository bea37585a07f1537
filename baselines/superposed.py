"""Superposed Decoding as a drafter: several chains of a draft model that reads them as one row.

Shen et al., arXiv 2405.18400. The draft model's first row gives a token to each of k chains. Every
further row is one input for all of them: the mean of the embeddings of their last tokens, weighted
by how likely each chain is. It gives one distribution for all, and which token suits which chain
n-grams decide. So k chains cost what one does.

There it generates text, with n-grams of a corpus. Here the target verifies the chains as one tree,
and the n-grams are those of the confirmed text. So few know a token that one which none knows is
never left out, as it is there beside another that one knows; it comes after those. The draft
model's cache keeps no mixed row: what was accepted it reads again, token by token.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from baselines.ngram_counts import NgramCounts
from baselines.speculative import draft_session
from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree

SPEC = Spec(
    name="superposed",
    drafts="a small model that reads the last tokens of several chains as one",
    sources=("https://arxiv.org/abs/2405.18400",),
    colour="blue",
)

# The authors' settings for three chains, but for `alpha` (params/p15_d3_mixed.json of
# github.com/RAIVNLab/SuperposedDecoding at commit b902621): the temperature of the draft model, how
# many of its tokens are looked at, the weights of n-grams of two to six tokens, and what a chain
# loses with a token that no n-gram knows (superposed/llama/superpose.py there).
TEMPERATURE = 0.06
CANDIDATES = 9
NGRAM_WEIGHTS = (0.01, 0.04, 0.15, 0.18, 0.12)
PENALTY = 200.0


@dataclass
class Config:
    """How many chains are drafted, how long they are, and what chooses their tokens.

    Attributes:
        paths: chains drafted per step (the paper's k).
        gamma: tokens of each.
        alpha: the weight of the n-grams' chances against the draft model's (the paper's alpha).
    """

    name: str = "superposed"
    paths: int = 3
    gamma: int = 4
    alpha: float = 0.54

    def __post_init__(self) -> None:
        require_at_least("paths", self.paths, 1)
        require_at_least("gamma", self.gamma, 1)
        require_share("alpha", self.alpha)


class Chain(NamedTuple):
    """A draft.

    Attributes:
        tokens: ids.
        score: what it is worth, in natural logarithms.
    """

    tokens: list[int]
    score: float


class Superposed(Drafter):
    """Grows `paths` chains with one row of `session` a token."""

    def __init__(self, config: Config, session: ModelSession, eos: frozenset[int]) -> None:
        self.config = config
        self.session = session
        self.eos = eos
        self.ngrams = NgramCounts(NGRAM_WEIGHTS)
        self._sampler: Sampler | None = None

    def draw_with(self, sampler: Sampler | None) -> None:
        """The draft model's rows then have the sampler's noise: their best token is a draw."""
        self._sampler = sampler

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model and the n-grams read the prompt."""
        self.session.begin(prompt, length)
        self.ngrams.clear()
        self.ngrams.read(prompt)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the chains below the root, the best first."""
        self.ngrams.read(tokens)
        # What is cached is the text before the last root, and that root.
        self.session.align(tokens, len(self.session.tokens))
        gamma = min(limit, tree.room, self.config.gamma)
        if gamma < 1 or len(tokens) >= self.session.context:
            return
        for chain in self._drafted(tokens, gamma):
            tree.add(0, chain.tokens, "draft")

    def _drafted(self, tokens: list[int], gamma: int) -> list[Chain]:
        """The chains after `tokens`, the best first."""
        own = TokenTree(tokens[-1], self.session.room(len(tokens) - 1))
        logits = self.session.forward(tokens[len(self.session.tokens) : -1], own, [0])
        chains: list[Chain] = [Chain([], 0.0)]
        ended: list[Chain] = []
        for length in range(1, gamma + 1):
            grown = self._grown(tokens, chains, logits[0])[: self.config.paths - len(ended)]
            ended += [chain for chain in grown if chain.tokens[-1] in self.eos]
            chains = [chain for chain in grown if chain.tokens[-1] not in self.eos]
            if not chains or length == gamma:
                break
            last = [chain.tokens[-1] for chain in chains]
            # The node's own token is never read. There is no node where the draft's context ends.
            row = own.add(length - 1, last[:1], "draft")
            if not row:
                break
            logits = self.session.extend(row, self.session.mixed(last, shares([chain.score for chain in chains])))
        self.session.keep([0])
        return sorted(chains + ended, key=lambda chain: -chain.score)

    def _grown(self, tokens: list[int], chains: list[Chain], logits: torch.Tensor) -> list[Chain]:
        """The chains by every one token more, the best first.

        logits: float [vocabulary], of the one row that stands for all chains.
        """
        if self._sampler:
            logits = self._sampler.scores(logits, len(tokens) + len(chains[0].tokens))
        best = logits.topk(min(CANDIDATES, len(logits)))
        chances = (best.values.double() / TEMPERATURE).log_softmax(-1)
        found = zip(*torch.stack([best.indices.double(), chances]).tolist(), strict=True)
        # What warping leaves out is no candidate.
        candidates = [(int(token), chance) for token, chance in found if chance > -math.inf]
        grown = [
            Chain([*chain.tokens, token], chain.score + worth)
            for chain in chains
            for token, worth in self._worths([*tokens[-self.ngrams.longest :], *chain.tokens], candidates)
        ]
        return sorted(grown, key=lambda chain: -chain.score)

    def _worths(self, end: list[int], candidates: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """Each candidate with what it adds to the score of the chain that ends with `end`.

        candidates: tokens with the draft model's log-probabilities.
        """
        alpha = self.config.alpha
        if not alpha:
            return candidates
        known = self.ngrams.chances(end, [token for token, _ in candidates])
        return [
            (token, (1 - alpha) * chance + (alpha * math.log(share) if share else -PENALTY))
            for (token, chance), share in zip(candidates, known, strict=True)
        ]

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return self.session.counters.forwards, self.session.counters.rows


def shares(scores: Sequence[float]) -> list[float]:
    """The softmax of scores: the weights with which their chains are mixed."""
    weights = [math.exp(score - max(scores)) for score in scores]
    return [weight / sum(weights) for weight in weights]


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Superposed Decoding's drafts for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    session = draft_session(pair, config.name)
    session.expect_embeddings()
    return DraftThenVerify(pair, Superposed(config, session, pair.eos))

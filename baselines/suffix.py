"""SuffixDecoding (Oliaro et al., arXiv 2411.04975): drafts from counted suffix trees.

One tree counts the runs of tokens in prompt and output, one those in the outputs alone, earlier
prompts' too where history is warm. Every suffix of the text that has occurred before has a draft in
each tree: its likeliest continuation, the longer the longer the suffix. A continuation's chance is
estimated by the counts, and a draft's score is the number of tokens that it so expects to be
accepted. The draft of the best score is proposed; of equals the one of the longer suffix, and then
the one from the text.

As in the authors' code a chance is count(child) / count(node). The paper's denominator leaves out
the occurrences after which the text ends.
"""

import heapq
import itertools
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from baselines.suffix_tree import Place, SuffixTree
from decoding.copying import copied
from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree
from decoding.verification import Verdict

SPEC = Spec(
    name="suffix",
    drafts="what followed any repeated suffix most often, as a tree",
    sources=("https://arxiv.org/abs/2411.04975",),
    colour="sky",
    keeps_history=True,
)


@dataclass
class Config:
    """A suffix of m tokens drafts factor * m + offset tokens, at most draft_length.

    The defaults are those of the authors' code, but for `tree`, which is the paper's.

    Attributes:
        depth: of the trees; a suffix and its draft are together no longer.
        min_chance: a token that is less likely, by the counts along its path, is not drafted.
        tree: whether drafts may branch; else each is a chain of the most frequent tokens.
        capacity: outputs in the tree of outputs; beyond it the oldest is taken out.
    """

    name: str = "suffix"
    depth: int = 64
    draft_length: int = 16
    factor: float = 1.0
    offset: float = 0.0
    min_chance: float = 0.1
    tree: bool = True
    capacity: int = 100_000

    def __post_init__(self) -> None:
        require_at_least("depth", self.depth, 2)
        require_at_least("draft_length", self.draft_length, 1)
        if not 0 < self.factor < inf:
            raise SettingError(f"factor must be a finite number above 0, not {self.factor}")
        if not -inf < self.offset < inf:
            raise SettingError(f"offset must be a finite number, not {self.offset}")
        require_share("min_chance", self.min_chance)
        require_at_least("capacity", self.capacity, 1)

    def drafted(self, match: int) -> int:
        """Tokens that a suffix of so many drafts at most."""
        return max(0, min(self.draft_length, int(self.factor * match + self.offset)))


class Drafted(NamedTuple):
    """A drafted token.

    Attributes:
        parent: its parent's place among the draft's tokens, -1 below the root.
        chance: estimated, that it and all before it are accepted.
    """

    parent: int
    token: int
    chance: float


class Suffix(Drafter):
    """Proposes the best-scored continuation of the text's suffixes.

    Attributes:
        text: the tree of prompt and output.
        outputs: the tree of outputs, the current one the newest.
    """

    def __init__(self, config: Config, eos: frozenset[int], vocabulary: int) -> None:
        self.config = config
        self.eos = eos
        self.vocabulary = vocabulary
        self.forget()

    def forget(self) -> None:
        """Empty the tree of outputs."""
        self.outputs = SuffixTree(self.config.depth)
        self._begin(prompt=[])

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Complete the last output, and begin a new text with the prompt."""
        self.outputs.extend(self._confirmed)
        if self.outputs.text:
            self.outputs.begin()
        while len(self.outputs.texts) > self.config.capacity:
            self.outputs.drop_oldest()
        self._begin(prompt)

    def _begin(self, prompt: list[int]) -> None:
        self.text = SuffixTree(self.config.depth)
        self.text.extend(prompt)
        self._confirmed: list[int] = []
        self._drafts = {"text": 0, "outputs": 0}

    def draft(self, tokens: list[int], limit: int) -> list[Drafted]:
        """What is drafted after the confirmed `tokens`, parents first, no deeper than `limit`."""
        new = tokens[len(self.text.text) :]
        self.text.extend(new)
        self.outputs.extend(new)
        self._confirmed = []
        best: list[Drafted] = []
        best_score, best_name = 0.0, ""
        for match, here in enumerate(self.text.suffixes(), 1):
            budget = self.config.drafted(match)
            there = self.outputs.find(tokens[-match:])
            if budget:
                for place, name in ((there, "outputs"), (here, "text")):
                    found = self._continued(place, budget, limit) if place else []
                    score = sum(each.chance for each in found)
                    if found and score >= best_score:
                        best, best_score, best_name = found, score, name
            # What is longer does not go on either.
            if here.likeliest() is None and (there is None or there.likeliest() is None):
                break
        if best:
            self._drafts[best_name] += 1
        return best

    def _continued(self, place: Place, budget: int, limit: int) -> list[Drafted]:
        """At most `budget` tokens after `place`, the likeliest first."""
        found: list[Drafted] = []
        order = itertools.count()  # of equals the one that was found first
        waiting: list[tuple[float, int, int, int, int, Place]] = []

        def wait(parent: int, depth: int, chance: float, place: Place) -> None:
            likeliest = place.likeliest()
            following = place.children() if self.config.tree else [likeliest] if likeliest else []
            for token, child in following:
                below = chance * child.count / place.count
                if below < self.config.min_chance:
                    break
                if 0 <= token < self.vocabulary:
                    heapq.heappush(waiting, (-below, next(order), parent, depth + 1, token, child))

        if limit > 0:
            wait(-1, 0, 1.0, place)
        while waiting and len(found) < budget:
            chance, _, parent, depth, token, child = heapq.heappop(waiting)
            found.append(Drafted(parent, token, -chance))
            if depth < limit and token not in self.eos:
                wait(len(found) - 1, depth, -chance, child)
        return found

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the draft of the best score below the root."""
        nodes = [0]
        for parent, token, _ in self.draft(tokens, min(limit, tree.room)):
            nodes += tree.add(nodes[parent + 1], [token], "match")

    def observe(self, verdict: Verdict) -> None:
        """Keep the step's tokens, for nothing is proposed after the last ones of an output."""
        self._confirmed = copied(verdict.tokens, 0, len(verdict.tokens), self.eos, self.vocabulary)

    def metrics(self) -> dict[str, object]:
        """Drafts by the tree they came from, and tokens of earlier outputs."""
        earlier = sum(map(len, self.outputs.texts)) - len(self.outputs.text)
        return {"suffix_drafts": dict(self._drafts), "history_tokens": earlier}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """SuffixDecoding on the pair's target; the draft is not used."""
    return DraftThenVerify(pair, Suffix(config, pair.eos, pair.target.vocabulary))

"""Cascade Speculative Drafting (Chen et al., arXiv 2312.11462).

Vertical: the draft model does not draft token by token; a lookup in the text drafts for it, and it
    reviews. The review may be lenient: a token passes that the draft model only finds likely
    enough. The target's own review is strict, so that the output is exact whatever the lenience.
Horizontal: later tokens are accepted less often, so the draft model drafts only the first ones, and
the lookup continues after them.

The lookup is Max-Gram: what followed the first occurrence of the longest match, of any length. A
copy that reaches the text's end runs on into itself, where the authors look again in the output
alone. Their table of bigrams, counted on Wikipedia, for where nothing matches, is left out. With
`max_ngram` the lookup is prompt lookup's: the latest occurrence of an n-gram of bounded length.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from baselines.prompt_lookup import NgramIndex, PromptLookup
from baselines.speculative import draft_session
from decoding.copying import copied
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.sampling import Sampler
from decoding.settings import require_at_least
from decoding.tree import TokenTree

SPEC = Spec(
    name="cascade",
    drafts="text look-up for the small model, and after its draft",
    sources=("https://arxiv.org/abs/2312.11462",),
    colour="blue",
)


@dataclass
class Config:
    """How much is drafted by whom.

    Attributes:
        gamma: tokens of the draft model per step (the paper's k11).
        tail: tokens that the lookup adds after them (k12), at most draft_length; 0 leaves the
            horizontal cascade out.
        max_ngram, min_ngram: the longest and shortest n-gram looked up, the latest occurrence of
            it; max_ngram null: Max-Gram, for any length from min_ngram on, and the first one.
        draft_length: tokens proposed after a match (k22).
        lenience: the draft model passes a token of the lookup to which it gives a probability above
            1 / lenience, though it would have chosen another; 1: none such.
    """

    name: str = "cascade"
    gamma: int = 13
    tail: int = 10
    max_ngram: int | None = None
    min_ngram: int = 1
    draft_length: int = 10
    lenience: float = 3.0

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)
        require_at_least("tail", self.tail, 0)
        require_at_least("min_ngram", self.min_ngram, 1)
        if self.max_ngram is not None:
            require_at_least("max_ngram", self.max_ngram, self.min_ngram)
        require_at_least("draft_length", self.draft_length, 1)
        if not 1 <= self.lenience < inf:
            raise SettingError(f"lenience must be a finite number of at least 1, not {self.lenience}")
        if self.tail > self.draft_length:
            raise SettingError(f"tail must be at most draft_length ({self.draft_length}), not {self.tail}")


class MaxGram(Drafter):
    """Copies what followed the first occurrence of the longest n-gram that ends the text.

    Nothing of the text is indexed, for its end is taken back at every step: a look-up goes through
    the whole of it, in numpy, once.
    """

    def __init__(self, min_ngram: int, draft_length: int, eos: frozenset[int], vocabulary: int) -> None:
        self.min_ngram = min_ngram
        self.draft_length = draft_length
        self.eos = eos
        self.vocabulary = vocabulary

    def find(self, tokens: list[int]) -> int | None:
        """The place after the match in `tokens`, None without one."""
        text = np.array(tokens)
        # The places before which the text's last `length` tokens stand.
        length, places = 0, np.arange(len(text))
        while True:
            longer = places[places > length]
            longer = longer[text[longer - length - 1] == text[-1 - length]]
            if not len(longer):
                break
            length, places = length + 1, longer
        return int(places[0]) if length >= self.min_ngram else None

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the copy below the root."""
        start = self.find(tokens)
        if start is not None:
            count = max(min(self.draft_length, limit), 0)
            tree.add(0, copied(tokens, start, count, self.eos, self.vocabulary), "lookup")


class Cascade(Drafter):
    """Drafts gamma tokens with `draft`, and then `tail` tokens with `lookup` alone.

    `lookup` also drafts for `draft`.
    """

    def __init__(self, gamma: int, tail: int, draft: DraftModel, lookup: Drafter) -> None:
        self.gamma = gamma
        self.tail = tail
        self.draft = draft
        self.lookup = lookup

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model reads the prompt."""
        self.draft.reset(prompt, length)

    def draw_with(self, sampler: Sampler | None) -> None:
        """See Drafter.draw_with."""
        self.draft.sampler = sampler

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the draft model's chain below the root, and what `lookup` finds after it."""
        limit = min(limit, tree.room)
        drafted = self.draft.draft(tokens, min(self.gamma, limit), limit)
        last = [0, *tree.add(0, drafted, "draft")][-1]
        room = min(self.tail, limit - len(drafted))
        if room < 1 or tree.tokens[last] in self.draft.eos:
            return
        tail = TokenTree(tree.tokens[last], room)
        self.lookup.propose(tokens + drafted, tail, room)
        nodes = [last]
        for parent, token, sources in zip(tail.parents[1:], tail.tokens[1:], tail.sources[1:], strict=True):
            nodes += tree.add(nodes[parent], [token], sources[0])

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return self.draft.forwards()


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Cascade Speculative Drafting for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    session = draft_session(pair, config.name)
    rest = config.draft_length, pair.eos, pair.target.vocabulary
    lookup: Drafter = MaxGram(config.min_ngram, *rest)
    if config.max_ngram is not None:
        lookup = PromptLookup(NgramIndex(config.min_ngram, config.max_ngram), *rest)
    draft = DraftModel(session, lookup, pair.eos, lenience=config.lenience)
    return DraftThenVerify(pair, Cascade(config.gamma, config.tail, draft, lookup))

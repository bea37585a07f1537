"""Cascade Speculative Drafting (Chen et al., arXiv 2312.11462), at temperature 0.

Without lenience and Max-Gram.

Vertical: the draft model does not draft token by token; a lookup in the text drafts for it, and it
    reviews.
Horizontal: later tokens are accepted less often, so the draft model drafts only the first ones, and
the lookup continues after them.

What is left out: the review is strict (lenience would let the draft model pass tokens that it only
finds likely enough), and the lookup is prompt lookup's, the latest occurrence of an n-gram of
bounded length (Max-Gram takes the first occurrence of the longest match, of any length, and a table
of bigrams where there is none).
"""

from dataclasses import dataclass

from baselines.prompt_lookup import NgramIndex, PromptLookup
from baselines.speculative import draft_session
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
    drafts="text look-up for the small model, and after its draft; without Max-Gram and lenience",
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
        max_ngram, min_ngram: the longest and shortest n-gram looked up.
        draft_length: tokens proposed after a match (k22).
    """

    name: str = "cascade"
    gamma: int = 13
    tail: int = 10
    max_ngram: int = 3
    min_ngram: int = 1
    draft_length: int = 10

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)
        require_at_least("tail", self.tail, 0)
        require_at_least("min_ngram", self.min_ngram, 1)
        require_at_least("max_ngram", self.max_ngram, self.min_ngram)
        require_at_least("draft_length", self.draft_length, 1)
        if self.tail > self.draft_length:
            raise SettingError(f"tail must be at most draft_length ({self.draft_length}), not {self.tail}")


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
    index = NgramIndex(config.min_ngram, config.max_ngram)
    lookup = PromptLookup(index, config.draft_length, pair.eos, pair.target.vocabulary)
    draft = DraftModel(session, lookup, pair.eos)
    return DraftThenVerify(pair, Cascade(config.gamma, config.tail, draft, lookup))

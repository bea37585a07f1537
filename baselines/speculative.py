"""Speculative decoding.

Leviathan et al., arXiv 2211.17192; Chen et al., arXiv 2302.01318.

The draft model proposes gamma tokens one by one; the target verifies them in one forward.
"""

from dataclasses import dataclass, replace

from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import MissingDraft
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.reading_session import reading
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree

SPEC = Spec(name="speculative", drafts="a small model", sources=("https://arxiv.org/abs/2211.17192",), colour="blue")


@dataclass
class Config:
    """How much is drafted.

    Attributes:
        gamma: draft tokens per step; 0 proposes nothing and costs what greedy costs.
        confidence: a draft ends after a token of lower probability, the rule of Draft & Verify
            (arXiv 2309.08168) with a fixed threshold; 0: never, as in the papers.
    """

    name: str = "speculative"
    gamma: int = 4
    confidence: float = 0.0

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 0)
        require_share("confidence", self.confidence)

    def canonical(self) -> "Config":
        """A draft of one token ends after it, sure or not."""
        return replace(self, confidence=0.0) if self.gamma <= 1 else self


class Speculative(Drafter):
    """Drafts a chain of gamma tokens with the draft model."""

    def __init__(self, gamma: int, draft: DraftModel) -> None:
        self.gamma = gamma
        self.draft = draft

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model reads the prompt."""
        if self.gamma:
            self.draft.reset(prompt, length)

    def draw_with(self, sampler: Sampler | None) -> None:
        """See Drafter.draw_with."""
        self.draft.sampler = sampler

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang a chain of at most gamma drafted tokens below the root."""
        if self.gamma:
            self.draft.hang(tokens, tree, min(self.gamma, limit), limit)

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return self.draft.forwards()

    def own_session(self) -> ModelSession | None:
        """The draft model, where it reads its target."""
        return reading(self.draft.session)


def draft_session(pair: ModelPair, method: str) -> ModelSession:
    """The pair's draft.

    Raises:
        MissingDraft: the pair has none.
    """
    if pair.draft is None:
        raise MissingDraft(f"method {method} needs a draft model")
    return pair.draft


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Speculative decoding for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    draft = DraftModel(draft_session(pair, config.name), Drafter(), pair.eos, config.confidence)
    return DraftThenVerify(pair, Speculative(config.gamma, draft))

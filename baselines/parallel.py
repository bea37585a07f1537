"""A draft that writes several tokens in one forward, at rows that read a mask.

PARD (arXiv 2504.18583): after the text the draft model reads gamma - 1 mask tokens, and gives a
token at the text's last row and at each mask. ParallelSpec (2410.05589) is the same idea without
published code. The model is an ordinary causal one that was trained to do so; which id is its mask
stands in its config as `pard_token`, where vLLM looks for it too.
"""

from dataclasses import dataclass, replace

import torch

from baselines.speculative import draft_session
from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree

SPEC = Spec(
    name="parallel",
    drafts="a small model, several tokens in one forward",
    sources=("https://arxiv.org/abs/2504.18583", "https://arxiv.org/abs/2410.05589"),
    colour="blue",
)
MASK = "pard_token"


@dataclass
class Config:
    """How much is drafted.

    Attributes:
        gamma: draft tokens per step, all of one forward.
        confidence: a draft ends after a token of lower probability (0: never).
    """

    name: str = "parallel"
    gamma: int = 8
    confidence: float = 0.0

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)
        require_share("confidence", self.confidence)

    def canonical(self) -> "Config":
        """A draft of one token ends after it, sure or not."""
        return replace(self, confidence=0.0) if self.gamma == 1 else self


class Parallel(Drafter):
    """Drafts a chain in one forward of `session`, whose rows of masks are dropped after it."""

    def __init__(self, config: Config, session: ModelSession, eos: frozenset[int], mask: int) -> None:
        self.config = config
        self.session = session
        self.eos = eos
        self.mask = mask
        self._sampler: Sampler | None = None

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model reads the prompt."""
        self.session.begin(prompt, length)

    def draw_with(self, sampler: Sampler | None) -> None:
        """Each token is drawn by its own row, which knows no token drafted before it."""
        self._sampler = sampler

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang a chain of at most gamma tokens below the root."""
        depth = min(self.config.gamma, limit, tree.room)
        if depth < 1 or len(tokens) >= self.session.context:
            return
        self.session.align(tokens)
        own = TokenTree(tokens[-1], self.session.room(len(tokens) - 1))
        rows = [0, *own.add(0, [self.mask] * min(depth - 1, own.room), "mask")]
        logits = self.session.forward(tokens[len(self.session.tokens) : -1], own, rows)
        self.session.keep([0])
        parent = 0
        for place, token in enumerate(self._choices(logits, len(tokens))):
            if self._sampler and self._sampler.classic:
                tree.draws[parent] = [token], self._sampler.distribution(logits[place])
            parent = tree.add(parent, [token], "draft")[0]
            if token in self.eos or self._unsure(logits[place], token):
                break

    def _choices(self, logits: torch.Tensor, position: int) -> list[int]:
        """The token of each row, the first one's at `position`."""
        if self._sampler is None:
            greedy: list[int] = logits.argmax(-1).tolist()
            return greedy
        return [self._sampler.choice(row, position + place) for place, row in enumerate(logits)]

    def _unsure(self, logits: torch.Tensor, token: int) -> bool:
        least = self.config.confidence
        return least > 0 and float(logits.softmax(-1)[token]) < least

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return self.session.counters.forwards, self.session.counters.rows


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Parallel drafts for `pair`.

    Raises:
        UserError: the pair has no draft, or one that knows no mask.
    """
    session = draft_session(pair, config.name)
    mask = getattr(session.model.config, MASK, None)
    if mask is None or not 0 <= mask < session.vocabulary:
        what = f"no {MASK}" if mask is None else f"{MASK}={mask}, and {session.vocabulary} ids"
        raise UserError(
            f"method {config.name} needs a draft that was trained to read masks, and this one's config has {what}"
        )
    return DraftThenVerify(pair, Parallel(config, session, pair.eos, mask))

"""EAGLE: a small draft that reads the target's hidden states.

EAGLE (arXiv 2401.15077) drafts from the target's last hidden state and the token after it, in one
decoder layer under the target's own head; EAGLE-2 (arXiv 2406.16858) grows its tree where the draft
is sure; EAGLE-3 (arXiv 2503.01840) reads states of three layers. The target's states stand ready at
every confirmed token, so the draft learns from far less text than a model that reads tokens alone.
"""

from dataclasses import dataclass, replace

from baselines.multi_candidate import Config as TreeConfig
from baselines.multi_candidate import MultiCandidate
from baselines.speculative import Speculative
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import MissingFeatureDraft
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least, require_share

SPEC = Spec(
    name="eagle",
    drafts="a layer that reads the target's hidden states",
    sources=(
        "https://arxiv.org/abs/2401.15077",
        "https://arxiv.org/abs/2406.16858",
        "https://arxiv.org/abs/2503.01840",
    ),
    colour="sky",
    own_draft=True,
)


@dataclass
class Config:
    """How deep and how wide is drafted.

    Attributes:
        depth: levels of the tree, a forward of the draft each.
        children: of every expanded node; 1: a chain.
        width: nodes expanded per level, the likeliest ones (null: all).
        nodes: nodes verified beside the root, the likeliest of the tree (null: all).
        confidence: a chain ends after a token of lower probability (0: never).
    """

    name: str = "eagle"
    depth: int = 8
    children: int = 10
    width: int | None = 10
    nodes: int | None = 59
    confidence: float = 0.0

    def __post_init__(self) -> None:
        for name in ("depth", "children"):
            require_at_least(name, getattr(self, name), 1)
        require_share("confidence", self.confidence)
        self.tree()  # which checks width and nodes

    def canonical(self) -> "Config":
        """A chain has no width; a tree has no confidence; bounds beyond reach say nothing."""
        if self.children == 1:
            return replace(self, width=None, nodes=None, confidence=self.confidence if self.depth > 1 else 0.0)
        tree = self.tree().canonical()
        return replace(self, width=tree.width, nodes=tree.nodes, confidence=0.0)

    def tree(self) -> TreeConfig:
        """The same as settings of a tree."""
        return TreeConfig(branching=[self.children] * self.depth, width=self.width, nodes=self.nodes)


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """EAGLE for `pair`.

    Raises:
        MissingFeatureDraft: the pair has no draft that reads hidden states.
    """
    if pair.feature_draft is None:
        raise MissingFeatureDraft(f"method {config.name} needs a draft that reads the target's hidden states")
    session = pair.feature_draft()
    drafter: Drafter
    if config.children == 1:
        drafter = Speculative(config.depth, DraftModel(session, Drafter(), pair.eos, config.confidence))
    else:
        drafter = MultiCandidate(config.tree(), session, pair.eos)
    return DraftThenVerify(pair, drafter)

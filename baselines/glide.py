"""GliDe with a CaPE: a small draft that attends to the target's cached keys and values.

Du et al., arXiv 2402.02082. The draft's layer reads, beside its own rows, what the target has
worked out of the confirmed text already (decoding/cross.py). It drafts a chain, to whose tokens
Confidence-aware Proposal Expansion gives alternatives where the draft is not sure.
"""

from dataclasses import dataclass

from baselines.multi_candidate import EXPANSION, MultiCandidate
from baselines.multi_candidate import Config as TreeConfig
from baselines.speculative import Speculative
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import MissingCrossDraft
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least

SPEC = Spec(
    name="glide",
    drafts="a layer that attends to the target's keys and values",
    sources=("https://arxiv.org/abs/2402.02082",),
    colour="sky",
    own_draft=True,
)


@dataclass
class Config:
    """How much is drafted.

    Attributes:
        gamma: draft tokens per step, a forward of the draft each.
        cape: whether every token has the more alternatives the less sure the draft is of it.
    """

    name: str = "glide"
    gamma: int = 4
    cape: bool = False

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """GliDe for `pair`.

    Raises:
        MissingCrossDraft: the pair has no draft that attends to the target's keys and values.
    """
    if pair.cross_draft is None:
        raise MissingCrossDraft(f"method {config.name} needs a draft that attends to the target's keys and values")
    session = pair.cross_draft()
    drafter: Drafter
    if config.cape:
        tree = TreeConfig(branching=[max(EXPANSION)] * config.gamma, width=1, cape=True)
        drafter = MultiCandidate(tree, session, pair.eos)
    else:
        drafter = Speculative(config.gamma, DraftModel(session, Drafter(), pair.eos))
    return DraftThenVerify(pair, drafter)

"""CLaSp: the target drafts for itself with layers chosen in context (arXiv 2505.24196).

Which layers a draft skips a dynamic program chooses after a verification, so that the shortened
target's state of the last accepted token comes close to the whole one's
(baselines/layer_search.py). Drafting stops after a token of low probability.

The paper has no published code. Ours are the share of layers, how often they are chosen anew, the
longest draft and the threshold, which stays where it is. The paper finds that sets persist ("sparse
persistence"): here one is kept until `interval` more tokens are confirmed, and then chosen anew
before the next draft. A set lives no longer than its text. Before the target has read a token there
is nothing to choose by, and no draft.
"""

from dataclasses import dataclass

from baselines.layer_search import LayerSearch
from baselines.layer_skipping import LayerSkipper, SwitchedLayers
from baselines.self_draft import SelfDraft
from decoding.decoder import ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree
from decoding.view import SessionView

SPEC = Spec(
    name="clasp",
    drafts="the target without some of its layers, chosen anew in context (CLaSp)",
    sources=("https://arxiv.org/abs/2505.24196",),
    colour="purple",
    own_draft=True,
)


@dataclass
class Config:
    """The settings; their defaults are ours.

    Attributes:
        skip_share: share of the target's layers that a draft skips, rounded to whole layers.
        interval: the layers are chosen anew once so many tokens are confirmed since; 1: before
            every draft.
        max_draft: longest draft per step.
        threshold: drafting stops after a token that the draft gave a lower probability.
    """

    name: str = "clasp"
    skip_share: float = 0.5
    interval: int = 32
    max_draft: int = 12
    threshold: float = 0.6

    def __post_init__(self) -> None:
        require_share("skip_share", self.skip_share)
        require_at_least("interval", self.interval, 1)
        require_at_least("max_draft", self.max_draft, 0)
        require_share("threshold", self.threshold)


class Clasp(SelfDraft):
    """Drafts a chain with `view`, whose layers `search` chooses.

    Args:
        view: the target with `layers`.
        layers: those that can be skipped.
        config: the settings.
        eos: see SelfDraft.

    Attributes:
        skipped: the layers that drafts skip; None until a text has had its first search.
    """

    def __init__(self, view: SessionView, layers: SwitchedLayers, config: Config, eos: frozenset[int]) -> None:
        super().__init__(view, config.max_draft, eos)
        self.layers = layers
        self.config = config
        self.search = LayerSearch(view, layers, round(config.skip_share * len(layers.layers)))
        self._forget_layers()

    def _forget_layers(self) -> None:
        self.skipped: frozenset[int] | None = None
        self._searched_at = 0
        self._searches = self._changes = 0

    def reset(self, prompt: list[int], length: int) -> None:
        """Begin a new text, for which no layers are chosen yet."""
        super().reset(prompt, length)
        self._forget_layers()

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang a chain below the root until the draft is unsure of a token."""
        if min(self.max_draft, limit) < 1 or not self.view.tokens or not self.readable(tokens):
            return
        if self.skipped is None or len(tokens) - self._searched_at >= self.config.interval:
            self._choose_layers(len(tokens))
        self.hang(tokens, tree, limit, self.config.threshold)

    def _choose_layers(self, length: int) -> None:
        """Search after a text of `length` confirmed tokens; to skip none takes no search."""
        found = frozenset[int]()
        if self.search.count:
            found = self.search.find()
            self._searches += 1
        self._changes += self.skipped is not None and found != self.skipped
        self.skipped, self._searched_at = found, length
        self.layers.skip(found)

    def metrics(self) -> dict[str, object]:
        """How often layers were searched for, and how often others were found than before."""
        return {"layer_searches": self._searches, "layer_changes": self._changes}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """CLaSp with the pair's target; the draft is not used.

    Raises:
        UserError: the target's layers cannot be skipped.
    """
    layers = LayerSkipper(pair.target.model).switched()
    view = SessionView(pair.target, layers.model, changes=True)
    return DraftThenVerify(pair, Clasp(view, layers, config, pair.eos))

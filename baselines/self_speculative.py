"""Draft & Verify: self-speculative decoding (Zhang et al., arXiv 2309.08168), at temperature 0.

The target drafts for itself with some of its attention and MLP sub-layers skipped, and verifies the
draft as a whole. Drafting stops after a token of low probability, and the threshold adapts to what
is accepted. It lives on from prompt to prompt, as in the authors' code; `forget` brings it back to
where it begins.

Paper's terms: max_draft = K, threshold = gamma, acceptance = alpha, threshold_step = epsilon.
"""

from dataclasses import dataclass, field, replace

from baselines.layer_skipping import LayerSkipper
from baselines.self_draft import SelfDraft
from baselines.skip_set import checked, load_skip_set, made_for
from decoding.decoder import ModelPair
from decoding.errors import MissingSkipSet
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree
from decoding.verification import Verdict
from decoding.view import SessionView

# The paper's beta1 and beta2: how much of the old acceptance, and of the old threshold, stays at
# every step.
KEPT_ACCEPTANCE = 0.5
KEPT_THRESHOLD = 0.9

AUTO = "auto"


SPEC = Spec(
    name="self_speculative",
    drafts="the target without some of its sub-layers (Draft & Verify)",
    sources=("https://arxiv.org/abs/2309.08168",),
    colour="purple",
    own_draft=True,
    keeps_history=True,
)


@dataclass
class Config:
    """The settings; the defaults are those of the paper (arXiv 2309.08168) for 13B models.

    Attributes:
        skip: a JSON file or a preset (baselines/skip_sets) that names the sub-layers to skip;
            "auto": the preset made for the target; null: only the lists do.
        skip_attention, skip_mlp: layers, from 0, whose attention or MLP is skipped too; what `skip`
            names is added here.
        max_draft: longest draft per step.
        threshold: drafting stops after a token that the draft gave a lower probability; here it
            begins.
        acceptance: share of drafted tokens to be accepted, towards which the threshold moves.
        threshold_step: how far it aims up or down per step; 0: it stays.
    """

    name: str = "self_speculative"
    skip: str | None = AUTO
    skip_attention: list[int] = field(default_factory=list)
    skip_mlp: list[int] = field(default_factory=list)
    max_draft: int = 12
    threshold: float = 0.6
    acceptance: float = 0.9
    threshold_step: float = 0.01

    def __post_init__(self) -> None:
        require_at_least("max_draft", self.max_draft, 0)
        for name in ("threshold", "acceptance", "threshold_step"):
            require_share(name, getattr(self, name))
        named = load_skip_set(self.skip) if self.skip not in (None, AUTO) else None
        for kind in ("attention", "mlp"):
            # Named in full, so that records of one file name with two contents never mix.
            layers = checked(getattr(self, f"skip_{kind}"), None, f"skip_{kind}")
            setattr(self, f"skip_{kind}", sorted({*layers, *(getattr(named, kind) if named else ())}))

    def for_target(self, target: str) -> "Config":
        """These settings with the skip set that `auto` stands for.

        Args:
            target: a folder or an id of the hub.

        Raises:
            UserError: no committed skip set was made for the target.
        """
        return replace(self, skip=made_for(target)) if self.skip == AUTO else self

    def canonical(self) -> "Config":
        """A threshold that stays heeds no acceptance."""
        return replace(self, acceptance=Config.acceptance) if self.threshold_step == 0 else self


class AdaptiveExit:
    """The probability below which drafting stops: the paper's adaptive draft-exiting mechanism.

    The threshold aims `step` higher while fewer than `target` of the drafted tokens are accepted;
    `step` lower otherwise, but for drafts of full length, which no lower threshold could make
    longer. It stays within [0, 1].
    """

    def __init__(self, start: float, target: float, step: float) -> None:
        self.start = start
        self.target = target
        self.step = step
        self.forget()

    def reset(self) -> None:
        """A new prompt begins. The threshold stays where the last one left it."""
        self.acceptance = 0.0

    def forget(self) -> None:
        """Begin anew, as before the first prompt."""
        self.threshold = self.start
        self.reset()

    def learn(self, accepted: int, drafted: int, full: bool) -> None:
        """Move the threshold after a draft was verified.

        Args:
            accepted: how many of its tokens the target confirmed.
            drafted: how many tokens it had, at least one.
            full: the draft was as long as one may be.
        """
        self.acceptance = KEPT_ACCEPTANCE * self.acceptance + (1 - KEPT_ACCEPTANCE) * accepted / drafted
        aim = self.threshold
        if self.acceptance < self.target:
            aim += self.step
        elif not full:
            aim -= self.step
        moved = KEPT_THRESHOLD * self.threshold + (1 - KEPT_THRESHOLD) * aim
        self.threshold = min(max(moved, 0.0), 1.0)


class SelfSpeculative(SelfDraft):
    """Drafts a chain with `view`, the target without some of its sub-layers.

    Args:
        view: see SelfDraft, as for max_draft and eos.
        early_exit: says which token ends a draft.
    """

    def __init__(self, view: SessionView, early_exit: AdaptiveExit, max_draft: int, eos: frozenset[int]) -> None:
        super().__init__(view, max_draft, eos)
        self.early_exit = early_exit
        self._tree: TokenTree | None = None
        self._chain: list[int] = []
        self._cut = False

    def reset(self, prompt: list[int], length: int) -> None:
        """Begin a new text; the threshold stays."""
        super().reset(prompt, length)
        self.early_exit.reset()

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang a chain below the root until the draft is unsure of a token."""
        self._tree, self._chain, self._cut = tree, [], False
        if self.readable(tokens):
            self._chain, ended = self.hang(tokens, tree, limit, self.early_exit.threshold)
            self._cut = not ended and limit < self.max_draft

    def observe(self, verdict: Verdict) -> None:
        """Move the threshold, where nothing but doubt or full length ended the draft."""
        # Nothing is to be learned from what others hung after the draft or drafted in its place,
        # nor from a draft that ended because the output may get no longer: neither doubt nor the
        # full length ended it.
        if verdict.tree is self._tree and self._chain and not self._cut:
            accepted = len(set(self._chain).intersection(verdict.path))
            self.early_exit.learn(accepted, len(self._chain), len(self._chain) == self.max_draft)

    def forget(self) -> None:
        """Put the threshold back where it began."""
        self.early_exit.forget()

    def metrics(self) -> dict[str, object]:
        """The threshold as it is now."""
        return {"exit_threshold": self.early_exit.threshold}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Self-speculative decoding with the pair's target; the draft is not used.

    Raises:
        UserError: no skip set for the target, one of another number of layers, or a target whose
            sub-layers cannot be skipped.
    """
    skipper = LayerSkipper(pair.target.model)
    config = config.for_target(pair.target.model.name_or_path or "")
    if config.skip and (named := load_skip_set(config.skip)).layers != skipper.layers:
        raise MissingSkipSet(
            f"skip={config.skip} was made for the {named.layers} layers of {named.model}, the target has "
            f"{skipper.layers}: give a set of its own, or skip=null"
        )
    for kind in ("attention", "mlp"):
        checked(getattr(config, f"skip_{kind}"), skipper.layers, f"skip_{kind}")
    view = SessionView(pair.target, skipper.skip(config.skip_attention, config.skip_mlp))
    early_exit = AdaptiveExit(config.threshold, config.acceptance, config.threshold_step)
    return DraftThenVerify(pair, SelfSpeculative(view, early_exit, config.max_draft, pair.eos))

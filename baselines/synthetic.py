"""A draft that is as good as one says, so that what a step costs stands apart from draft quality.

Servers measure themselves so: vLLM with `rejection_sample_method: synthetic` of its speculative
config (docs.vllm.ai, api/vllm/config/speculative; vllm-project/vllm, pull requests 39359, 41035).
There a rejection sampler accepts by chance, and the text is of no meaning. Here the verification is
as ever and the output the target's: as the oracle does, the prompt is decoded beforehand, outside
the clock, and a draft is that output with wrong tokens in it.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch

from baselines.oracle import KnownOutput, Oracle
from baselines.speculative import draft_session
from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import propose, verify
from decoding.method import Spec
from decoding.sampling import Noise
from decoding.session import ModelSession
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree

SPEC = Spec(
    name="synthetic",
    drafts="the output itself, wrong as often as asked",
    sources=("https://github.com/vllm-project/vllm/pull/41035",),
    colour="grey",
    bound=True,
)


@dataclass
class Config:
    """How long drafts are, and how good.

    Attributes:
        gamma: tokens drafted per step.
        acceptance: the chance that a draft's token is right given that those before it are, one
            number for all or a list of gamma. vLLM's `synthetic_acceptance_rates` are the products
            up to each place.
        length: mean acceptance length instead, from 1 to gamma + 1, as vLLM counts its
            `synthetic_acceptance_length`: tokens that a step confirms, the target's own one after
            the draft among them. As there, the first places are always right, the next one with
            the chance that is left, and the others never: no other curve varies less. null: the
            curve is `acceptance`. Steps that the output's end cuts short confirm fewer.
        draft_forwards: whether the pair's draft model reads the drafts token by token, for its time
            alone: what it would say is thrown away.
    """

    name: str = "synthetic"
    gamma: int = 4
    acceptance: Any = 0.8
    length: float | None = None
    draft_forwards: bool = True

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)
        several = isinstance(self.acceptance, list)
        for share in self.acceptance if several else [self.acceptance]:
            if isinstance(share, bool) or not isinstance(share, int | float):
                raise SettingError(f"acceptance must be a number or a list of numbers, not {self.acceptance}")
            require_share("acceptance", share)
        if several and len(self.acceptance) != self.gamma:
            raise SettingError(f"acceptance must have gamma={self.gamma} numbers, not {len(self.acceptance)}")
        if self.length is not None and not 1 <= self.length <= self.gamma + 1:
            raise SettingError(f"length must be between 1 and gamma + 1 = {self.gamma + 1}, not {self.length:g}")

    @property
    def curve(self) -> list[float]:
        """The chance at each place of a draft, given that those before it are right."""
        if self.length is not None:
            return [min(max(self.length - 1 - place, 0.0), 1.0) for place in range(self.gamma)]
        if isinstance(self.acceptance, list):
            return [float(share) for share in self.acceptance]
        return [float(self.acceptance)] * self.gamma

    def canonical(self) -> "Config":
        """A length silences the acceptance."""
        return self if self.length is None else replace(self, acceptance=Config.acceptance)


class Synthetic(KnownOutput):
    """Drafts the known output, each token right with the chance of its place.

    Whether it is right is a hash of seed, prompt and the token's place in the output. So repeats
    agree, and steps are independent: a token that was looked at is never drafted again.

    Args:
        curve: the chances, by place in a draft.
        seed: of the draws.
        session: the draft model's, None where it is not to run.
    """

    def __init__(self, curve: list[float], seed: int, session: ModelSession | None = None) -> None:
        super().__init__(len(curve))
        self.curve = curve
        self.seed = seed
        self.session = session
        self._draws: list[float] = []
        self._read = 0

    def know(self, prompt: list[int], output: list[int]) -> None:
        """From now on `output` is what follows `prompt`; the draws are made here, off the clock."""
        super().know(prompt, output)
        draws: list[float] = Noise("synthetic", self.seed, *prompt).uniform(0, torch.arange(len(output))).tolist()
        self._draws = draws

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model reads the prompt."""
        self._read = 0
        if self.session:
            self.session.begin(prompt, length)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang a chain of gamma tokens below the root, right ones and wrong ones."""
        chain = self.chain(len(tokens) - len(self.prompt), limit)
        if self.session:
            self._run(self.session, tokens, chain)
        tree.add(0, chain, "synthetic")

    def chain(self, done: int, limit: int) -> list[int]:
        """The draft after `done` tokens of the output, at most `limit` long.

        Where the output ends, which no draft knows, other tokens follow.
        """
        found = []
        for place, share in enumerate(self.curve[:limit], done):
            token = self.output[place] if place < len(self.output) else 0
            right = place < len(self.output) and self._draws[place] < share
            found.append(token if right else _other(token))
        return found

    def _run(self, session: ModelSession, tokens: list[int], chain: list[int]) -> None:
        """A forward of the draft model before each token of the chain, as if it had chosen it.

        So it has read what of the chain is accepted, as a model that drafted would have.
        """
        session.align(tokens, self._read)
        self._read = len(tokens)
        ids = list(tokens)
        for token in chain:
            if len(ids) >= session.context:
                break
            verify(session, propose(session, Drafter(), ids, 0), ids)
            ids.append(token)

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return (self.session.counters.forwards, self.session.counters.rows) if self.session else (0, 0)


def _other(token: int) -> int:
    """A token that is not this one."""
    return token - 1 if token else 1


def build(config: Config, pair: ModelPair) -> Oracle:
    """The synthetic draft on the pair's target.

    Raises:
        UserError: the draft model is to run, and the pair has none.
    """
    session = draft_session(pair, config.name) if config.draft_forwards else None
    return Oracle(pair, Synthetic(config.curve, pair.seed, session))

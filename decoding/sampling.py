"""Sampling that every method repeats token by token.

The target's token after a text is the argmax of its warped logits plus Gumbel noise, whose law is
the softmax of the warped logits (the Gumbel-max trick). The noise is a hash of seed, prompt,
sample, position and token: a function of where a token stands and not of how a method came there,
in which forward or beside which rows. So whatever was drafted, a method emits the very tokens of
plain sampling, and its output is judged as at temperature 0.
"""

import hashlib
from typing import cast

import numpy as np
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from decoding.draws import CLASSIC, GREEDY, KEYED, OWN, SHARED, Sampling
from decoding.stopwatch import Stopwatch

# SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a row of noise is its stream from the row's
# state, a token's number the place in it. As signed numbers, for torch has no unsigned arithmetic.
_WORD = 1 << 64
_STEP = 0x9E3779B97F4A7C15
_MIXING = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, None))

# What warping and drawing take, of drafts' and of the target's tokens.
SAMPLING = Stopwatch()


def warpers_of(sampling: Sampling) -> LogitsProcessorList:
    """The warpers that change anything, in transformers' order."""
    wanted = LogitsProcessorList()
    if sampling.temperature not in (0.0, 1.0):
        wanted.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        wanted.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        wanted.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        wanted.append(MinPLogitsWarper(sampling.min_p))
    return wanted


class Noise:
    """Standard Gumbel noise of one sample, by position and token.

    Args:
        names: whose noise it is: seed, prompt and sample, say. Noise of other names is independent.

    Attributes:
        key: 64 bits that stand for the names.
    """

    def __init__(self, *names: object) -> None:
        text = "\x1f".join(map(str, names))
        self.key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    def __call__(self, position: int, tokens: torch.Tensor) -> torch.Tensor:
        """The noise of int64 `tokens` at an absolute position, float64, on their device.

        The hash is of whole numbers and the same everywhere; the logarithms are in float64.
        """
        return self.uniform(position, tokens).log_().neg_().log_().neg_()

    def uniform(self, position: int, tokens: torch.Tensor) -> torch.Tensor:
        """What the noise is made of: draws between 0 and 1, float64."""
        state = _mixed((self.key + (position + 1) * _STEP) % _WORD)
        bits = _scrambled(tokens * _signed(_STEP) + _signed(state))
        # 52 bits and a half: neither 0 nor 1, and exact.
        return ((bits >> 12) & ((1 << 52) - 1)).double().add_(0.5).mul_(2.0**-52)

    def added(self, warped: torch.Tensor, position: int) -> torch.Tensor:
        """Warped logits [vocabulary] with the noise of `position`, float64.

        Where warping left negative infinity nothing is hashed.
        """
        kept = torch.isfinite(warped).nonzero()[:, 0]
        scores = torch.full_like(warped, -torch.inf, dtype=torch.float64)
        scores[kept] = warped[kept].double() + self(position, kept)
        return scores


class FreshNoise(Noise):
    """Noise of which no row comes twice: for drafts that are accepted by the classic rules.

    What was drawn at a position and rejected would be drawn there again, and how long a draft gets
    may hang on what was drawn before (TapOut's bandit, lengths that adapt themselves): no draft
    would then have the law that the rules are told.
    """

    def __init__(self, *names: object) -> None:
        super().__init__(*names)
        self._rows = 0

    def uniform(self, position: int, tokens: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """The next row, whatever the position."""
        self._rows += 1
        return super().uniform(self._rows, tokens)


class Sampler:
    """Plain sampling of one output, as a function of the text before each token.

    It is a `Choose` (decoding/verification.py): the target's token after a text.

    Args:
        sampling: with a temperature above 0.
        noise: of this output.
        drafts: what draft models draw with; None: they draft greedily.
        classic: whether drafts are accepted by the classic rules (decoding/acceptance.py).
    """

    def __init__(
        self, sampling: Sampling, noise: Noise, drafts: "Sampler | None" = None, classic: bool = False
    ) -> None:
        self.sampling = sampling
        self.noise = noise
        self.drafts = drafts
        self.classic = classic
        self._warpers = warpers_of(sampling)

    def __call__(self, tokens: list[int], logits: torch.Tensor, *_: object) -> int:
        """The token after `tokens` by the model's float logits [vocabulary] there."""
        return self.choice(logits, len(tokens))

    def choice(self, logits: torch.Tensor, position: int) -> int:
        """The token at an absolute position by the model's float logits [vocabulary] before it."""
        return int(self.scores(logits, position).argmax())

    def scores(self, logits: torch.Tensor, position: int) -> torch.Tensor:
        """Warped logits with their noise, float64 [vocabulary]; the largest is the choice.

        Negative infinity where warping left nothing: there noise need not be hashed.

        Args:
            logits: of the model, float [vocabulary].
            position: absolute, of the token that is chosen.
        """
        with SAMPLING:
            return self.noise.added(self.warped(logits), position)

    def gap(self, logits: torch.Tensor, token: int, position: int, tolerance: float) -> float:
        """How far the score of `token` lies below the best; infinite where warping leaves it out.

        Tokens on a boundary of top-k, top-p or min-p count as it suits `token`, where differences
        of `tolerance` in the logits decide whether they are in: in its own, and, as top-p looks at
        the mass of the likelier ones, in theirs.

        Args:
            logits: of the model, float [vocabulary].
            token: that was chosen.
            position: its absolute position.
            tolerance: the largest difference of logits that is one of rounding.

        Returns:
            The gap in units of scores: logits over temperature.
        """
        scores = self.scores(logits, position)
        if not torch.isfinite(scores[token]):
            if not self._may_be(True, logits, token, tolerance):
                return float("inf")
            alone = torch.full_like(scores, -torch.inf)
            alone[token] = logits[token].double() / self.sampling.temperature
            scores[token] = self.noise.added(alone, position)[token]
        own = float(scores[token])
        while (best := int(scores.argmax())) != token and scores[best] > own:
            if not self._may_be(False, logits, best, tolerance):
                return float(scores[best]) - own
            scores[best] = -torch.inf
        return 0.0

    def _may_be(self, kept: bool, logits: torch.Tensor, token: int, tolerance: float) -> bool:
        """Whether warping could keep the token, or leave it out, by differences of `tolerance`."""
        by = tolerance if kept else -tolerance
        alone = logits.clone()
        alone[token] += by
        # Of the mass before it, all that it is made of may be off alike.
        apart = torch.where(logits > logits[token], logits, logits + by)
        return any(bool(torch.isfinite(self.warped(each)[token])) == kept for each in (alone, apart))

    def distribution(self, logits: torch.Tensor) -> np.ndarray:
        """What the token after these logits is drawn from, float64 [vocabulary]."""
        with SAMPLING:
            chances: np.ndarray = self.warped(logits).softmax(-1).cpu().numpy()
            return chances

    def warped(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits whose softmax is the distribution, float64 [vocabulary]."""
        # As transformers' generate() does: warpers run in float32, or in the model's own float64.
        rows = (logits if logits.dtype == torch.float64 else logits.float())[None]
        unread = cast(torch.LongTensor, torch.empty((1, 0), dtype=torch.long, device=logits.device))
        return self._warpers(unread, cast(torch.FloatTensor, rows))[0].double()


def make_sampler(
    sampling: Sampling, names: tuple[object, ...], draft_noise: str = SHARED, acceptance: str = KEYED
) -> Sampler | None:
    """What draws one output; None at temperature 0.

    Args:
        sampling: how logits become a distribution.
        names: whose output it is: seed, prompt, number of the sample.
        draft_noise: of draft models, one of draws.DRAFT_NOISES: the target's own, which raises
            agreement; their own, independent of it; or none, which is greedy drafts. The output is
            the same.
        acceptance: one of draws.ACCEPTANCES. By the classic rules draws are never shared.
    """
    if sampling.greedy:
        return None
    noise, classic = Noise(*names), acceptance == CLASSIC
    own = (FreshNoise if classic else Noise)(*names, "draft")
    drafts = {SHARED: own if classic else noise, OWN: own, GREEDY: None}[draft_noise]
    return Sampler(sampling, noise, Sampler(sampling, drafts, classic=classic) if drafts else None, classic)


def _signed(number: int) -> int:
    """The same 64 bits as a signed number."""
    return number - _WORD if number >= _WORD >> 1 else number


def _mixed(state: int) -> int:
    """SplitMix64's output function, of 64 bits."""
    for shift, factor in _MIXING:
        state ^= state >> shift
        state = state * factor % _WORD if factor else state
    return state


def _scrambled(states: torch.Tensor) -> torch.Tensor:
    """The same of int64 tensors, whose products wrap around."""
    for shift, factor in _MIXING:
        # A shift of signed numbers drags the sign along.
        states = states ^ ((states >> shift) & ((1 << (64 - shift)) - 1))
        states = states * _signed(factor) if factor else states
    return states

"""How tokens are drawn at a temperature: the settings, which need not wait for torch.

decoding/sampling.py does what they say.
"""

import math
from dataclasses import dataclass

from decoding.errors import UserError

# What draft models draw with, and how draws are accepted.
SHARED, OWN, GREEDY = DRAFT_NOISES = ("shared", "own", "greedy")
KEYED, CLASSIC = ACCEPTANCES = ("keyed", "classic")
# The least temperature, at which samples are greedy already. Logits over a far smaller one are
# beyond float32, and their softmax is no number.
COLDEST = 1e-6


@dataclass(frozen=True)
class Sampling:
    """How logits become a distribution: transformers' own warpers, in transformers' order.

    Attributes:
        temperature: 0 is greedy; otherwise at least COLDEST.
        top_k: 0 keeps all.
        top_p: 1 keeps all.
        min_p: 0 keeps all.

    Raises:
        UserError: a value is out of range, or says nothing at temperature 0.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if not (self.temperature == 0 or COLDEST <= self.temperature < math.inf):
            raise UserError(
                f"temperature={self.temperature:g} must be 0 (greedy), or finite and at least {COLDEST:g}: logits over "
                "a smaller one overflow"
            )
        if self.top_k < 0:
            raise UserError(f"top_k={self.top_k} must be 0 (all) or above")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p={self.top_p:g} must be above 0 and at most 1 (all)")
        if not 0 <= self.min_p < 1:
            raise UserError(f"min_p={self.min_p:g} must be at least 0 (all) and below 1")
        if not self.temperature and (self.top_k or self.top_p < 1 or self.min_p):
            raise UserError("top_k, top_p and min_p say nothing at temperature 0: leave them out")

    @property
    def greedy(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.temperature

"""The upper bound for a given draft length: a drafter that knows the output.

The prompt is decoded greedily first, outside the clock, and then once more by the one loop, with
that output as the draft. Every step but the last thus emits draft_length + 1 tokens, and drafting
costs nothing: no method that proposes chains of that length can be faster. Where rounding lets the
two runs part, the rest is a draft that is simply wrong.
"""

from dataclasses import dataclass

from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.records import Generation
from decoding.sampling import Sampler
from decoding.settings import require_at_least
from decoding.stopping import Stopping
from decoding.tree import TokenTree

SPEC = Spec(name="oracle", drafts="the output itself: the bound", bound=True)


@dataclass
class Config:
    """How much is proposed.

    Attributes:
        draft_length: tokens of the output proposed per step.
    """

    name: str = "oracle"
    draft_length: int = 8

    def __post_init__(self) -> None:
        require_at_least("draft_length", self.draft_length, 1)


class KnownOutput(Drafter):
    """Proposes the next tokens of what it was told."""

    def __init__(self, draft_length: int) -> None:
        self.draft_length = draft_length
        self.prompt: list[int] = []
        self.output: list[int] = []

    def know(self, prompt: list[int], output: list[int]) -> None:
        """From now on `output` is what follows `prompt`."""
        self.prompt, self.output = prompt, output

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the next tokens of the known output below the root."""
        done = len(tokens) - len(self.prompt)
        tree.add(0, self.output[done : done + min(self.draft_length, limit)], "oracle")


class Oracle:
    """Two runs of the one loop, of which the second is timed and told.

    No DraftThenVerify: it needs the first.
    """

    def __init__(self, pair: ModelPair, drafter: KnownOutput) -> None:
        self.drafter = drafter
        self._greedy = DraftThenVerify(pair, Drafter())
        self._loop = DraftThenVerify(pair, self.drafter)

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt`.

        Raises:
            UserError: the prompt is empty or leaves no room in the context.
        """
        self.drafter.know(prompt, self._greedy.generate(prompt, stopping, sampler).tokens)
        return self._loop.generate(prompt, stopping, sampler)

    def forget(self) -> None:
        """Nothing is kept."""


def build(config: Config, pair: ModelPair) -> Oracle:
    """The oracle on the pair's target; the draft is not used."""
    return Oracle(pair, KnownOutput(config.draft_length))

"""transformers' assisted generation: speculative decoding as the library does it.

The draft model is the pair's. The library drafts before the prefill too, so its first forward of
the target verifies a draft already.
"""

from dataclasses import dataclass, replace

from baselines.hf_rival import HfRival
from baselines.speculative import draft_session
from decoding.decoder import ModelPair
from decoding.errors import SettingError, UserError
from decoding.method import Spec
from decoding.records import Generation
from decoding.sampling import Sampler
from decoding.settings import require_at_least
from decoding.stopping import Stopping

SCHEDULES = ("constant", "default")


SPEC = Spec(
    name="hf_assisted",
    drafts="a small model, by transformers' own assisted generation",
    colour="grey",
    ours=False,
)


@dataclass
class Config:
    """How much the assistant drafts.

    Attributes:
        gamma: draft tokens per step under the constant schedule.
        schedule: "constant" drafts gamma tokens whatever the draft's confidence, as `speculative`
            does; "default" is what the library does when told nothing (5.23: up to 20 tokens, ended
            by one below a confidence of 0.4, a threshold that adapts where scikit-learn is
            installed), gamma unused.
    """

    name: str = "hf_assisted"
    gamma: int = 4
    schedule: str = "default"

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)
        if self.schedule not in SCHEDULES:
            raise SettingError(f"schedule={self.schedule} is unknown: choose one of {', '.join(SCHEDULES)}")

    def canonical(self) -> "Config":
        """The default schedule knows no gamma."""
        return self if self.schedule == "constant" else replace(self, gamma=Config.gamma)


class HfAssisted(HfRival):
    """generate() with an assistant model."""

    drafts = True

    def __init__(self, pair: ModelPair, config: Config) -> None:
        draft = draft_session(pair, config.name)
        sizes = [session.model.config.get_text_config().vocab_size for session in (pair.target, draft)]
        if sizes[0] != sizes[1]:
            raise UserError(
                f"method {config.name}: transformers takes models whose vocab_size differs ({sizes[0]} and {sizes[1]}) "
                "for ones of different tokenizers; leave it out, or choose another draft"
            )
        constant = {
            "num_assistant_tokens": config.gamma,
            "num_assistant_tokens_schedule": "constant",
            "assistant_confidence_threshold": 0.0,
        }
        super().__init__(pair, draft=draft.model, draft_settings=constant if config.schedule == "constant" else {})
        self.draft_context = draft.context

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt`.

        Raises:
            UserError: the prompt is empty, leaves no room, or could outgrow the draft's context.
        """
        length = min(len(prompt) + stopping.max_new_tokens, self.context)
        if length > self.draft_context:
            raise UserError(
                f"method hf_assisted: {length} tokens do not fit into the draft's context of {self.draft_context}, and "
                "transformers would go on drafting after its end; set a smaller max_new_tokens, or leave it out"
            )
        return super().generate(prompt, stopping, sampler)


def build(config: Config, pair: ModelPair) -> HfAssisted:
    """Assisted generation for `pair`.

    Raises:
        UserError: the pair has no draft, or one that the library refuses.
    """
    return HfAssisted(pair, config)

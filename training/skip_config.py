"""Settings of `scripts/search_skip_layers.py`, as conf/search_skip_layers.yaml gives them.

Nothing heavy is imported, so that the command's help comes at once.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from decoding.errors import UserError
from decoding.settings import require_at_least

if TYPE_CHECKING:
    from baselines.self_speculative import Config as MethodConfig

OBJECTIVES = ("cost_model", "measured")


@dataclass
class SkipSearchConfig:
    """name: of the set, and of its folder in `output`. model, data: as in the groups of conf/.

    tasks: prompts of the split per task. max_new_tokens: longest output. objective: what is
    maximised, tokens per second either estimated ("cost_model") or "measured". trials: sets to try,
    those of earlier runs counted in. max_draft, threshold, acceptance, threshold_step: the method's
    own settings, which the set is searched for.
    """

    name: str = "tiny"
    model: Any = None
    data: Any = None
    tasks: dict[str, int] = field(default_factory=dict)
    max_new_tokens: int = 64
    objective: str = "cost_model"
    trials: int = 800
    max_draft: int = 12
    threshold: float = 0.6
    acceptance: float = 0.9
    threshold_step: float = 0.01
    seed: int = 0
    device: str | None = None
    dtype: str | None = None
    output: str = "results/skip_search/runs"

    def __post_init__(self) -> None:
        for name, lowest in {"max_new_tokens": 2, "trials": 1, "max_draft": 1}.items():
            require_at_least(name, getattr(self, name), lowest)
        if self.objective not in OBJECTIVES:
            raise UserError(f"objective={self.objective} is unknown: choose one of {', '.join(OBJECTIVES)}")
        if not any(count > 0 for count in self.tasks.values()):
            raise UserError("tasks holds no prompts: say how many of each task, as in tasks.humaneval=6")

    def method(self) -> "MethodConfig":
        """The method's settings, checked; nothing is skipped yet."""
        from baselines.self_speculative import Config as MethodConfig

        return MethodConfig("self_speculative", None, [], [], self.max_draft, self.threshold, self.acceptance,
                            self.threshold_step)  # fmt: skip

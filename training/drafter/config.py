"""Settings of `scripts/train_draft.py`, as conf/train_draft.yaml and conf/draft give them."""

from dataclasses import dataclass, field

from decoding.errors import UserError
from decoding.settings import require_at_least


@dataclass
class PromptSet:
    """Prompts of one task that the target answers; never of a test split.

    Attributes:
        task: as on the command line of bench.
        source: where rows come from, "local" (below `data_root`) or "bundled".
        split: "train" or "validation".
        variant: "chat" or "base".
        shots: worked examples in front.
        held_out: the first rows, on which agreement is measured and never trained; settings are
            tuned there too.
        count: rows after those to learn from, at most.
    """

    task: str = "gsm8k"
    source: str = "bundled"
    split: str = "train"
    variant: str = "chat"
    shots: int = 0
    held_out: int = 20
    count: int = 200

    def __post_init__(self) -> None:
        if self.split.startswith("test"):
            raise UserError(f"prompts of {self.task}: split={self.split}: a draft never learns from test prompts")


@dataclass
class OwnText:
    """The target's own greedy answers.

    Attributes:
        prompts: of the tasks, answered once.
        openings: what an invented user turn begins with, in turn; "" leaves the beginning to the
            target.
        invented: user turns that it invents a round.
        rounds: of inventing and answering.
        turn_tokens: longest invented turn; a turn that has not ended by then is dropped.
        answer_tokens: longest answer.
        prompt_tokens: longest prompt of a task; the time for one grows with its square.
        rows: prompts decoded at once.
        batch_tokens: prompt tokens read at once, at most.
        packed: folder of a draft whose packed text this one learns from; null: its own.
    """

    prompts: list[PromptSet] = field(default_factory=list)
    openings: list[str] = field(default_factory=lambda: [""])
    invented: int = 768
    rounds: int = 4
    turn_tokens: int = 128
    answer_tokens: int = 256
    prompt_tokens: int = 1024
    rows: int = 96
    batch_tokens: int = 24_000
    packed: str | None = None


@dataclass
class Text:
    """Text that is there already, on which the target's distributions are learned first.

    Attributes:
        files: glob patterns; "{stdlib}" stands for Python's standard library, "{packages}" for the
            installed packages.
        tokens: to take of it, at most; 0 leaves the stage out.
        length: tokens of a piece.
        top: highest logits kept for every position, of existing text and of the target's own.
        seed: which files and pieces are taken.
    """

    files: list[str] = field(default_factory=list)
    tokens: int = 0
    length: int = 512
    top: int = 8
    seed: int = 0


@dataclass
class Optimisation:
    """How the draft learns.

    Attributes:
        text_epochs, own_epochs: passes over existing text and over the target's own.
        on_policy_steps: of the pass over the draft's own continuations; 0 leaves it out.
        on_policy_tokens: that the draft continues a text by.
        batch_tokens: tokens a step.
        learning_rate: the peak; it decays to zero over every stage.
        warmup_steps: of every stage.
        prompt_weight: of the prompt's tokens beside an answer's 1, in the target's own text.
        unrolled: passes over a text of a draft that reads hidden states: in the first it reads the
            target's, in every further one its own of the pass before (EAGLE-3, arXiv 2503.01840,
            section 3.2, but for rows before, which here read their own too).
        state_weight: in the loss, of the distance between its hidden states and the target's
            (EAGLE, arXiv 2401.15077, section 4.2).
        checkpoint_steps: between checkpoints.
    """

    text_epochs: float = 1.0
    own_epochs: float = 4.0
    on_policy_steps: int = 100
    on_policy_tokens: int = 8
    batch_tokens: int = 8192
    learning_rate: float = 1e-3
    warmup_steps: int = 30
    prompt_weight: float = 0.1
    unrolled: int = 2
    state_weight: float = 0.5
    checkpoint_steps: int = 50


@dataclass
class DraftConfig:
    """A draft for a target.

    Attributes:
        target: folder, hub id or bundled:FOLDER.
        output: folder of the draft, its layers alone.
        work: prompts, answers, labels and checkpoints, outside git; training goes on from there.
        data_root: folder with one folder a task, for prompts of source "local".
        forbidden_root: folder whose test splits no training text may share a run of thirteen words
            with; null: none, for the bundled tasks, whose splits are written from the same
            templates.
        layers: the target's layers that the draft begins as, ascending.
        features: whether the draft reads the target's hidden states (EAGLE), for method=eagle.
        cross: whether its layers attend to the target's keys and values (GliDe), for method=glide.
        parallel: tokens that the draft learns to write in one forward, for method=parallel; 1: one.
        mask_token: the id that it then reads in place of tokens it has not written; one that the
            target never writes.
        head: ids that the loss is taken over, the most frequent of the target's own text; null:
            all.
        dtype: of the frozen target; null: bfloat16 where the CPU multiplies it natively or on a
            GPU, else float32.
        seed: of everything drawn.
    """

    target: str = "bundled:tiny/target"
    output: str = "results/drafts/draft"
    work: str = "results/train/draft"
    data_root: str | None = None
    forbidden_root: str | None = None
    layers: list[int] = field(default_factory=lambda: [0, -1])
    features: bool = False
    cross: bool = False
    parallel: int = 1
    mask_token: int | None = None
    head: int | None = 8192
    device: str = "cpu"
    dtype: str | None = None
    threads: int | None = None
    seed: int = 0
    own_text: OwnText = field(default_factory=OwnText)
    text: Text = field(default_factory=Text)
    optimisation: Optimisation = field(default_factory=Optimisation)

    def __post_init__(self) -> None:
        if not self.layers:
            raise UserError("layers is empty: name at least one of the target's layers, as in layers=[0,-1]")
        if self.features and self.cross:
            raise UserError("features and cross make two kinds of draft: set one of them")
        reads = "features" if self.features else "cross" if self.cross else None
        if reads and (self.text.tokens or self.optimisation.on_policy_steps):
            raise UserError(
                f"{reads}=true learns from the target's own text: set text.tokens=0 optimisation.on_policy_steps=0"
            )
        if (self.parallel > 1) != (self.mask_token is not None):
            raise UserError("parallel and mask_token belong together: give both, as in parallel=8 mask_token=17")
        if self.parallel > 1 and (reads or self.optimisation.on_policy_steps):
            raise UserError("parallel above 1 takes features=false cross=false optimisation.on_policy_steps=0")
        for name, value in (
            ("parallel", self.parallel),
            ("own_text.rows", self.own_text.rows),
            ("batch_tokens", self.optimisation.batch_tokens),
            ("unrolled", self.optimisation.unrolled),
        ):
            require_at_least(name, value, 1)

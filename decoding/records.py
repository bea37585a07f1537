"""What one generation leaves behind: its tokens, and one column entry per decoding step.

Every table, figure and export of the harness is a fold over these; nothing needs a second run.
"""

from dataclasses import dataclass, field

# Columns that only a method with a phrase pool has.
POOL_COLUMNS = ("pool_size", "pool_lookups", "pool_hits", "phrases_learned", "pool_seconds", "pool_draft_seconds")


@dataclass
class Steps:
    """One entry per forward of the target after the prefill; columns have equal length.

    drafted: depth of the deepest proposed path that could have been accepted (0: no draft).
    accepted: drafted tokens on the path that the target confirmed and the stopping rule left in the output.
    emitted: tokens added to the output; accepted + 1, or accepted where the output ended with a drafted token (the
        end of sequence, a stop string's last, or the last that the context holds): a cut step, the generation's last.
    rows: rows of the target's forward. draft_forwards, draft_rows: the draft side's, 0 without a draft model.
    draft_seconds, verify_seconds, observe_seconds: time in propose, in the target's forward with the walk,
        and in learning from the verdict.
    sources: for each accepted token, who proposed it.

    Of a method's phrase pool, None where it keeps none (and absent from records made before these columns):
    pool_size: phrases in it when the step is over.
    pool_lookups, pool_hits: how often a key was asked for, and found, by who asked: a "guess" for a model's forward, a
        "suffix". phrases_learned: phrases newly inserted, by where they came from; the prompt's are counted in the
        first step, though they are read during the prefill (in records of older runs, during that step).
        What a step did not count is left out of its entry.
    pool_seconds: time in pools, a nested drafter's too: look-ups, inserts, credits, refinement, reading the text's
        phrases. It lies within draft_seconds (pool_draft_seconds of it) and observe_seconds (the rest).
    """

    drafted: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    emitted: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    draft_forwards: list[int] = field(default_factory=list)
    draft_rows: list[int] = field(default_factory=list)
    draft_seconds: list[float] = field(default_factory=list)
    verify_seconds: list[float] = field(default_factory=list)
    observe_seconds: list[float] = field(default_factory=list)
    sources: list[list[str]] = field(default_factory=list)
    pool_size: list[int] | None = None
    pool_lookups: list[dict[str, int]] | None = None
    pool_hits: list[dict[str, int]] | None = None
    phrases_learned: list[dict[str, int]] | None = None
    pool_seconds: list[float] | None = None
    pool_draft_seconds: list[float] | None = None

    def __len__(self) -> int:
        return len(self.drafted)


@dataclass
class Generation:
    """The outcome of one `Decoder.generate`.

    tokens: the new token ids, the end-of-sequence token or the stop string's last token included.
    stop: why it ended: "eos", "stop_string", "length" or "context".
    prefill_seconds: until the first token stood, with all that the method does with the prompt: the draft side's own
        prefill, and reading it into an index or a pool.
    total_seconds: the whole call. Decode time is the difference.
    steps: None for a rival from outside that does not tell its steps.
    extra: what one method alone has to say (pool sizes, phrases learned by source, ...).
    prefill_tokens: tokens that stood after prefill_seconds; more than one where a rival's prefill verifies a draft.
    target_forwards, draft_forwards: those after the prefill, of a rival without steps that could count them.
    rounds: of a rival without steps that drafts, the columns "drafted", "accepted" and "emitted" of Steps.
    """

    tokens: list[int]
    stop: str
    prefill_seconds: float
    total_seconds: float
    steps: Steps | None = None
    extra: dict[str, object] = field(default_factory=dict)
    prefill_tokens: int = 1
    target_forwards: int | None = None
    draft_forwards: int | None = None
    rounds: dict[str, list[int]] | None = None

    @property
    def decode_seconds(self) -> float:
        return self.total_seconds - self.prefill_seconds

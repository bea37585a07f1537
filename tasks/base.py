"""What a task is: how a row becomes a prompt, where an answer ends, and what it scores."""

import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any, ClassVar

from jinja2 import TemplateError

from decoding.errors import UserError
from decoding.settings import require_at_least
from tasks.encoding import require_variables, without_end

Row = Mapping[str, object]

VARIANTS = ("base", "chat")


@dataclass(frozen=True)
class Example:
    """One prompt to decode.

    Attributes:
        id: stable name of the example, unique within its split.
        prompt: the text a completion model continues, worked examples included.
        messages: the same request as a conversation, for a chat template.
        answer: the reference continuation of `prompt`, leading whitespace included; "" where none
            is known.
        reference: what the task's score compares with.
        stop: the example's own stop strings to decode with, beside the task's.
        row: the row it was made from.
        follows: id of the conversation's turn before, whose answer `prompt` must hold; None for a
            first turn.
        sample: which of several samples of one prompt this is, from 0 on.
    """

    id: str
    prompt: str
    messages: tuple[dict[str, str], ...]
    answer: str
    reference: object
    stop: tuple[str, ...]
    row: Row
    follows: str | None = None
    sample: int = 0

    @property
    def prompt_id(self) -> str:
        """The id that all samples of the prompt share."""
        return self.id.removesuffix(_mark(self.sample))

    def sampled(self, sample: int) -> "Example":
        """The same prompt once more, an example of its own."""
        mark = _mark(sample)
        follows = None if self.follows is None else self.follows + mark
        return replace(self, id=self.id + mark, follows=follows, sample=sample)


def _mark(sample: int) -> str:
    """What a sample's id has beside its prompt's; the first has the prompt's own."""
    return f"~{sample}" if sample else ""


def by_prompt(examples: Sequence[Example]) -> list[list[int]]:
    """The places of each prompt's samples among `examples`, prompts in their order.

    Without samples each example is a prompt of its own.
    """
    if not any(example.sample for example in examples):
        return [[place] for place in range(len(examples))]
    found: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        found.setdefault(example.prompt_id, []).append(place)
    return list(found.values())


@dataclass(frozen=True)
class Scores:
    """Quality of a set of answers.

    Attributes:
        means: metric to its value over all examples; None where it is not known, with the reason in
            `notes`.
        per_example: one mapping per example, in order; a metric that does not apply to an example
            is absent.
        notes: how a metric was computed (a signature, an isolation level) or why it is None.
    """

    means: dict[str, float | None]
    per_example: list[dict[str, float]]
    notes: dict[str, str] = field(default_factory=dict)


def averaged(per_example: Sequence[dict[str, float]], notes: Mapping[str, str] | None = None) -> Scores:
    """Scores whose means are plain averages over the examples that carry the metric."""
    names = dict.fromkeys(name for values in per_example for name in values)
    means = {name: fmean(values[name] for values in per_example if name in values) for name in names}
    return Scores(means, list(per_example), dict(notes or {}))


@dataclass(frozen=True)
class TaskConfig:
    """Settings every task has.

    Attributes:
        variant: "base" continues plain text, "chat" uses the tokenizer's chat template.
        stopped: end an answer at the task's stop strings; False runs on, as the paper's scripts do.
        shots: worked examples before the question; None means the paper's number, or 0 with the
            bundled data, whose pair is trained without them.
        template: variables for the chat template, by name; None gives it only
            enable_thinking=False.
    """

    variant: str = "base"
    stopped: bool = True
    shots: int | None = None
    template: Any = None

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UserError(f"task.variant={self.variant!r} is unknown: choose one of {', '.join(VARIANTS)}")
        if self.shots is not None:
            require_at_least("task.shots", self.shots, 0)
        require_variables(self.template, self.variant)


@dataclass(frozen=True)
class Hub:
    """Where a data set lies on the Hugging Face hub, and which splits it has there."""

    path: str
    config: str | None
    splits: tuple[str, ...]


class Task(ABC):
    """A named prompt format with its stopping rule and its score.

    A subclass states the class attributes and `question`, `instruction`, `answer`, `reference` and
    `score`; everything else follows from them.

    Attributes:
        name: as on the command line.
        number, chat_number: of the base and of the chat variant, raised whenever the prompt's
            wording changes, so that records of two wordings never mix.
        hub: address of the data set, None if it is not there.
        fields: field of a row (dotted for a nested one) to its type; `list` means a list of
            strings, `object` anything.
        optional_fields: the same for fields a row may lack.
        id_field: the field that names a row, None if the data set has none.
        aliases: split asked for to the split used instead where the source lacks it.
        shot_splits: splits that worked examples may come from, best first.
        paper_shots: worked examples in the paper's prompts.
        max_new_tokens: default length limit.
        stop_strings: what ends an answer of a completion model. A chat model ends by itself.
        score_settings: names of settings that change only the score, never an output.
    """

    name: ClassVar[str]
    number: ClassVar[int] = 1
    chat_number: ClassVar[int] = 1
    hub: ClassVar[Hub | None] = None
    fields: ClassVar[Mapping[str, type | tuple[type, ...]]]
    optional_fields: ClassVar[Mapping[str, type | tuple[type, ...]]] = {}
    id_field: ClassVar[str | None] = None
    aliases: ClassVar[Mapping[str, str]] = {}
    shot_splits: ClassVar[tuple[str, ...]] = ("train",)
    paper_shots: ClassVar[int] = 0
    max_new_tokens: ClassVar[int] = 256
    stop_strings: ClassVar[tuple[str, ...]] = ()
    score_settings: ClassVar[tuple[str, ...]] = ()
    config_class: ClassVar[type[TaskConfig]] = TaskConfig

    def __init__(self, config: TaskConfig | None = None) -> None:
        self.config = config or self.config_class()

    @property
    def version(self) -> str:
        """Name and version of the prompt, for the records: "humaneval-base-1"."""
        number = self.chat_number if self.config.variant == "chat" else self.number
        return f"{self.name}-{self.config.variant}-{number}"

    @property
    def stop(self) -> tuple[str, ...]:
        """Stop strings to decode with.

        There are none when the task runs on or a chat model ends by itself.
        """
        return self.stop_strings if self.config.stopped and self.config.variant == "base" else ()

    def shots(self, source: str) -> int:
        """Number of worked examples for rows of the data source `source`."""
        if self.config.shots is not None:
            return self.config.shots
        return 0 if source == "bundled" else self.paper_shots

    def output_settings(self, source: str) -> dict[str, object]:
        """Every setting that changes outputs.

        The number of worked examples is filled in for the data `source`.
        """
        settings = {name: value for name, value in asdict(self.config).items() if name not in self.score_settings}
        if not settings["template"]:  # runs from before there was the setting keep their folders
            del settings["template"]
        return {**settings, "shots": self.shots(source)}

    def fault(self, row: Row) -> str | None:  # noqa: ARG002
        """What is wrong with a row that has all fields in the right types; None if nothing."""
        return None

    def reserved(self, row: Row) -> bool:  # noqa: ARG002
        """Whether the data set keeps this row for worked examples; it is never evaluated then."""
        return False

    def category(self, row: Row) -> str | None:  # noqa: ARG002
        """The part of the data set that the row belongs to and that is also reported by itself.

        None if it has none.
        """
        return None

    @abstractmethod
    def question(self, row: Row) -> str:
        """The row as text to be continued, without worked examples."""

    @abstractmethod
    def instruction(self, row: Row) -> str:
        """The row as the user's message to a chat model."""

    @abstractmethod
    def answer(self, row: Row) -> str:
        """The reference continuation of `question(row)`; "" where the row has none."""

    def reply(self, row: Row) -> str:
        """The reference answer to `instruction(row)`, as a chat model should give it."""
        return self.answer(row).strip()

    @abstractmethod
    def reference(self, row: Row) -> object:
        """What `score` compares an answer with."""

    @abstractmethod
    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """Quality of the decoded `texts`, one per example.

        Stop strings and what follows are still in them.
        """

    def example(self, row: Row, shots: Sequence[Row] = ()) -> Example:
        """The prompt made from a row, after worked examples made from the rows `shots`."""
        worked = "".join(f"{self.question(shot)}{self.answer(shot)}".rstrip() + "\n\n" for shot in shots)
        messages: list[dict[str, str]] = []
        for shot in shots:
            messages.append({"role": "user", "content": self.instruction(shot)})
            messages.append({"role": "assistant", "content": self.reply(shot)})
        messages.append({"role": "user", "content": self.instruction(row)})
        return Example(
            id=str(row.get(self.id_field or "id", "")),
            prompt=worked + self.question(row),
            messages=tuple(messages),
            answer=self.answer(row),
            reference=self.reference(row),
            stop=self.row_stop(row) if self.config.stopped else (),
            row=row,
        )

    def row_stop(self, row: Row) -> tuple[str, ...]:  # noqa: ARG002
        """Stop strings of one row."""
        return ()

    def turns(self, row: Row, shots: Sequence[Row] = ()) -> list[Example]:
        """The row's conversation, turn by turn.

        Later turns still lack the answers that decoding must give first.
        """
        turns = [self.example(row, shots)]
        while following := self.follow_up(turns[-1], ""):
            turns.append(following)
        return turns

    def follow_up(self, example: Example, text: str) -> Example | None:  # noqa: ARG002
        """The next turn of a conversation after the answer `text`, None when there is none."""
        return None

    def clean(self, example: Example, text: str) -> str:
        """The answer proper: `text` up to its first stop string.

        This holds also when the task ran on past it.
        """
        stops = self.row_stop(example.row) + (self.stop_strings if self.config.variant == "base" else ())
        return text[: min((found for stop in stops if (found := text.find(stop)) >= 0), default=len(text))]

    def encode(self, example: Example, tokenizer) -> list[int]:
        """Token ids of the prompt: a start token for base text, the template for chat.

        Both are the tokenizer's own. What a tokenizer puts after a text (T5's and others' end of
        sequence) is left out of base text.

        Raises:
            UserError: the chat variant was asked of a tokenizer without a chat template, or with
                one that refuses the messages.
        """
        if self.config.variant == "base":
            return without_end(list(tokenizer(example.prompt).input_ids), tokenizer)
        return list(self._templated(example, tokenizer, tokenize=True))

    def rendered(self, example: Example, tokenizer) -> str:
        """The text that is encoded.

        Raises:
            UserError: as in `encode`.
        """
        return example.prompt if self.config.variant == "base" else self._templated(example, tokenizer, tokenize=False)

    def _templated(self, example: Example, tokenizer, tokenize: bool) -> Any:
        if not getattr(tokenizer, "chat_template", None):
            raise UserError("task.variant=chat needs a tokenizer with a chat template: use task.variant=base")
        try:
            return tokenizer.apply_chat_template(
                list(example.messages),
                add_generation_prompt=True,
                tokenize=tokenize,
                return_dict=False,
                # Read by templates of models that reason first: the answer would begin past the
                # length limit.
                **{"enable_thinking": False, **(self.config.template or {})},
            )
        except (TemplateError, TypeError, ValueError) as error:
            reason = f"the tokenizer's chat template refuses {example.id} ({error})"
            raise UserError(f"{reason}: use task.variant=base") from error

    def fit(self, example: Example, tokenizer, limit: int) -> Example:
        """The example itself if its prompt has at most `limit` tokens, else one shortened to fit.

        Raises:
            UserError: the prompt is too long, and nothing in it may be shortened or that is not
                enough.
        """
        length = len(self.encode(example, tokenizer))
        if length <= limit:
            return example
        passage = self.passage(example.row) or ""
        ends = [word.end() for word in re.finditer(r"\S+", passage)]
        kept = bisect_right(
            range(len(ends)),
            limit,
            key=lambda words: len(self.encode(self._cut(example, passage[: ends[words]]), tokenizer)),
        )
        if kept:
            return self._cut(example, passage[: ends[kept - 1]])
        raise UserError(
            f"{self.name} {example.id}: the prompt has {length} tokens, but the context leaves room for {limit}; "
            "lower max_new_tokens or task.shots, or use a model with a longer context"
        )

    def passage(self, row: Row) -> str | None:  # noqa: ARG002
        """The part of the row's prompt that is shortened, from its end, where it is too long.

        None: nothing.
        """
        return None

    def with_passage(self, row: Row, text: str) -> Row:
        """The row with `text` as its passage. Only called where there is one."""
        raise NotImplementedError

    def _cut(self, example: Example, text: str) -> Example:
        """The example with `text` as its passage, its worked examples as they are."""
        row = self.with_passage(example.row, text)
        worked = example.prompt.removesuffix(self.question(example.row))
        request = {"role": "user", "content": self.instruction(row)}
        return replace(example, row=row, prompt=worked + self.question(row), messages=(*example.messages[:-1], request))

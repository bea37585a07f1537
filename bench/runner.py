"""The one measuring loop: every case beside greedy decoding, prompt by prompt, in rotated order."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from bench.lossless import fit, stop_fault, token_gaps
from bench.models import LoadedPair, peak_memory
from bench.store import METHOD, REFERENCE, RunFolder
from decoding.decoder import Decoder
from decoding.errors import UserError
from decoding.records import Generation
from decoding.stopping import Stopping
from tasks import Example, Task


@dataclass
class Entrant:
    """A decoder in the race. folder: None for the reference, whose records go to every case's folder."""

    label: str
    decoder: Decoder
    history: str
    folder: RunFolder | None


@dataclass
class Progress:
    """What the progress bar hears after every generation: who, on what, and the record."""

    entrant: Entrant
    record: dict[str, Any]


class Race:
    """Measures what is missing in the folders of a panel.

    tolerance: of the lossless verdicts. session: names this process in the records, so that one can tell which
    generations were measured side by side.
    """

    def __init__(
        self, loaded: LoadedPair, task: Task, max_new_tokens: int, tolerance: float, session: str, greedy: Decoder
    ) -> None:
        self.loaded = loaded
        self.task = task
        self.max_new_tokens = max_new_tokens
        self.tolerance = tolerance
        self.session = session
        self.reference = Entrant("greedy", greedy, "cold", None)
        self._gaps: dict[tuple[str, tuple[int, ...]], list[float]] = {}

    def stopping(self, example: Example) -> Stopping:
        """The one rule by which every method's output for `example` ends."""
        strings = self.task.stop + (example.stop if self.task.config.stopped else ())
        return Stopping(self.loaded.pair.eos, self.max_new_tokens, strings, self.loaded.pair.decode)

    def encode(self, example: Example) -> list[int]:
        """The prompt's token ids. Raises UserError, naming the prompt, if they leave no room in the context."""
        ids = self.task.encode(example, self.loaded.tokenizer)
        context = self.loaded.pair.target.context
        if not 0 < len(ids) < context:
            raise UserError(
                f"prompt {example.id} has {len(ids)} tokens, but the model's context holds {context}: "
                "leave it out, or take a model with more context"
            )
        return ids

    def warm_up(self, entrants: Sequence[Entrant], examples: Sequence[Example]) -> None:
        """Decode prompts that are not measured, then forget what was learned from them."""
        for example in examples:
            ids, stopping = self.encode(example), self.stopping(example)
            for entrant in [self.reference, *entrants]:
                entrant.decoder.generate(ids, stopping)
        for entrant in entrants:
            entrant.decoder.forget()

    def run(
        self, entrants: Sequence[Entrant], examples: Sequence[Example], repeats: int, heard: Callable[[Progress], None]
    ) -> None:
        """Measure every (prompt, repeat) that a folder lacks; a record is on disk before the next one begins."""
        prompts = [(example, self.encode(example), self.stopping(example)) for example in examples]
        for repeat in range(repeats):
            for entrant in entrants:
                entrant.decoder.forget()
            for index, (example, ids, stopping) in enumerate(prompts):
                for order, (entrant, folders) in enumerate(self._todo(entrants, example.id, repeat, index)):
                    record = self.measure(entrant, example, ids, stopping) | {"repeat": repeat, "order": order}
                    role = REFERENCE if entrant is self.reference else METHOD
                    for folder in folders:
                        folder.append({"prompt": example.id, "role": role, **record})
                    heard(Progress(entrant, {"prompt": example.id, "role": role, **record}))

    def count(self, entrants: Sequence[Entrant], examples: Sequence[Example], repeats: int) -> int:
        """How many generations `run` would measure."""
        return sum(
            len(list(self._todo(entrants, example.id, repeat, 0))) for repeat in range(repeats) for example in examples
        )

    def _todo(
        self, entrants: Sequence[Entrant], prompt: str, repeat: int, index: int
    ) -> Iterator[tuple[Entrant, list[RunFolder]]]:
        """Who runs this prompt now, in rotated order, and whose folders take the record.

        Greedy runs once for all folders that lack it, beside the methods.
        """
        everyone = [self.reference, *entrants]
        start = (index + repeat) % len(everyone)
        for entrant in everyone[start:] + everyone[:start]:
            role, owners = (METHOD, [entrant]) if entrant.folder else (REFERENCE, entrants)
            folders = [owner.folder for owner in owners if not owner.folder.has(prompt, repeat, role)]
            if folders:
                yield entrant, folders

    def measure(self, entrant: Entrant, example: Example, ids: list[int], stopping: Stopping) -> dict[str, Any]:
        """One generation, timed and then checked, as the fields of a record."""
        target = self.loaded.pair.target
        if entrant.history == "cold":
            entrant.decoder.forget()
        if target.device.type == "cuda":
            torch.cuda.synchronize(target.device)
            torch.cuda.reset_peak_memory_stats(target.device)
        generation = entrant.decoder.generate(ids, stopping)
        memory = peak_memory(target.device)
        fault = stop_fault(generation.tokens, generation.stop, stopping, len(ids), target.context)
        checked = fit(self._teacher_forced(example.id, ids, generation), fault)
        return {
            "label": entrant.label,
            "session": self.session,
            "finished": round(time.time(), 3),
            "prompt_tokens": len(ids),
            **asdict(generation),
            "text": self.loaded.tokenizer.decode(generation.tokens, skip_special_tokens=True),
            "peak_memory_bytes": memory,
            **asdict(checked),
            "tolerance": self.tolerance,
        }

    def _teacher_forced(self, prompt: str, ids: list[int], generation: Generation) -> list[float]:
        """Every distinct output is checked once, outside the clock."""
        if not generation.tokens:
            return []
        key = (prompt, tuple(generation.tokens))
        if key not in self._gaps:
            target = self.loaded.pair.target
            self._gaps[key] = token_gaps(target.model, target.vocabulary, ids, generation.tokens)
        return self._gaps[key]


def unfinished(folder: RunFolder, prompts: Sequence[str], repeats: int) -> int:
    """How many generations `folder` lacks for these prompts."""
    return sum(
        not folder.has(prompt, repeat, role)
        for prompt in prompts
        for repeat in range(repeats)
        for role in (METHOD, REFERENCE)
    )

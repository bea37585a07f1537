"""The one measuring loop: every case beside greedy, prompt by prompt, in shuffled order."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from hashlib import sha256

import torch

from bench.measure.drafting import no_numbers, undrafted
from bench.measure.energy import EnergyMeter
from bench.measure.lossless import agreement, stop_fault, token_gaps
from bench.measure.record import FLOAT32, METHOD, Judgement, Record
from bench.measure.steps import RecordedSteps
from bench.measure.store import RunFolder
from bench.models.encoding import prompt_digest
from bench.models.loading import LoadedPair, peak_memory
from decoding.decoder import Decoder, ModelPair
from decoding.draws import KEYED, SHARED, Sampling
from decoding.errors import UserError
from decoding.finite import SKIPPING
from decoding.loop import DraftThenVerify
from decoding.reading_session import ReadingSession
from decoding.records import Generation
from decoding.sampling import Sampler, make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.text import Pieces, bytewise
from decoding.view import SessionView
from tasks import Example, Task

# Who decodes a prompt now, in their order: of the prompt and the repeat.
Turns = Callable[[Example, int], Iterable["Entrant"]]


@dataclass
class Entrant:
    """A case while it is measured: its decoder, built on the loaded pair.

    References, such as greedy, are entrants too.

    Attributes:
        label: the case's.
        decoder: built for the loaded pair.
        history: "cold", "warm", or "file" for a decoder that begins every prompt with a loaded
            state.
        folder: None for a reference, whose records go to every case's folder.
        role: of its records.
        ours: whether it must run; a rival that cannot is left out.
        draft_noise, acceptance: what draft models draw with, and how draws are accepted.
        naming: what its errors go through, so that they name settings as the user sets them.
    """

    label: str
    decoder: Decoder
    history: str
    folder: RunFolder | None
    role: str = METHOD
    ours: bool = True
    draft_noise: str = SHARED
    acceptance: str = KEYED
    naming: Callable[[], AbstractContextManager[None]] = nullcontext

    def generate(self, ids: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """One output of its decoder."""
        with self.naming():
            return self.decoder.generate(ids, stopping, sampler)

    def repeats(self, sampler: Sampler) -> bool:
        """Whether its samples must be token by token those of plain sampling."""
        return self.decoder.repeats(sampler) if isinstance(self.decoder, DraftThenVerify) else self.ours

    @property
    def own_folder(self) -> RunFolder:
        """The folder of one that is no reference."""
        assert self.folder is not None
        return self.folder


class Race:
    """Measures what is missing in the folders of a panel.

    Args:
        loaded: the pair.
        task: whose prompts are decoded.
        max_new_tokens: the longest output.
        tolerance: of the lossless verdicts, in logits.
        session: names this process in the records, so that one can tell which generations were
            measured side by side.
        references: run beside every method, the one that verdicts rest on first.
        sampling, seed: how outputs are drawn.

    Attributes:
        left_out: labels of rivals that could not run on this pair or on a prompt, each with the
            reason.
    """

    def __init__(
        self,
        loaded: LoadedPair,
        task: Task,
        max_new_tokens: int,
        tolerance: float,
        session: str,
        references: Sequence[Entrant],
        sampling: Sampling | None = None,
        seed: int = 0,
    ) -> None:
        self.sampling = sampling or Sampling()
        self.seed = seed
        self.loaded = loaded
        self.task = task
        self.max_new_tokens = max_new_tokens
        self.tolerance = tolerance
        self.session = session
        self.references = list(references)
        self.left_out: dict[str, str] = {}
        self._gaps: dict[tuple[str, tuple[int, ...]], list[float]] = {}
        self._draft_faults: dict[tuple[int, str, tuple[int, ...]], str | None] = {}
        self._encoded: dict[tuple[str, str], tuple[list[int], int]] = {}
        self._pieces = Pieces(loaded.pair.decode) if bytewise(loaded.tokenizer) else None

    def stopping(self, example: Example, ids: list[int]) -> Stopping:
        """The one rule by which every method's output for `example`, encoded as `ids`, ends."""
        strings = self.task.stop + (example.stop if self.task.config.stopped else ())
        pair = self.loaded.pair
        return Stopping(pair.eos, self.max_new_tokens, strings, pair.decode, tuple(ids), self._pieces)

    def sampler(self, example: Example, draft_noise: str = SHARED, acceptance: str = KEYED) -> Sampler | None:
        """What draws the output for `example`, for every method alike; None at temperature 0."""
        names = (self.seed, self.task.version, example.prompt_id, example.sample)
        return make_sampler(self.sampling, names, draft_noise, acceptance)

    def encode(self, example: Example) -> tuple[list[int], int]:
        """The prompt's token ids, and how many were cut.

        They are cut so that the context holds the longest output too.

        They are the same for the whole process, whatever a chat template makes of the time. A
        prompt that its task cannot shorten stands as it is, and its output may end with the
        context.

        Raises:
            UserError: the prompt, which the message names, is empty or leaves no room at all.
        """
        key = example.id, example.prompt
        if key not in self._encoded:
            self._encoded[key] = self._encode(example)
        return self._encoded[key]

    def _encode(self, example: Example) -> tuple[list[int], int]:
        tokenizer, context = self.loaded.tokenizer, self.loaded.pair.target.context
        ids = whole = self.task.encode(example, tokenizer)
        if not ids:
            raise UserError(f"prompt {example.id} is empty: there is nothing to continue; leave it out")
        if len(ids) > context - self.max_new_tokens:
            with suppress(UserError):
                shortened = self.task.fit(example, tokenizer, context - self.max_new_tokens)
                ids = self.task.encode(shortened, tokenizer)
        if len(ids) >= context:
            raise UserError(
                f"prompt {example.id} has {len(ids)} tokens, but the model's context holds {context}: "
                "leave it out, lower task.shots, or take a model with more context"
            )
        return ids, len(whole) - len(ids)

    def require_same_prompts(self, folders: Iterable[RunFolder], examples: Sequence[Example]) -> None:
        """Raise UserError if `folders` hold records of these prompts with other token ids."""
        encoded = {example.id: self.encode(example)[0] for example in examples}
        prompts = {name: (prompt_digest(ids), len(ids)) for name, ids in encoded.items()}
        for folder in folders:
            folder.require_same_prompts(prompts)

    def longest(self, examples: Sequence[Example]) -> int:
        """Tokens of the longest prompt with its longest output.

        The longest answers to the turns before it are counted in.
        """
        lengths, earlier = [], 0
        for example in examples:
            earlier = earlier + self.max_new_tokens if example.follows else 0
            lengths.append(len(self.encode(example)[0]) + earlier + self.max_new_tokens)
        return max(lengths)

    def warm_up(self, entrants: Sequence[Entrant], examples: Sequence[Example]) -> None:
        """Decode prompts that are not measured, then forget what was learned from them."""
        for example in examples:
            ids, _ = self.encode(example)
            stopping = self.stopping(example, ids)
            for entrant in [*self.references, *self.standing(entrants)]:
                with self.leaving_out(entrant.label, entrant.ours, prompt=example.id):
                    entrant.generate(ids, stopping, self.sampler(example, entrant.draft_noise, entrant.acceptance))
        for entrant in entrants:
            entrant.decoder.forget()

    def standing(self, entrants: Sequence[Entrant]) -> list[Entrant]:
        """Those that are not left out."""
        return [entrant for entrant in entrants if entrant.label not in self.left_out]

    @contextmanager
    def leaving_out(self, label: str, ours: bool, collect: bool = False, prompt: str = "") -> Iterator[None]:
        """A rival's error of any kind leaves it out; a UserError of ours is raised with its label.

        Args:
            label: of the case.
            ours: whether its method is the harness' own, no rival.
            collect: a UserError of ours leaves it out too, so that a check tells of all cases.
            prompt: the one that it decodes, for the reason; "" for none.
        """
        where = f" (prompt {prompt})" if prompt else ""
        try:
            yield
        except UserError as error:
            if ours and not collect:
                raise UserError(f"{label}: {error}") from error
            self.left_out[label] = f"{error}{where}"
        except Exception as error:
            if ours:
                raise
            # Another library's fault, or memory that only the rival needs: no reason to lose the
            # rest of the panel.
            first = next(iter(str(error).strip().splitlines()), "")
            self.left_out[label] = ": ".join(filter(None, [type(error).__name__, first])) + where

    def run(
        self, entrants: Sequence[Entrant], examples: Sequence[Example], repeats: int, report: Callable[[Record], None]
    ) -> None:
        """Measure every (prompt, repeat) that a folder lacks.

        A record is on disk before the next one begins. The order of turns is shuffled.

        Args:
            entrants: the panel.
            examples: the prompts.
            repeats: how often each is decoded.
            report: called with every record once it is on disk.
        """

        def turns(example: Example, repeat: int) -> Iterator[Entrant]:
            return self._todo(entrants, example.id, repeat)

        for entrant, record in self.generations(entrants, examples, repeats, turns):
            for folder in self._lacking(entrant, entrants, record.prompt, record.repeat):
                folder.append(record)
            report(record)

    def generations(
        self, entrants: Sequence[Entrant], examples: Sequence[Example], repeats: int, turns: Turns
    ) -> Iterator[tuple[Entrant, Record]]:
        """Measure prompt by prompt, pass by pass: the loop of runs and of searches.

        A pass begins from nothing learned. A rival that fails is left out, with no record; it ends
        early where every entrant is. No generation begins before the one before it was taken.

        Args:
            entrants: who is measured, references aside.
            examples: prompts. One that follows another needs entrants with folders, which hold the
                answer to that one.
            repeats: passes over the prompts.
            turns: who decodes a prompt, references among them, asked when its turn has come.
        """
        prompts = [(example, *self.encode(example)) for example in examples]
        for repeat in range(repeats):
            for entrant in entrants:
                entrant.decoder.forget()
            for index, (example, ids, cut) in enumerate(prompts):
                if not self.standing(entrants):
                    return
                if example.follows and repeat == 0:
                    turn = self._continued(prompts[index - 1][0], self.standing(entrants))
                    example = replace(turn, id=example.id, follows=example.follows, sample=example.sample)
                    ids, cut = self.encode(example)
                    prompts[index] = (example, ids, cut)
                    self.require_same_prompts([entrant.own_folder for entrant in self.standing(entrants)], [example])
                stopping = self.stopping(example, ids)
                for order, entrant in enumerate(turns(example, repeat)):
                    record = None
                    with self.leaving_out(entrant.label, entrant.ours, prompt=example.id):
                        record = self.measure(entrant, example, ids, stopping, repeat, order, cut)
                    if record is not None:
                        yield entrant, record

    def _continued(self, before: Example, entrants: Sequence[Entrant]) -> Example:
        """The turn after `before`.

        It follows greedy's first answer, so that all methods decode one prompt.
        """
        answer = entrants[0].own_folder.records[before.id, 0, self.references[0].role].text
        turn = self.task.follow_up(before, answer)
        assert turn is not None
        return turn

    def count(self, entrants: Sequence[Entrant], examples: Sequence[Example], repeats: int) -> int:
        """How many generations `run` would measure."""
        return sum(
            len(list(self._todo(entrants, example.id, repeat))) for repeat in range(repeats) for example in examples
        )

    def shuffled(self, entrants: Iterable[Entrant], prompt: str, repeat: int) -> list[Entrant]:
        """The order in which they decode a prompt in a repeat.

        It follows from the run's seed, the prompt, the repeat and each one's label alone: in a run
        that is continued those that are left keep their order, and from prompt to prompt nobody
        runs after the same one, whose traces in caches and in the clock would be his bias.
        """

        def place(entrant: Entrant) -> bytes:
            return sha256(repr((self.seed, prompt, repeat, entrant.role, entrant.label)).encode()).digest()

        return sorted(entrants, key=place)

    def _todo(self, entrants: Sequence[Entrant], prompt: str, repeat: int) -> Iterator[Entrant]:
        """Who runs this prompt now, in shuffled order.

        A reference runs once for all folders that lack it, beside the methods.
        """
        for entrant in self.shuffled([*self.references, *entrants], prompt, repeat):
            if self._lacking(entrant, entrants, prompt, repeat):
                yield entrant

    def _lacking(self, entrant: Entrant, entrants: Sequence[Entrant], prompt: str, repeat: int) -> list[RunFolder]:
        """The folders that take a record of `entrant`: its own, or those of all for a reference."""
        owners = self.standing([entrant] if entrant.folder else entrants)
        folders = [owner.own_folder for owner in owners]
        return [folder for folder in folders if not folder.has(prompt, repeat, entrant.role)]

    def measure(
        self,
        entrant: Entrant,
        example: Example,
        ids: list[int],
        stopping: Stopping,
        repeat: int = 0,
        order: int = 0,
        cut: int = 0,
    ) -> Record:
        """One generation, timed and then checked.

        Args:
            entrant: who decodes.
            example: the prompt.
            ids: the prompt's token ids, as `encode` gives them.
            stopping: when the output ends.
            repeat: which pass it belongs to.
            order: how many generations of this prompt came before it there.
            cut: how many tokens were cut off the prompt, as `encode` tells.
        """
        target = self.loaded.pair.target
        if entrant.history in ("cold", "file"):
            entrant.decoder.forget()
        if target.device.type == "cuda":
            torch.cuda.synchronize(target.device)
            torch.cuda.reset_peak_memory_stats(target.device)
        draft = self.loaded.pair.draft
        before = draft.counters if draft else None
        sampler = self.sampler(example, entrant.draft_noise, entrant.acceptance)
        own_draws = sampler is not None and not entrant.repeats(sampler)
        with EnergyMeter(target.device) as energy:
            generation = entrant.generate(ids, stopping, sampler)
        memory, finished = peak_memory(target.device), round(time.time(), 3)
        # A session starts its counts again with every sequence; a rival counts its draft's forwards
        # itself.
        used = draft is not None and (draft.counters is not before or generation.draft_forwards is not None)
        drafting = draft if used else own_session(entrant.decoder)
        told, judged = generation.rounded(), Judgement()
        # In another dtype other tokens are right.
        if entrant.role != FLOAT32:
            judged = self._judged(example, ids, generation, stopping, own_draws)
        return Record(
            prompt=example.id,
            prompt_version=self.task.version,
            repeat=repeat,
            role=entrant.role,
            order=order,
            prompt_cut=cut,
            label=entrant.label,
            session=self.session,
            finished=finished,
            prompt_tokens=len(ids),
            prompt_digest=prompt_digest(ids),
            tokens=told.tokens,
            stop=told.stop,
            prefill_seconds=told.prefill_seconds,
            total_seconds=told.total_seconds,
            steps=RecordedSteps.of(told.steps) if told.steps is not None else None,
            extra=told.extra,
            prefill_tokens=told.prefill_tokens,
            target_forwards=told.target_forwards,
            draft_forwards=told.draft_forwards,
            rounds=told.rounds,
            text=self.loaded.continuation(ids, generation.tokens),
            peak_memory_bytes=memory,
            joules=energy.joules,
            undrafted_tokens=undrafted(len(ids), len(generation.tokens), drafting.context) if drafting else None,
            draft_fault=self._draft_fault(drafting, example.id, ids, generation) if drafting else None,
            gap=judged.gap,
            gap_at=judged.gap_at,
            stop_fault=judged.stop_fault,
            tolerance=judged.tolerance,
            own_draws=own_draws,
        )

    def _judged(
        self, example: Example, ids: list[int], generation: Generation, stopping: Stopping, own_draws: bool
    ) -> Judgement:
        """How the output fits the target."""
        context = self.loaded.pair.target.context
        fault = stop_fault(generation.tokens, generation.stop, stopping, len(ids), context)
        # Scores are logits over temperature, and so is what rounding makes of them.
        tolerance = self.tolerance / (self.sampling.temperature or 1.0)
        if own_draws:
            return Judgement(stop_fault=fault, tolerance=tolerance)
        found = agreement(self._teacher_forced(example, ids, generation), fault)
        return Judgement(found.gap, found.gap_at, found.stop_fault, tolerance)

    def _draft_fault(
        self, draft: ModelSession, prompt: str, ids: list[int], generation: Generation
    ) -> str | None:
        """What is wrong with a draft whose logits along the output are no numbers, else None.

        Every distinct output is read once, outside the clock.
        """
        sequence = (ids + generation.tokens[:-1])[: draft.context]
        rows = len(sequence) - len(ids) + 1
        if rows < 1:
            return None
        key = (id(draft.model), prompt, tuple(generation.tokens))
        if key not in self._draft_faults:
            role = SKIPPING if isinstance(draft, SessionView) else "draft"
            fine = draft.is_finite(sequence, rows)
            self._draft_faults[key] = None if fine else no_numbers(draft.model, role)
        return self._draft_faults[key]

    def _teacher_forced(self, example: Example, ids: list[int], generation: Generation) -> list[float]:
        """Every distinct output is checked once, outside the clock."""
        if not generation.tokens:
            return []
        key = (example.id, tuple(generation.tokens))
        if key not in self._gaps:
            target = self.loaded.pair.target
            self._gaps[key] = token_gaps(
                target.model, target.vocabulary, ids, generation.tokens, target.rope_boundary,
                self.sampler(example), self.tolerance,
            )  # fmt: skip
        return self._gaps[key]


def own_session(decoder: Decoder) -> ModelSession | None:
    """What a decoder drafts with, if that is no model of the pair; a rival does not tell."""
    return decoder.own_session() if isinstance(decoder, DraftThenVerify) else None


def drafts(pair: ModelPair, entrants: Sequence[Entrant]) -> list[ModelSession]:
    """The pair's draft, and those of the entrants that read their target."""
    own = [own_session(each.decoder) for each in entrants]
    found = [pair.draft, *(each for each in own if isinstance(each, ReadingSession))]
    return list({id(each): each for each in found if each is not None}.values())


def unfinished(folder: RunFolder, prompts: Sequence[str], repeats: int, roles: Sequence[str]) -> int:
    """How many generations `folder` lacks for these prompts."""
    return sum(
        not folder.has(prompt, repeat, role)
        for prompt in prompts
        for repeat in range(repeats)
        for role in roles
    )

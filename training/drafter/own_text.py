"""The target's own text, kept on disk as it is written, a line of JSON a generation.

It is what costs most, so it is packed beside the draft: who trains it again begins with that text.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from decoding.errors import UserError
from training.drafter.config import DraftConfig
from training.drafter.generation import Decoding, batches, decode
from training.drafter.prompts import Prompt, TestText, invented, of_tasks, shuffled

# In the draft's folder.
ARCHIVE = "own_text"


@dataclass(frozen=True)
class Answered:
    """One prompt and the target's greedy answer to it, as token ids."""

    source: str
    prompt: list[int]
    answer: list[int]
    held_out: bool


def own_text(
    config: DraftConfig,
    target: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    eos: frozenset[int],
    tests: TestText,
) -> list[Answered]:
    """Every prompt answered; rounds that are on disk are read, the others written.

    Round 0 holds the tasks' prompts, every further one turns that the target invents. Rounds that
    are packed are taken from there.

    Raises:
        UserError: the text on disk is another target's.
    """
    found: list[Answered] = []
    folder = Path(config.work) / "own_text"
    archive = (Path(config.own_text.packed or config.output) / ARCHIVE).with_suffix(".tar.xz")
    if archive.is_file() and not folder.exists():
        shutil.unpack_archive(archive, folder, filter="data")
    folder.mkdir(parents=True, exist_ok=True)
    author = folder / "target.txt"
    if author.exists() and (other := author.read_text().strip()) != config.target:
        raise UserError(f"{folder} holds text of {other}: give work=... and output=... of their own")
    author.write_text(f"{config.target}\n")
    for number in range(config.own_text.rounds + 1):
        prompts = _prompts(config, number, target, tokenizer, eos, tests, folder / f"prompts-{number}.jsonl")
        found += _answers(config, number, prompts, target, eos, folder / f"answers-{number}.jsonl")
    return [each for each in found if each.held_out or not tests.touches(tokenizer.decode(each.answer))]


def pack(config: DraftConfig) -> None:
    """Put the text, prompts and answers, into the draft's folder, unless it came from another."""
    if config.own_text.packed:
        return
    shutil.make_archive(str(Path(config.output) / ARCHIVE), "xztar", Path(config.work) / "own_text")


def _prompts(
    config: DraftConfig,
    number: int,
    target: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    eos: frozenset[int],
    tests: TestText,
    file: Path,
) -> list[Prompt]:
    if not file.exists():
        if number == 0:
            found = of_tasks(config.own_text.prompts, config.data_root, tokenizer, tests)
            prompts: Iterable[Prompt] = (each for each in found if len(each.ids) <= config.own_text.prompt_tokens)
        else:
            generator = torch.Generator().manual_seed(config.seed * 1000 + number)
            how = Decoding(config.own_text.turn_tokens, eos, 1.0, generator)
            prompts = tqdm(
                invented(target, tokenizer, config.own_text, how, tests),
                desc=f"round {number}: turns",
                total=config.own_text.invented,
            )
        lines = [json.dumps(asdict(prompt)) + "\n" for prompt in shuffled(prompts, config.seed + number)]
        file.with_suffix(".new").write_text("".join(lines))
        file.with_suffix(".new").replace(file)
    return [Prompt(**{**line, "ids": tuple(line["ids"])}) for line in _lines(file)]


def _answers(
    config: DraftConfig, number: int, prompts: list[Prompt], target: PreTrainedModel, eos: frozenset[int], file: Path
) -> list[Answered]:
    done = {line["index"]: line["answer"] for line in _lines(file)} if file.exists() else {}
    how = Decoding(config.own_text.answer_tokens, eos)
    left = [index for index in range(len(prompts)) if index not in done]
    ids = [list(prompts[index].ids) for index in left]
    with file.open("a") as stream, tqdm(total=len(prompts), initial=len(done), desc=f"round {number}: answers") as bar:
        for group in batches(ids, config.own_text.rows, config.own_text.batch_tokens):
            for place, answer in zip(group, decode(target, [ids[place] for place in group], how), strict=True):
                done[left[place]] = answer
                stream.write(json.dumps({"index": left[place], "answer": answer}) + "\n")
            stream.flush()
            bar.update(len(group))
    return [
        Answered(prompt.source, list(prompt.ids), done[index], prompt.held_out) for index, prompt in enumerate(prompts)
    ]


def _lines(file: Path) -> Iterator[dict]:
    """The whole lines of a file; the last one may be torn where writing was cut short."""
    for line in file.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)

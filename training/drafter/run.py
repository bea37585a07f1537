"""The whole of a draft's training, stage by stage, each skipped where its result is there."""

import json
import time
from functools import partial
from pathlib import Path

import torch
from transformers.utils import logging

from bench.console.terminal import say
from training.drafter.card import write_card
from training.drafter.config import DraftConfig
from training.drafter.cross import keys_and_values
from training.drafter.labels import labelled, own_labels
from training.drafter.own_text import own_text, pack
from training.drafter.prompts import TestText
from training.drafter.states import last_states, states_of
from training.drafter.student import ranked, save, student_of
from training.drafter.target import load_target
from training.drafter.train import Head, train


def run(config: DraftConfig) -> int:
    """All stages, and where the draft lies; the exit status."""
    train_draft(config)
    say(f"in {config.output}: the draft's layers, README.md with its agreement, token_ranking.json")
    return 0


def train_draft(config: DraftConfig) -> None:
    """Write the draft of `config` and its card into its output folder.

    Raises:
        UserError: a target or prompts that cannot be had.
    """
    logging.disable_progress_bar()
    if config.threads:
        torch.set_num_threads(config.threads)
    work = Path(config.work)
    work.mkdir(parents=True, exist_ok=True)
    clock = Clock(work / "seconds.json")
    target, tokenizer, eos = load_target(config)
    tests = TestText(config.forbidden_root)
    with clock("own text"):
        texts = own_text(config, target, tokenizer, eos, tests)
    own = [each for each in texts if not each.held_out]
    held_out = [each for each in texts if each.held_out]
    with clock("labels"):
        text = labelled(config, target, tokenizer, tests)
        own_text_labels = own_labels(config, target, own)
        states = held_out_states = None
        if config.features or config.cross:
            take = partial(keys_and_values, layers=len(config.layers)) if config.cross else last_states
            states = states_of(target, own, work / "states", take)
            held_out_states = states_of(target, held_out, work / "held_out_states", take)
    ranking = ranked((each.prompt + each.answer for each in own), sorted(eos))
    student = student_of(target, config.layers, config.features, config.mask_token, config.cross)
    head = Head(ranking[: config.head] if config.head else range(student.config.vocab_size), student.config.vocab_size)
    with clock("training"):
        log = train(config, student, target, head, text, own, own_text_labels, held_out, states, held_out_states)
    save(student, ranking, Path(config.output))
    pack(config)
    write_card(config, student, head, own, held_out, held_out_states, text, log, clock.seconds)


class Clock:
    """Seconds a stage has taken, over all the runs that it took."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seconds: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
        self._stage, self._begin = "", 0.0

    def __call__(self, stage: str) -> "Clock":
        self._stage, self._begin = stage, time.monotonic()
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + time.monotonic() - self._begin
        self.file.write_text(json.dumps(self.seconds) + "\n")

"""The training text: prompts and answers of all six tasks, as token ids."""

import importlib
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from tqdm import tqdm

from tasks import TASKS, Example


@dataclass
class Document:
    """Token ids of a prompt and its answer, the end-of-sequence token included.

    `prompt` counts the prompt's.
    """

    ids: list[int]
    prompt: int


def examples(task_name: str, split: str, count: int, seed: int = 0) -> Iterator[Example]:
    """At most `count` examples of a split, further turns of a conversation included."""
    corpus = importlib.import_module(f"training.corpus.{task_name}").CORPUS
    task = TASKS[task_name]()
    for row in itertools.islice(corpus.rows(split, seed), count):
        example: Example | None = task.example(row)
        while example is not None:
            yield example
            example = task.follow_up(example, example.answer)


def tokenize(tokenizer, counts: dict[str, int], seed: int) -> list[Document]:
    """`counts[task]` training rows of every task, shuffled."""
    documents = []
    for task_name, count in counts.items():
        for example in tqdm(examples(task_name, "train", count, seed), total=count, desc=f"text of {task_name}"):
            prompt = tokenizer(example.prompt).input_ids
            answer = tokenizer(example.answer, add_special_tokens=False).input_ids
            documents.append(Document([*prompt, *answer, tokenizer.eos_token_id], len(prompt)))
    random.Random(seed).shuffle(documents)
    return documents


def batches(
    documents: list[Document], batch_tokens: int, prompt_weight: float, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless (ids, weights) batches [documents, length] of about `batch_tokens` tokens.

    weights: each token's weight in the loss as a label; 0 for padding, which is on the right.
    """
    for group in groups(documents, batch_tokens, seed):
        yield pad([documents[index] for index in group], prompt_weight)


def groups(documents: list[Document], batch_tokens: int, seed: int) -> Iterator[list[int]]:
    """Endless batches of about `batch_tokens` tokens, padding included, as places in `documents`.

    Documents of like length go together, in a new random order every epoch.
    """
    for epoch in itertools.count():
        draw = random.Random(f"{seed}/{epoch}")
        order = sorted(range(len(documents)), key=lambda i: len(documents[i].ids) + draw.random() * 24)
        found: list[list[int]] = [[]]
        for index in order:
            if (len(found[-1]) + 1) * len(documents[index].ids) > batch_tokens and found[-1]:
                found.append([])
            found[-1].append(index)
        draw.shuffle(found)
        yield from found


def pad(group: list[Document], prompt_weight: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and weights of some documents, [documents, length], padded on the right."""
    length = max(len(document.ids) for document in group)
    ids = torch.zeros(len(group), length, dtype=torch.long)
    weights = torch.zeros(len(group), length)
    for row, document in enumerate(group):
        ids[row, : len(document.ids)] = torch.tensor(document.ids)
        weights[row, : document.prompt] = prompt_weight
        weights[row, document.prompt : len(document.ids)] = 1.0
    return ids, weights

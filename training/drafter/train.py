"""Training of a draft's layers in three stages.

They take the target's distributions, its own text, and the draft's own mistakes.
"""

import itertools
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm
from transformers import PreTrainedModel

from decoding.hidden import Reader
from decoding.reading import reader_of
from training.documents import Document, groups, pad
from training.drafter.agreement import agreement
from training.drafter.batch import Batch
from training.drafter.config import DraftConfig, Optimisation
from training.drafter.generation import Decoding, decode
from training.drafter.labels import Labelled, top_logits
from training.drafter.masks import with_masks
from training.drafter.own_text import Answered
from training.drafter.states import while_learning
from training.drafter.target import fast_dtype

CLIP = 1.0
# Rows of a step on the draft's own continuations.
ON_POLICY_ROWS = 24
# Held-out answers behind the choice of a checkpoint.
CHECKED = 120


class Head:
    """The ids that the loss is taken over, and their places."""

    def __init__(self, ids: Sequence[int], vocabulary: int) -> None:
        self.ids = torch.tensor(sorted(ids))
        self.places = torch.full((vocabulary,), -1)
        self.places[self.ids] = torch.arange(len(self.ids))


def train(
    config: DraftConfig,
    student: PreTrainedModel,
    target: PreTrainedModel,
    head: Head,
    text: list[Labelled],
    own: list[Answered],
    labels: list[Labelled],
    held_out: list[Answered],
    states: list[torch.Tensor] | None = None,
    held_out_states: list[torch.Tensor] | None = None,
) -> list[dict[str, object]]:
    """Train `student` in place to the checkpoint with the highest held-out agreement.

    Goes on from `config.work`/draft.pt.

    Args:
        text: existing text.
        own: what the target wrote itself.
        labels: of `own`, text by text.
        held_out: answers on which agreement is measured.
        states, held_out_states: what the draft reads of the target over `own` and `held_out`.

    Returns:
        Its log, a mapping for every check.
    """
    how = config.optimisation
    tokens = sum(shard.ids.numel() for shard in text) * how.text_epochs
    words = sum(len(each.prompt) + len(each.answer) for each in own) * how.own_epochs
    stages: list[tuple[str, int, Callable[[], Iterator[Batch]]]] = [
        ("text", math.ceil(tokens / how.batch_tokens), lambda: _of_text(text, head, config)),
        ("own text", math.ceil(words / how.batch_tokens), lambda: _of_own(own, labels, head, config, states)),
        ("on policy", how.on_policy_steps, lambda: _on_policy(own, head, config, student, target)),
    ]
    trainer = _Trainer(config, student, head, held_out, held_out_states)
    for name, steps, stream in stages:
        trainer.stage(name, steps, stream)
    student.load_state_dict(trainer.best)
    return trainer.log


class _Trainer:
    """Optimiser, checkpoint and log of a training that may have been cut short."""

    def __init__(
        self,
        config: DraftConfig,
        student: PreTrainedModel,
        head: Head,
        held_out: list[Answered],
        states: list[torch.Tensor] | None = None,
    ) -> None:
        self.config, self.student, self.head = config, student, head
        checked = random.Random(config.seed).sample(range(len(held_out)), min(CHECKED, len(held_out)))
        self.held_out = [held_out[place] for place in checked]
        self.states = [states[place] for place in checked] if states else None
        self.file = Path(config.work) / "draft.pt"
        self.done: list[str] = []
        self.step = 0
        self.log: list[dict[str, object]] = []
        self.best = {name: tensor.clone() for name, tensor in student.state_dict().items()}
        self.optimizer: torch.optim.Optimizer | None = None
        self._waiting: dict[str, object] | None = None
        if self.file.exists():
            state = torch.load(self.file, weights_only=False)
            student.load_state_dict(state["student"])
            self.done, self.step, self.log, self.best = state["done"], state["step"], state["log"], state["best"]
            self._waiting = state["optimizer"]
        else:
            self.check("start")
            self.save()

    def stage(self, name: str, steps: int, stream: Callable[[], Iterator[Batch]]) -> None:
        """Run one stage to its end, unless it is done or has no steps."""
        if name in self.done or steps < 1:
            return
        how = self.config.optimisation
        learned = [each for each in self.student.parameters() if each.requires_grad]
        self.optimizer = torch.optim.AdamW(learned, lr=how.learning_rate, betas=(0.9, 0.95), weight_decay=0.01)
        if self._waiting:
            self.optimizer.load_state_dict(self._waiting)
            self._waiting = None
        rest = itertools.islice(stream(), self.step, None)
        average = None
        with tqdm(rest, total=steps, initial=self.step, desc=name, unit="step") as bar:
            for batch in bar:
                if self.step >= steps:
                    break
                rate = how.learning_rate * min(1.0, (self.step + 1) / how.warmup_steps, (steps - self.step) / steps)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                loss = _loss(self.student, batch, self.head, how)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(learned, CLIP)
                self.optimizer.step()
                self.optimizer.zero_grad(set_to_none=True)
                self.step += 1
                average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
                bar.set_postfix(loss=f"{average:.3f}")
                if self.step % how.checkpoint_steps == 0 and self.step < steps:
                    self.check(name, average)
                    self.save()
        self.check(name, average)
        self.done, self.step, self.optimizer = [*self.done, name], 0, None
        self.save()

    def check(self, stage: str, loss: float | None = None) -> None:
        """Held-out agreement now: a line of the log; the best weights are kept."""
        found = agreement(self.student, self.held_out, self.head.ids, self.states)
        if all(found.share > line["share"] for line in self.log):
            self.best = {name: tensor.clone() for name, tensor in self.student.state_dict().items()}
        self.log.append({"stage": stage, "step": self.step, "loss": loss, **asdict(found)})

    def save(self) -> None:
        """Write the checkpoint, whole or not at all, and the log."""
        state = {
            "student": self.student.state_dict(), "best": self.best, "done": self.done, "step": self.step,
            "log": self.log, "optimizer": self.optimizer.state_dict() if self.optimizer else None,
        }  # fmt: skip
        torch.save(state, self.file.with_suffix(".new"))
        self.file.with_suffix(".new").replace(self.file)
        (self.file.parent / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in self.log))


def _loss(student: PreTrainedModel, batch: Batch, head: Head, how: Optimisation) -> torch.Tensor:
    """Cross-entropy with the wanted probabilities, over the head's ids.

    It is the forward KL but for a constant. Of a draft that reads hidden states the mean over its
    passes, with the distance of its own states from the target's.
    """
    device = next(student.parameters()).device.type
    fast = fast_dtype(device)
    wanted = batch.weights > 0
    weights = batch.weights[wanted]
    labels, shares = batch.labels[wanted], batch.shares[wanted]
    shares = torch.where(labels >= 0, shares, 0.0)
    losses = []
    with torch.autocast(device, fast, enabled=fast != torch.float32):
        if batch.states is None:
            found = [_hidden(student, batch)]
        else:
            found = while_learning(student, batch.ids, batch.states, how.unrolled)
        for hidden in found:
            logits = F.linear(hidden[wanted], student.get_output_embeddings().weight[head.ids]).float()
            each = (shares * (logits.logsumexp(-1, keepdim=True) - logits.gather(1, labels.clamp_min(0)))).sum(-1)
            if batch.states is not None and isinstance(reader_of(student), Reader):
                apart = F.smooth_l1_loss(hidden[wanted].float(), batch.states[wanted], reduction="none").mean(-1)
                each = each + how.state_weight * apart
            losses.append((each * weights).sum() / weights.sum())
    return torch.stack(losses).mean()


def _hidden(student: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """The draft's last hidden states over a batch, [rows, length, width]."""
    if batch.seen is None:
        return student.base_model(input_ids=batch.ids, use_cache=False).last_hidden_state
    floor = torch.finfo(student.dtype).min
    mask = torch.zeros(batch.seen.shape, dtype=student.dtype).masked_fill_(~batch.seen, floor)[None, None]
    return student.base_model(
        input_ids=batch.ids, position_ids=batch.positions[None], use_cache=False,
        attention_mask=mask.expand(len(batch.ids), -1, -1, -1),
    ).last_hidden_state  # fmt: skip


def _of_text(text: list[Labelled], head: Head, config: DraftConfig) -> Iterator[Batch]:
    """Pieces of existing text in a random order, with the target's highest logits."""
    where = [(shard, row) for shard in text for row in range(len(shard.ids))]
    rows = max(1, config.optimisation.batch_tokens // config.text.length)
    for epoch in itertools.count():
        order = random.Random(f"{config.seed}/{epoch}").sample(where, len(where))
        for begin in range(0, len(order), rows):
            chosen = order[begin : begin + rows]
            ids = torch.stack([shard.ids[row] for shard, row in chosen]).long()
            top = torch.stack([shard.top[row] for shard, row in chosen]).long()
            shares = torch.stack([shard.shares[row] for shard, row in chosen]).float().exp()
            yield Batch(ids, torch.ones(ids.shape), head.places[top], shares)


def _of_own(
    own: list[Answered],
    labelled: list[Labelled],
    head: Head,
    config: DraftConfig,
    states: list[torch.Tensor] | None = None,
) -> Iterator[Batch]:
    """The target's own text, with its distributions: the highest of each is what it wrote next."""
    how = config.optimisation
    draw = random.Random(f"{config.seed}/anchors")
    documents = [Document(each.prompt + each.answer, len(each.prompt)) for each in own]
    for group in groups(documents, how.batch_tokens, config.seed):
        ids, weights = pad([documents[index] for index in group], how.prompt_weight)
        labels = torch.full((*ids.shape, config.text.top), -1)
        shares = torch.zeros(labels.shape)
        for row, index in enumerate(group):
            text = labelled[index]
            labels[row, : text.ids.numel()] = head.places[text.top[0].long()]
            shares[row, : text.ids.numel()] = text.shares[0].float().exp()
        weights = weights[:, 1:] * (labels[:, :-1] >= 0).any(-1)
        read = None
        if states:
            read = pad_sequence([states[index].float() for index in group], batch_first=True)[:, :-1]
        batch = Batch(ids[:, :-1], weights, labels[:, :-1], shares[:, :-1], read)
        yield with_masks(batch, config.parallel, config.mask_token, draw) if config.parallel > 1 else batch


def _on_policy(
    own: list[Answered], head: Head, config: DraftConfig, student: PreTrainedModel, target: PreTrainedModel
) -> Iterator[Batch]:
    """The draft goes on from places within answers, the target says what should have come.

    As in DistillSpec.
    """
    how = config.optimisation
    for number in itertools.count():
        draw = random.Random(f"{config.seed}/on policy/{number}")
        texts = draw.sample(own, min(ON_POLICY_ROWS, len(own)))
        starts = [each.prompt + each.answer[: draw.randrange(len(each.answer))] for each in texts]
        drafted = decode(student, starts, Decoding(how.on_policy_tokens, frozenset()))
        length = max(len(start) for start in starts) + how.on_policy_tokens
        ids = torch.zeros(len(starts), length, dtype=torch.long)
        weights = torch.zeros(len(starts), length)
        for row, (start, more) in enumerate(zip(starts, drafted, strict=True)):
            ids[row, : len(start) + len(more)] = torch.tensor(start + more)
            weights[row, len(start) - 1 : len(start) + len(more) - 1] = 1.0
        top, shares = top_logits(target, ids, config.text.top)
        yield Batch(ids, weights, head.places[top], shares.exp())

"""A transformers causal language model with a tree cache.

It prefills, runs a forward over a tree, extends it and keeps a path. The model's own classes run
unchanged; the session only hands them explicit positions, an explicit mask and the preallocated
cache. It remembers which tokens are cached, so that a method cannot lose track of them, and it
counts forwards and rows.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from decoding.cache import TreeCache, one_row
from decoding.errors import UserError
from decoding.finite import finite_on, require_finite
from decoding.hidden import FeatureRows, HiddenStates
from decoding.masks import MaskBuilder
from decoding.reading import reader_of
from decoding.staging import staged
from decoding.stopwatch import Stopwatch
from decoding.tracing import CannotTrace, TracedForward, rotary_settings
from decoding.tree import TokenTree, causal

# What all models' forwards took so far: one clock, for the models of a method take turns.
MODELS = Stopwatch()


@dataclass
class Counters:
    """Work done by a session since its last reset."""

    forwards: int = 0
    rows: int = 0


def context_of(config: PretrainedConfig) -> int:
    """How many tokens a model's context holds; endlessly many where its config does not say."""
    return int(getattr(config.get_text_config(decoder=True), "max_position_embeddings", 0) or 1 << 30)


class ModelSession:
    """One model, one sequence (batch size 1).

    Args:
        vocabulary: ids at or beyond it are never chosen, and read as id 0 (a draft model's
            tokenizer map may be shorter than its target's, and padded rows of the head hold no
            token).

    Attributes:
        reserved: the longest sequence that was reserved so far, in tokens.
        depth: how many layers the model has.
        features: of every cached token the hidden states that `watch` was asked for.

    Raises:
        UserError: the model cannot be driven with explicit masks (see decoding/masks.py).
    """

    def __init__(self, model: PreTrainedModel, vocabulary: int | None = None) -> None:
        self.model: PreTrainedModel = model.eval()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.device = model.device
        config = model.config.get_text_config(decoder=True)
        self.vocabulary = min(vocabulary or config.vocab_size, config.vocab_size)
        self.context = context_of(model.config)
        self.depth: int = config.num_hidden_layers
        self.rope_boundary = _longrope_boundary(config)
        self._masks = MaskBuilder(model)
        self.tokens: list[int] = []
        self.counters = Counters()
        self.reserved = 0
        # The last forward's chain and tree, and how many of the tree's nodes have been through a
        # forward.
        self._pending: tuple[list[int], TokenTree, int] | None = None
        # Those of them that read no token but an embedding.
        self._untrue: frozenset[int] = frozenset()
        self._cache = TreeCache(one_row(model))
        self._traced: TracedForward | None = None
        self._traced_embeddings: TracedForward | None = None
        self.features = FeatureRows()
        self._hidden: HiddenStates | None = None
        # Hidden states of the last forward's chain and tree.
        self._seen: torch.Tensor | None = None

    def watch(self, layers: tuple[int, ...]) -> None:
        """From now on keep hidden states of confirmed rows, for drafts that read them.

        Those that are kept already stay. What is cached was read without: it is forgotten.

        Args:
            layers: as HiddenStates numbers them, from 0 to `depth`.

        Raises:
            CannotTrace: the model was traced and cannot be so again; all stays as it is then.
        """
        before = self._hidden
        wanted = tuple(sorted({*layers, *(before.layers if before else ())}))
        if before and wanted == before.layers:
            return
        hidden = HiddenStates(self.model, wanted)
        if self._traced:
            try:
                self._traced, self._traced_embeddings = self._trace(hidden), None
            except CannotTrace:
                hidden.remove()
                raise
        if before:
            before.remove()
        self._hidden, self._seen = hidden, None
        self.truncate(0)

    @torch.inference_mode()
    def states(self, layers: tuple[int, ...], start: int, end: int) -> torch.Tensor:
        """Hidden states of the cached tokens from `start` to `end`, in the order of `layers`.

        Args:
            layers: among those that were asked for by `watch`.
            start: the first token's place.
            end: the place after the last one's.

        Returns:
            float [end - start, width of all these layers].
        """
        assert self._hidden
        rows = self.features.read(start, end)
        if layers == self._hidden.layers:
            return rows
        columns = dict(zip(self._hidden.layers, torch.split(rows, self._hidden.widths, dim=-1), strict=True))
        return torch.cat([columns[layer] for layer in layers], dim=-1)

    def cached(self, layer: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of the first `count` confirmed tokens, as they are cached at `layer`.

        Raises:
            ValueError: fewer tokens are cached.
        """
        return self._cache.read(layer, count)

    def trace(self) -> None:
        """From now on run the model's forward traced: the same in less time (see tracing.py).

        Raises:
            CannotTrace: it cannot be traced; all stays as it is then.
        """
        self._traced = self._trace(self._hidden)
        self._traced_embeddings = None

    def expect_embeddings(self) -> None:
        """Get ready for rows that are embeddings: outside the clock, where tracing takes its time.

        They need no call of this, and without a trace run in the model's own forward.
        """
        if self._traced:
            # Such a trace is one more, for its input is another.
            with suppress(CannotTrace):
                self._traced_embeddings = self._trace(self._hidden, embedded=True)

    def _trace(self, hidden: HiddenStates | None, embedded: bool = False) -> TracedForward:
        return TracedForward(self.model, self._cache, self._masks.kinds, hidden, embedded)

    @torch.inference_mode()
    def mixed(self, tokens: list[int], weights: list[float]) -> torch.Tensor:
        """One row [1, hidden size] for `forward` or `extend`: the tokens' embeddings, weighted."""
        arrays = [np.array(tokens, dtype=np.int64), np.array(weights, dtype=np.float64)]
        ids, shares = staged(arrays, self.device)
        rows = self._embedded(ids)
        return (shares.to(rows.dtype) @ rows)[None]

    def _embedded(self, ids: torch.Tensor) -> torch.Tensor:
        """What the model reads for token ids [rows]: float [rows, hidden size]."""
        rows: torch.Tensor = self.model.get_input_embeddings()(ids)
        return rows

    def reset(self) -> None:
        """Forget the sequence and zero the counters."""
        self.truncate(0)
        self.counters = Counters()

    def reserve(self, length: int) -> None:
        """Preallocate for `length` tokens and the largest usual tree: no growth is timed then."""
        self.reserved = max(self.reserved, min(length, self.context))
        self._cache.reserve(min(length, self.context) + 256)

    def begin(self, prompt: list[int], length: int) -> None:
        """A new sequence of at most `length` tokens.

        The prompt is cached where it leaves room to draft after it.
        But for its last token, which is the root of the first draft.
        """
        self.reset()
        self.reserve(length)
        if 1 < len(prompt) < self.context:
            self.prefill(prompt[:-1])

    def room(self, position: int) -> int:
        """How deep a tree may grow whose root is at `position`.

        Up to the context's end, or up to the point from which longrope would rotate the rows before
        it differently.
        """
        room = self.context - 1 - position
        if self.rope_boundary is not None and position < self.rope_boundary:
            room = min(room, self.rope_boundary - 1 - position)
        return max(room, 0)

    def ready(self, tokens: list[int]) -> bool:  # noqa: ARG002
        """Whether a draft after `tokens` can be asked for; a model that reads tokens always is."""
        return True

    def is_finite(self, tokens: list[int], rows: int) -> bool:
        """Whether the model's logits after the last `rows` of `tokens` are finite.

        They come from one plain forward, which leaves the session as it is.
        """
        return finite_on(self.model, self.vocabulary, tokens, rows)

    def prefill(self, tokens: list[int]) -> torch.Tensor:
        """Cache `tokens` after what is cached; logits [vocabulary] after the last of them."""
        tree = TokenTree(tokens[-1], room=0)
        logits = self.forward(tokens[:-1], tree, [0])
        self.keep([0])
        return logits[0]

    def forward(
        self, chain: list[int], tree: TokenTree, nodes: list[int], embeddings: torch.Tensor | None = None
    ) -> torch.Tensor:
        """One forward of [chain, tree] after the cached tokens.

        `keep`, `extend` or another forward must follow.

        Args:
            chain: confirmed tokens that are not cached yet, a chain that ends before the tree's
                root.
            tree: what is drafted, its root included.
            nodes: the nodes whose logits are wanted.
            embeddings: float [rows, hidden size], which the tree's last nodes read instead of their
                tokens. Such a row is no token's: it cannot be kept.

        Returns:
            Logits [len(nodes), vocabulary].
        """
        if self.rope_boundary and self.rotates_anew(len(self.tokens) + len(chain) + max(tree.depths)):
            chain = self.tokens + chain
            self.truncate(0)
        self._untrue = frozenset()
        return self._run(chain, tree, 0, nodes, embeddings)

    def extend(self, nodes: list[int], embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """One forward of the nodes that the last forward's tree has gained since.

        The rows that are there already are seen, not fed again, so a model can grow a tree from its
        own logits level by level. The tree's room must be the session's.

        Args:
            nodes: those of the new nodes whose logits are wanted.
            embeddings: as in `forward`, for the last of the new nodes.

        Returns:
            Logits [len(nodes), vocabulary].
        """
        if self._pending is None:
            raise RuntimeError("extend needs a forward before it")
        chain, tree, standing = self._pending
        return self._run(chain, tree, len(chain) + standing, nodes, embeddings)

    @torch.inference_mode()
    def _run(
        self, chain: list[int], tree: TokenTree, standing: int, nodes: list[int], embeddings: torch.Tensor | None
    ) -> torch.Tensor:
        """Forward of [chain, tree] without its first `standing` rows.

        These lie after the cached ones already.
        """
        start, first = len(self.tokens), len(self.tokens) + len(chain)
        if tree.is_chain:
            positions, visible = np.arange(start, first + len(tree)), causal(len(chain) + len(tree))
        else:
            positions = np.concatenate([np.arange(start, first), first + np.array(tree.depths)])
            visible = np.ones((len(positions), len(positions)), dtype=bool)
            visible[: len(chain)] = np.tri(len(chain), len(positions), dtype=bool)
            visible[len(chain) :, len(chain) :] = tree.ancestors()
        wanted = [len(chain) + node - standing for node in nodes] if chain or standing else nodes
        inputs = (chain + tree.tokens)[standing:]
        beside = self._beside(chain, tree, standing)
        logits = self._attend(
            inputs, positions, visible[standing:], wanted, standing, beside=beside, embeddings=embeddings
        )
        if self._hidden and (fresh := self._hidden.rows) is not None:
            self._seen = torch.cat([self._seen, fresh[0]]) if standing and self._seen is not None else fresh[0]
        if embeddings is not None:
            self._untrue |= frozenset(range(len(tree) - len(embeddings), len(tree)))
        self._pending = (chain, tree, len(tree))
        self.counters.forwards += 1
        self.counters.rows += len(inputs)
        return logits

    def _attend(
        self,
        tokens: list[int],
        positions: np.ndarray,
        visible: np.ndarray,
        rows: list[int],
        standing: int = 0,
        before: int | None = None,
        beside: Sequence[torch.Tensor] = (),
        embeddings: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The model's forward of `tokens` after the cached rows; logits [len(rows), vocabulary].

        standing: rows of an earlier forward that lie between the two, not confirmed. positions:
        int64, of the rows after the cached ones, [standing + tokens]. before: rows from the first
        on that every token sees; None: all cached ones. visible: bool [tokens, all rows after
        these], which of them each token attends to. beside: what is read beside tokens.
        embeddings: what the last rows read instead.
        """
        cached = len(self.tokens)
        before = cached if before is None else before
        self._cache.advance(standing)
        self._cache.reserve(cached + standing + len(tokens))
        count = len(tokens)
        read = np.array(tokens, dtype=np.int64)
        read[read >= self.vocabulary] = 0
        columns = positions if before == cached else np.concatenate([np.arange(before, cached), positions])
        hides = [~visible] if visible.size > 1 else []  # a row alone sees itself
        ids, places, kept, *hidden = staged([read, columns, np.array(rows, dtype=np.int64), *hides], self.device)
        mask = self._masks.build(before, count, columns, places, *hidden)
        query = places[None, len(columns) - count :]
        with MODELS:
            inputs, traced = ids[None], self._traced
            if embeddings is not None:
                true = self._embedded(ids[: count - len(embeddings)])
                inputs, traced = torch.cat([true, embeddings])[None], self._traced_embeddings
            if traced:
                logits = traced(inputs, query, rows, mask, beside)[0]
            else:
                if reader := reader_of(self.model):
                    reader.give(list(beside))
                output = self.model(
                    **{"input_ids" if embeddings is None else "inputs_embeds": inputs},
                    attention_mask=mask,
                    position_ids=query,
                    past_key_values=self._cache,
                    use_cache=True,
                    logits_to_keep=self._kept(rows, kept, count),
                )
                logits = output.logits[0]
        self._cache.truncate(cached)
        return logits if logits.shape[-1] == self.vocabulary else logits[:, : self.vocabulary]

    def _beside(self, chain: list[int], tree: TokenTree, standing: int) -> list[torch.Tensor]:  # noqa: ARG002
        """What the rows of [chain, tree] from `standing` on read beside their tokens."""
        return []

    def _kept(self, rows: list[int], staged_rows: torch.Tensor, count: int) -> int | torch.Tensor:
        """Which of `count` rows the head runs on, as transformers takes it.

        The last n as a number, which is a slice and no gather, any others by their places; of a
        spread model on the CPU, for such an index fits whatever device the last layer is on.
        """
        if rows == list(range(count - len(rows), count)):
            return len(rows)
        return torch.tensor(rows) if getattr(self.model, "hf_device_map", None) else staged_rows

    def rotates_anew(self, last: int) -> bool:
        """Whether a forward up to `last` is the first that longrope encodes with its long factors.

        The rows cached so far must then be encoded again, as the model's own generate() does.
        """
        boundary = self.rope_boundary
        return boundary is not None and 0 < len(self.tokens) <= boundary <= last

    def keep(self, path: list[int]) -> None:
        """Confirm the last forward's chain and the tree's nodes on `path` (the root first).

        The rest is dropped. Waits where rows had to move: that belongs to this step's time, not to
        whatever the device is asked for next.
        """
        if self._pending is None or path[-1] >= self._pending[2] or not self._untrue.isdisjoint(path):
            raise RuntimeError("keep needs a forward before it, in which every node of the path read its token")
        chain, tree, _ = self._pending
        if self._seen is not None:
            kept = [*range(len(chain)), *(len(chain) + node for node in path)]
            together = kept[-1] == len(kept) - 1
            self.features.write(len(self.tokens), self._seen[: len(kept)] if together else self._seen[kept])
        self._cache.advance(len(chain))
        if self._cache.keep(path):
            self._wait()
        self.tokens += chain + [tree.tokens[node] for node in path]
        self._pending = None

    def _wait(self) -> None:
        """Until every device that holds a part of the model has done what it was asked for."""
        for device in (self.device, *self._cache.devices):
            if device.type == "cuda":
                torch.cuda.synchronize(device)

    def truncate(self, length: int) -> None:
        """Forget every cached token from `length` on."""
        self._cache.truncate(length)
        del self.tokens[length:]
        self._pending = None

    def align(self, tokens: list[int], known: int = 0) -> None:
        """Forget cached tokens from the first that differs from `tokens`.

        The last of `tokens` is not to be cached.
        The first `known` are equal for sure.
        """
        length = min(len(self.tokens), len(tokens) - 1)
        known = min(known, length)
        while known < length and self.tokens[known] == tokens[known]:
            known += 1
        self.truncate(known)


def _longrope_boundary(config: PretrainedConfig) -> int | None:
    """The length up to which longrope rotates with its short factors.

    None for other rotary embeddings. Dynamic scaling needs no boundary: it begins where
    `max_position_embeddings` ends, and so does the context here.
    """
    for setting in rotary_settings(config):
        if setting.get("rope_type") == "longrope":
            original = setting.get("original_max_position_embeddings")
            original = original or getattr(config, "original_max_position_embeddings", None)
            return int(original or config.max_position_embeddings)
    return None


def check_masks(session: ModelSession, role: str = "model") -> float:
    """Verify that the model obeys tree masks, and measure its numerical noise.

    A small tree with two branches goes through one forward of many rows, and every branch through
    forwards of one row.

    Args:
        session: the model.
        role: who the model is, for messages.

    Returns:
        The largest difference of logits between the two: the noise floor of the model and dtype.

    Raises:
        UserError: the difference is no rounding error: the model ignores the mask or the positions.
        NotFinite: logits are no numbers, between which there is no difference.
    """
    vocabulary = session.vocabulary
    deep = 6
    prompt = [(7 * i + 3) % vocabulary for i in range(max(2, min(24, session.context - deep)))]
    branches = [[(11 * i + 5 * b + 1) % vocabulary for i in range(deep)] for b in range(4)]
    session.reset()
    try:
        session.prefill(prompt[:-1])
    except (TypeError, ValueError) as error:
        raise UserError(f"{type(session.model).__name__} takes no tree mask ({error}): not supported") from error
    tree = TokenTree(prompt[-1], room=session.room(len(prompt) - 1))
    nodes = [tree.add(0, branch, "check") for branch in branches]
    together = session.forward([], tree, tree.wanted_nodes())
    require_finite(together, session.model, role)
    row_of = {node: row for row, node in enumerate(tree.wanted_nodes())}
    noise = scale = 0.0
    for branch, ids in zip(branches, nodes, strict=True):
        session.truncate(len(prompt) - 1)
        session.prefill(prompt[-1:])
        for token, node in zip(branch, ids, strict=False):
            alone = session.prefill([token])
            require_finite(alone, session.model, role)
            noise = max(noise, (alone - together[row_of[node]]).abs().max().item())
            scale = max(scale, alone.abs().max().item())
    session.reset()
    if not noise <= 0.05 * max(scale, 1e-6):
        raise UserError(
            f"the model's logits in a tree differ from those one by one by {noise:.3g} (logits up to {scale:.3g}): "
            f"attn_implementation={session._masks.implementation} does not follow the mask, try another"
        )
    return noise

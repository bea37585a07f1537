"""engine=auto is a fixed rule; here a probe of two seconds checks it on the very model and machine.

The engine is part of a run's identity: it names the folder, and records of two engines never share
a table. An engine that a clock chose would be another one every now and then, on a busy machine or
where two are nearly equal, and the runs of one study, or the two halves of one run, would fall
apart. So the clock has no say: the engine follows from the kind of machine and the dtype alone
(bench/models/place.py), and a run that is continued takes the engine that it began with. What the
probe finds goes into provenance and summary. Where another engine is faster by more than noise, a
warning says which, and where the engine's logits are not the model's, the run ends.
"""

import time
from collections.abc import Mapping
from functools import partial

import torch

from bench.measure.engines import seconds_taken
from bench.measure.provenance import Times
from bench.models.config import EAGER, PACKED, TRACED
from bench.models.loading import LoadedPair
from decoding.errors import UserError
from decoding.packing import rounded
from decoding.session import ModelSession
from decoding.tracing import CannotTrace
from decoding.tree import TokenTree

ROWS, CACHED, SECONDS = (1, 6), 128, 2.0
# Of a larger model reading the weights decides, and a second copy would take longer than the probe.
LARGEST_BYTES = 1 << 30


def probe(loaded: LoadedPair) -> Times | None:
    """Milliseconds of the target's forwards on the engines that run here, the pair's own first.

    None if it is large.

    Raises:
        UserError: the engine's logits are others than the model's own.
    """
    target, plain, engine = loaded.pair.target, loaded.pair.plain, loaded.engine
    if plain is None or sum(each.numel() * each.element_size() for each in target.model.parameters()) > LARGEST_BYTES:
        return None
    model = plain() if engine == PACKED else target.model
    sessions = {engine: target, EAGER: ModelSession(model, target.vocabulary)}
    if engine == PACKED:
        traced = ModelSession(model, target.vocabulary)
        try:
            traced.trace()
            sessions[TRACED] = traced
        except CannotTrace:
            pass
    times = _times(sessions)
    if engine == PACKED and model.dtype == torch.float32:
        model = rounded(model)
    _require_same(engine, target, ModelSession(model, target.vocabulary))
    target.reset()
    return times


@torch.inference_mode()
def _times(sessions: Mapping[str, ModelSession]) -> Times:
    """The least milliseconds of several.

    All engines take turns, so that noise falls on all of them.
    """
    least: Times = {engine: dict.fromkeys(ROWS, float("inf")) for engine in sessions}
    for session in sessions.values():
        for rows in ROWS:
            _logits(session, rows)  # warms up
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for engine, session in sessions.items():
            for rows in ROWS:
                _fill(session)
                seconds = seconds_taken(partial(_forward, session, rows))
                least[engine][rows] = min(least[engine][rows], 1e3 * seconds)
    return least


def _require_same(engine: str, session: ModelSession, plain: ModelSession) -> None:
    expected, found = (_logits(each, max(ROWS)).double() for each in (plain, session))
    scale, difference = float(expected.abs().max()), float((expected - found).abs().max())
    eps = torch.finfo(session.model.dtype).eps
    # Sixteen-bit numbers are so far apart that a few roundings are a good part of a logit.
    if not difference <= (1e3 if eps < 1e-5 else 8) * eps * scale:
        raise UserError(
            f"engine={engine} gives other logits here than the model itself ({difference:.3g} off, logits up to "
            f"{scale:.3g}): set engine={EAGER}"
        )


def _logits(session: ModelSession, rows: int) -> torch.Tensor:
    _fill(session)
    return _forward(session, rows)


def _fill(session: ModelSession) -> None:
    """Make the cache hold the probe's tokens, whatever a forward before has left after them."""
    tokens = [2 + index % min(500, session.vocabulary - 2) for index in range(min(CACHED, session.context // 2))]
    if session.tokens == tokens:
        session.truncate(len(tokens))
        return
    session.reset()
    session.prefill(tokens)


def _forward(session: ModelSession, rows: int) -> torch.Tensor:
    """Logits of a tree of two branches, all of whose rows are wanted."""
    tree = TokenTree(1, session.room(len(session.tokens)))
    for branch in range(min(2, rows - 1)):
        tree.add(0, [3 + branch + index for index in range((rows - branch) // 2)], "probe")
    return session.forward([], tree, tree.wanted_nodes())

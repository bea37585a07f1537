"""The target's verdict on a token tree.

At temperature 0 the target's choice at a node is a fixed token, so verification is a walk: as long
as a child carries the chosen token, the child is accepted; the first choice without such a child
ends the step as its last, free token. This covers the prefix match of speculative decoding,
Ouroboros' K suffixes (arXiv 2402.13720, section 3.3) and lookahead's parallel guesses alike, and
the output is the target's whatever was proposed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from decoding.tree import TokenTree

# Whose argmax takes a tenth of the time in numpy, on a CPU. Both give the first of equals.
NUMPY = (torch.float32, torch.float64)
# The target's token after a text: from its ids, float logits [vocabulary], and the node of the tree
# at which the text ends.
Choose = Callable[[list[int], torch.Tensor, TokenTree, int], int]


@dataclass
class Verdict:
    """What the target said about a tree.

    Attributes:
        path: accepted nodes, the root first.
        tokens: the tokens confirmed by this step: those of path[1:], then the target's own next
            token.
        choices: the target's token after every node whose logits were asked for, rejected ones too.
        nodes, logits: those nodes, and float [nodes, vocabulary], row i belonging to node nodes[i].
        chances: of each of these rows the probability of its choice, where they came with the
            choices.
    """

    tree: TokenTree
    path: list[int]
    tokens: list[int]
    choices: dict[int, int]
    nodes: list[int]
    logits: torch.Tensor
    chances: list[float] | None = None

    def chance(self) -> float:
        """The model's probability of the step's last token, its own choice, before any warping."""
        row = self.nodes.index(self.path[-1])
        if self.chances is not None:
            return self.chances[row]
        logits = self.logits[row]
        return float(_chances(logits, logits[self.tokens[-1]]))


def walk(
    tree: TokenTree,
    nodes: list[int],
    logits: torch.Tensor,
    tokens: list[int] | None = None,
    choose: Choose | None = None,
    sure: bool = False,
    lenience: float = 1.0,
) -> Verdict:
    """Walk `tree` along the target's choices.

    Args:
        tree: what was drafted.
        nodes: the nodes whose logits were asked for.
        logits: float [len(nodes), vocabulary]. On an exact tie the lowest id is chosen (an argmax
            is the first maximum).
        tokens: everything confirmed so far, the root last; only for `choose`.
        choose: replaces the argmax along the walk, where the text before a node is known: `tokens`
            and the path. Rejected nodes keep their argmax.
        sure: `chance` will be asked for.
        lenience: 1: none. Otherwise the walk also goes on to a child whose token is not the choice,
            but has a chance above 1 / lenience; of several to the likeliest. That is for a model
            that reviews drafts of its own alone (Cascade Speculative Drafting, arXiv 2312.11462):
            the path is then not what it would have written.
    """
    best, chances = _read(logits, sure and not choose)
    likely = _likely(tree, nodes, logits, lenience) if lenience > 1 else {}
    choices = dict(zip(nodes, best, strict=True))
    row_of = {node: row for row, node in enumerate(nodes)} if choose else {}
    path = [0]
    while True:
        if choose:
            before = (tokens or []) + [tree.tokens[node] for node in path[1:]]
            choices[path[-1]] = choose(before, logits[row_of[path[-1]]], tree, path[-1])
        choice = choices[path[-1]]
        child = tree.child(path[-1], choice)
        if child is None or child not in choices:
            child = likely.get(path[-1])
        if child is None:
            break
        path.append(child)
    confirmed = [tree.tokens[node] for node in path[1:]] + [choice]
    return Verdict(tree, path, confirmed, choices, nodes, logits, chances)


def _likely(tree: TokenTree, nodes: list[int], logits: torch.Tensor, lenience: float) -> dict[int, int]:
    """By node the likeliest child with a chance above 1 / lenience, where it has one.

    On a device it takes a copy more than the choices do.
    """
    row_of = {node: row for row, node in enumerate(nodes)}
    # Another model may have drafted tokens that this one lacks.
    own = [node for node in nodes if tree.tokens[node] < logits.shape[-1]]
    children = [node for node in own if tree.parents[node] in row_of]
    if not children:
        return {}
    places = [(row_of[tree.parents[node]], tree.tokens[node]) for node in children]
    rows, tokens = torch.tensor(places).T.to(logits.device)
    chances = logits.softmax(-1, dtype=torch.float32)[rows, tokens].tolist()
    likely: dict[int, int] = {}
    best: dict[int, float] = {}
    for node, chance in zip(children, chances, strict=True):
        parent = tree.parents[node]
        if chance > max(1 / lenience, best.get(parent, 0.0)):
            likely[parent], best[parent] = node, chance
    return likely


def _read(logits: torch.Tensor, sure: bool = False) -> tuple[list[int], list[float] | None]:
    """The argmax of each row of float logits [rows, vocabulary].

    It takes the forward's one copy from the device.

    sure: with its probability, unless the logits are on the host, where asking for that later costs
    no copy.
    """
    if logits.device.type == "cpu":
        if logits.dtype in NUMPY:
            return logits.numpy().argmax(axis=-1).tolist(), None
        return logits.argmax(dim=-1).tolist(), None
    best = logits.argmax(dim=-1)
    if not sure:
        return best.tolist(), None
    chances = _chances(logits, logits.gather(-1, best[:, None]))
    tokens, found = torch.stack([best.double(), chances.double()]).tolist()
    return [int(token) for token in tokens], found


def _chances(logits: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
    """The probability [...] of the token with the largest of float logits [..., vocabulary]."""
    # A third of what logsumexp takes on a CPU.
    return 1 / (logits.float() - largest.float()).exp().sum(-1)

"""A model without some of its attention and MLP sub-layers, sharing the whole one's parameters.

The copy has containers of its own and the model's own tensors; in place of a skipped sub-layer
stands a module that adds nothing to the residual stream. Which whole layers a copy skips can also
change from forward to forward. No code of any family is copied, and the model itself is not
touched.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Container
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from decoding.errors import UserError

# What the families call a layer's two sub-layers. OPT's MLP is two children of the layer itself.
ATTENTION = (("self_attn",), ("attention",), ("attn",))
MLP = (("mlp",), ("fc1", "fc2"))


class _SilentMlp(nn.Module):
    """Zeros in place of an MLP's output."""

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(hidden_states)


class _SilentAttention(nn.Module):
    """Zeros and no weights in place of attention, which writes no rows of keys and values."""

    def forward(self, hidden_states: torch.Tensor, *_args: object, **_kwargs: object) -> tuple[torch.Tensor, None]:
        return torch.zeros_like(hidden_states), None


class LayerSkipper:
    """Makes copies of `model` that skip sub-layers.

    Raises:
        UserError: the model's layers are not the usual two residual blocks, attention and MLP: with
            both silent a layer must hand on its input as it is.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        if any(parameter.is_meta for parameter in model.parameters()):
            raise UserError(f"{_name(model)} has offloaded weights, which no copy can share: layers cannot be skipped")
        self.model = model
        self._layers = _decoder_layers(model)
        self._feeds: list[dict[str, set[str]]] = [{} for _ in self._layers]
        self._inspect()

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return len(self._layers)

    def skip(self, attention: Collection[int], mlp: Collection[int]) -> PreTrainedModel:
        """A copy without the attention of the layers `attention` and the MLPs of `mlp` (from 0).

        A norm that feeds only what is skipped is left out too: nobody would see what it gives.
        """
        stands_for: dict[int, object] = {id(t): t for t in (*self.model.parameters(), *self.model.buffers())}
        for index, (layer, feeds) in enumerate(zip(self._layers, self._feeds, strict=True)):
            silent = _silent(layer, index in attention, index in mlp)
            unheard = {name: nn.Identity() for name, fed in feeds.items() if fed <= silent.keys()}
            stands_for |= {id(layer.get_submodule(name)): module for name, module in (unheard | silent).items()}
        skipped: PreTrainedModel = copy.deepcopy(self.model, stands_for)
        skipped.eval()  # type: ignore[no-untyped-call]  # untyped in transformers
        return skipped

    def switched(self) -> "SwitchedLayers":
        """A copy whose layers can be skipped and put back."""
        everything = range(self.layers)
        return SwitchedLayers(self.skip((), ()), self.skip(everything, everything))

    @torch.inference_mode()
    def _inspect(self) -> None:
        """Run the model with every sub-layer silent.

        That verifies that nothing changes, and shows which norm feeds what.
        """
        everything = range(self.layers)
        silent = self.skip(everything, everything)
        changed = set()
        taken: list[dict[str, torch.Tensor]] = [{} for _ in everything]
        given: list[dict[str, torch.Tensor]] = [{} for _ in everything]

        def watch(index: int, name: str | None) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]:
            def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
                before = args[0] if args else kwargs["hidden_states"]
                after = output[0] if isinstance(output, tuple) else output
                if name is not None:
                    taken[index][name], given[index][name] = before, after
                elif not torch.equal(before.to(after.device), after):
                    changed.add(index)

            return hook

        for index, layer in enumerate(_decoder_layers(silent)):
            layer.register_forward_hook(watch(index, None), with_kwargs=True)
            for name, child in layer.named_children():
                child.register_forward_hook(watch(index, name), with_kwargs=True)
        # Several, for a padding token's row may be zero.
        tokens = torch.arange(4, device=self.model.device)
        try:
            silent(input_ids=tokens[None], use_cache=False)
        except (TypeError, ValueError, AttributeError, KeyError, IndexError, RuntimeError) as error:
            raise UserError(f"{_name(self.model)}: layers without attention and MLP do not run ({error})") from error
        if changed:
            raise UserError(
                f"layer {min(changed)} of {_name(self.model)} changes its input even without attention and MLP (a norm "
                "behind the residual, perhaps): its sub-layers cannot be skipped"
            )
        for index, layer in enumerate(self._layers):
            skipped = _silent(layer, True, True).keys()
            feeds: defaultdict[str, set[str]] = defaultdict(set)
            for source, output in given[index].items():
                feeds[source] |= {name for name, each in taken[index].items() if each is output} - {source}
            self._feeds[index] = {name: fed for name, fed in feeds.items() if fed and name not in skipped}


class SwitchedLayers:
    """A model whose layers can be skipped and put back, between forwards.

    Args:
        model: a copy with all its layers.
        silent: one with both sub-layers of each layer skipped, from which the silent layers are.

    Attributes:
        model: the copy, at first with all its layers.
        layers: its own, the skipped ones too.
    """

    def __init__(self, model: PreTrainedModel, silent: PreTrainedModel) -> None:
        self.model = model
        self._stack = _decoder_layers(model)
        self.layers = list(self._stack)
        self._silent = list(_decoder_layers(silent))

    def skip(self, layers: Container[int]) -> None:
        """From now on skip these layers (from 0), and no others."""
        for index, pair in enumerate(zip(self.layers, self._silent, strict=True)):
            self._stack[index] = pair[index in layers]


def _silent(layer: nn.Module, attention: bool, mlp: bool) -> dict[str, nn.Module]:
    """What stands for the layer's children that are skipped, by their names."""
    children = dict(layer.named_children())
    silent: dict[str, nn.Module] = {}
    if attention:
        (name,) = _present(children, ATTENTION) or ()
        silent[name] = _SilentAttention()
    if mlp:
        *before, last = _present(children, MLP) or ()
        silent |= {name: nn.Identity() for name in before} | {last: _SilentMlp()}
    return silent


def _present(children: Container[str], spellings: tuple[tuple[str, ...], ...]) -> tuple[str, ...] | None:
    """The first spelling all of whose names are there."""
    return next((names for names in spellings if all(name in children for name in names)), None)


def _decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """The model's layers.

    Raises UserError unless there is one list of them, each with attention and MLP.
    """
    count = model.config.get_text_config(decoder=True).num_hidden_layers
    stacks = [
        module
        for module in model.modules()
        if isinstance(module, nn.ModuleList)
        and len(module) == count
        and all(_present(dict(layer.named_children()), names) for layer in module for names in (ATTENTION, MLP))
    ]
    if len(stacks) != 1:
        raise UserError(
            f"{_name(model)} has {len(stacks) or 'no'} lists of {count} layers with attention and MLP under the names "
            "known here: its sub-layers cannot be skipped"
        )
    return stacks[0]


def _name(model: PreTrainedModel) -> str:
    return type(model).__name__

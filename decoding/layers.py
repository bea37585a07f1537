"""Where a model's decoder layers are, whatever its family calls them."""

from torch import nn
from transformers import PreTrainedModel

from decoding.errors import UserError


def layer_stack(model: PreTrainedModel) -> str:
    """The name of the list of decoder layers, "model.layers" in most families.

    Raises:
        UserError: there is none.
    """
    count: int = model.config.get_text_config(decoder=True).num_hidden_layers
    name: str
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return name
    raise UserError(f"{type(model).__name__} has no list of {count} layers under any name")

"""A model that skips sub-layers: what it computes, that it shares every parameter, and what cannot
be skipped."""

import copy

import pytest
import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from families import FAMILIES, VOCABULARY, make_model
from samples import chosen
from torch import nn
from transformers import AutoModelForCausalLM, BloomConfig, BloomForCausalLM, PhiConfig

from baselines.layer_skipping import LayerSkipper
from decoding.errors import UserError
from decoding.session import ModelSession
from decoding.tree import TokenTree
from decoding.view import SessionView

# The last linear map of attention and of the MLP: with its weights zero the sub-layer adds nothing.
OUTPUTS = {
    "gpt_neox": ("attention.dense", "mlp.dense_4h_to_h"),
    "gpt2": ("attn.c_proj", "mlp.c_proj"),
    "opt": ("self_attn.out_proj", "fc2"),
}
USUAL = ("self_attn.o_proj", "mlp.down_proj")
STACKS = {"gpt_neox": "gpt_neox.layers", "gpt2": "transformer.h", "opt": "model.decoder.layers"}
PHI = PhiConfig(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4)
SKIPS = [((1,), ()), ((), (0,)), ((0, 2), (0, 1)), ((), ()), ((0, 1, 2), (0, 1, 2))]


def model_of(family: str, **changes: object) -> nn.Module:
    three = {"n_layer": 3} if family == "gpt2" else {"num_hidden_layers": 3}
    return make_model(family, **three, **changes)


def stack(model: nn.Module, family: str) -> nn.ModuleList:
    return model.get_submodule(STACKS.get(family, "model.layers"))


def zeroed(model: nn.Module, family: str, attention: tuple, mlp: tuple) -> nn.Module:
    """The brute-force way: a whole copy whose skipped sub-layers end in zeros."""
    brute = copy.deepcopy(model)
    for skipped, name in zip((attention, mlp), OUTPUTS.get(family, USUAL), strict=True):
        for index in skipped:
            for parameter in stack(brute, family)[index].get_submodule(name).parameters():
                parameter.data.zero_()
    return brute


@pytest.mark.parametrize("skips", SKIPS, ids=str)
@pytest.mark.parametrize("family", chosen([*FAMILIES], "llama", "gemma2", "gemma3", "gpt_neox", "gpt2", "opt"))
def test_skipping_is_what_zeroed_outputs_give(family: str, skips: tuple) -> None:
    """Gemma's norms after the sub-layers, GPT-NeoX's parallel blocks and OPT's MLP without a module
    among them."""
    model = model_of(family)
    ids = torch.tensor([[(7 * i + 3) % VOCABULARY for i in range(20)]])
    with torch.inference_mode():
        view = LayerSkipper(model).skip(*skips)(ids).logits
        brute = zeroed(model, family, *skips)(ids).logits
        whole = model(ids).logits
    assert torch.allclose(view, brute, atol=1e-10, rtol=0)
    assert torch.allclose(view, whole, atol=1e-10, rtol=0) == (skips == ((), ()))


@pytest.mark.parametrize("family", [*FAMILIES])
def test_every_parameter_is_shared_and_the_model_untouched(family: str) -> None:
    model = model_of(family)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modules = {name: (module, dict(vars(module))) for name, module in model.named_modules()}
    view = LayerSkipper(model).skip((1,), (2,))
    own = {name: parameter.data_ptr() for name, parameter in model.named_parameters()}
    shared = dict(view.named_parameters())
    assert shared
    assert all(parameter.data_ptr() == own[name] for name, parameter in shared.items())
    gone = own.keys() - shared.keys()
    assert gone
    assert all(".1." in name or ".2." in name for name in gone)
    assert {name: (module, dict(vars(module))) for name, module in model.named_modules()} == modules
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_norm_that_feeds_only_what_is_skipped_is_left_out() -> None:
    layers = LayerSkipper(model_of("llama")).skip((0, 1), (1, 2)).model.layers
    left_out = [[isinstance(norm, nn.Identity) for norm in (layer.input_layernorm, layer.post_attention_layernorm)]
                for layer in layers]  # fmt: skip
    assert left_out == [[True, False], [True, True], [False, True]]
    # In a Phi layer one norm feeds both sub-layers: it goes only where both do.
    phi = AutoModelForCausalLM.from_config(PHI).double().eval()
    layers = LayerSkipper(phi).skip((0, 1), (1,)).model.layers
    assert [isinstance(layer.input_layernorm, nn.Identity) for layer in layers] == [False, True, False]
    gemma = LayerSkipper(model_of("gemma2")).skip((0,), (0,)).model.layers[0]
    assert isinstance(gemma.pre_feedforward_layernorm, nn.Identity)


@pytest.mark.parametrize("family", [*FAMILIES])
def test_a_view_drafts_behind_the_targets_own_rows(family: str) -> None:
    """Its logits are those of the skipping model over the target's cache, one token after another.

    Afterwards the session goes on as if nothing had been.
    """
    model = model_of(family)
    skips = ((1,), (0,))
    length = 20 if family != "phi3_longrope" else 12
    prompt = [(5 * i + 2) % VOCABULARY for i in range(length)]
    drafted = [3, 9, 4]
    session = ModelSession(model)
    session.prefill(prompt)
    view = SessionView(session, LayerSkipper(model).skip(*skips))
    with view.ahead():
        logits = [view.prefill([token]) for token in drafted]
        assert session.tokens == prompt + drafted
    assert session.tokens == prompt
    assert (view.counters.forwards, view.counters.rows, session.counters.forwards) == (3, 3, 1)

    brute = zeroed(model, family, *skips)
    with torch.inference_mode():
        cache = model(torch.tensor([prompt]), use_cache=True).past_key_values
        for token, ours in zip(drafted, logits, strict=True):
            output = brute(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
            # transformers' eager attention takes its softmax in float32 whatever the model's dtype.
            assert torch.allclose(ours, output.logits[0, -1], atol=1e-4 if family == "gemma2" else 1e-9, rtol=0)
            cache = output.past_key_values

    tree = TokenTree(drafted[0], session.room(len(prompt)))
    tree.add(0, drafted[1:], "test")
    fresh = ModelSession(model)
    fresh.prefill(prompt)
    after, wanted = (each.forward([], tree, tree.wanted_nodes()) for each in (session, fresh))
    assert torch.allclose(after, wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("family", ["llama", "gemma3", "gpt2", "mistral"])
def test_reread_gives_the_first_token_of_every_draft(family: str) -> None:
    model = model_of(family)
    text = [(5 * i + 2) % VOCABULARY for i in range(30)]
    session = ModelSession(model)
    session.prefill(text)
    view = SessionView(session, LayerSkipper(model).skip((1,), (0,)))
    together = view.reread(17)
    assert session.tokens == text
    assert view.counters.forwards == 0
    for place in range(17, 30):
        session.truncate(0)
        session.prefill(text[:place])
        with view.ahead():
            assert torch.allclose(together[place - 17], view.prefill([text[place]]), atol=1e-9, rtol=0)


def test_copies_run_their_own_layers_where_accelerate_has_rewritten_forward() -> None:
    """device_map=auto hangs hooks on every module, whose forward is then bound to that very module.
    """
    plain, hooked = model_of("llama"), model_of("llama")
    for module in hooked.modules():
        add_hook_to_module(module, AlignDevicesHook(execution_device="cpu", io_same_device=True))
    ids = torch.tensor([[1, 2, 3, 4]])
    with torch.inference_mode():
        expected = LayerSkipper(plain).skip((1,), (0, 2))(ids).logits
        assert torch.equal(LayerSkipper(hooked).skip((1,), (0, 2))(ids).logits, expected)


def test_what_cannot_be_skipped_is_refused() -> None:
    with pytest.raises(UserError, match="layer 0 of OPTForCausalLM changes its input"):
        LayerSkipper(make_model("opt", do_layer_norm_before=False))
    bloom = BloomForCausalLM(BloomConfig(vocab_size=VOCABULARY, hidden_size=16, n_layer=2, n_head=2))
    with pytest.raises(UserError, match="BloomForCausalLM has no lists of 2 layers"):
        LayerSkipper(bloom.eval())
    model = make_model("llama")
    model.model.layers[1].mlp = None
    with pytest.raises(UserError, match="no lists of 2 layers"):
        LayerSkipper(model)
    with torch.device("meta"), pytest.raises(UserError, match="offloaded"):
        LayerSkipper(make_model("llama"))


def test_layers_that_take_something_else_are_refused() -> None:
    model = make_model("llama")
    layer = model.model.layers[1]
    forward = type(layer).forward

    class Doubled(type(layer)):
        def forward(self, hidden_states, **kwargs):
            return 2 * forward(self, hidden_states, **kwargs)

    layer.__class__ = Doubled
    with pytest.raises(UserError, match="layer 1 of LlamaForCausalLM changes its input"):
        LayerSkipper(model)
    layer.__class__ = type(layer).__base__
    model.model.layers[0].forward = lambda hidden_states, **_: hidden_states.no_such_thing
    with pytest.raises(UserError, match="do not run"):
        LayerSkipper(model)

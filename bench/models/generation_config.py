"""What a generation_config asks for and no decoding here obeys, ours or the rivals'."""

from dataclasses import asdict

from transformers import GenerationConfig

from decoding.draws import Sampling

# Fields that change which tokens come out, with the value at which they do nothing. Those of
# sampling only count with do_sample.
SAMPLING = {
    "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "top_h": 1.0, "typical_p": 1.0, "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
}  # fmt: skip
NOT_OBEYED = {
    "do_sample": False, **SAMPLING, "num_beams": 1, "penalty_alpha": 0.0, "dola_layers": None, "guidance_scale": 1.0,
    "repetition_penalty": 1.0, "encoder_repetition_penalty": 1.0, "exponential_decay_length_penalty": None,
    "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, "bad_words_ids": None, "sequence_bias": None,
    "forced_bos_token_id": None, "forced_eos_token_id": None, "suppress_tokens": None, "begin_suppress_tokens": None,
    "min_length": 0, "min_new_tokens": 0, "watermarking_config": None, "stop_strings": None, "constraints": None,
    "force_words_ids": None, "token_healing": False,
}  # fmt: skip


def not_obeyed(name: str, config: GenerationConfig | None, sampling: Sampling) -> list[str]:
    """A warning that names the fields of the model `name`, none where nothing is left out.

    What the run's own `sampling` is equal to is not left out.
    """
    given = vars(config) if config is not None else {}
    own = {} if sampling.greedy else {"do_sample": True, **asdict(sampling)}
    asked = [
        f"{field}={value}"
        for field, neutral in NOT_OBEYED.items()
        if (value := given.get(field)) not in (None, False, neutral, own.get(field), [], {})
        and (field not in SAMPLING or given.get("do_sample"))
    ]
    if not asked:
        return []
    drawn = "samples by the run's own temperature, top_k, top_p and min_p are"
    measured = "greedy decoding by the plain logits is" if sampling.greedy else drawn
    return [
        f"the generation_config of {name} asks for {', '.join(asked)}: not obeyed here, {measured} what is measured, "
        "of the rivals too"
    ]

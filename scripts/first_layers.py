"""Drafts of several sizes from one target: its first layers with its own norm and head, untrained.

python scripts/first_layers.py bundled:tiny/target results/drafts/tiny 1 2 writes
results/drafts/tiny-1 and tiny-2.
"""

import argparse
import sys
from pathlib import Path

from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.console.terminal import complain, say
from bench.models.checkpoint import load_whole
from bench.models.location import locate
from decoding.errors import UserError


def write_first_layers(target: str, stem: str, count: int) -> Path:
    """The first `count` layers of `target` as a model of its own, with its tokenizer.

    It lies in the folder `<stem>-<count>`.

    Raises:
        UserError: no such model, or one that has not more layers than that.
    """
    located, _ = locate(target)
    model, _ = load_whole(target, pretrained_model_name_or_path=located, dtype="auto")
    config = model.config.get_text_config(decoder=True)
    if not 0 < count < config.num_hidden_layers:
        raise UserError(f"{count} of the {config.num_hidden_layers} layers of {target}: give at least 1 and not all")
    # Loaded again with a smaller config; transformers leaves out the weights of the layers after
    # them.
    smaller = {"num_hidden_layers": count}
    if getattr(config, "layer_types", None):
        smaller["layer_types"] = config.layer_types[:count]
    draft, _ = load_whole(target, pretrained_model_name_or_path=located, dtype="auto", **smaller)
    folder = Path(f"{stem}-{count}")
    draft.save_pretrained(folder)
    AutoTokenizer.from_pretrained(located).save_pretrained(folder)
    return folder


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="folder, hub id or bundled:FOLDER of the target")
    parser.add_argument("stem", help="drafts go to STEM-COUNT")
    parser.add_argument("counts", type=int, nargs="+", help="layers of each draft")
    given = parser.parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        for count in given.counts:
            say(f"written: {write_first_layers(given.target, given.stem, count)}")
    except (UserError, OSError) as error:
        complain(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

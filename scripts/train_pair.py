"""Train the bundled pair: tokenizer, target, draft, model card.

Run it again to continue where it stopped.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.console.entry import enter

if __name__ == "__main__":
    enter("training.command:main", "train_pair")

"""What drawing one token costs, by vocabulary and warping: a table on the terminal.

`python scripts/draw_cost.py`. Nothing is written; a figure holds for the machine it names.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from tqdm import tqdm

from bench.measure.environment import cpu_name
from decoding.draws import Sampling
from decoding.sampling import Noise, Sampler

# The bundled pair's, SmolLM2's, Qwen2.5's.
VOCABULARIES = (512, 49152, 151936)
WAYS = {
    "temperature": Sampling(0.7),
    "top-k 50": Sampling(0.7, top_k=50),
    "top-p 0.9": Sampling(0.7, top_p=0.9),
    "min-p 0.1": Sampling(0.7, min_p=0.1),
}
# Of random logits: some hundred tokens then hold nine tenths of 151936's mass.
SPREAD = 3.0


def milliseconds(work: Callable[[int], object], repeats: int) -> float:
    """The median of `repeats` calls, each given its number."""
    work(0)
    found = []
    for number in range(repeats):
        start = time.perf_counter()
        work(number)
        found.append(1000 * (time.perf_counter() - start))
    return statistics.median(found)


def main() -> None:
    """Measure, and print a row for each vocabulary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocabularies", type=int, nargs="+", default=list(VOCABULARIES), metavar="N")
    parser.add_argument("--repeats", type=int, default=200)
    given = parser.parse_args()
    rows = []
    for vocabulary in tqdm(given.vocabularies, unit="vocabulary", leave=False):
        logits = SPREAD * torch.randn(vocabulary, generator=torch.Generator().manual_seed(0))
        cells = [milliseconds(lambda _, row=logits: int(row.argmax()), given.repeats)]
        for sampling in WAYS.values():
            sampler = Sampler(sampling, Noise("draw_cost"))
            cells.append(milliseconds(lambda place, it=sampler, row=logits: it.choice(row, place), given.repeats))
        rows.append(f"| {vocabulary} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")
    print(f"milliseconds a token, medians of {given.repeats}; {cpu_name()}, {torch.get_num_threads()} threads")
    print("\n| vocabulary | argmax | " + " | ".join(WAYS) + " |\n" + "|---" * (len(WAYS) + 2) + "|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()

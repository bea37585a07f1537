#!/usr/bin/env bash
# Everything that is to be measured on a GPU, in one command of at most nine minutes: bash scripts/gpu_programme.sh [FOLDER]
# Exactness first, then forwards of real shapes against the bandwidth limit, then a panel of the bundled pair. A part that
# fails or runs out of its time ends the programme with its status; what came before is in FOLDER (results/gpu).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-results/gpu}
python=${PYTHON:-.venv/bin/python}
mkdir -p "$out"
"$python" -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else "no GPU is visible to torch")'

part() { # seconds, name, command...
    local seconds=$1 name=$2
    shift 2
    echo "== $name"
    timeout "$seconds" "$@" 2>&1 | tee "$out/$name.log"
}

# Every method's outputs are greedy's, token by token; float32 without TF32.
part 90 exactness env NVIDIA_TF32_OVERRIDE=0 "$python" -m bench experiment=methods task=humaneval device=cuda dtype=float32 \
    limit=4 max_new_tokens=64 repeats=1 output="$out/exactness"
# 1B, 7B and 13B Llama shapes of random weights in bfloat16: milliseconds by rows, beside the machine's limit.
shape() { # name, the shape
    part 75 "engine-$1" "$python" -m bench.engine model.target=null model.draft=null "model.name=$1" "shape=$2" device=cuda \
        dtype=bfloat16 'contexts=[512,4096]' 'rows=[1,4,8,16,64]' repeats=10 output="$out/engine"
}
shape 1b '{layers: 16, hidden: 2048, intermediate: 8192, heads: 32, key_value_heads: 8, vocabulary: 128256}'
shape 7b '{layers: 32, hidden: 4096, intermediate: 11008, heads: 32, key_value_heads: 32, vocabulary: 32000}'
shape 13b '{layers: 40, hidden: 5120, intermediate: 13824, heads: 40, key_value_heads: 40, vocabulary: 32000}'
# The panel of the main figure.
part 150 panel "$python" -m bench experiment=main_code task=humaneval device=cuda limit=10 max_new_tokens=128 \
    output="$out/panel"

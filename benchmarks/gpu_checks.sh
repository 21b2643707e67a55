#!/usr/bin/env bash
# Everything that needs a GPU, as a table; status 1 where something failed or there is no GPU.
#
#     benchmarks/gpu_checks.sh            PYTHON (default: python3) has torch with CUDA, pytest and lrfix's own needs
#
# The tests of tests/gpu (promises on the device, graph capture, capturable optimizers, compilation without
# recompilation), `lrfix verify --device cuda`, and three rewrites of fixtures/rewrite proved on the device.
set -u
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
log=$(mktemp)
failed=0

row() {
    local name=$1 begun=$SECONDS
    shift
    if timeout 240 "$@" > "$log" 2>&1; then
        printf '%-44s ok      %4d s  %s\n' "$name" $((SECONDS - begun)) "$(tail -1 "$log" | cut -c1-60)"
    else
        printf '%-44s FAILED  %4d s\n' "$name" $((SECONDS - begun))
        tail -5 "$log" | cut -c1-160 | sed 's/^/    /'
        failed=1
    fi
}

"$python" -c 'import sys, torch; print(f"torch {torch.__version__},", torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"); sys.exit(not torch.cuda.is_available())' || exit 1
row 'tests of the schedulers on the device' "$python" -m pytest -q -p no:cacheprovider -n 0 tests/gpu
row 'lrfix verify --device cuda' "$python" -m lrfix verify --device cuda
for script in $(ls fixtures/rewrite/before/*.py | head -3); do
    # What was run on the device says so; a failed proof leaves the script as it is, and says nothing of the device.
    row "rewrite $(basename "$script") on cuda" bash -c \
        '"$0" -m lrfix rewrite --quiet --device cuda "$1" | tee /dev/stderr | grep -E "(->|devices?) .*cuda"' "$python" "$script"
done
exit $failed

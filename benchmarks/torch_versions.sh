#!/usr/bin/env bash
# The bundled schedulers' promises and the kept proofs of some rewrites, on several versions of torch: one line each.
#
#     benchmarks/torch_versions.sh [VERSION ...]     default: 2.4.1 2.7.1 2.10.0 2.13.0; `installed`: the torch at hand
#
# PYTHON (default: python3) makes the environments and needs lrfix's own torch for the proofs. Each version is installed
# by pip into an environment of its own below WORK (default: a temporary folder), TORCH_INDEX is the index for torch.
set -u
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=${WORK:-$(mktemp -d)}
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(2.4.1 2.7.1 2.10.0 2.13.0)

mkdir -p "$work/code"
cp fixtures/rewrite/before/*.py "$work/code/"
"$python" -m lrfix rewrite --quiet --exit-zero --device cpu --only equivalent --proof "$work/proofs" "$work/code" \
    > "$work/rewrite.log" 2>&1 || { tail -5 "$work/rewrite.log"; exit 1; }

failed=0
printf '%-12s %-44s %s\n' torch 'kept proofs' 'lrfix verify'
for version in "${versions[@]}"; do
    with=$python
    if [ "$version" != installed ]; then
        with=$work/$version/bin/python
        if ! { "$python" -m venv "$work/$version" &&
            "$with" -m pip install -q ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch==$version" &&
            "$with" -m pip install -q numpy pytest click libcst; } > "$work/$version.log" 2>&1; then
            printf '%-12s %s\n' "$version" "cannot be installed: $(tail -1 "$work/$version.log")"
            failed=1
            continue
        fi
    fi
    proofs=$("$with" -m pytest -q -p no:cacheprovider --tb=line "$work/proofs" 2>&1 | tail -1)
    if verified=$("$with" -m lrfix verify --device cpu 2>&1); then verified=kept; else verified=$(tail -1 <<< "$verified"); fi
    printf '%-12s %-44s %s\n' "$version" "$proofs" "$verified"
    case "$proofs" in *failed* | *error*) failed=1 ;; esac
    [ "$verified" = kept ] || failed=1
done
exit $failed

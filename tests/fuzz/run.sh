#!/bin/bash
# tests/fuzz/run.sh BUILD SECONDS: runs each fuzz target for so long, starting from its corpus. What it finds goes to
# BUILD/crash-*; new inputs stay in BUILD/corpus, so nothing in the source tree changes.
set -euo pipefail
build=$1 seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
export LSAN_OPTIONS=suppressions=$here/../lsan.supp:print_suppressions=0
for program in "$build"/tests/fuzz_fuzz_*; do
    name=${program##*/fuzz_fuzz_}
    mkdir -p "$build/corpus/$name"
    echo "fuzzing $name for $seconds s"
    "$program" -max_total_time="$seconds" -artifact_prefix="$build/crash-$name-" -timeout=25 -rss_limit_mb=4096 \
        -print_final_stats=1 "$build/corpus/$name" "$here/corpus/$name" >"$build/$name.log" 2>&1 || {
        tail -40 "$build/$name.log"
        exit 1
    }
    grep -E 'stat::number_of_executed_units|DONE' "$build/$name.log"
done

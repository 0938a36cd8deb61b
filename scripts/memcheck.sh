#!/usr/bin/env bash
# Run the C encoder under valgrind: fails if it reads or writes where it must not, or leaks.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
rounds=${2:-3000}
command -v valgrind >/dev/null || { echo "valgrind is not installed; nothing checked"; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The interpreter behind the venv's link or shim; its own allocator would hide what valgrind looks for.
PYTHONMALLOC=malloc PYTHONHASHSEED=0 valgrind --leak-check=full --show-leak-kinds=definite \
    --num-callers=30 --log-file="$log" "$python" scripts/memcheck.py "$rounds"
tail -n 12 "$log"
# Only what passes through the module is ours; the interpreter leaves some of its own at exit.
if grep -q '_encoder' "$log"; then
    grep -B 12 -A 6 '_encoder' "$log" | head -60
    echo "valgrind found something in the C encoder"
    exit 1
fi
echo "valgrind: clean, $rounds spans"

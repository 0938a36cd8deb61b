#!/usr/bin/env bash
# Install the package into a fresh environment of every Python from 3.9 up that can be found, see
# that it imports and sends with nothing but its declared dependencies, then run the tests there.
# SKIP=3.x leaves one out.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {  # $1: 3.x; prints the path of an interpreter of that version that really runs
    local candidate
    for candidate in "python$1" "$(command -v pyenv >/dev/null && pyenv root)/versions/$1."*/bin/python; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '$1'.split('.'))))" \
            2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

tested=0
for version in 3.9 3.10 3.11 3.12 3.13 3.14; do
    if [ "$version" = "${SKIP:-}" ]; then
        echo "== Python $version: tested before, skipped"
        continue
    fi
    python=$(find_python "$version")
    if [ -z "$python" ]; then
        echo "== Python $version: not installed, skipped"
        continue
    fi
    echo "== Python $version: $python"
    venv=.venvs/$version
    rm -rf "$venv" build
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --upgrade pip
    "$venv/bin/python" -m pip install --quiet .
    "$venv/bin/python" -m pip list --format=freeze | grep -iE '^(jaeger|opentracing|thrift|tornado|threadloop)'
    # From another directory, so that the installed package is meant and not this tree.
    script=$PWD/scripts/smoke.py
    (cd / && "$OLDPWD/$venv/bin/python" -W error "$script")
    "$venv/bin/python" -m pip install --quiet '.[tests]'
    "$venv/bin/python" -m pytest -q -n 3 --dist loadfile -m "not servers" -p no:cacheprovider
    tested=$((tested + 1))
done
echo "tested on $tested versions of Python"
[ "$tested" -gt 0 ]

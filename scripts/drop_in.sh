#!/usr/bin/env bash
# Run the drop-in tests with packages that import jaeger_client, in an environment that has them and
# does not have jaeger_client.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-python3}
venv=.venvs/drop-in
export PYTHONWARNINGS=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
if [ ! -e "$venv/installed" ] || [ setup.py -nt "$venv/installed" ] || [ "$0" -nt "$venv/installed" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    pip=("$venv/bin/python" -m pip install --quiet)
    # What they need beside jaeger_client; flask_jaeger uses what flask 2.3 has dropped.
    "${pip[@]}" --upgrade pip setuptools wheel
    "${pip[@]}" --editable . pytest requests django "flask<2.3" "werkzeug<2.3"
    "${pip[@]}" --no-deps jaeger-logger-reporter py-jaeger-tracing flask-jaeger \
        django-jaeger-middleware-plus
    # A binary, and not for every interpreter.
    "${pip[@]}" --no-deps --only-binary :all: rust-python-jaeger-reporter \
        || echo "no rust-python-jaeger-reporter for this interpreter: its test is skipped"
    touch "$venv/installed"
fi
if "$venv/bin/python" -c "import importlib.metadata as m; m.version('jaeger-client')" 2>/dev/null; then
    echo "jaeger-client is installed in $venv" >&2
    exit 1
fi
unset PYTHONWARNINGS
export JAEGER_LIKE_DROP_IN="jaeger_logger_reporter py_jaeger_tracing flask_jaeger jaegertrace"
exec "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/features/test_drop_in.py

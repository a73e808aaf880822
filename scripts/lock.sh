#!/bin/sh
# Writes requirements/*.txt from pyproject.toml: every version pinned, every file by hash, for all
# platforms, without naming a registry. Needs uv (pip install uv).
set -eu
venv=$1
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
for name in base test bench; do
    case $name in base) extras="--extra install" ;; *) extras="--extra install --extra $name" ;; esac
    # shellcheck disable=SC2086 # two words on purpose
    "$venv/bin/uv" pip compile pyproject.toml $extras --generate-hashes --universal \
        --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
        --quiet --output-file "requirements/$name.txt"
done

#!/bin/sh
# Creates the environment $1 and installs requirements/$2.txt, by hash, and Gridtrail itself.
# What the system lacks is installed by apt-get where that is allowed; else one sentence says what
# to type.
set -eu
venv=$1
extra=$2

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

apt_install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        return 1
    elif [ "$(id -u)" = 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        return 1
    fi
    say "Installing $* with apt-get ..."
    $as_root apt-get update -qq >/dev/null &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@" >/dev/null
}

python=$(find_python) || {
    apt_install python3 python3-venv || {
        say "Gridtrail needs Python 3.11 or newer: install it (Debian: sudo apt-get install python3 python3-venv) and run make again."
        exit 2
    }
    python=$(find_python) || {
        say "The newest Python of this system is older than 3.11: install 3.11 or newer and run make PYTHON=/path/to/python3.11."
        exit 2
    }
}

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    apt_install "python$version-venv" || apt_install python3-venv || {
        say "This Python cannot create environments: type 'sudo apt-get install python$version-venv' and run make again."
        exit 2
    }
fi

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
if [ "$extra" = test ] && ! command -v npm >/dev/null 2>&1; then
    # Slack's own Node client is one of those that prove the server
    apt_install nodejs npm || {
        say "The tests use Slack's Node client: type 'sudo apt-get install nodejs npm' and run make again."
        exit 2
    }
fi
if [ "$extra" = test ] && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 &&
    ! command -v initdb >/dev/null 2>&1; then
    apt_install postgresql || {
        say "The tests start a PostgreSQL server: type 'sudo apt-get install postgresql' and run make again."
        exit 2
    }
fi
if [ "$extra" != base ] && ! command -v java >/dev/null 2>&1; then
    # Spark, the second engine, runs on Java
    apt_install openjdk-17-jre-headless || apt_install default-jre-headless || {
        say "The tests start a Spark cluster: type 'sudo apt-get install default-jre-headless' and run make again."
        exit 2
    }
fi
if [ "$extra" = test ] && ! command -v chromium >/dev/null 2>&1; then
    # the console is tested as people use it; a page without a font has no text
    apt_install chromium fonts-dejavu-core || {
        say "The tests drive the console with Chromium: type 'sudo apt-get install chromium fonts-dejavu-core' and run make again."
        exit 2
    }
fi

say "Installing requirements/$extra.txt (pinned by hash) ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --requirement "requirements/$extra.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --no-deps --no-build-isolation --no-index --editable .
touch "$venv/.$extra"

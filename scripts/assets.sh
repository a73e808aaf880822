#!/bin/sh
# Copies what the web console takes from npm into the package, and notes what was copied.
# Only needed when frontend/package.json changes: the copies are in the repository.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here/frontend"
npm ci --ignore-scripts --no-audit --no-fund
assets="$here/src/gridtrail/server/console/assets"
cp node_modules/htmx.org/dist/htmx.min.js "$assets/htmx.js"
version=$(node -p 'require("./node_modules/htmx.org/package.json").version')
digest=$(sha256sum "$assets/htmx.js" | cut -d " " -f 1)
printf '%s  htmx.js htmx.org@%s\n' "$digest" "$version" > assets.sha256
rm -rf node_modules
cat assets.sha256

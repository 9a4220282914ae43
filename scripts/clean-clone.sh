#!/usr/bin/env bash
# Proves that a newcomer's machine is enough: clones what is committed, hides the services' programs that this machine
# may have, and runs what CI runs. Takes minutes and may install packages; run by hand.
#   scripts/clean-clone.sh [folder]
set -euo pipefail
source=$(git -C "$(dirname "${BASH_SOURCE[0]}")/.." rev-parse --show-toplevel)
folder=${1:-$(mktemp -d)}
started=$SECONDS

# A PATH with everything on it but Redis and PostgreSQL, by links.
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
IFS=: read -ra paths <<<"$PATH"
for path in "${paths[@]}"; do
  for file in "$path"/*; do
    case ${file##*/} in
      redis-* | valkey-* | postgres | initdb | pg_* | psql) ;;
      *) [ -x "$file" ] && [ ! -e "$bin/${file##*/}" ] && ln -s "$file" "$bin/${file##*/}" ;;
    esac
  done
done || true

git clone --quiet "$source" "$folder/bursar"
PATH=$bin CI=true bash "$folder/bursar/.ci/run" </dev/null
echo "clean clone: green in $((SECONDS - started)) s ($folder/bursar)"

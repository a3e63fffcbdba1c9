#!/bin/sh
# Lays out the addon's C as .clang-format says.
#   native/format.sh           changes the files
#   native/format.sh --check   changes nothing, fails where a file would change
# One release of clang-format does not lay out as the next does; it is 14 that counts (Debian 12: apt-get install clang-format).
set -eu
cd "$(dirname "$0")/.."
for tool in clang-format-14 clang-format; do
  if "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then
    if [ "${1:-}" = --check ]; then set -- --dry-run --Werror; else set -- -i; fi
    exec "$tool" "$@" native/*.[ch] native/fuzz/*.[ch] test/unit/native/*.c
  fi
done
echo "native/format.sh: skipped, since clang-format 14 is not installed (apt-get install clang-format)"

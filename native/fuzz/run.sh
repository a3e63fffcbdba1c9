#!/bin/sh
# Fuzzes the offloads (native/segment.c, native/coalesce.c) and the table of handles (native/handle-table.c) with
# libFuzzer, ASan and UBSan, each for SECONDS.
#   native/fuzz/run.sh [SECONDS]        default 10; what it finds new is kept under native/build/fuzz
set -eu
seconds=${1:-10}
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../build/fuzz
if ! command -v clang >/dev/null 2>&1; then
  echo "native/fuzz: skipped, since clang is not installed (apt-get install clang)"
  exit 0
fi
mkdir -p "$out"
sources="$here/../headers.c $here/../checksum.c $here/../segment.c $here/../coalesce.c $here/../handle-table.c"
for target in segment coalesce handle-table; do
  echo "native/fuzz: $target, $seconds s"
  # shellcheck disable=SC2086
  if ! clang -std=c11 -g -O1 -D_GNU_SOURCE -DL2VPND_NO_CLONES -Wall -Wextra -Werror -fno-sanitize-recover=all \
    -fsanitize=fuzzer,address,undefined "$here/$target.c" $sources -o "$out/$target" 2>"$out/$target.log"; then
    if grep -q 'libclang_rt.fuzzer' "$out/$target.log"; then
      echo "native/fuzz: skipped, since clang has no libFuzzer here (apt-get install libclang-rt-dev)"
      exit 0
    fi
    cat "$out/$target.log"
    exit 1
  fi
  mkdir -p "$out/corpus-$target"
  if ! "$out/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=512 \
    -artifact_prefix="$out/$target-" "$out/corpus-$target" "$here/corpus/$target" >"$out/$target.log" 2>&1; then
    tail -n 60 "$out/$target.log"
    exit 1
  fi
  grep '^Done' "$out/$target.log" || true
done
echo "native/fuzz: nothing found"

# Sourced by run and full: sections with their times, and the tools that both need. Everything that is installed goes
# below $tools, outside the repository, and is found again by the next run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools=${DATALAKE_CI_TOOLS:-${TMPDIR:-/tmp}/datalake-ci}
mkdir -p "$tools/bin"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Dirty data is another in every run: the seed draws its shapes, names and types. To repeat a run, give its seed.
export DATALAKE_SEED=${DATALAKE_SEED:-$(date +%s)}
echo "DATALAKE_SEED=$DATALAKE_SEED"

heading=
section() { # the heading of what comes next; the time of what came before
  [ -z "$heading" ] || echo "-- $heading: $((SECONDS - began)) s"
  heading=$1 began=$SECONDS
  printf '\n== %s (%d s so far)\n' "$heading" "$SECONDS"
}

install_linters() {
  local want='staticcheck 0.8.2 gofumpt 0.12.0'
  [ "$(cat "$tools/bin/.linters" 2>/dev/null)" = "$want $(go version)" ] && return
  GOBIN=$tools/bin GOFLAGS= go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
  GOBIN=$tools/bin GOFLAGS= go install mvdan.cc/gofumpt@v0.12.0
  echo "$want $(go version)" >"$tools/bin/.linters"
}

install_readers() {
  [ -x "$tools/venv/bin/python" ] || python3 -m venv "$tools/venv"
  "$tools/venv/bin/python" -m pip install -q --disable-pip-version-check -r .ci/requirements.txt
}

need_kit() { # tests look for the kit beside the repository
  local part
  for part in ../shared/jsontestsuite/test_parsing ../shared/kit/trino-kit.sh; do
    [ -e "$part" ] || { echo "$part is missing: the checks need it beside the clone" >&2; exit 1; }
  done
}

packages_with() { # the packages whose test files hold the word
  grep -rl --include='*_test.go' -e "$1" cmd etl pkg | xargs -r -n1 dirname | sort -u | sed 's,^,./,'
}

java17() { # Spark's
  dirname "$(dirname "$(ls -d /usr/lib/jvm/*17*/bin/java | head -1)")"
}

environments() { # the readers, where benchmarks/peers and benchmarks/scale look for other engines
  mkdir -p "$scratch/environments"
  ln -sfn "$tools/venv" "$scratch/environments/main"
}

compare_engines() { # records, engines: fails where not all of them write the same rows
  local kind
  environments
  for kind in clean dirty; do
    JAVA_HOME=$(java17) go run ./benchmarks/peers -kind "$kind" -seed "$DATALAKE_SEED" -records "$1" -runs 1 -only "$2" -python "$scratch/environments" -dir "$scratch"
  done
}

look_at_pages() { # the pages of the demo's runs, and that of a report that has everything; needs Chromium, Debian's for one
  local chromium dir="$scratch/pages" shots=${DATALAKE_SCREENSHOTS:-$tools/screenshots}
  chromium=$(command -v chromium chromium-browser google-chrome | head -1) || { echo "Chromium is missing: apt-get install chromium" >&2; exit 1; }
  [ -x "$tools/pages/bin/python" ] || python3 -m venv "$tools/pages"
  "$tools/pages/bin/python" -m pip install -q --disable-pip-version-check playwright==1.65.2
  mkdir -p "$dir" "$shots"
  go run ./cmd/etl demo "$dir/lake" --quiet
  go run ./cmd/etl report 1 --lake "$dir/lake" -o "$dir/demo-1.html"
  go run ./cmd/etl report --lake "$dir/lake" -o "$dir/demo-2.html"
  go run ./cmd/etl report --lake "$dir/lake" --no-values -o "$dir/no-values.html"
  cp etl/report/testdata/page.html "$dir/full.html"
  "$tools/pages/bin/python" .ci/page.py "$chromium" "$shots" "$dir"/*.html
}

scale() { # share of the full size
  environments
  go run ./benchmarks/scale -size "$1" -seed "$DATALAKE_SEED" -runs 1 -python "$scratch/environments" -dir "$scratch"
}

fuzz_targets() { # "package target" a line
  go test -list '^Fuzz' ./... | awk '/^Fuzz/ {t[n++] = $1} /^ok/ {for (i = 0; i < n; i++) print $2, t[i]; n = 0}'
}

fuzz_one() { # package, target, seconds. A worker that is still at an input when the time is over fails the run with "context deadline
  # exceeded" (a known fault of go test -fuzz) and no input to blame; that is no failure of the target.
  local out="$scratch/fuzz.out"
  go test -run '^$' -fuzz "^$2\$" -fuzztime "${3}s" -fuzzminimizetime 5s "$1" 2>&1 | tee "$out" && return
  grep -q 'context deadline exceeded' "$out" && ! grep -q -e 'Failing input' -e 'panic' "$out" || return 1
  echo "$2: the time was over while an input was at work"
}

fuzz() { # every target for a share of $1 seconds, at most $2 each
  local targets each count package target
  targets=$(fuzz_targets)
  count=$(wc -l <<<"$targets")
  each=$(($1 / count))
  if ((each > $2)); then each=$2; fi
  echo "$count targets, $each s each"
  while read -r package target; do
    fuzz_one "$package" "$target" "$each"
  done <<<"$targets"
}

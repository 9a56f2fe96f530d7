#!/bin/bash
# Fetches into deps/ what no Debian package carries, at pinned versions and with verified hashes. A rerun does nothing.
#
#   tools/fetch_deps.sh [--build-only] [--with-client-4.0.1] [--with-mlflow]
#
#   --build-only         only what the C build needs (no Python packages to run programs with)
#   --with-client-4.0.1  also the older client, for the compatibility tests
#   --with-mlflow        also the real mlflow with the client, for the tests of the tracking server
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
deps=$(realpath -m "$root/deps") # may be a link to a shared folder
python=${PYTHON:-python3}

duckdb_npm='@duckdb/node-bindings-linux-x64@1.5.6-r.1'
duckdb_npm_sha256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
duckdb_crate_version=1.10506.0
duckdb_header_sha256=e85f70155b5948c8575e59f66e60d43575cec8b252293534c9e8598eb313a293
nanoarrow_version=0.9.0
nanoarrow_sha256=1ce15bbed8532839347faa78824c5dbd3769bff60661003e34c6fba5dd881bd3
uplot_npm='uplot@1.6.32'
uplot_npm_sha256=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d
declare -A client_sha256=(
    [4.1.3]=ff687ddd8176f3f96e5f53eb4184d6b5052af38d6bebf313c860e5062962351b
    [4.0.1]=0bf8af4ec809906434175b1f25204d9507b5d2d358a82adeb1e8126292b3775b
)

want_programs=yes
want_old_client=no
want_mlflow=no
for option in "$@"; do
    case $option in
    --build-only) want_programs=no ;;
    --with-client-4.0.1) want_old_client=yes ;;
    --with-mlflow) want_mlflow=yes ;;
    *)
        sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" >&2
        exit 2
        ;;
    esac
done

# A folder of deps/ is complete when it holds a file of this name with the key (versions and hashes) it was made from.
is_done() { [ -f "$deps/$1/.complete" ] && [ "$(<"$deps/$1/.complete")" = "$2" ]; }

# begin NAME: an empty folder to fill, in $staging; finish NAME KEY: puts it in place of whatever was there.
begin() {
    echo "fetching $1" >&2
    staging=$scratch/$1
    mkdir -p "$staging"
}
finish() {
    echo "$2" >"$staging/.complete"
    rm -rf "${deps:?}/$1"
    mv "$staging" "$deps/$1"
}

verify() { # FILE SHA256
    echo "$2  $1" | sha256sum --check --quiet || {
        echo "fetch_deps: $1 is not the file whose hash was pinned" >&2
        exit 1
    }
}

# Keeps the many lines that package managers print out of sight unless they fail.
quietly() {
    "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log" >&2
        echo "fetch_deps: failed: $*" >&2
        exit 1
    }
}

# The library comes with DuckDB's Node.js bindings, the header that matches it with its Rust bindings.
fetch_duckdb() {
    begin duckdb
    mkdir "$scratch/npm" "$scratch/cargo" "$scratch/cargo/src"
    (cd "$scratch/npm" && quietly npm pack "$duckdb_npm")
    mv "$scratch"/npm/*.tgz "$scratch/npm/package.tgz"
    verify "$scratch/npm/package.tgz" $duckdb_npm_sha256
    tar -xzf "$scratch/npm/package.tgz" -C "$staging" --strip-components=1 package/libduckdb.so package/LICENSE
    touch "$scratch/cargo/src/lib.rs"
    printf '[package]\nname = "scratch"\nversion = "0.0.0"\n[dependencies]\n%s\n' \
        "libduckdb-sys = { version = \"=$duckdb_crate_version\", default-features = false }" >"$scratch/cargo/Cargo.toml"
    (cd "$scratch/cargo" && quietly cargo vendor vendor)
    tar -xzf "$scratch/cargo/vendor/libduckdb-sys/duckdb.tar.gz" -C "$scratch/cargo" duckdb/src/include/duckdb.h
    verify "$scratch/cargo/duckdb/src/include/duckdb.h" $duckdb_header_sha256
    mv "$scratch/cargo/duckdb/src/include/duckdb.h" "$staging/"
    finish duckdb "$1"
}

# The charts of the web pages; built into the program, nothing of it runs at build time.
fetch_uplot() {
    begin uplot
    mkdir -p "$scratch/uplot-npm"
    (cd "$scratch/uplot-npm" && quietly npm pack "$uplot_npm")
    mv "$scratch"/uplot-npm/*.tgz "$scratch/uplot-npm/package.tgz"
    verify "$scratch/uplot-npm/package.tgz" $uplot_npm_sha256
    tar -xzf "$scratch/uplot-npm/package.tgz" -C "$staging" --strip-components=2 \
        package/dist/uPlot.iife.min.js package/dist/uPlot.min.css
    tar -xzf "$scratch/uplot-npm/package.tgz" -C "$staging" --strip-components=1 package/LICENSE
    finish uplot "$1"
}

# Any Python with pip will do to read the package index; a virtual environment always has one.
index_python() {
    if [ ! -x "$scratch/pip/bin/python" ]; then
        quietly "$python" -m venv "$scratch/pip"
    fi
    echo "$scratch/pip/bin/python"
}

# unpack_sdist NAME VERSION SHA256: the package's source archive, unpacked into $staging.
unpack_sdist() {
    local archive
    archive=$("$(index_python)" "$root/tools/python/fetch_sdist.py" "$1==$2" "$3" "$scratch")
    tar -xzf "$archive" -C "$staging" --strip-components=1 --no-same-owner
}

# The plain C of nanoarrow with the flatcc runtime its IPC reader needs.
fetch_nanoarrow() {
    begin nanoarrow
    unpack_sdist nanoarrow "$nanoarrow_version" "$nanoarrow_sha256"
    mv "$staging" "$scratch/nanoarrow-sdist"
    mkdir "$staging"
    cp -r "$scratch/nanoarrow-sdist/subprojects/arrow-nanoarrow/src/nanoarrow" "$staging/nanoarrow"
    cp -r "$scratch"/nanoarrow-sdist/subprojects/flatcc-*/ "$staging/flatcc"
    cp "$scratch/nanoarrow-sdist/LICENSE.txt" "$staging/" 2>/dev/null || true
    finish nanoarrow "$1"
}

# The client's source: its generated Python files hold the descriptors that the C protobuf code is generated from.
fetch_client() { # VERSION KEY
    begin "pyspark-client-$1"
    unpack_sdist pyspark-client "$1" "${client_sha256[$1]}"
    finish "pyspark-client-$1" "$2"
}

# A Python environment with the real, unmodified client, to run programs with.
make_venv() { # NAME CLIENT_VERSION REQUIREMENTS KEY
    begin "$1"
    rm -rf "${deps:?}/$1"
    # An environment cannot be moved, so this one is made where it stays; the stamp comes last.
    quietly "$python" -m venv "$deps/$1"
    quietly "$deps/$1/bin/pip" install --no-input --require-hashes --only-binary :all: -r "$root/tools/python/$3"
    cp -r "$deps/pyspark-client-$2" "$scratch/client-$1" # building leaves files behind
    quietly "$deps/$1/bin/pip" install --no-input --no-deps --no-build-isolation "$scratch/client-$1"
    echo "$4" >"$deps/$1/.complete"
}

fetch_all() {
    local version key
    scratch=$(mktemp -d "$deps/.scratch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    key="$duckdb_npm $duckdb_npm_sha256 $duckdb_crate_version $duckdb_header_sha256"
    is_done duckdb "$key" || fetch_duckdb "$key"
    key="$nanoarrow_version $nanoarrow_sha256"
    is_done nanoarrow "$key" || fetch_nanoarrow "$key"
    key="$uplot_npm $uplot_npm_sha256"
    is_done uplot "$key" || fetch_uplot "$key"
    for version in $client_versions; do
        key="$version ${client_sha256[$version]}"
        is_done "pyspark-client-$version" "$key" || fetch_client "$version" "$key"
    done
    key=$(cksum <"$root/tools/python/requirements.txt")
    for version in $venv_versions; do
        is_done "venv-$version" "$version $key" ||
            make_venv "venv-$version" "$version" requirements.txt "$version $key"
    done
    key="4.1.3 $(cksum <"$root/tools/python/requirements-mlflow.txt")"
    [ $want_mlflow = no ] || is_done venv-mlflow "$key" ||
        make_venv venv-mlflow 4.1.3 requirements-mlflow.txt "$key"
}

client_versions=4.1.3
venv_versions=
[ $want_programs = no ] || venv_versions=4.1.3
if [ $want_old_client = yes ]; then
    client_versions="4.1.3 4.0.1"
    venv_versions="4.1.3 4.0.1"
fi

mkdir -p "$deps"
exec 9>"$deps/.lock"
flock 9 # two builds may share one deps/
fetch_all

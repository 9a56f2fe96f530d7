#!/bin/bash
# Installs the Debian packages that the build needs, when some are missing. A second run is instant.
#
#   tools/install_system.sh [--with-tests]
#
#   --with-tests  also what only tests use: a PostgreSQL to keep a store in, a browser to drive the pages with,
#                 OpenSSL's command to make certificates with
set -euo pipefail

packages=(
    build-essential ninja-build cmake pkg-config ccache clang clang-format libclang-rt-14-dev libomp-dev git
    libgrpc-dev protobuf-c-compiler libprotobuf-c-dev protobuf-compiler libprotobuf-dev
    libopenblas-dev liblapacke-dev libpcre2-dev libjansson-dev libzstd-dev zlib1g-dev libcmocka-dev
    libmicrohttpd-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev libyaml-dev
    python3 python3-venv ca-certificates curl
)
[ "${1:-}" != --with-tests ] || packages+=(postgresql chromium chromium-driver openssl)
# Commands that come from elsewhere on many machines: packages only where the command is missing.
commands=(npm:npm cargo:cargo)

missing=()
installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p')
for package in "${packages[@]}"; do
    grep -qx -- "$package" <<<"$installed" || missing+=("$package")
done
for entry in "${commands[@]}"; do
    command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/usr/bin/env bash
# install_packages.sh KIND...: installs what is missing of tools/packages.txt for these kinds (build, test, bench, fuzz).
# Asks no questions. Services that come with a test peer (mosquitto, haproxy, nginx, prometheus) are not started, now or at
# the next boot: /usr/sbin/policy-rc.d says no meanwhile, unless there is one already, and what is new is disabled.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

wanted=()
for kind in "$@"; do
  read -ra found <<<"$(sed -n "s/^$kind: //p" "$here/packages.txt" | tr '\n' ' ')"
  wanted+=("${found[@]}")
done
missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These Debian packages are missing, and neither root nor sudo is at hand to install them:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Debian starts a service when its package is installed; a policy of 101 for the time of the installation says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

for service in haproxy mosquitto nginx prometheus; do
  [[ " ${missing[*]} " != *" $service "* ]] || "${as_root[@]}" systemctl --quiet disable "$service" 2>/dev/null || true
done

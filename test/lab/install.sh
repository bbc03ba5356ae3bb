#!/usr/bin/env bash
# Installs what a lab and the tests need from Debian or Ubuntu packages. Installs nothing that is there, starts nothing. Needs root.
# Arguments name further ones: package=program.
set -euo pipefail

# package and a program of it
packages="
containerd              containerd
curl                    curl
ethtool                 ethtool
gcc                     gcc
runc                    runc
openvswitch-switch      ovs-vswitchd
iptables                iptables
nftables                nft
iproute2                ip
iputils-ping            ping
mmdebstrap              mmdebstrap
procps                  pgrep
tcpdump                 tcpdump
util-linux              nsenter
"
for more in "$@"; do
  packages+="${more/=/ }"$'\n'
done
missing=$(while read -r package program; do
  [ -z "$package" ] || PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || echo "$package"
done <<<"$packages")
[ -d /usr/lib/cni ] || missing+=" containernetworking-plugins"
[ -e /usr/include/stdlib.h ] || missing+=" libc6-dev" # with gcc, for the race detector
# shellcheck disable=SC2086 # a list of words
missing=$(echo $missing)
if [ -z "$missing" ]; then
  echo "install.sh: everything is installed"
  exit
fi
if [ "$(id -u)" != 0 ]; then
  echo "install.sh: needs root to install: $missing" >&2
  exit 1
fi
echo "install.sh: installing $missing"

# Packages bring daemons, which must not start here. What another policy says comes back at the end.
policy=/usr/sbin/policy-rc.d
restore() { if [ -e $policy.antrea-lab ]; then mv $policy.antrea-lab $policy; else rm -f $policy; fi; }
if [ -e $policy ]; then mv $policy $policy.antrea-lab; fi
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' >$policy
chmod 755 $policy

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of words
apt-get install -q -y --no-install-recommends $missing

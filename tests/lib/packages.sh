# SPDX-License-Identifier: ISC
# tests/lib/packages.sh - sourced by ./demo and ./check: packages that are
# missing are installed (root) or named (anybody else).  No daemon is started
# by that: policy-rc.d says no while apt runs.

# packages_want GROUP... - groups are the first column of tests/packages.txt
packages_want() {
	local group missing= p guard=/usr/sbin/policy-rc.d
	for group; do
		for p in $(sed -n "s/^$group //p" "$(dirname "${BASH_SOURCE[0]}")/../packages.txt"); do
			dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
		done
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "These packages are missing:$missing" >&2
		echo "As root: apt-get install --no-install-recommends$missing" >&2
		return 1
	fi
	echo "installing:$missing"
	if [ ! -e $guard ]; then
		printf '#!/bin/sh\nexit 101\n' > $guard && chmod +x $guard
		trap "rm -f $guard" EXIT
	else
		guard=
	fi
	export DEBIAN_FRONTEND=noninteractive
	# an old list of packages names versions that are gone
	apt-get install -y -q --no-install-recommends $missing > /tmp/veredus-apt.$$ 2>&1 ||
	    { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >> /tmp/veredus-apt.$$ 2>&1
	local rc=$?
	[ $rc -eq 0 ] || tail -20 /tmp/veredus-apt.$$ >&2
	rm -f /tmp/veredus-apt.$$
	[ -z "$guard" ] || { rm -f $guard; trap - EXIT; }
	return $rc
}

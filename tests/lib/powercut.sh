# SPDX-License-Identifier: ISC
# For the power-cut tests, sourced: records a load on each file system by the
# judge of tests/crash, then cuts and compares.
#
#	powercut NAME PROFILE CUTS POLICIES [RECORD-OPTION ...]
#
# POWERCUT_CUTS=20 tries more moments, POWERCUT_SEED=7 others (or the same
# again: the seed is printed), POWERCUT_FS="ext4 xfs" only these.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
VEREDUS_BUILD=$(cd "${VEREDUS_BUILD:-.}" && pwd)
export VEREDUS_BUILD
failed=0
[ -c /dev/fuse ] && [ -c /dev/loop-control ] || {
	echo "skip - power cuts: no FUSE or loop devices"
	exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp -r "$top/tests/crash" "$work/judge" &&
	make -s -C "$work/judge" > "$work/make.log" 2>&1 || {
	cat "$work/make.log"
	echo "not ok - power cuts: the judge does not build"
	exit 1
}
cd "$work/judge" || exit 1

powercut() {
	name=$1 profile=$2 cuts=${POWERCUT_CUTS:-$3} policies=$4
	shift 4
	seed=${POWERCUT_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
	for fs in ${POWERCUT_FS:-ext4 xfs btrfs ext4nj}; do
		run=$work/$fs
		rm -f "$work/report"
		if timeout 100 ./judge record "$run" --driver "veredus:$profile" \
		    --fs "$fs" --seed "$seed" --flush-us 1000 "$@" \
		    > "$work/log" 2>&1 &&
		    timeout $((200 + 60 * cuts)) ./judge replay "$run" \
		    --cuts "$cuts" --seed "$seed" --policies "$policies" \
		    --limit 20 --jobs 2 >> "$work/log" 2>&1 &&
		    ./judge report "$run" > "$work/report" 2>&1; then
			{ grep "^window" "$work/log"; grep "elsewhere" "$work/report"; } | sed "s/^/# /"
			echo "ok - $name on $fs, seed $seed: $(tail -1 "$work/report")"
		else
			failed=1
			cat "$work/log" "$work/report" 2> /dev/null
			echo "not ok - $name on $fs, seed $seed"
		fi
		rm -rf "$run"
	done
}

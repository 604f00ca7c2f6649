# How quickstart and test/check speak and build; sourced by them.  Both set name, and top and build: the
# source tree and the directory of the programs' build.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() {
	printf '%s: %s\n' "$name" "$*" >&2
	exit 1
}

# Run a command with its output in a file, which is shown only if it fails.
quietly() {
	local log=$1
	shift
	if ! "$@" >>"$log" 2>&1; then
		tail -n 40 "$log" >&2
		printf '%s: failed: %s (all of it is in %s)\n' "$name" "$*" "$log" >&2
		return 1
	fi
}

make_configure() {
	[ ! -e "$top/config.status" ] ||
		die "this tree was configured in place; run 'make distclean' first"
	if [ ! -x "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ] ||
		[ "$top/Makefile.am" -nt "$top/Makefile.in" ]; then
		quietly "$build/build.log" "$top/autogen.sh"
	fi
}

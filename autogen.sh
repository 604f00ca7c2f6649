#!/bin/sh
# Make the build system from configure.ac and Makefile.am, in a clone.  A tarball has it already.
set -eu
cd "$(dirname "$0")"
for tool in autoconf automake libtoolize pkg-config; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "autogen.sh: $tool is missing" >&2
		echo "On Debian: apt-get install autoconf automake libtool pkg-config" >&2
		exit 1
	fi
done
autoreconf --install --force
echo "Now run ./configure, here or from a build directory."

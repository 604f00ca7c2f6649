# provide_redis_server, for the scripts that need one; sourced by them.
# shellcheck shell=sh

# provide_redis_server DIRECTORY: find redis-server by that name in the PATH, by way of a link in the
# directory if need be.  Debian's redis-tools holds the server too, under the name of its checker,
# which it becomes when it is called by the other.  Status 1: there is none that runs.
provide_redis_server() {
	if ! command -v redis-server >/dev/null 2>&1; then
		command -v redis-check-rdb >/dev/null 2>&1 || return 1
		mkdir -p "$1" || return 1
		# Whoever runs beside us may have made it first.
		ln -s "$(command -v redis-check-rdb)" "$1/redis-server" 2>/dev/null ||
			[ -x "$1/redis-server" ] || return 1
		PATH=$PATH:$1
		export PATH
	fi
	redis-server --version 2>/dev/null | grep -q '^Redis server'
}

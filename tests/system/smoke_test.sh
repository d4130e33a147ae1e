#!/bin/sh
# Ten checks of a bot that was just deployed; ends with 0 when none failed. What is given goes on to `bottrader smoke`:
#
#   tests/system/smoke_test.sh                                         the bot on this machine
#   tests/system/smoke_test.sh --compose bottrader                     the bot in containers
#   tests/system/smoke_test.sh --url http://bot:5003 --dsn postgresql://report@db/bot    the bot elsewhere
#
# BOTTRADER names the command where it is not on the PATH, for example "uv run bottrader".
set -eu

: "${BOTTRADER:=bottrader}"

if ! command -v "${BOTTRADER%% *}" >/dev/null 2>&1; then
    echo "smoke_test.sh: ${BOTTRADER%% *} is not on the PATH; install bottrader or set BOTTRADER to its path" >&2
    exit 2
fi

# Unquoted: the command may have words of its own.
# shellcheck disable=SC2086
exec $BOTTRADER smoke "$@"

#!/bin/sh
# Starts and looks at the stacks; docs/deploy.md is the whole story.
#   deploy/stack.sh secrets             make every secret that is not there yet
#   deploy/stack.sh build               build the image, with its commit and configuration hash in its labels
#   deploy/stack.sh paper COMPOSE-WORDS the paper stack, for example: paper up -d
#   deploy/stack.sh live COMPOSE-WORDS  the live stack
#   deploy/stack.sh smoke paper|live    ten checks of a stack that runs; further words go to `bottrader smoke`
#   deploy/stack.sh status paper|live   what it holds and does; further words go to `bottrader status`
set -eu
here=$(cd "$(dirname "$0")" && pwd)
secrets=${STACK_SECRETS_DIR:-$here/secrets}
image=bottrader:${STACK_TAG:-local}
elsewhere="--service sighook=http://sighook:5004 --service reporter=http://reporter:5005"

say() { printf 'stack.sh: %s\n' "$1" >&2; }

random() { od -An -N 32 -tx1 /dev/urandom | tr -d ' \n'; }

# Containers run as users that this machine does not know, so the files are readable and the folder is not.
keep() {
    [ -e "$secrets/$1" ] && return
    printf '%s\n' "$2" >"$secrets/$1"
    chmod 0444 "$secrets/$1"
    say "made $secrets/$1"
}

make_secrets() {
    mkdir -p "$secrets"
    chmod 0700 "$secrets"
    for name in db_admin_password db_bot_password db_migrator_password db_reader_password webhook_secret grafana_password; do
        keep "$name" "$(random)"
    done
    keep migrator_database_url "postgresql://upgrader:$(cat "$secrets/db_migrator_password")@db:5432/bottrader"
    keep database_url "postgresql://bot:$(cat "$secrets/db_bot_password")@db:5432/bottrader"
}

build() {
    sha=$(git -C "$here" rev-parse HEAD 2>/dev/null || echo unknown)
    if [ "$sha" != unknown ] && [ -n "$(git -C "$here" status --porcelain)" ]; then sha=$sha-changed; fi
    # The second time only the labels are new: the hash of the image's own settings is asked from the image.
    docker build ${STACK_BUILD_OPTIONS:-} -f "$here/Dockerfile" -t "$image" --build-arg "GIT_SHA=$sha" "$here/.."
    hash=$(docker run --rm --network none --read-only "$image" config show | sed -n 's/^configuration hash //p')
    docker build ${STACK_BUILD_OPTIONS:-} -f "$here/Dockerfile" -t "$image" --build-arg "GIT_SHA=$sha" \
        --build-arg "CONFIG_HASH=$hash" "$here/.."
    say "built $image from $sha, configuration hash $hash"
}

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    elif command -v docker-compose >/dev/null; then
        docker-compose "$@"
    else
        say "neither docker compose nor docker-compose is installed; docs/deploy.md says how"
        exit 2
    fi
}

# Each stack is a project of its own, or starting one would replace the other's containers.
stack() {
    name=$1
    shift
    case $name in
    paper) compose -p "${COMPOSE_PROJECT_NAME:-bottrader-paper}" -f "$here/compose.test.yaml" "$@" ;;
    live)
        [ -e "${STACK_SETTINGS:-$here/settings.env}" ] || { say "copy settings.env.example to settings.env first and write your settings"; exit 2; }
        compose -p "${COMPOSE_PROJECT_NAME:-bottrader}" -f "$here/compose.yaml" "$@"
        ;;
    esac
}

which_of() { [ "${1:-}" = paper ] || [ "${1:-}" = live ] || { say "say which stack, paper or live"; exit 2; }; }

# Asked from inside the stack, where every service has its name and the database its password. The log is the engine's,
# which no container sees, so its end is handed in.
smoke() {
    which_of "$@"
    name=$1
    shift
    for service in webhook sighook reporter; do
        container=$(stack "$name" ps -q "$service")
        [ -z "$container" ] || docker logs --timestamps --tail 1 "$container" 2>&1
    done | stack "$name" exec -T webhook bottrader smoke --logs - $elsewhere "$@"
}

status() {
    which_of "$@"
    name=$1
    shift
    stack "$name" exec -T webhook bottrader status $elsewhere "$@"
}

what=${1:-}
[ $# -eq 0 ] || shift
case $what in
secrets) make_secrets ;;
build) build ;;
paper | live) stack "$what" "$@" ;;
smoke | status) "$what" "$@" ;;
*)
    sed -n 's/^#   //p' "$0" >&2
    exit 2
    ;;
esac

# What the demos share; sourced by them from the root of the repository. A local AWS of its own on a
# free port, its files in .demo/, both gone at the end, also after a failure or Ctrl-C. A demo
# checks what it shows and exits 1 when something is off.

mkdir -p .demo
umask 077
work=$(mktemp -d .demo/XXXXXX)
server=

cleanup() {
    status=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
    rmdir .demo 2>/dev/null || true
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' plain=''
if [ -t 1 ]; then
    bold=$'\e[1m' plain=$'\e[0m'
fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
show() {
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@"
}
fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# --- a local AWS ------------------------------------------------------------------------------

# Nothing of the caller's AWS settings is used.
for name in $(compgen -e | grep '^AWS_' || true); do unset "$name"; done
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export HOME=$PWD/$work XDG_STATE_HOME=$PWD/$work/state AWS_EC2_METADATA_DISABLED=true
export AWS_SHARED_CREDENTIALS_FILE=$PWD/$work/aws/credentials AWS_PAGER='' AWS_PROFILE=default

say "A local AWS: every Region, a free port, its data in $work/aws"
echo "$bold\$ build/understudy-local --data $work/aws --listen 127.0.0.1:0$plain"
mkfifo "$work/says"
build/understudy-local --data "$work/aws" --listen 127.0.0.1:0 >"$work/says" 2>"$work/server.log" &
server=$!
exec 3<"$work/says"
url=
while read -r -t 20 word rest <&3; do
    if [ "$word" = ready ]; then
        url=$rest
        break
    fi
done
[ -n "$url" ] || { cat "$work/server.log" >&2; fail "the local AWS did not start"; }
echo "ready $url"
echo "$bold\$ export AWS_SHARED_CREDENTIALS_FILE=$work/aws/credentials"
echo "\$ alias aws='aws --endpoint-url $url'$plain"

aws_program=/usr/bin/aws # Debian's
[ -x $aws_program ] || aws_program=$(command -v aws)
aws() { "$aws_program" --endpoint-url "$url" --output json "$@"; }

expect_status() { # STATUS COMMAND...
    wanted=$1
    shift
    got=0
    "$@" || got=$?
    [ "$got" = "$wanted" ] || fail "exit status $got instead of $wanted: $*"
}

# Values never stand on a command line: they are made here and go to `aws` in files only this user
# can read, which are removed with the folder.
secret() { head -c 24 /dev/urandom | base64; }
put() { # a JSON input on standard input; its Value is kept to look for it later
    cat >"$work/input.json"
    jq -r 'select(.Type == "SecureString").Value' "$work/input.json" >>"$work/secrets"
    echo "$bold\$ aws ssm put-parameter --region $source_region --cli-input-json" \
        "'$(jq -c '.Value |= if length > 60 then .[0:24] + "... (\(length) characters)"
                else . end | if .Type == "SecureString" then .Value = "********" else . end' \
            "$work/input.json")'$plain"
    aws ssm put-parameter --region "$source_region" --cli-input-json "file://$work/input.json" |
        jq -c .
    rm -f "$work/input.json"
}

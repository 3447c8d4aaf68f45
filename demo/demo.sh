#!/bin/bash
# A replication to look at, on a local AWS of its own: make demo
#
# Puts parameters into ap-south-1, copies them to us-east-1 and eu-west-1, changes one, copies
# again, takes that back, does it once more, verifies. Every command is shown before it runs.
set -euo pipefail
cd "$(dirname "$0")/.."

source_region=ap-south-1
copies="us-east-1 eu-west-1"
. demo/local_aws.sh

understudy() { build/understudy "$@" --config demo/understudy.yaml --endpoint-url "$url"; }

# --- what is to be copied ---------------------------------------------------------------------

say "A customer key in the source, and its counterpart in both copies"
for region in $source_region $copies; do
    alias=alias/prod-dr
    [ "$region" = $source_region ] && alias=alias/prod
    key=$(aws kms create-key --region "$region" --description demo \
        --query KeyMetadata.KeyId --output text)
    show aws kms create-alias --region "$region" --alias-name "$alias" --target-key-id "$key"
done

say "Parameters in $source_region"
put <<JSON
{"Name": "/prod/app/DB_PASSWORD", "Type": "SecureString", "Value": "$(secret)",
 "KeyId": "alias/prod", "Description": "Password of the orders database",
 "Tags": [{"Key": "team", "Value": "orders"}, {"Key": "rotated", "Value": "quarterly"}]}
JSON
put <<JSON
{"Name": "/prod/app/API_KEY", "Type": "SecureString", "Value": "$(secret)",
 "Description": "Key of the payment provider", "Tags": [{"Key": "team", "Value": "payments"}]}
JSON
put <<JSON
{"Name": "/prod/api/JWT_SECRET", "Type": "SecureString", "Value": "$(secret)",
 "KeyId": "alias/prod"}
JSON
put <<JSON
{"Name": "/prod/app/DB_HOST", "Type": "String", "Value": "orders.db.internal",
 "Description": "Where the orders database answers", "AllowedPattern": "^[a-z0-9.-]+$",
 "Tags": [{"Key": "team", "Value": "orders"}]}
JSON
put <<JSON
{"Name": "/prod/app/REGIONS", "Type": "StringList", "Value": "ap-south-1,us-east-1,eu-west-1"}
JSON
put <<JSON
{"Name": "/prod/app/CERTIFICATES", "Type": "String", "Tier": "Advanced",
 "Description": "6 KB, which only the Advanced tier holds",
 "Value": "$(head -c 4608 /dev/urandom | base64 -w 0)",
 "Policies": $(jq -c tojson <<'POLICIES'
[{"Type": "Expiration", "Version": "1.0",
  "Attributes": {"Timestamp": "2035-12-31T23:59:59.000Z"}},
 {"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "60", "Unit": "Days"}}]
POLICIES
),
 "Tags": [{"Key": "team", "Value": "platform"}]}
JSON

# --- checks of the demo's own -----------------------------------------------------------------

# All of a Region that a copy must carry, in a file of this user's only.
state_of() {
    aws ssm get-parameters-by-path --region "$1" --path /prod --recursive --with-decryption |
        jq -S '[.Parameters[] | {Name, Type, Value, DataType}] | sort_by(.Name)' >"$2"
    aws ssm describe-parameters --region "$1" |
        jq -S '[.Parameters[] | {Name, Description, Tier, AllowedPattern,
             Policies: [(.Policies // [])[].PolicyText | fromjson] | sort_by(.Type)}] |
             sort_by(.Name)' >>"$2"
    aws resourcegroupstaggingapi get-resources --region "$1" \
        --resource-type-filters ssm:parameter |
        jq -S '[.ResourceTagMappingList[] | {Name: (.ResourceARN | sub(".*:parameter"; "")),
             Tags: [.Tags[] | select(.Key != "understudy:source")] | sort_by(.Key)} |
             select(.Tags != [])] | sort_by(.Name)' >>"$2"
}
versions_of() {
    aws ssm describe-parameters --region "$1" |
        jq -r '.Parameters | sort_by(.Name)[] | "\(.Name) \(.Version)"'
}
same_everywhere() {
    state_of $source_region "$work/source"
    for region in $copies; do
        state_of "$region" "$work/copy"
        cmp -s "$work/source" "$work/copy" || fail "$region is not what $source_region is"
    done
    echo "the same in all three Regions: names, types, values, descriptions, tiers, policies," \
        "patterns, tags"
}
run() { # STATUS understudy's words...
    wanted=$1
    shift
    echo "$bold\$ build/understudy $* --config demo/understudy.yaml --endpoint-url $url$plain"
    expect_status "$wanted" understudy "$@" 2>&1 | tee -a "$work/shown"
}

# --- the replication --------------------------------------------------------------------------

say "What would be done (a plan cannot write: exit status 3 says that there is drift)"
run 3 plan --exit-code

say "The first copy"
run 0 sync

say "What stands in us-east-1 now"
show aws ssm describe-parameters --region us-east-1 --output table \
    --query 'Parameters[].[Name,Type,Tier,Version,Description]'
same_everywhere

say "One parameter changes, value and tags"
put <<JSON
{"Name": "/prod/app/DB_PASSWORD", "Type": "SecureString", "Value": "$(secret)",
 "KeyId": "alias/prod", "Description": "Password of the orders database", "Overwrite": true}
JSON
show aws ssm add-tags-to-resource --region $source_region --resource-type Parameter \
    --resource-id /prod/app/DB_PASSWORD --tags Key=rotated,Value=monthly

say "The second copy writes that one and nothing else"
before=$(versions_of us-east-1)
run 0 sync
written=$(comm -13 <(echo "$before") <(versions_of us-east-1))
[ "$written" = "/prod/app/DB_PASSWORD 2" ] || fail "written in us-east-1: $written"
echo "new versions in us-east-1: $written"
same_everywhere

say "What a run did can be taken back"
last=$(grep -o '^undo: understudy undo .*' "$work/shown" | tail -1 | sed 's/.* //')
echo "$bold\$ build/understudy undo $last --endpoint-url $url$plain"
build/understudy undo "$last" --endpoint-url "$url" | tee -a "$work/shown"
run 3 verify
run 0 sync

say "The proof"
run 0 verify --deep
same_everywhere

# A value that was planted may stand nowhere in what was shown or written down.
mkdir -p "$work/state"
if grep -raqF -f "$work/secrets" "$work/shown" "$work/server.log" "$work/aws" "$work/state"; then
    fail "a secret value was found in an output or a file"
fi
say "Done: no secret value stands in any output, log, state file or in the server's data folder"

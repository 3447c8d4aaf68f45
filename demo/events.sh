#!/bin/bash
# Changes that follow by themselves, on a local AWS of its own: make demo-events
#
# The steps of an article on replicating parameters with EventBridge and Lambda, with the aws
# command line: trail, rule, function, permission; then parameters are put, updated, tagged,
# labelled and deleted in ap-south-1 and looked at in us-east-1. The function is
# build/understudy-lambda.zip. Then the same with a queue between rule and function, and with copies
# in another account.
set -euo pipefail
cd "$(dirname "$0")/.."

source_region=ap-south-1
copy_region=us-east-1
zip=build/understudy-lambda.zip
. demo/local_aws.sh
export AWS_DEFAULT_REGION=us-east-1 # for IAM, which is one for all Regions

account=$(aws sts get-caller-identity --region $source_region --query Account --output text)
quietly() { # shown, but not what it answers
    printf '%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@" >"$work/answer"
}
until_it_is() { # WHAT COMMAND...: until its output is WHAT; at most half a minute
    wanted=$1
    shift
    for _ in $(seq 60); do
        got=$("$@" 2>&1) || true
        case $got in *"$wanted"*) return 0 ;; esac
        sleep 0.1
    done
    fail "'$wanted' was expected of: $*; it says: $got"
}
value_in() { # REGION NAME
    aws ssm get-parameter --name "$2" --region "$1" --query Parameter.Value --output text
}
written_at() { # REGION NAME: milliseconds
    aws ssm get-parameter --name "$2" --region "$1" --query Parameter.LastModifiedDate \
        --output text | date -f - +%s%3N
}
lag_of() { # NAME: from the source's write to the copy's, by the clocks of Parameter Store
    echo "$1: written in $copy_region" \
        "$(($(written_at $copy_region "$1") - $(written_at $source_region "$1"))) ms after" \
        "$source_region"
}
role_for() { # NAME POLICY-FILE: a role that Lambda may take
    quietly aws iam create-role --role-name "$1" --assume-role-policy-document '{
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}}]}'
    quietly aws iam put-role-policy --role-name "$1" --policy-name replicate \
        --policy-document "file://$2"
}

say "Step 1: CloudTrail records the calls of Parameter Store"
quietly aws cloudtrail create-trail --name management --s3-bucket-name trail-of-the-demo \
    --is-multi-region-trail --region $source_region
quietly aws cloudtrail start-logging --name management --region $source_region

say "Step 2: the rule of EventBridge"
cat >"$work/pattern.json" <<'JSON'
{
  "source": ["aws.ssm"],
  "detail-type": ["AWS API Call via CloudTrail"],
  "detail": {
    "eventSource": ["ssm.amazonaws.com"],
    "eventName": ["PutParameter", "DeleteParameter", "DeleteParameters", "AddTagsToResource",
                  "RemoveTagsFromResource", "LabelParameterVersion", "UnlabelParameterVersion"]
  }
}
JSON
quietly aws events put-rule --name ssm-replicator --event-pattern "file://$work/pattern.json" \
    --region $source_region

say "Step 3: the function, under a role that may do what this configuration needs and no more"
cat >"$work/understudy.yaml" <<YAML
source: { region: $source_region }
destinations: [{ region: $copy_region }]
parameters:
  include: ["/prod/app/**", "/prod/api/**"]
  deletes: owned
  delete_grace: 0
  max_delete: 10
  labels: true
YAML
cat "$work/understudy.yaml"
policy_of() { # NAME CONFIG [FLAG...]: what the role of function NAME needs
    echo "$bold\$ build/understudy policy --role function --config understudy.yaml" \
        "--function $1 ${*:3}$plain"
    build/understudy policy --role function --config "$2" --account "$account" --function "$1" \
        "${@:3}" >"$work/policy.json"
    jq -r '.Statement[] | "  \(.Sid): \(.Action | if type == "array" then join(", ") else . end)"' \
        "$work/policy.json"
    quietly aws logs create-log-group --log-group-name "/aws/lambda/$1" --region $source_region
}
policy_of ssm-replicator "$work/understudy.yaml"
role_for understudy "$work/policy.json"
jq -n --rawfile config "$work/understudy.yaml" '{Variables: {UNDERSTUDY_CONFIG: $config}}' \
    >"$work/environment.json"
create_function() { # NAME ROLE ENVIRONMENT
    quietly aws lambda create-function --function-name "$1" --runtime provided.al2023 \
        --handler bootstrap --role "arn:aws:iam::$account:role/$2" --timeout 60 \
        --memory-size 256 --environment "file://$3" --zip-file "fileb://$zip" \
        --region $source_region
    aws lambda wait function-active-v2 --function-name "$1" --region $source_region
}
create_function ssm-replicator understudy "$work/environment.json"

say "The rule may call it"
rule=arn:aws:events:$source_region:$account:rule/ssm-replicator
quietly aws lambda add-permission --function-name ssm-replicator --statement-id rule \
    --action lambda:InvokeFunction --principal events.amazonaws.com --source-arn "$rule" \
    --region $source_region
quietly aws events put-targets --rule ssm-replicator --region $source_region --targets \
    "Id=replicator,Arn=arn:aws:lambda:$source_region:$account:function:ssm-replicator"

say "Testing the setup: a parameter is made"
quietly aws ssm put-parameter --name /prod/app/DB_HOST --value database.example.com \
    --type String --overwrite --region $source_region
until_it_is database.example.com value_in $copy_region /prod/app/DB_HOST
show aws ssm get-parameter --name /prod/app/DB_HOST --region $copy_region
lag_of /prod/app/DB_HOST

say "... updated"
quietly aws ssm put-parameter --name /prod/app/DB_HOST --value new-database.example.com \
    --type String --overwrite --region $source_region
until_it_is new-database.example.com value_in $copy_region /prod/app/DB_HOST
echo "$copy_region has new-database.example.com"
lag_of /prod/app/DB_HOST

say "... tagged and labelled, which the article's function does not follow"
quietly aws ssm add-tags-to-resource --resource-type Parameter --resource-id /prod/app/DB_HOST \
    --tags Key=team,Value=orders --region $source_region
until_it_is orders aws ssm list-tags-for-resource --resource-type Parameter \
    --resource-id /prod/app/DB_HOST --region $copy_region
quietly aws ssm label-parameter-version --name /prod/app/DB_HOST --labels blue \
    --region $source_region
until_it_is blue aws ssm get-parameter-history --name /prod/app/DB_HOST --region $copy_region
show aws ssm get-parameter-history --name /prod/app/DB_HOST --region $copy_region \
    --query 'Parameters[].[Version,Value,Labels]'

say "A SecureString, and one outside of the paths"
put <<JSON
{"Name": "/prod/api/JWT_SECRET", "Type": "SecureString", "Value": "$(secret)"}
JSON
quietly aws ssm put-parameter --name /test/api/JWT_SECRET --type String --value x \
    --region $source_region
until_it_is SecureString aws ssm get-parameter --name /prod/api/JWT_SECRET --region $copy_region
if value_in $copy_region /test/api/JWT_SECRET >"$work/answer" 2>&1; then
    fail "a parameter outside of the paths was copied"
fi
lag_of /prod/api/JWT_SECRET

say "A delete that is refused deletes nothing"
quietly aws iam create-user --user-name reader
key=$(aws iam create-access-key --user-name reader)
denied=$(AWS_ACCESS_KEY_ID=$(jq -r .AccessKey.AccessKeyId <<<"$key") \
    AWS_SECRET_ACCESS_KEY=$(jq -r .AccessKey.SecretAccessKey <<<"$key") AWS_PROFILE='' \
    bash -c 'unset AWS_PROFILE; "$@" 2>&1' _ "$aws_program" --endpoint-url "$url" ssm \
    delete-parameter --name /prod/app/DB_HOST --region $source_region) &&
    fail "the delete was allowed"
echo "${denied##*$'\n'}"

say "... deleted, by both calls that delete"
quietly aws ssm delete-parameter --name /prod/app/DB_HOST --region $source_region
until_it_is ParameterNotFound value_in $copy_region /prod/app/DB_HOST
echo "/prod/app/DB_HOST: ParameterNotFound in $copy_region"
quietly aws ssm delete-parameters --names /prod/api/JWT_SECRET /prod/api/NOT_THERE \
    --region $source_region
until_it_is ParameterNotFound value_in $copy_region /prod/api/JWT_SECRET
echo "/prod/api/JWT_SECRET: ParameterNotFound in $copy_region"

say "What the function wrote down"
logged() {
    aws logs filter-log-events --log-group-name "/aws/lambda/$1" --region $source_region \
        --query 'events[].message' --output json | jq -r '.[] | select(startswith("{")) | fromjson |
            select(.message == "looked at") | "\(.outcome) \(.name) \(.reason // "")"'
}
until_it_is "applied /prod/api/JWT_SECRET" logged ssm-replicator
logged ssm-replicator

# --- with a queue in between ------------------------------------------------------------------

say "The same with a queue between rule and function: a burst becomes a few invocations"
queue=arn:aws:sqs:$source_region:$account:ssm-changes
quietly aws events remove-targets --rule ssm-replicator --ids replicator --region $source_region
jq -n --arg queue "$queue" --arg rule "$rule" '{VisibilityTimeout: "360", Policy: ({
    Version: "2012-10-17", Statement: [{Effect: "Allow", Action: "sqs:SendMessage",
        Principal: {Service: "events.amazonaws.com"}, Resource: $queue,
        Condition: {ArnEquals: {"aws:SourceArn": $rule}}}]} | tojson)}' >"$work/attributes.json"
quietly aws sqs create-queue --queue-name ssm-changes --region $source_region \
    --attributes "file://$work/attributes.json"
build/understudy policy --role function --config "$work/understudy.yaml" --account "$account" \
    --function ssm-replicator --queue ssm-changes >"$work/policy.json"
quietly aws iam put-role-policy --role-name understudy --policy-name replicate \
    --policy-document "file://$work/policy.json"
quietly aws lambda create-event-source-mapping --function-name ssm-replicator \
    --event-source-arn "$queue" --batch-size 10 \
    --function-response-types ReportBatchItemFailures --region $source_region
quietly aws events put-targets --rule ssm-replicator --region $source_region \
    --targets "Id=queue,Arn=$queue"
for number in 1 2 3 4 5 6 7 8; do
    aws ssm put-parameter --name "/prod/app/QUEUED_$number" --value "value $number" \
        --type String --region $source_region >"$work/answer"
done
for number in 1 2 3 4 5 6 7 8; do
    until_it_is "value $number" value_in $copy_region "/prod/app/QUEUED_$number"
done
echo "/prod/app/QUEUED_1 to _8 are in $copy_region"

# --- to another account -----------------------------------------------------------------------

say "Copies in another account: a role there that the function takes"
other=222222222222
as_other() { AWS_PROFILE=$other aws "$@"; }
cat >"$work/accounts.yaml" <<YAML
source: { region: $source_region }
destinations:
  - region: eu-west-1
    account: "$other"
    role_arn: arn:aws:iam::$other:role/understudy
    external_id: demo
parameters: { include: ["/prod/app/**"], deletes: owned, delete_grace: 0, max_delete: 10 }
YAML
cat "$work/accounts.yaml"
policy_of ssm-to-dr "$work/accounts.yaml"
role_for understudy-to-dr "$work/policy.json"
jq -n --arg role "arn:aws:iam::$account:role/understudy-to-dr" '{Version: "2012-10-17",
    Statement: [{Effect: "Allow", Action: ["sts:AssumeRole", "sts:TagSession"],
        Principal: {AWS: $role}, Condition: {StringEquals: {"sts:ExternalId": "demo"}}}]}' \
    >"$work/trust.json"
build/understudy policy --role destination --config "$work/accounts.yaml" --account "$account" \
    >"$work/policy.json"
show as_other iam create-role --role-name understudy \
    --assume-role-policy-document "file://$work/trust.json" --query Role.Arn
show as_other iam put-role-policy --role-name understudy --policy-name replicate \
    --policy-document "file://$work/policy.json"
jq -n --rawfile config "$work/accounts.yaml" '{Variables: {UNDERSTUDY_CONFIG: $config}}' \
    >"$work/environment.json"
create_function ssm-to-dr understudy-to-dr "$work/environment.json"
quietly aws lambda add-permission --function-name ssm-to-dr --statement-id rule \
    --action lambda:InvokeFunction --principal events.amazonaws.com --source-arn "$rule" \
    --region $source_region
quietly aws events put-targets --rule ssm-replicator --region $source_region --targets \
    "Id=other,Arn=arn:aws:lambda:$source_region:$account:function:ssm-to-dr"
quietly aws ssm put-parameter --name /prod/app/FOR_BOTH --value everywhere --type String \
    --region $source_region
in_other() { AWS_PROFILE=$other value_in eu-west-1 /prod/app/FOR_BOTH; }
until_it_is everywhere in_other
until_it_is everywhere value_in $copy_region /prod/app/FOR_BOTH
echo "/prod/app/FOR_BOTH is in $copy_region of $account and in eu-west-1 of $other"

if grep -raqF -f "$work/secrets" "$work/server.log" "$work/aws"; then
    fail "a secret value was found in a file"
fi
say "Done: no secret value stands in a log or in the server's data folder"

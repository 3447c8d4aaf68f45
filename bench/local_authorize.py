#!/usr/bin/python3
"""What authorisation costs: GetParameter of a user with 20 managed policies of 20 statements
against GetParameter of an administrator, who is asked nothing.

    bench/local_authorize.py [--rounds N]

Ten policies are attached to the user and ten to a group of theirs, because AWS attaches ten to
each. The statements are of five services; they name resources by path, some with conditions. wrk
in many short turns, A B B A, medians.
"""
import argparse
import json
import statistics

import common

POLICIES, STATEMENTS = 20, 20
SERVICES = ("ssm", "kms", "secretsmanager", "sqs", "events")


def statement(policy, number):
    service = SERVICES[number % len(SERVICES)]
    made = {"Effect": "Allow", "Action": [f"{service}:Get*", f"{service}:Describe*"],
            "Resource": f"arn:aws:{service}:*:{common.ACCOUNT}:parameter/"
                        f"team{policy}/app{number}/*"}
    if number == STATEMENTS - 1:
        made = {"Effect": "Deny", "Action": f"{service}:Delete*", "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": "ap-south-1"}}}
    elif number % 4 == 0:
        made["Condition"] = {"StringEquals": {"aws:RequestedRegion": "ap-south-1"}}
    return made


def document(policy):
    statements = [statement(policy, number) for number in range(STATEMENTS)]
    if policy == POLICIES - 1:  # the one that allows is the last
        statements[-2] = {"Effect": "Allow", "Action": "ssm:GetParameter",
                          "Resource": f"arn:aws:ssm:*:{common.ACCOUNT}:parameter/prod/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def make_user(iam):
    iam.create_user(UserName="reader")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="reader")
    for number in range(POLICIES):
        arn = iam.create_policy(PolicyName=f"p{number}",
                                PolicyDocument=document(number))["Policy"]["Arn"]
        if number % 2:
            iam.attach_user_policy(UserName="reader", PolicyArn=arn)
        else:
            iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def get(server, keys, seconds):
    body = '{"Name":"/prod/app/p"}'
    headers = common.signed(server.url, "AmazonSSM.GetParameter", body, keys=keys)
    return common.wrk(server.url, common.lua(headers, body), seconds=seconds).rate


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    options = options.parse_args()
    administrator = common.ACCESS_KEY, common.SECRET_KEY
    with common.local() as server:
        server.client("ssm").put_parameter(Name="/prod/app/p", Value="v" * 60, Type="String")
        reader = make_user(server.client("iam"))
        rates = {administrator: [], reader: []}
        for _ in range(options.rounds):
            for keys in (administrator, reader, reader, administrator):
                rates[keys].append(get(server, keys, 1))
        asked, free = (statistics.median(rates[keys]) for keys in (reader, administrator))
        print(f"requests/s: administrator {free:,.0f}, user {asked:,.0f}")
        common.finish([common.report("GetParameter, 20 policies of 20 statements / administrator",
                                     asked / free, ">= 0.85", asked >= 0.85 * free)])


if __name__ == "__main__":
    main()

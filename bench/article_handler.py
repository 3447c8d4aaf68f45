#!/usr/bin/python3
"""The Lambda function that people replicate parameters with: the peer of bench/events.py.

Written anew after what an article on replicating parameters by events says that its handler does:
for each name of an event and each destination Region it makes a client, reads the source's value
(GetParameter) and tags (ListTagsForResource), writes the copy (PutParameter, Overwrite, Standard)
and its tags, where there are any (AddTagsToResource), and logs a JSON line at each step. Where the
text leaves a choice this takes the one that costs less: the source's client is kept between events.

Run as a program it is a Lambda function's process: it speaks the Runtime API at
AWS_LAMBDA_RUNTIME_API until that is gone.
"""
import http.client
import json
import os
import sys

import boto3

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL")  # Debian's boto3 does not read it by itself


def log(level, message, **more):
    print(json.dumps({"level": level, "message": message, **more}), flush=True)


def names_of(event):
    detail = event["detail"]
    if event["detail-type"] == "Parameter Store Change":
        return detail["operation"] == "Delete", [detail["name"]]
    parameters = detail["requestParameters"]
    return detail["eventName"].startswith("Delete"), \
        parameters.get("names") or [parameters["name"]]


def copy_one(source, destination, region, name):
    parameter = source.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    log("INFO", "Fetched source parameter", name=name, version=parameter["Version"])
    tags = source.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    log("INFO", "Replicating parameter", name=name, dest_region=region)
    answer = destination.put_parameter(
        Name=name, Value=parameter["Value"], Type=parameter["Type"], Overwrite=True,
        Description="Replicated by a Lambda function", Tier="Standard")
    log("INFO", "Parameter replicated", name=name, version=answer["Version"])
    if tags:
        destination.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)
        log("INFO", "Tags replicated", name=name, tag_count=len(tags))


class Handler:
    def __init__(self):
        self.regions = os.environ["DEST_REGIONS"].split(",")
        self.paths = os.environ["PARAM_PATHS"].split(",")
        self.sources = {}

    def __call__(self, event):
        deleted, names = names_of(event)
        source_region = event["region"]
        if source_region not in self.sources:
            self.sources[source_region] = boto3.client("ssm", region_name=source_region,
                                                       endpoint_url=ENDPOINT)
        for name in names:
            if not any(name.startswith(path + "/") for path in self.paths):
                continue
            for region in self.regions:
                destination = boto3.client("ssm", region_name=region, endpoint_url=ENDPOINT)
                if deleted:
                    destination.delete_parameter(Name=name)
                else:
                    copy_one(self.sources[source_region], destination, region, name)
        return {"statusCode": 200}


def main():
    handler = Handler()
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        try:
            api.request("GET", "/2018-06-01/runtime/invocation/next")
            answer = api.getresponse()
            event = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            sys.exit(0)
        request = answer.getheader("Lambda-Runtime-Aws-Request-Id")
        api.request("POST", f"/2018-06-01/runtime/invocation/{request}/response",
                    json.dumps(handler(event)))
        api.getresponse().read()


if __name__ == "__main__":
    main()

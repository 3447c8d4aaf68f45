#!/usr/bin/python3
"""The sequential boto3 script that people copy parameters with: the peer of the benches.

    SOURCE_REGION=ap-south-1 DESTINATION_REGION=us-east-1 PARAMETER_PREFIXES=/prod/app,/prod/api \
        bench/bulk_script.py

Written anew after what an article on replicating parameters by events says of its one-time "bulk
sync" script: it reads all parameters under prefixes, keeps values, SecureString, descriptions and
tags, and writes everything to the destination Region, each time it is run. Where the text leaves a
choice this takes the one with fewer calls: values come with the pages of GetParametersByPath; what
is left for each name is its description (DescribeParameters), its tags, the write, and the tags'
write where there are any.
"""
import os

import boto3


def bulk_sync(client, source_region, destination_region, prefixes):
    """Returns how many were written. `client` makes an ssm client of a Region."""
    source, destination = client(source_region), client(destination_region)
    written = 0
    for prefix in prefixes:
        pages = source.get_paginator("get_parameters_by_path").paginate(
            Path=prefix, Recursive=True, WithDecryption=True)
        for page in pages:
            for parameter in page["Parameters"]:
                copy_one(source, destination, parameter)
                written += 1
    return written


def copy_one(source, destination, parameter):
    name = parameter["Name"]
    described = source.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    tags = source.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    destination.put_parameter(Name=name, Value=parameter["Value"], Type=parameter["Type"],
                              Description=described[0].get("Description", ""), Overwrite=True)
    if tags:
        destination.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tags)


def main():
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    written = bulk_sync(lambda region: boto3.client("ssm", region_name=region,
                                                    endpoint_url=endpoint),
                        os.environ["SOURCE_REGION"], os.environ["DESTINATION_REGION"],
                        os.environ["PARAMETER_PREFIXES"].split(","))
    print(f"[OK] {written} parameters")


if __name__ == "__main__":
    main()

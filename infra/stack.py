"""What a deployed stack consists of:

    stack.py STACK function NAME     the name that CloudFormation gave a function
    stack.py STACK architecture NAME what it runs on
    stack.py STACK kept              what stays when the stack is removed
    stack.py STACK output NAME       one of its outputs
    stack.py STACK parameter NAME    one of its parameters; nothing where there is no such stack
"""

import sys

import boto3
import botocore.exceptions

KEPT = ["ArchiveBucket", "LedgerTable", "TokenParameter"]


def main(stack, what, *names):
    cloudformation = boto3.client("cloudformation")
    if what == "function":
        logical = f"{names[0].capitalize()}Function"
        resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical)
        print(resource["StackResourceDetail"]["PhysicalResourceId"])
    elif what == "architecture":
        print(boto3.client("lambda").get_function_configuration(FunctionName=names[0])["Architectures"][0])
    elif what == "parameter":
        stacks = [s for page in cloudformation.get_paginator("describe_stacks").paginate() for s in page["Stacks"]]
        for given in (p for s in stacks if s["StackName"] == stack for p in s.get("Parameters", [])):
            if given["ParameterKey"] == names[0]:
                print(given["ParameterValue"])
    elif what == "output":
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        print(next(output["OutputValue"] for output in outputs if output["OutputKey"] == names[0]))
    else:
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        for output in outputs:
            if output["OutputKey"] in KEPT:
                print(f"  {output['OutputKey']}: {output['OutputValue']}")


try:
    main(*sys.argv[1:])
except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
    sys.exit(f"stack {sys.argv[1]} cannot be asked for {' '.join(sys.argv[2:])}: {error}")

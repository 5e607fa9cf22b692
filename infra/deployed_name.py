"""The name that CloudFormation gave a function: deployed_name.py STACK FUNCTION"""

import sys

import boto3
import botocore.exceptions

stack, function = sys.argv[1:]
try:
    cloudformation = boto3.client("cloudformation")
    logical = f"{function.capitalize()}Function"
    resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical)
    print(resource["StackResourceDetail"]["PhysicalResourceId"])
except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
    sys.exit(f"stack {stack} cannot be asked for {function}: {error}")

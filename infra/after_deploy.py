"""After a deployment: asks for the token where there is none, prints what a person needs.

    after_deploy.py STACK
"""

import getpass
import os
import sys

import boto3

stack = sys.argv[1]
described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
outputs = {output["OutputKey"]: output for output in described["Outputs"]}
value = {name: output["OutputValue"] for name, output in outputs.items()}

ssm = boto3.client("ssm")
name = value["TokenParameter"]
try:
    ssm.get_parameter(Name=name)
    print(f"The token is the one in {name}.")
except ssm.exceptions.ParameterNotFound:
    # The environment is for machines, the prompt for people: neither leaves a trace in the shell's history.
    token = os.environ.get("TIINGO_API_KEY", "").strip()
    if not token and sys.stdin.isatty():
        token = getpass.getpass("Tiingo token (it is not shown): ").strip()
    if token:
        ssm.put_parameter(Name=name, Value=token, Type="SecureString")
        print(f"The token is kept in {name}.")
    else:
        print(f"There is no token yet: put it into the SecureString parameter {name}, or deploy again with TIINGO_API_KEY set.")

for name in ["PredictUrl", "StartUrl", "AskPolicy", "StartPolicy", "NightInConsole", "LogGroup"]:
    print(f"{name:15} {value[name].rstrip('/')}  {outputs[name].get('Description', '')}")

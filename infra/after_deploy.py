"""After a deployment: asks for what is missing, warns of what stands open, prints what a person needs.

    after_deploy.py STACK
"""

import getpass
import os
import secrets
import sys

import boto3

stack = sys.argv[1]
described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
outputs = {output["OutputKey"]: output for output in described["Outputs"]}
value = {name: output["OutputValue"] for name, output in outputs.items()}
parameter = {given["ParameterKey"]: given.get("ParameterValue", "") for given in described.get("Parameters", [])}
ssm = boto3.client("ssm")


def there(name):
    try:
        ssm.get_parameter(Name=name)
        return True
    except ssm.exceptions.ParameterNotFound:
        return False


def keep(name, secret):
    ssm.put_parameter(Name=name, Value=secret, Type="SecureString")


def token():
    name = value["TokenParameter"]
    if there(name):
        return print(f"The token is the one in {name}.")
    # The environment is for machines, the prompt for people: neither leaves a trace in the shell's history.
    given = os.environ.get("TIINGO_API_KEY", "").strip()
    if not given and sys.stdin.isatty():
        given = getpass.getpass("Tiingo token (it is not shown): ").strip()
    if given:
        keep(name, given)
        print(f"The token is kept in {name}.")
    else:
        print(f"There is no token yet: put it into the SecureString parameter {name}, or deploy again with TIINGO_API_KEY set.")


def alarms():
    sns, topic = boto3.client("sns"), value["Alarms"]
    if sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        return
    address = input("Where are alarms sent? An e-mail address, or nothing: ").strip() if sys.stdin.isatty() else ""
    if address:
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
        print(f"{address} is asked to confirm that it wants them.")
    else:
        print("Nobody is told of alarms yet:")
        print(f"    aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint YOU@EXAMPLE.COM")


def sign_in():
    """Tokens for a reader and an operator, which are printed nowhere."""
    for role in ["reader", "operator"]:
        name = f"/{stack}/sign-in/{role}"
        if not there(name):
            keep(name, secrets.token_urlsafe(32))
        print(f"A {role} signs in with: aws ssm get-parameter --with-decryption --query Parameter.Value --output text --name {name}")


token()
alarms()
if parameter.get("SignIn") == "true":
    sign_in()
if parameter.get("PredictAuth") == "NONE":
    print("PredictUrl is open to everyone on the internet. Its pages show prices, and Tiingo's terms forbid passing them on:")
    print("on its prices this is for yourself alone. PredictAuth=AWS_IAM closes it, SignIn=true asks for a token.")
for name in ["PredictUrl", "StartUrl", "AskPolicy", "StartPolicy", "OperatePolicy", "NightInConsole", "LogGroup", "RowsQueue"]:
    if name in value:
        print(f"{name:15} {value[name].rstrip('/')}  {outputs[name].get('Description', '')}")

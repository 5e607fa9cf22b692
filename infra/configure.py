"""Uploads a configuration, and the watchlist beside it, to a deployed stack.

    configure.py STACK CONFIGURATION          whatever lies there
    configure.py STACK CONFIGURATION --first  only where there is none yet: what is in use is never overwritten by a deployment
"""

import pathlib
import sys
import tomllib

import boto3

stack, configuration = sys.argv[1:3]
first = sys.argv[3:] == ["--first"]
described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
bucket = next(o["OutputValue"] for o in described["Outputs"] if o["OutputKey"] == "ArchiveBucket")
s3 = boto3.client("s3")

path = pathlib.Path(configuration)
written = path.read_bytes()
files = {"closing-bell.toml": written}
settings = tomllib.loads(written.decode())
if settings.get("webhook", {}).get("url"):
    sys.exit(
        f"{path}: webhook.url is a secret, and does not belong into a bucket. Put it into Parameter Store and name it at the deployment:\n"
        f"    read -rs W; aws ssm put-parameter --name /{stack}/webhook --type SecureString --value \"$W\"\n"
        f"    make deploy PARAMETERS=WebhookParameter=/{stack}/webhook"
    )
watchlist = settings.get("watchlist")
if isinstance(watchlist, str):
    files[watchlist] = path.with_name(watchlist).read_bytes()


def there(key):
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


# The list before what names it.
for key, content in reversed(files.items()):
    known = there(key)
    if known == content:
        print(f"s3://{bucket}/{key} is this {path.with_name(key) if key == watchlist else path} already.")
    elif known is not None and first:
        print(f"s3://{bucket}/{key} is another than here, and stays: `make configure` uploads yours.")
    else:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        print(f"s3://{bucket}/{key} is uploaded.")

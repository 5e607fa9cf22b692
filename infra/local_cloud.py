"""Closing Bell deployed on a cloud that runs on this machine: ministack, which others wrote.

`make local-cloud` deploys the recorded sample and says how to try it; the tests deploy what they need. Both build with the
same template and state machine as an account gets, and with its roles' policies enforced.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "target/cloud"
REGION = "us-east-1"
STACK = "closing-bell"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class LocalCloud:
    """A cloud of its own: started empty, gone when it stops."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = TOOLS / f"ministack-{self.port}"
        self.outputs = {}

    def environment(self):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return inherited | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
        }

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self.folder),
            "STATE_DIR": str(self.folder),
        }
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [TOOLS / "ministack/bin/ministack"],
                env=self.environment() | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).read()
                return self
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"ministack did not start: {(self.folder / 'log').read_text()}") from error
                time.sleep(0.1)

    def stop(self):
        """Ends the server and the functions that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def client(self, service, user=None):
        key, secret = user or ("test", "test")
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=120),
        )

    def deploy(self, configuration, token, **parameters):
        """Deploys the template with these parameters, uploads the configuration, and puts the token."""
        # ministack knows no alarms on metric expressions.
        all_parameters = {"Architecture": "x86_64", "NoRunAlarm": "false"} | parameters
        overrides = [f'ParameterKey={name},ParameterValue="{value}"' for name, value in all_parameters.items()]
        done = subprocess.run(
            [TOOLS / "sam/bin/sam", "deploy", "--template-file", ROOT / "infra/template.yaml", "--stack-name", STACK]
            + ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--region", REGION]
            + ["--no-fail-on-empty-changeset", "--parameter-overrides", *overrides],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"sam deploy: {done.stdout[-3000:]}{done.stderr}")
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        # The bucket refuses plain http, which is all that this cloud speaks.
        self.client("s3").delete_bucket_policy(Bucket=self.outputs["ArchiveBucket"])
        self.configure(configuration)
        self.client("ssm").put_parameter(
            Name=self.outputs["TokenParameter"], Value=token, Type="SecureString", Overwrite=True
        )

    def configure(self, configuration):
        self.client("s3").put_object(
            Bucket=self.outputs["ArchiveBucket"], Key="closing-bell.toml", Body=configuration.encode()
        )

    def function(self, logical_name):
        """The name that CloudFormation gave a function."""
        resource = self.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=f"{logical_name}Function"
        )
        return resource["StackResourceDetail"]["PhysicalResourceId"]

    def call(self, output, path, user=None, body=None, method=None):
        """Calls a function URL, signed where there is a user: status, body."""
        host = urllib.request.urlparse(self.outputs[output]).netloc
        request = botocore.awsrequest.AWSRequest(
            method or ("POST" if body is not None else "GET"), f"{self.url}{path}", data=body, headers={"Host": host}
        )
        if user:
            credentials = botocore.credentials.Credentials(*user)
            botocore.auth.SigV4Auth(credentials, "lambda", REGION).add_auth(request)
        sent = urllib.request.Request(
            request.url, data=request.body or None, headers=dict(request.headers), method=request.method
        )
        try:
            with urllib.request.urlopen(sent, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def executions(self):
        """Every execution of the state machine, newest first."""
        return self.client("stepfunctions").list_executions(stateMachineArn=self.outputs["Night"])["executions"]

    def wait(self, arn, seconds=240):
        """Waits for an execution to end, and describes it."""
        states = self.client("stepfunctions")
        deadline = time.monotonic() + seconds
        while True:
            execution = states.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            if time.monotonic() > deadline:
                history = states.get_execution_history(executionArn=arn)["events"]
                raise RuntimeError(f"{arn} is still running: {json.dumps(history[-5:], default=str)}")
            time.sleep(0.5)

    def start_night(self, start, name=None):
        """Starts an execution with this input."""
        named = {"name": name} if name else {}
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["Night"], input=json.dumps(start), **named
        )
        return answer["executionArn"]

    def new_user(self, name, policy=None):
        """A user, with this output's policy: access key and secret."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy:
            iam.attach_user_policy(UserName=name, PolicyArn=self.outputs[policy])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

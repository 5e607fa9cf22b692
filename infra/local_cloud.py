"""Closing Bell deployed on a cloud that runs on this machine: ministack, which others wrote.

`make local-cloud` deploys the recorded sample and says how to try it; the tests deploy what they need. Both build with the
same template and state machine as an account gets, and with its roles' policies enforced.
"""

import atexit
import ctypes
import hashlib
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

from gateway import Gateway

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "target/cloud"
REGION = "us-east-1"
STACK = "closing-bell"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def end_with_parent():
    """Where the system can: a parent that is killed takes the cloud with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class LocalCloud:
    """A cloud of its own: started empty, gone when it stops."""

    def __init__(self, port=None, tls=False, failing=None):
        """With a gateway before it where `failing` says which share of the functions' calls fails."""
        self.port = port or free_port()
        self.failing = failing
        self.gateway = None
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.folder = TOOLS / f"ministack-{self.port}"
        self.outputs = {}
        self.process = None

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
        } | ({"AWS_CA_BUNDLE": str(self.folder / "certificate.pem")} if self.tls else {})

    def start(self):
        with socket.socket() as taken:
            if taken.connect_ex(("127.0.0.1", self.port)) == 0:
                sys.exit(f"port {self.port} is in use, perhaps by another local cloud: PORT=... takes another")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.tls:
            self.make_certificate()
        if self.failing is not None:
            self.gateway = Gateway(self.url, self.failing, certificate=self.folder / "certificate.pem" if self.tls else None)
        # Whoever ends this process ends the cloud, too.
        atexit.register(self.stop)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
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
            "USE_SSL": "1" if self.tls else "0",
            "MINISTACK_SSL_CERT": str(self.folder / "certificate.pem"),
            "MINISTACK_SSL_KEY": str(self.folder / "key.pem"),
            # Which the functions inherit.
            "AWS_ENDPOINT_URL": self.gateway.url if self.gateway else self.url,
        }
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [TOOLS / "ministack/bin/ministack"],
                env=self.environment() | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                trusted = ssl.create_default_context(cafile=self.folder / "certificate.pem") if self.tls else None
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2, context=trusted).read()
                return self
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"ministack did not start: {(self.folder / 'log').read_text()}") from error
                time.sleep(0.1)

    def make_certificate(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
            + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )

    def stop(self):
        """Ends the server and the functions that it started."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.gateway:
            self.gateway.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service, user=None):
        key, secret = user or ("test", "test")
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            verify=str(self.folder / "certificate.pem") if self.tls else None,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=120),
        )

    def deploy(self, configuration, token, **parameters):
        """Deploys both stacks, the second with these parameters, uploads the configuration, and puts the token."""
        kept = self.deploy_stack("store.yaml", f"{STACK}-store")
        machine = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
        given = kept | {"Architecture": machine} | parameters
        # As deploy.sh does: another deployment publishes other versions.
        release = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
        self.outputs = self.deploy_stack(self.released(release), STACK, **given, Release=release)
        # The bucket refuses plain http, which is all that this cloud speaks.
        self.client("s3").delete_bucket_policy(Bucket=self.outputs["ArchiveBucket"])
        self.configure(configuration)
        self.client("ssm").put_parameter(
            Name=self.outputs["TokenParameter"], Value=token, Type="SecureString", Overwrite=True
        )

    def released(self, release):
        """The template with this release by default: ministack's SAM transform sees defaults and no parameters, and names versions by it."""
        template = (ROOT / "infra/template.yaml").read_text()
        here = template.replace("CodeUri: ../", f"CodeUri: {ROOT}/").replace("DefinitionUri: ", f"DefinitionUri: {ROOT}/infra/")
        parameter = '  Release:\n    Type: String\n    Default: "'
        if parameter not in here:
            raise RuntimeError("infra/template.yaml has no parameter Release with a default")
        path = self.folder / "template.yaml"
        path.write_text(here.replace(parameter, parameter + release))
        return path

    def deploy_stack(self, template, stack, **parameters):
        """Deploys a template; answers with the stack's outputs."""
        overrides = [f'ParameterKey={name},ParameterValue="{value}"' for name, value in parameters.items()]
        done = subprocess.run(
            [TOOLS / "sam/bin/sam", "deploy", "--template-file", ROOT / "infra" / template, "--stack-name", stack]
            + ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--region", REGION]
            + ["--no-fail-on-empty-changeset"] + (["--parameter-overrides", *overrides] if overrides else []),
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"sam deploy: {done.stdout[-3000:]}{done.stderr}")
        described = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

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

    def call(self, output, path, user=None, body=None, method=None, headers=None, kind=None):
        """Calls a function URL, signed where there is a user: status, body."""
        host = urllib.parse.urlparse(self.outputs[output]).netloc
        request = botocore.awsrequest.AWSRequest(
            method or ("POST" if body is not None else "GET"), f"{self.url}{path}", data=body, headers={"Host": host} | (headers or {})
        )
        if kind:
            request.headers["Content-Type"] = kind
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

    def ask(self, path, user):
        """What the predict function answers: status, and what it says in JSON or in words."""
        status, body = self.call("PredictUrl", path, user)
        return status, json.loads(body) if body.startswith(("{", "[")) else body

    def objects(self, prefix=""):
        """What lies in the archive's bucket, by key."""
        s3, bucket = self.client("s3"), self.outputs["ArchiveBucket"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

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


def main():
    """`make local-cloud`"""
    from recorded_tiingo import LAST_SESSION, TOKEN, Tiingo

    # A shell's background jobs ignore it otherwise.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    port = os.environ.get("PORT", "4566")
    if not port.isdecimal():
        sys.exit(f"PORT is '{port}', but must be a number")
    tiingo = Tiingo()
    cloud = LocalCloud(int(port))
    settings = TOOLS / "local.env"
    try:
        cloud.start()
        print("deploying ...", flush=True)
        evening = f"{LAST_SESSION}T22:00:00Z"
        configuration = (ROOT / "closing-bell.toml").read_text()
        cloud.deploy(configuration, TOKEN, TrialTime=evening, TiingoBaseUrl=tiingo.url, ScheduleState="DISABLED")
        key, secret = cloud.new_user("you", "AskPolicy")
        for policy in ["StartPolicy", "OperatePolicy"]:
            cloud.client("iam").attach_user_policy(UserName="you", PolicyArn=cloud.outputs[policy])
        names = {
            "CLOSING_BELL_BUCKET": cloud.outputs["ArchiveBucket"],
            "CLOSING_BELL_TABLE": cloud.outputs["LedgerTable"],
            "CLOSING_BELL_BUS": "default",
            "CLOSING_BELL_TOKEN_PARAMETER": cloud.outputs["TokenParameter"],
            "TIINGO_BASE_URL": tiingo.url,
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
        }
        settings.write_text("".join(f"{name}={value}\n" for name, value in names.items()))
        print("one night on the recorded prices ...", flush=True)
        night = cloud.wait(cloud.start_night({"trigger": "schedule", "time": evening}))
        print(f"the night {night['status'].lower()}\n")
        host = urllib.parse.urlparse(cloud.outputs["PredictUrl"]).netloc
        start = urllib.parse.urlparse(cloud.outputs["StartUrl"]).netloc
        signed = f"curl -s --aws-sigv4 aws:amz:{REGION}:lambda --user {key}:{secret}"
        print(
            f"""Ask for a forecast (curl 7.75 or newer signs it):
    {signed} -H 'Host: {host}' '{cloud.url}/forecast/NLS?horizon=2'
See the runs:
    {signed} -H 'Host: {host}' {cloud.url}/runs
Start one:
    {signed} -H 'Host: {start}' -d '{{"tickers":["NLS"],"as_of":"2020-12-10"}}' {cloud.url}/runs
(`as_of` is needed here: the recorded prices end on {LAST_SESSION}. Some versions of curl sign a query as it is written: parameters
in alphabetical order, please.)
Any AWS tool works on it with
    export AWS_ENDPOINT_URL={cloud.url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}
such as `make invoke F=fetch`, `make logs`, `aws s3 ls {cloud.outputs["ArchiveBucket"]} --recursive`.
Ctrl-C stops it, and nothing stays."""
        , flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print()
    finally:
        if settings.exists() and cloud.url in settings.read_text():
            settings.unlink()
        cloud.stop()
        tiingo.stop()


if __name__ == "__main__":
    main()

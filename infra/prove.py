"""Shows on a real account what no test without one can: `make prove-aws`. A throw-away stack, two nights of three tickers, a fault, a rollback, what it
all asked of the services, and the removal of everything. Ends with a report: what is proven now, and what is not.

    prove.py [--clock MINUTES] [Parameter=value]...

Takes about half an hour and some cents. TIINGO_API_KEY, AWS_REGION and credentials come from the environment, ARCHITECTURE as for `make deploy`.
"""

import datetime
import json
import os
import pathlib
import secrets
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zoneinfo

import boto3
import botocore.auth
import botocore.awsrequest

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
CONFIGURATION = """
watchlist = ["AAPL", "KO", "MSFT"]
start = 2019-01-01
# Whoever is trained serves, so that there is something to roll back from.
promotion = "always"
[retries]
attempts = 1
delay = "2s"
"""


class Proof:
    def __init__(self, clock_minutes, parameters):
        self.stack = f"closing-bell-proof-{secrets.token_hex(3)}"
        self.clock_minutes = clock_minutes
        self.parameters = parameters
        self.lines = []
        self.outputs = {}
        self.began = datetime.datetime.now(datetime.timezone.utc)

    def say(self, proven, what, how):
        """A line of the report: proven, not proven (with the reason), or None for a figure."""
        self.lines.append((proven, what, how))
        print({True: "proven", False: "NOT PROVEN", None: "measured"}[proven], "-", what, "-", how, flush=True)

    def check(self, what, function):
        try:
            how = function()
            self.say(True, what, how)
            return True
        except Exception as error:  # Whatever goes wrong is a line of the report, and the removal still runs.
            self.say(False, what, f"{type(error).__name__}: {error}"[:300])
            return False

    # ------------------------------------------------------------------ steps

    def deploy(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(CONFIGURATION)
            file.flush()
            environment = os.environ | {"STACK": self.stack, "CONFIG": file.name}
            given = ["ScheduleState=ENABLED", f"Schedule={self.soon()}", "NotDoneBound=5", *self.parameters]
            started = time.monotonic()
            subprocess.run([ROOT / "infra/deploy.sh", *given], env=environment, check=True, stdin=subprocess.DEVNULL)
        described = boto3.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        return f"both stacks in {time.monotonic() - started:.0f} s, functions built"

    def soon(self):
        """In New York's time, so that it begins then only where the zone is heeded."""
        self.due = datetime.datetime.now(NEW_YORK) + datetime.timedelta(minutes=self.clock_minutes)
        return f"cron({self.due.minute} {self.due.hour} ? * * *)"

    def clock(self):
        states, deadline = boto3.client("stepfunctions"), self.due + datetime.timedelta(minutes=min(self.clock_minutes, 2))
        while datetime.datetime.now(NEW_YORK) < deadline:
            for execution in states.list_executions(stateMachineArn=self.outputs["Night"])["executions"]:
                if not execution["name"].startswith("start-"):
                    late = (execution["startDate"] - self.due.replace(second=0, microsecond=0)).total_seconds()
                    return f"due at {self.due:%H:%M} in New York, begun {late:.0f} s later"
            time.sleep(5)
        raise RuntimeError(f"nothing began at {self.due:%H:%M} in New York")

    def night(self, **wanted):
        """A run that is asked for as a person does: a signed request, the bus, the queue, the state machine."""
        known = {e["executionArn"] for e in self.executions()}
        status, body = self.call("StartUrl", "/runs", json.dumps(wanted).encode())
        assert status == 202, (status, body)
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            for execution in self.executions():
                if execution["executionArn"] not in known and execution["status"] != "RUNNING":
                    seconds = (execution["stopDate"] - execution["startDate"]).total_seconds()
                    return execution["status"], seconds
            time.sleep(2)
        raise RuntimeError("the run did not end within 15 minutes")

    def executions(self):
        listed = boto3.client("stepfunctions").list_executions(stateMachineArn=self.outputs["Night"])["executions"]
        return [execution for execution in listed if execution["name"].startswith("start-")]

    def two_nights(self):
        first, second = self.sessions()
        ended = [self.night(as_of=day, reason="a proof", train=True) for day in (first, second)]
        assert [status for status, _ in ended] == ["SUCCEEDED"] * 2, ended
        return f"{first} and {second}, three tickers, {ended[0][1]:.0f} and {ended[1][1]:.0f} s with cold and warm functions"

    def sessions(self):
        """Two past sessions; a Tuesday and a Wednesday are hardly ever holidays together."""
        day = datetime.date.fromisoformat(os.environ.get("PROOF_DAY", "")) if os.environ.get("PROOF_DAY") else self.due.date()
        day -= datetime.timedelta(days=(day.weekday() - 2) % 7 or 7)
        return str(day - datetime.timedelta(days=1)), str(day)

    def answers(self):
        taken = []
        for _ in range(10):
            started = time.monotonic()
            status, body = self.call("PredictUrl", "/forecast/KO")
            taken.append(1e3 * (time.monotonic() - started))
            assert status == 200, body
        status, _ = self.call("PredictUrl", "/forecast/KO", signed=False)
        assert status == 403, f"an unsigned call is answered with {status}"
        return f"first answer {taken[0]:.0f} ms, then {sorted(taken[1:])[4]:.0f} ms from here; an unsigned call gets 403"

    def fault(self):
        status, _ = self.night(tickers=["KO", "NOSUCHTICKER"], as_of=self.sessions()[1], reason="a fault")
        assert status == "FAILED", status
        _, runs = self.call("PredictUrl", "/runs")
        newest = next(run for run in json.loads(runs) if run["failed"] or run.get("skipped"))
        return f"a ticker that nobody knows: run {newest['run']} is {newest['status']}, {newest['done']} done"

    def alarm(self):
        alarms, deadline = boto3.client("cloudwatch"), time.monotonic() + 900
        while time.monotonic() < deadline:
            found = alarms.describe_alarms(AlarmNamePrefix=f"{self.stack}-ManyNotDone")["MetricAlarms"]
            if any(alarm["StateValue"] == "ALARM" for alarm in found):
                return f"ManyNotDone rings {time.monotonic() - deadline + 900:.0f} s after that run"
            if not found or "PROOF_DAY" in os.environ:
                raise RuntimeError("no such alarm, or a cloud without metrics")
            time.sleep(15)
        raise RuntimeError("ManyNotDone did not ring within 15 minutes")

    def operate(self, *command):
        function = boto3.client("lambda")
        answer = function.invoke(FunctionName=self.outputs["OperateFunction"], Payload=json.dumps({"command": command}))
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer and said["status"] == 0, said
        return said["output"]

    def rollback(self):
        served = [receipt["champion"]["version"] for receipt in self.operate("receipts", "KO", "--json")]
        former = next(version for version in served if version != served[0])
        self.operate("rollback", "KO", former)
        _, body = self.call("PredictUrl", "/forecast/KO")
        assert json.loads(body)["version"] == former, body
        self.operate("release", "KO")
        verified = self.operate("verify", "KO", "--json")
        return f"KO from {served[0]} to {former} and released; its {len(verified)} verdicts are reached again, byte for byte"

    def measured(self):
        """What the account counted. CloudWatch has it some minutes later."""
        watch, now = boto3.client("cloudwatch"), datetime.datetime.now(datetime.timezone.utc)

        def total(namespace, metric, **dimensions):
            named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
            points = watch.get_metric_statistics(
                Namespace=namespace, MetricName=metric, Dimensions=named, StartTime=self.began, EndTime=now, Period=3600, Statistics=["Sum"]
            )["Datapoints"]
            return sum(point["Sum"] for point in points)

        table = self.outputs["LedgerTable"]
        for metric in ["ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits"]:
            self.say(None, metric, f"{total('AWS/DynamoDB', metric, TableName=table):.0f}")
        for logical in ["Plan", "Fetch", "Train", "Report", "Predict", "Start", "Admit", "Operate"]:
            resource = boto3.client("cloudformation").describe_stack_resource(StackName=self.stack, LogicalResourceId=f"{logical}Function")
            name = resource["StackResourceDetail"]["PhysicalResourceId"]
            calls, spent = (total("AWS/Lambda", metric, FunctionName=name) for metric in ("Invocations", "Duration"))
            self.say(None, f"{logical.lower()}", f"{calls:.0f} invocations, {spent / 1e3:.1f} s together")
        listed = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.outputs["ArchiveBucket"])
        sizes = [entry["Size"] for page in listed for entry in page.get("Contents", [])]
        self.say(None, "objects", f"{len(sizes)}, {sum(sizes):,} bytes")

    def remove(self):
        """Everything, what is kept on purpose included."""
        formation = boto3.client("cloudformation")
        for stack in (self.stack, f"{self.stack}-store"):
            formation.delete_stack(StackName=stack)
            formation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 5, "MaxAttempts": 180})
        if not self.outputs:
            return "the stacks"
        bucket = boto3.resource("s3").Bucket(self.outputs["ArchiveBucket"])
        bucket.object_versions.delete()
        bucket.objects.all().delete()
        bucket.delete()
        table = boto3.client("dynamodb")
        table.update_table(TableName=self.outputs["LedgerTable"], DeletionProtectionEnabled=False)
        table.delete_table(TableName=self.outputs["LedgerTable"])
        boto3.client("ssm").delete_parameter(Name=self.outputs["TokenParameter"])
        return "both stacks, bucket with all versions, table, token"

    # ------------------------------------------------------------------ calls

    def call(self, output, path, body=None, signed=True):
        url = self.outputs[output].rstrip("/")
        # On a local cloud a function URL is told by its host alone.
        local = os.environ.get("AWS_ENDPOINT_URL")
        request = botocore.awsrequest.AWSRequest(
            "POST" if body is not None else "GET",
            (local or url) + path,
            data=body,
            headers={"Host": urllib.parse.urlparse(url).netloc},
        )
        if signed:
            credentials = boto3.session.Session().get_credentials().get_frozen_credentials()
            region = boto3.session.Session().region_name
            botocore.auth.SigV4Auth(credentials, "lambda", region).add_auth(request)
        sent = urllib.request.Request(request.url, data=request.body or None, headers=dict(request.headers), method=request.method)
        try:
            trusted = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
            with urllib.request.urlopen(sent, timeout=60, context=trusted) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def report(self):
        print("\n| docs/aws.md, \"What is proven\" | |\n| --- | --- |")
        for proven, what, how in self.lines:
            print(f"| {what} | {'' if proven is None else 'proven: ' if proven else '**not proven**: '}{how} |")


def main():
    arguments = sys.argv[1:]
    minutes = 12.0
    if arguments[:1] == ["--clock"]:
        minutes, arguments = float(arguments[1]), arguments[2:]
    proof = Proof(minutes, arguments)
    try:
        if proof.check("the template deploys", proof.deploy):
            proof.check("the state machine's own role, the queue and the bus: runs that are asked for are held", proof.two_nights)
            proof.check("function URLs, signed and unsigned; real latencies", proof.answers)
            proof.check("a failure is the ticker's alone, and told", proof.fault)
            proof.check("a rollback, and verdicts verified, by the operate function", proof.rollback)
            proof.check("the schedule heeds New York's clock", proof.clock)
            proof.check("alarms ring", proof.alarm)
            try:
                proof.measured()
            except Exception as error:
                proof.say(False, "requests as the account counted them", str(error)[:300])
    finally:
        proof.check("nothing is left behind", proof.remove)
        proof.report()
    sys.exit(0 if all(proven is not False for proven, _, _ in proof.lines) else 1)


if __name__ == "__main__":
    main()

"""`make deploy` and `make remove` as a person types them, on a local cloud that speaks TLS. Started by tests/cloud.sh."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra"))
from local_cloud import ROOT, STACK, LocalCloud  # noqa: E402

PARAMETERS = "ScheduleState=DISABLED 'Schedule=cron(0 18 ? * MON-FRI *)' AlarmEmail="


class Deployment(unittest.TestCase):
    def setUp(self):
        self.cloud = LocalCloud(tls=True)
        self.addCleanup(self.cloud.stop)
        self.cloud.start()

    def make(self, *arguments, answers="", **environment):
        return subprocess.run(
            ["make", "--silent", *arguments],
            cwd=ROOT,
            env=self.cloud.environment() | environment,
            input=answers,
            capture_output=True,
            text=True,
        )

    def configured(self, outputs, key="closing-bell.toml"):
        return self.cloud.client("s3").get_object(Bucket=outputs["ArchiveBucket"], Key=key)["Body"].read()

    def test_deploy_again_and_remove(self):
        refused = self.cloud.folder / "refused.toml"
        refused.write_text("horizon = 5\nhorizn = 3\n")
        done = self.make("deploy", CONFIG=str(refused))
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 2: unknown key `horizn`", done.stderr)
        self.assertEqual(self.cloud.client("cloudformation").list_stacks()["StackSummaries"], [], "nothing is deployed")

        done = self.make("deploy", f"PARAMETERS={PARAMETERS}", TIINGO_API_KEY="a-token")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("a-token", done.stdout + done.stderr)
        stack = self.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        parameter = {given["ParameterKey"]: given["ParameterValue"] for given in stack["Parameters"]}.get
        for name in ["PredictUrl", "StartUrl", "AskPolicy", "StartPolicy", "OperatePolicy"]:
            self.assertIn(outputs[name].rstrip("/"), done.stdout)
        schedule = self.cloud.client("scheduler").get_schedule(Name=f"{STACK}-evening")
        self.assertEqual((schedule["ScheduleExpression"], schedule["State"]), ("cron(0 18 ? * MON-FRI *)", "DISABLED"))
        self.assertEqual(self.configured(outputs), (ROOT / "closing-bell.toml").read_bytes())
        ssm = self.cloud.client("ssm")
        token = ssm.get_parameter(Name=outputs["TokenParameter"], WithDecryption=True)["Parameter"]
        self.assertEqual((token["Type"], token["Value"]), ("SecureString", "a-token"))
        # Plain http is refused by the bucket: what is uploaded and read goes over TLS.
        policy = json.loads(self.cloud.client("s3").get_bucket_policy(Bucket=outputs["ArchiveBucket"])["Policy"])
        self.assertEqual(policy["Statement"][0]["Effect"], "Deny")

        self.assertIn("Nobody is told of alarms yet", done.stdout)

        # On another kind of processor bytes may differ: nobody comes to that by accident.
        other = {"x86_64": "arm64", "arm64": "x86_64"}[parameter("Architecture")]
        flipped = self.make("deploy", ARCHITECTURE=other)
        self.assertEqual((flipped.returncode, "FLIP=1" in flipped.stderr), (2, True), flipped.stderr)

        # dev beside prod shares nothing with it.
        done = self.make("deploy", "PARAMETERS=ScheduleState=DISABLED PredictAuth=NONE", STACK="closing-bell-dev", TIINGO_API_KEY="dev")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Tiingo's terms forbid", done.stdout)
        stack = self.cloud.client("cloudformation").describe_stacks(StackName="closing-bell-dev")["Stacks"][0]
        dev = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        shared = [name for name in dev if dev[name] == outputs[name]]
        self.assertEqual(shared, [])

        # Another table stays in use, whoever deploys next and says nothing of it.
        restored = "ScheduleState=DISABLED Table=restored"
        for parameters in [restored, "ScheduleState=DISABLED"]:
            done = self.make("deploy", f"PARAMETERS={parameters}", STACK="closing-bell-dev", TIINGO_API_KEY="dev")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            stack = self.cloud.client("cloudformation").describe_stacks(StackName="closing-bell-dev")["Stacks"][0]
            now = {given["ParameterKey"]: given["ParameterValue"] for given in stack["Parameters"]}
            self.assertEqual((now["Table"], now["PredictAuth"]), ("restored", "NONE"))

        # Another configuration is not uploaded by deploying again, but by saying so, and its watchlist with it.
        other = self.cloud.folder / "other.toml"
        other.write_text('watchlist = "watchlist.txt"\n')
        (self.cloud.folder / "watchlist.txt").write_text("KO\nNLS\n")
        done = self.make("deploy", f"PARAMETERS={PARAMETERS}", TIINGO_API_KEY="another", CONFIG=str(other))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("is another than here, and stays", done.stdout)
        self.assertEqual(self.configured(outputs), (ROOT / "closing-bell.toml").read_bytes())
        refused = self.make("configure", CONFIG=str(self.cloud.folder / "refused.toml"))
        self.assertEqual(refused.returncode, 2)
        secret = self.cloud.folder / "secret.toml"
        secret.write_text('[webhook]\nurl = "https://hooks.slack.com/services/T/B/x"\n')
        refused = self.make("configure", CONFIG=str(secret))
        self.assertEqual((refused.returncode, "is a secret" in refused.stderr), (2, True), refused.stderr)
        done = self.make("configure", CONFIG=str(other))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.configured(outputs), other.read_bytes())
        self.assertEqual(self.configured(outputs, "watchlist.txt"), b"KO\nNLS\n")
        kept = ssm.get_parameter(Name=outputs["TokenParameter"], WithDecryption=True)["Parameter"]["Value"]
        self.assertEqual(kept, "a-token", "a token that is there stays")

        # For real, it is tested where there is no TLS (night.py).
        dry = self.make("deploy-function", "F=train", "DRY=1")
        self.assertEqual(dry.returncode, 0, dry.stdout + dry.stderr)
        self.assertIn("needs F=", self.make("deploy-function").stderr)
        self.assertIn("nothing", self.make("invoke", "F=nothing").stderr)

        done = self.make("remove", answers="y\ny\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        buckets = [bucket["Name"] for bucket in self.cloud.client("s3").list_buckets()["Buckets"]]
        self.assertIn(outputs["ArchiveBucket"], buckets, "what is kept stays")
        self.assertIn(outputs["ArchiveBucket"], done.stdout, "and is named")

        # A later deployment goes on with it.
        done = self.make("deploy", f"PARAMETERS={PARAMETERS}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        stack = self.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        again = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        for name in ["ArchiveBucket", "LedgerTable"]:
            self.assertEqual(again[name], outputs[name])
        self.assertEqual(self.configured(again, "watchlist.txt"), b"KO\nNLS\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)

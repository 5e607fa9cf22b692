"""`make prove-aws` on the local cloud: the whole script, but for what this cloud cannot do. Started by tests/cloud.sh."""

import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra"))
from local_cloud import ROOT, TOOLS, LocalCloud  # noqa: E402
from recorded_tiingo import TOKEN, Tiingo  # noqa: E402

# It knows no time zones and measures nothing.
NOT_HERE = ["the schedule heeds New York's clock", "alarms ring"]


class Proof(unittest.TestCase):
    def test_the_whole_script(self):
        tiingo = Tiingo()
        self.addCleanup(tiingo.stop)
        # The bucket asks for TLS, which the functions do not trust here: a gateway speaks it for them.
        cloud = LocalCloud(tls=True, failing=0.0)
        self.addCleanup(cloud.stop)
        cloud.start()
        environment = cloud.environment() | {"TIINGO_API_KEY": TOKEN, "PROOF_DAY": "2020-12-10"}
        script = [TOOLS / "sam/bin/python", ROOT / "infra/prove.py", "--clock", "0.5", f"TiingoBaseUrl={tiingo.url}"]
        done = subprocess.run(script, env=environment, capture_output=True, text=True, cwd=ROOT)
        said = done.stdout + done.stderr
        lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
        refuted = [line for line in lines if "**not proven**" in line and not any(what in line for what in NOT_HERE)]
        self.assertEqual(refuted, [], said[-6000:])
        for what in ["runs that are asked for are held", "a rollback", "nothing is left behind"]:
            self.assertTrue(any(what in line and "proven: " in line for line in lines), said[-6000:])
        # Nothing is left, but SAM's own bucket for what it uploads.
        buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
        self.assertTrue(all("sam" in name for name in buckets), buckets)
        self.assertEqual(cloud.client("dynamodb").list_tables()["TableNames"], [])
        self.assertEqual(cloud.client("ssm").describe_parameters()["Parameters"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

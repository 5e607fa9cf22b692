"""Rows from a broker that really runs, into one machine and into the local cloud; from a queue and from Kinesis, into the local cloud.

Lambda's own mapping of Kafka is played by a poller: the local cloud refuses one. Where it differs from AWS otherwise: a Kinesis batch is not
delivered again where the function fails, filters and windows are ignored, and nothing is shared between shards' iterators.
"""

import base64
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra"))
from broker import Broker  # noqa: E402
from local_cloud import ROOT, LocalCloud  # noqa: E402

COMMAND = ROOT / "target/debug/closing-bell"
KINESIS = "arn:aws:kinesis:us-east-1:000000000000:stream/rows"
SERIES = ["WAVE", "TIDE"]
CONFIGURATION = f"""
market = "stream"
watchlist = {json.dumps(SERIES)}
kind = "value"
cadence = "1hour"
season = 1
families = ["arima"]
promotion = "always"
horizon = 3
"""
FIRST = 80


def row(series, t, value=None, **more):
    """The t-th hour of 2026."""
    at = f"2026-01-{1 + t // 24:02}T{t % 24:02}:00:00Z"
    level = 50 + 5 * math.sin(t / 5) + (t * t % 7 if series == "WAVE" else t % 5)
    return json.dumps({"series": series, "ds": at, "y": level if value is None else value} | more)


class Streams(unittest.TestCase):
    """In the order of their names: each works on what the ones before have left."""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.cloud = LocalCloud().start()
        try:
            cls.cloud.client("kinesis").create_stream(StreamName="rows", ShardCount=1)
            cls.cloud.deploy(CONFIGURATION, "none", ScheduleState="DISABLED", StreamQueue="true", StreamKinesis=KINESIS)
            # The local cloud keeps a number that a parameter gives as text, and then cannot compare it.
            functions = cls.cloud.client("lambda")
            for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
                if "ScalingConfig" in mapping:
                    functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": 2})
            cls.asker = cls.cloud.new_user("asker", "AskPolicy")
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cloud.stop()
        cls.broker.stop()

    def ask(self, path):
        return self.cloud.ask(path, self.asker)

    def counts(self, source):
        """What became of a source's rows."""
        metrics = self.ask("/metrics")[1]
        begin = f'closing_bell_rows_total{{source="{source}",outcome="'
        lines = [line[len(begin) :] for line in metrics.splitlines() if line.startswith(begin)]
        return {line.split('"')[0]: int(float(line.split()[-1])) for line in lines}

    def until(self, source, **expected):
        deadline = time.monotonic() + 60
        while True:
            counts = self.counts(source)
            if all(counts.get(kind) == n for kind, n in expected.items()):
                return
            self.assertLess(time.monotonic(), deadline, f"{source}: {counts}, and not {expected}")
            time.sleep(0.3)

    def send(self, *bodies):
        sqs = self.cloud.client("sqs")
        for body in bodies:
            sqs.send_message(QueueUrl=self.cloud.outputs["RowsQueue"], MessageBody=body)

    def night(self, **start):
        night = self.cloud.wait(self.cloud.start_night({"trigger": "manual"} | start))
        self.assertEqual(night["status"], "SUCCEEDED", night)

    def test_1_from_a_queue_to_a_forecast(self):
        queue = "sqs:" + self.cloud.outputs["RowsQueue"].rsplit("/", 1)[-1]
        for first in range(0, FIRST, 20):
            self.send("\n".join(row(series, t) for t in range(first, first + 20) for series in SERIES))
        # Messages of a queue are in no order: a row is kept whenever it comes.
        self.until(queue, waiting=FIRST * len(SERIES))
        self.night(as_of="2026-01-04T07:00Z")
        before = self.ask("/forecast/WAVE")[1]
        self.assertEqual((before["origin"], before.get("streamed")), ("2026-01-04T07:00:00Z", None), before)

        self.send(row("WAVE", FIRST))
        self.until(queue, advanced=1)
        after = self.ask("/forecast/WAVE")[1]
        self.assertEqual((after["origin"], after["streamed"], after["version"]), ("2026-01-04T08:00:00Z", 1, before["version"]))
        # Twice, corrected by its producer, and what is no row.
        self.send(row("WAVE", FIRST), row("WAVE", FIRST, 60, revision=2), "garbage", row("WAVE", FIRST, -1e400))
        self.until(queue, repeated=1, revised=1, refused=2)
        kept = b"".join(self.cloud.objects("quarantine/").values()).decode()
        self.assertIn("garbage", kept)
        self.assertIn("Rows", self.ask("/stream")[1])

    def test_2_from_kinesis(self):
        kinesis = self.cloud.client("kinesis")
        put = lambda body: kinesis.put_record(StreamName="rows", Data=body.encode(), PartitionKey="WAVE")
        put(row("WAVE", FIRST + 1))
        self.until("kinesis:rows", advanced=1)
        put("garbage")
        put(row("WAVE", FIRST + 2))
        self.until("kinesis:rows", advanced=2, refused=1)
        self.assertEqual(self.ask("/forecast/WAVE")[1]["streamed"], 3)

    def test_3_from_kafka_by_a_poller(self):
        self.broker.create("cloud")
        self.broker.send("cloud", [("TIDE", row("TIDE", FIRST + t)) for t in range(5)] + [("TIDE", "soon,1")])
        records = {}
        for record in self.broker.records("cloud", 6):
            encode = lambda data: base64.b64encode(data).decode()
            records.setdefault(f"cloud-{record.partition()}", []).append(
                {"topic": "cloud", "partition": record.partition(), "offset": record.offset(), "timestamp": record.timestamp()[1]}
                | {"timestampType": "CREATE_TIME", "key": encode(record.key()), "value": encode(record.value()), "headers": []}
            )
        event = {"eventSource": "SelfManagedKafka", "bootstrapServers": self.broker.address, "records": records}
        for expected in [{"advanced": 5, "refused": 1}, {"advanced": 5, "repeated": 5, "refused": 2}]:
            invoked = self.cloud.client("lambda").invoke(
                FunctionName=self.cloud.function("Ingest"), Payload=json.dumps(event).encode()
            )
            self.assertNotIn("errorMessage", invoked["Payload"].read().decode())
            counts = self.counts("kafka:cloud")
            self.assertEqual({kind: counts[kind] for kind in expected}, expected)
        self.assertEqual(self.ask("/forecast/TIDE")[1]["streamed"], 5)

    def test_4_the_next_night_knows_all_of_it(self):
        self.night(as_of="2026-01-04T10:00Z")
        forecast = self.ask("/forecast/WAVE")[1]
        self.assertEqual((forecast["origin"], forecast.get("streamed")), ("2026-01-04T10:00:00Z", None), forecast)
        operate = lambda *words: json.loads(
            self.cloud.client("lambda")
            .invoke(FunctionName=self.cloud.function("Operate"), Payload=json.dumps({"command": words}).encode())["Payload"]
            .read()
        )
        table = operate("export", "WAVE")
        self.assertIn("2026-01-04T08:00Z,", str(table).replace(":00:00Z", ":00Z"))
        self.assertIn(",60,", str(table))

    def test_5_an_event_that_is_none(self):
        invoked = self.cloud.client("lambda").invoke(FunctionName=self.cloud.function("Ingest"), Payload=b'{"Records":[]}')
        self.assertIn("neither a queue nor a stream nor a topic", invoked["Payload"].read().decode())

    def test_6_one_machine_reads_the_broker(self):
        self.broker.create("machine", 3)
        rows = [(series, row(series, t)) for t in range(200) for series in SERIES]
        self.broker.send("machine", rows)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "closing-bell.toml").write_text(CONFIGURATION)
            read = [COMMAND, "ingest", "--kafka", self.broker.address, "--topic", "machine", "--until-end", "--json"]
            run = lambda command: subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
            for waiting in [400, 0]:
                done = run(read)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout)["waiting"], waiting)
            self.assertEqual(run([COMMAND, "run"]).returncode, 0)
            self.broker.send("machine", [("WAVE", row("WAVE", 200)), ("TIDE", row("TIDE", 200, value=1e999))])
            done = run(read)
            self.assertEqual((done.returncode, json.loads(done.stdout)["advanced"]), (1, 1), done.stderr)
            self.assertEqual(json.loads(run([COMMAND, "predict", "WAVE", "--json"]).stdout)["streamed"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)

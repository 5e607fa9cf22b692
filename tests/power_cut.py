#!/usr/bin/env python3
"""Power cuts: what a command had written and not forced to the disk is lost, or kept in part.

Each command is watched with strace. From what it asked of the system follows, for any moment, what a disk must still have if the power goes then: what
was synced, and of the rest nothing, all, or any part of it, with writes torn. Each of these folders is made, the same command is given again in it, and then it must
hold what it holds where nothing happened.

    tests/power_cut.py [POINTS]     moments for each command, three folders each [default: 10]
"""

import filecmp
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("CLOSING_BELL", HERE / "target/debug/closing-bell"))
DATA = "closing-bell-data"
POINTS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
CALLS = (
    "openat,open,creat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,"
    "ftruncate,fallocate,writev,pwritev,close"
)
# What SQLite shares between processes that are alive: a file that begins anew.
VOLATILE = ("-shm",)
NOTES = ("ledger.sqlite", "lock", ".closing-bell-unfinished")


# ---------------------------------------------------------------------------------------------------------------- a disk, and what it must keep

class File:
    def __init__(self, synced=b""):
        self.synced = synced
        self.pending = []  # ("write", offset, bytes) or ("cut", length)

    def kept(self, choose):
        """Its content, where each write that was not synced is kept or not, and the last one that is may be torn."""
        content, kept = bytearray(self.synced), [op for op in self.pending if choose("write")]
        for place, op in enumerate(kept):
            if op[0] == "cut":
                del content[op[1]:]
                content.extend(b"\0" * (op[1] - len(content)))
                continue
            _, offset, data = op
            if place == len(kept) - 1 and choose("tear"):
                data = data[: len(data) // 2 // 512 * 512]
            content.extend(b"\0" * (offset - len(content)))
            content[offset:offset + len(data)] = data
        return bytes(content)

    def live(self):
        return self.kept(lambda what: what == "write")


class Folder:
    def __init__(self):
        self.durable = {}
        self.live = {}
        self.pending = []  # {name: node or None}, each wholly or not at all


class Disk:
    def __init__(self, base, work):
        self.work, self.root = str(work), Folder()
        for path in sorted(base.rglob("*")):
            folder, name = self.folder(str(Path(work) / path.relative_to(base)))
            node = Folder() if path.is_dir() else File(path.read_bytes())
            folder.durable[name] = folder.live[name] = node

    def folder(self, path):
        """The folder of a path and its name there; None for what is not watched."""
        path = os.path.normpath(path)
        if not path.startswith(self.work + "/"):
            return None, None
        parts, node = path[len(self.work) + 1:].split("/"), self.root
        for part in parts[:-1]:
            node = node.live.get(part)
            if not isinstance(node, Folder):
                return None, None
        return node, parts[-1]

    def at(self, path):
        if os.path.normpath(path) == self.work:
            return self.root
        folder, name = self.folder(path)
        return folder.live.get(name) if folder else None

    def change(self, *changes):
        """Entries of folders that change in one step: (path, node or None)."""
        for path, node in changes:
            folder, name = self.folder(path)
            if folder is None:
                continue
            if node is None:
                folder.live.pop(name, None)
            else:
                folder.live[name] = node
            folder.pending.append({name: node})

    def write_out(self, target, choose):
        def out(folder, target):
            target.mkdir(exist_ok=True)
            entries = dict(folder.durable)
            for change in folder.pending:
                if choose("entry"):
                    entries.update(change)
            for name, node in entries.items():
                if node is None or name.endswith(VOLATILE):
                    continue
                if isinstance(node, Folder):
                    out(node, target / name)
                else:
                    (target / name).write_bytes(node.kept(choose))

        out(self.root, target)


# ------------------------------------------------------------------------------------------------------------------------ what strace tells

LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<.*>)?(?: .*)?$")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
NAMED = re.compile(r"^(-?\d+|AT_FDCWD)<(.*)>$", re.S)


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def calls(log):
    """Each call that succeeded, in the order in which they ended: name, arguments."""
    begun = {}
    for line in log.read_text(errors="replace").splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line[: -len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)$", line)
        if resumed:
            line = begun.pop(pid, "") + resumed.group(1)
        found = LINE.match(line)
        if found and int(found.group(4)) >= 0:
            yield found.group(2), arguments(found.group(3)), int(found.group(4))


def arguments(text):
    """Texts as bytes, descriptors as (number, path), the rest as it is written."""
    parts, depth, quoted, part = [], 0, False, ""
    for c in text:
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "<[{(":
            depth += 1
        elif not quoted and c in ">]})":
            depth -= 1
        if c == "," and not quoted and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += c
    parts.append(part.strip())
    read = []
    for part in parts:
        if match := TEXT.fullmatch(part):
            assert not match.group(2), "strace has shortened a text"
            read.append(unhex(match.group(1)))
        elif match := NAMED.match(part):
            path = match.group(2)
            read.append((match.group(1), unhex(path).decode() if path.startswith("\\x") else path))
        else:
            read.append(part)
    return read


def steps(log, work):
    """What was asked of the disk, each as a function of it."""
    offsets = {}

    def path_of(where, name):
        return os.path.join(where[1], name.decode())

    def wrote(path, offset, data):
        return lambda disk: isinstance(node := disk.at(path), File) and node.pending.append(("write", offset, data))

    def cut(path, length):
        return lambda disk: isinstance(node := disk.at(path), File) and node.pending.append(("cut", length))

    def opened(path, flags):
        def step(disk):
            node = disk.at(path)
            if node is None and "O_CREAT" in flags:
                disk.change((path, File()))
            elif isinstance(node, File) and "O_TRUNC" in flags:
                node.pending.append(("cut", 0))
        return step

    def synced(path):
        def step(disk):
            node = disk.at(path)
            if isinstance(node, File):
                node.synced, node.pending = node.live(), []
            elif isinstance(node, Folder):
                node.durable, node.pending = dict(node.live), []
        return step

    def moved(old, new, keeps):
        return lambda disk: disk.change((new, disk.at(old)), *([] if keeps else [(old, None)]))

    for name, args, answer in calls(log):
        cwd = ("AT_FDCWD", str(work))
        if name in ("openat", "open", "creat"):
            where, path, *rest = args if name == "openat" else [cwd, *args]
            path = path_of(where, path)
            offsets[answer] = [path, 0]
            yield path, opened(path, str(rest[0]) if rest else "O_CREAT|O_TRUNC")
        elif name == "close":
            offsets.pop(int(args[0][0]), None)
        elif name == "write":
            number, path = args[0]
            place = offsets.setdefault(int(number), [path, 0])
            yield path, wrote(path, place[1], args[1][:answer])
            place[1] += answer
        elif name == "pwrite64":
            yield args[0][1], wrote(args[0][1], int(args[3]), args[1][:answer])
        elif name in ("writev", "pwritev"):
            assert not args[0][1].startswith(str(work)), f"{name} is not understood"
        elif name == "ftruncate":
            yield args[0][1], cut(args[0][1], int(args[1]))
        elif name in ("fsync", "fdatasync"):
            yield args[0][1], synced(args[0][1])
        elif name in ("mkdir", "mkdirat"):
            where, path, *_ = args if name == "mkdirat" else [cwd, *args]
            path = path_of(where, path)
            yield path, lambda disk, path=path: disk.change((path, Folder()))
        elif name in ("unlink", "unlinkat"):
            where, path, *_ = args if name == "unlinkat" else [cwd, *args]
            path = path_of(where, path)
            yield path, lambda disk, path=path: disk.change((path, None))
        elif name in ("rename", "link"):
            old, new = path_of(cwd, args[0]), path_of(cwd, args[1])
            yield new, moved(old, new, name == "link")
        elif name in ("renameat", "renameat2", "linkat"):
            old, new = path_of(args[0], args[1]), path_of(args[2], args[3])
            yield new, moved(old, new, name == "linkat")


# ------------------------------------------------------------------------------------------------------------------------------- the test

def closing_bell(folder, command, expect=0):
    text = command.get("stdin", "")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TIINGO", "CLOSING_BELL"))}
    done = subprocess.run([PROGRAM, *command["words"]], cwd=folder, input=text, capture_output=True, text=True, timeout=120, env=env)
    assert expect is None or done.returncode == expect, f"{command['words']} in {folder}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def objects(folder):
    root = folder / DATA
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file() and not path.relative_to(root).parts[0].startswith(NOTES)}


def answers(folder, tickers):
    told = []
    for ticker in tickers:
        for asked in (["predict", ticker, "--json"], ["receipts", ticker, "--json"]):
            told.append(closing_bell(folder, {"words": asked}).stdout)
    runs = json.loads(closing_bell(folder, {"words": ["runs", "--json"]}).stdout)
    return told, sorted((run["run"], run["status"]) for run in runs)


def watch(base, command, scratch):
    """The steps of a command in a copy of a folder; afterwards the copy is as it left it."""
    work, log = scratch / "work", scratch / "log"
    shutil.copytree(base, work)
    strace = ["strace", "-f", "-y", "-qq", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", log]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TIINGO", "CLOSING_BELL"))}
    subprocess.run([*strace, PROGRAM, *command["words"]], cwd=work, input=command.get("stdin", ""), text=True, check=True, capture_output=True, env=env)
    watched = [step for path, step in steps(log, work) if os.path.normpath(path).startswith(str(work))]
    return work, watched


def scenario(name, base, command, tickers, scratch, chance):
    work, watched = watch(base, command, scratch)
    whole, told = objects(work), answers(work, tickers)

    def simulated(upto):
        disk = Disk(base, work)
        for step in watched[:upto]:
            step(disk)
        return disk

    # The simulation is right about what there is in the end: otherwise it would show nothing.
    made = scratch / "made"
    simulated(len(watched)).write_out(made, lambda what: what != "tear")
    for key, path in whole.items():
        assert filecmp.cmp(path, made / DATA / key, shallow=False), f"{key} is not what the trace says"
    shutil.rmtree(made)

    tried = 0
    moments = {len(watched), *(chance.randrange(1, len(watched)) for _ in range(POINTS))}
    for moment in sorted(moments):
        for how, choose in (
            ("nothing unsynced is kept", lambda what: False),
            ("all is kept, the last write torn", lambda what: True),
            ("some is kept", lambda what: chance.random() < 0.5),
        ):
            left = scratch / "left"
            shutil.rmtree(left, ignore_errors=True)
            simulated(moment).write_out(left, choose)
            shutil.copy(base / "closing-bell.toml", left / "closing-bell.toml")
            where = f"{name}, cut after step {moment} of {len(watched)}, {how}: {left}"
            try:
                if moment == len(watched):
                    # It had said that it was done.
                    assert answers(left, tickers) == told, "what was answered for is lost"
                if command.get("repeats", True):
                    closing_bell(left, command)
                else:
                    closing_bell(left, command, expect=None)
                checked = closing_bell(left, {"words": ["verify", "--all"]})
                assert "All is as it was written" in checked.stdout, checked.stdout
                assert answers(left, tickers) == told, "answers are others"
                now = objects(left)
                for key, path in whole.items():
                    assert key in now and filecmp.cmp(path, now[key], shallow=False), f"{key} is another"
            except AssertionError as wrong:
                sys.exit(f"power_cut: {where}\n{wrong}")
            tried += 1
    print(f"power_cut: {name}: {len(watched)} steps, {tried} folders: all as if nothing had happened")
    return work


def rows(first, last):
    return "".join(f"web,{t},{50 + 8 * ((t * 7919) % 97) / 97}\n" for t in range(first, last + 1))


def main():
    if shutil.which("strace") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run("apt-get update -qq && apt-get install -y -qq --no-install-recommends strace >/dev/null", shell=True, check=False)
    if shutil.which("strace") is None:
        print("power_cut: strace is not installed: power cuts are NOT tried", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 0)
    chance = random.Random(int(os.environ.get("SEED", "1")))
    with tempfile.TemporaryDirectory() as top:
        top = Path(top).resolve()
        base = top / "empty"
        base.mkdir()
        (base / "closing-bell.toml").write_text('start = 2019-01-01\nfamilies = ["arima"]\n')

        def scratch(name):
            folder = top / name
            folder.mkdir()
            return folder

        night = lambda day: {"words": ["run", "--market", "recorded", "--ticker", "KO", "--ticker", "NLS", "--as-of", day, "--set", "promotion=always"]}
        first = scenario("a first night", base, night("2020-12-10"), ["KO", "NLS"], scratch("one"), chance)
        second = scenario("a second night", first, night("2020-12-11"), ["KO", "NLS"], scratch("two"), chance)
        receipts = json.loads(closing_bell(second, {"words": ["receipts", "KO", "--json"]}).stdout)
        back = [receipt["champion"]["version"] for receipt in receipts if receipt["champion"]["version"] != receipts[0]["champion"]["version"]]
        if back:
            rollback = {"words": ["rollback", "KO", back[0]], "repeats": False}
            scenario("a rollback", second, rollback, ["KO"], scratch("three"), chance)

        stream = top / "stream"
        stream.mkdir()
        settings = 'kind = "value"\ncadence = "index"\nfamilies = ["arima"]\npromotion = "always"\nhorizon = 3\nmarket = "stream"\n'
        (stream / "closing-bell.toml").write_text(settings)
        closing_bell(stream, {"words": ["ingest", "--stdin"], "stdin": rows(1, 90)})
        closing_bell(stream, {"words": ["run", "--market", "stream"]})
        scenario("rows that arrive", stream, {"words": ["ingest", "--stdin"], "stdin": rows(91, 110)}, ["web"], scratch("four"), chance)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs the programs of tests/programs with the real client and compares their key=value lines with real Spark's.

    run_programs.py --chert build/chert [NAME...]              starts a server for each program and checks it
    run_programs.py --remote sc://HOST:PORT [NAME...]          checks against a server that runs already
    run_programs.py --remote sc://HOST:PORT --record [NAME...] writes expected/NAME.txt: real Spark's answers

What may differ, by how much and why is in programs/rules.txt. Prints what differs and 'N passed, N failed' last.
"""

import argparse
import ctypes
import fnmatch
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?|-?\binf\b|\bnan\b")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SUPPORT = {"results"}  # modules, not programs


def die_with_parent():
    """For a child: ends when this process does, however that happens."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Server:
    """A `chert serve` on a free port that ends with the `with` block."""

    def __init__(self, chert, *options):
        self.process = subprocess.Popen(
            [chert, "serve", "--port", "0", "--no-ui", *options],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )
        line = self.process.stdout.readline()
        if "listening on " not in line:
            self.process.kill()
            raise RuntimeError(f"chert serve did not start: {line!r}")
        self.remote = line.split("listening on ")[1].strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process.stdout.close()
        if self.process.returncode:
            raise RuntimeError(f"chert serve exited with {self.process.returncode}")


def read_rules():
    rows = []
    for line in (PROGRAMS / "rules.txt").read_text().splitlines():
        fields = line.split("#")[0].split()
        if fields:
            rows.append((fields[0], fields[1], fields[2], float(fields[3]) if len(fields) > 3 else None))
    return rows


def rule_for(rules, program, key):
    for row in rules:
        if fnmatch.fnmatch(program, row[0]) and fnmatch.fnmatch(key, row[1]):
            return row[2:]
    return ("rel", 1e-9)


def agree(rule, want, got):
    kind, tolerance = rule
    if kind == "skip" or want == got:
        return True
    wanted, gotten = NUMBER.findall(want), NUMBER.findall(got)
    if kind == "text" or len(wanted) != len(gotten) or NUMBER.sub("#", want) != NUMBER.sub("#", got):
        return False
    pairs = [(float(a), float(b)) for a, b in zip(wanted, gotten)]
    if kind == "atleast":
        return all(b >= a - tolerance for a, b in pairs)
    if kind == "atmost":
        return all(b <= a * (1 + tolerance) for a, b in pairs)
    if kind == "abs":
        return all(a == b or abs(a - b) <= tolerance or (a != a and b != b) for a, b in pairs)
    return all(a == b or abs(a - b) <= tolerance * max(abs(a), abs(b)) + 1e-14 or (a != a and b != b) for a, b in pairs)


def parse(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def run_program(python, remote, name, timeout):
    with tempfile.TemporaryDirectory(prefix="chert-test-") as scratch:
        environment = dict(os.environ, SPARK_REMOTE=remote, TZ="UTC", PYTHONPATH=str(PROGRAMS))
        done = subprocess.run(
            [python, str(PROGRAMS / f"{name}.py"), scratch],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            cwd=scratch,
        )
        output = UUID.sub("UUID", done.stdout.replace(scratch, "SCRATCH"))
        return done.returncode, output, done.stderr.replace(scratch, "SCRATCH")


def last_lines(errors):
    """The end of a traceback without the JVM's stack frames."""
    return "\n    ".join([line for line in errors.strip().splitlines() if not line.startswith("\tat ")][-12:])


def compare(rules, name, got):
    want = parse((PROGRAMS / "expected" / f"{name}.txt").read_text())
    problems = []
    for key, value in want.items():
        if key not in got:
            problems.append(f"  {key}: missing; Spark says {value[:300]}")
        elif not agree(rule_for(rules, name, key), value, got[key]):
            problems.append(f"  {key}: {got[key][:600]}\n  {' ' * len(key)}  Spark says {value[:600]}")
    problems += [f"  {key}: not in expected/{name}.txt" for key in got if key not in want]
    return len(want), problems


def check(rules, name, status, output, errors):
    count, problems = compare(rules, name, parse(output))
    if status:
        problems.append(f"  exit status {status}\n    " + last_lines(errors))
    print("\n".join(problems + [f"{name}: {count} results, {len(problems)} problems"]), flush=True)
    return not problems


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chert")
    parser.add_argument("--remote")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--python", default=str(HERE.parent / "deps" / "venv-4.1.3" / "bin" / "python"))
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if bool(options.chert) == bool(options.remote) or (options.record and not options.remote):
        parser.error("give either --chert or --remote; --record goes with --remote")
    return options


def main():
    options = arguments()
    names = options.names or sorted(p.stem for p in PROGRAMS.glob("*.py") if p.stem not in SUPPORT)
    rules, good = read_rules(), 0
    for name in names:
        started = time.monotonic()
        if options.chert:
            with Server(options.chert) as server:
                result = run_program(options.python, server.remote, name, options.timeout)
        else:
            result = run_program(options.python, options.remote, name, options.timeout)
        if options.record:
            if result[0]:
                sys.exit(f"{name} failed:\n    {last_lines(result[2])}")
            lines = [line for line in result[1].splitlines() if "=" in line]
            (PROGRAMS / "expected" / f"{name}.txt").write_text("\n".join(lines) + "\n")
            print(f"{name}: {len(lines)} results recorded, {time.monotonic() - started:.1f} s", flush=True)
            good += 1
        else:
            good += check(rules, name, *result)
    print(f"{good} passed, {len(names) - good} failed")
    sys.exit(good < len(names))


if __name__ == "__main__":
    main()

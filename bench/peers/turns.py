"""What the comparisons with Python peers share: the worker that speaks one JSON object a line, and turns at a machine.

Two programs take turns because a machine that others use grows slower and faster: a ratio is taken within a round, in
which every side has its turn, and the order of the sides changes from round to round. What counts is the median of the ratios.
"""

import json
import os
import shlex
import statistics
import subprocess
import sys


def stop(message):
    """Ends the program with one line."""
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


class Worker:
    """One of this suite's programs (bench/peers/*_worker.cpp). Not thread-safe."""

    def __init__(self, command):
        self.command = command
        try:
            self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            stop(f"cannot start '{command}': {error.strerror}. Build it: cmake --build build/release --target "
                 f"{os.path.basename(shlex.split(command)[0])}")

    def ask(self, **request):
        """The answer; a worker that says an error, or nothing, ends the program."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            stop(f"'{self.command}' ended with status {self.process.wait()} at request '{request['do']}'")
        answer = json.loads(line)
        if "error" in answer:
            stop(f"'{self.command}' at request '{request['do']}': {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def take_turns(sides, rounds):
    """sides: name -> function of nothing that returns (clips, seconds). -> name -> [clips/s, one a round]."""
    rates = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds):
        order = names[turn % len(names):] + names[:turn % len(names)]
        for name in order if turn % 2 == 0 else reversed(order):
            clips, seconds = sides[name]()
            rates[name].append(clips / seconds)
    return rates


def quartiles(values):
    """(first quartile, median, third quartile)"""
    if len(values) < 2:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def ratio(rates, ours, peer):
    """{"median", "quartiles"} of ours / peer, round by round."""
    low, median, high = quartiles([a / b for a, b in zip(rates[ours], rates[peer])])
    return {"median": median, "quartiles": [low, high]}


def shown(ratio):
    low, high = ratio["quartiles"]
    return f"{ratio['median']:.3f} ({low:.3f}-{high:.3f})"


def machine():
    """What a reader must know of the machine: processor, cores, load of the last minutes."""
    try:
        with open("/proc/cpuinfo") as info:
            processor = next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = "processor not known"
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{processor}, {os.cpu_count()} cores, load {load}"


def print_table(header, rows):
    """Columns as wide as they must be; the first to the left, the others to the right."""
    lines = [header] + rows
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())

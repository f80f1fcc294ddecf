#!/usr/bin/env python3
"""Whole training steps in PyTorch, eager and torch.compile, beside this suite's, for comparison only:

  cmake --build build/release --target train_step_worker
  .venv/bin/python bench/peers/train_step.py [--worker build/release/bench/train_step_worker] [--device cpu|cuda]
      [--cases r2plus1d_18,r2plus1d_small,resnet18,mnf_csc] [--pairs 7] [--json FILE]

Needs torch alone. For each case the same network (train_step_peer.py) takes the program's first weights and its batch, and
steps beside it: every loss term of the first steps must agree, and the weights of the terms. Only then do cmkd, eager and
compiled, each in a process of its own, take turns; a ratio is taken within a round, and its median over the rounds is shown
with the quartiles. On a CPU the time is processor time of the process (others may use the machine), on a GPU wall time. Page
faults (of cmkd, eager, compiled) are memory that the allocator had given back to the kernel and asks for again: on a CPU
they may be a quarter of a step.

All sides: float32, one thread, no TF32, fused Adam (rate 3e-4, weight decay 5e-4), the same batch at every step, whose
making is not measured. cmkd runs in deterministic mode, as its trainings do, with the trainer's guards and sums; PyTorch
has its defaults, which are not deterministic. --wrong weight, label or rate shows that the check finds what is wrong.
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import shlex
import sys
import tempfile

import turns

BATCH = {"r2plus1d_18": 2, "r2plus1d_small": 8, "resnet18": 16, "mnf_csc": 48}
SHAPE = {"r2plus1d_18": "16 x 112 x 112", "r2plus1d_small": "16 x 112 x 112", "resnet18": "1 x 112 x 112", "mnf_csc": "8 x 32 x 32"}
CHECKED_STEPS = 3
# What two float32 computations of one step may differ by, relative to the term (or to 0.01, where a term is smaller). Before
# any step only the order of sums differs: some roundings of 6e-8 in each of some twenty layers.
FIRST = 1e-5
# From the second step on roundings grow, as Adam divides a gradient by its own size, however small. By case: eager, compiled.
# Weights moved by one rounding changed the terms of three eager steps by at most 1.1e-3 (resnet18), 1e-7 (r2plus1d_small) and
# 7e-6 (mnf_csc), a rate 1.05 times as large by 8e-2, 2.8e-4 and 2.1e-4: the eager step must agree between the two. The
# compiled one, whose every sum has another order, is given more; r2plus1d_18 what resnet18 is (a rate 1.05 times: 3e-2).
LATER = {"r2plus1d_18": (1e-2, 3e-2), "r2plus1d_small": (1e-5, 1e-4), "resnet18": (1e-2, 3e-2), "mnf_csc": (3e-5, 1e-3)}
TURN_SECONDS = 2.0  # of one side, at least


def require_agreement(case, side, ours, theirs):
    """Answers to one request for steps. The worst relative error of the first step, and of the later ones."""
    weights = dict(zip(theirs["terms"], theirs["weights"]))
    if weights.keys() != set(ours["terms"]):
        turns.stop(f"{case}, {side}: other terms: {sorted(ours['terms'])} against {sorted(weights)}")
    for name, weight in zip(ours["terms"], ours["weights"]):
        if not math.isclose(weight, weights[name], rel_tol=1e-9):
            turns.stop(f"{case}, {side}: term {name} has weight {weight} in cmkd and {weights[name]} there")
    worst = [0.0, 0.0]
    for step, (mine, other) in enumerate(zip(ours["losses"], theirs["losses"])):
        other = dict(zip(theirs["terms"], other))
        for name, value in zip(ours["terms"], mine):
            error = abs(value - other[name]) / max(abs(value), 0.01)
            if not error <= (LATER[case][side == "compiled"] if step else FIRST):
                turns.stop(f"{case}, {side}: not the same step: {name} is {value:.7g} in cmkd and {other[name]:.7g} there at "
                           f"step {step + 1} (relative error {error:.1e}); nothing was measured")
            worst[step > 0] = max(worst[step > 0], error)
    print(f"{case}, {side}: {CHECKED_STEPS} steps agree, worst relative error {worst[0]:.1e} at the first, {worst[1]:.1e} later", flush=True)
    return worst


def start(case, options, folder):
    """Every side in a process of its own, with the same weights and batch. -> name -> worker, answers to `make`."""
    sides = {"cmkd": turns.Worker(options.worker)}
    common = dict(do="make", case=case, device=options.device, threads=1, folder=folder)
    made = {"cmkd": sides["cmkd"].ask(batch=BATCH[case], **common)}
    settings = {name: made["cmkd"][name] for name in ("rate", "weight_decay")}
    peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "train_step_peer.py")
    for name in ("eager", "compiled"):
        sides[name] = turns.Worker(shlex.join([sys.executable, peer]))
        made[name] = sides[name].ask(compile=name == "compiled", wrong=options.wrong, **settings, **common)
    return sides, made


def measure(case, options, folder):
    sides, made = start(case, options, folder)
    first = sides["cmkd"].ask(do="steps", count=CHECKED_STEPS)
    errors, why = {}, ""
    for name in ("eager", "compiled"):
        theirs = sides[name].ask(do="steps", count=CHECKED_STEPS)
        if "failed" in theirs:
            why = theirs["failed"]
            sides.pop(name).close()
        else:
            errors[name] = require_agreement(case, name, first, theirs)
    time_of = "cpu" if options.device == "cpu" else "seconds"
    count = max(1, math.ceil(TURN_SECONDS * CHECKED_STEPS / first[time_of]))
    faults = {name: [] for name in sides}  # a step, in each round

    def turn_of(name):
        answer = sides[name].ask(do="steps", count=count)
        if not all(map(math.isfinite, answer["losses"][-1])):
            turns.stop(f"{case}, {name}: the loss is not finite")
        faults[name].append(answer["faults"] / count)
        return count * BATCH[case], answer[time_of]

    rates = turns.take_turns({name: lambda name=name: turn_of(name) for name in sides}, options.pairs)
    for worker in sides.values():
        worker.close()
    return {"case": case, "clips": BATCH[case], "steps_a_turn": count, "rates": rates, "faults": faults, "errors": errors,
            "ratio": {name: turns.ratio(rates, "cmkd", name) for name in errors}, "not_compiled": why, "made": made}


def print_rows(results):
    rows = []
    for result in results:
        median = {name: f"{turns.quartiles(rates)[1]:.2f}" for name, rates in result["rates"].items()}
        rows.append([result["case"], f"{result['clips']} x {SHAPE[result['case']]}", median["cmkd"], median["eager"], median.get("compiled", "none"),
                     turns.shown(result["ratio"]["eager"]),
                     turns.shown(result["ratio"]["compiled"]) if "compiled" in result["ratio"] else "none",
                     " ".join(f"{turns.quartiles(counts)[1] / 1000:.1f}" for counts in result["faults"].values())])
    turns.print_table(["case", "batch", "cmkd clips/s", "eager", "compiled", "cmkd / eager", "cmkd / compiled", "1000 page faults a step"], rows)
    for result in results:
        if result["not_compiled"]:
            print(f"{result['case']}: torch.compile failed here: {result['not_compiled']}")


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", default=shlex.quote(os.path.join(root, "build", "release", "bench", "train_step_worker")),
                        help="a command: 'env NAME=VALUE build/…' too")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--cases", default=",".join(BATCH), help="separated by commas")
    parser.add_argument("--pairs", type=int, default=7, help="rounds in which each side has its turn")
    parser.add_argument("--json", help="where all figures go, too")
    parser.add_argument("--wrong", choices=["weight", "label", "rate"], help="spoil the peer: the check must stop")
    options = parser.parse_args()
    cases = options.cases.split(",")
    if unknown := [case for case in cases if case not in BATCH]:
        turns.stop(f"unknown case '{unknown[0]}'; known: {', '.join(BATCH)}")
    if importlib.util.find_spec("torch") is None:
        turns.stop(f"needs the Python package torch, which {sys.executable} lacks: run it with .venv/bin/python, or pip install torch")
    if options.pairs < 1:
        turns.stop("--pairs: at least 1")
    before, results = turns.machine(), []
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(case, options, folder))
    worker = turns.Worker(options.worker)
    versions = worker.ask(do="hello")["versions"]
    worker.close()
    made = results[0]["made"]
    versions |= {"torch": made["eager"]["torch"], "python": platform.python_version()}
    runtime, device = made["cmkd"]["runtime"], made["eager"].get("device", options.device)
    print()
    print_rows(results)
    print(f"\n{', '.join(f'{name} {version}' for name, version in versions.items())}; {runtime['compiler']}, {runtime['cpu_level']}; "
          f"device {device}, 1 thread, float32 without TF32\ncmkd deterministic: {runtime['deterministic']}; PyTorch: its defaults "
          f"(deterministic: {str(made['eager']['deterministic']).lower()}); {options.pairs} rounds, "
          f"{'processor' if options.device == 'cpu' else 'wall'} time\nbefore: {before}\nafter:  {turns.machine()}\n"
          "wanted: cmkd / eager at least 1.0")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"versions": versions, "device": device, "before": before, "after": turns.machine(), "results": results}, file, indent=1)


if __name__ == "__main__":
    main()

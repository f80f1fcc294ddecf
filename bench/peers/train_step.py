#!/usr/bin/env python3
"""Whole training steps in PyTorch, eager and torch.compile, beside this suite's, for comparison only:

  cmake --build build/release --target train_step_worker
  .venv/bin/python bench/peers/train_step.py [--worker build/release/bench/train_step_worker] [--device cpu|cuda]
      [--cases r2plus1d_18,r2plus1d_small,resnet18,mnf_csc] [--pairs 7] [--json FILE]

Needs torch alone. For each case the same network is built here (train_step_peer.py), takes the program's first weights and
its batch, and steps beside it: every loss term of the first steps must agree, and the weights of the terms. Only then do
cmkd, eager and compiled take turns; a ratio is taken within a round, and its median over the rounds is shown with the
quartiles. On a CPU the time is processor time of the process (others may use the machine), on a GPU wall time.

All sides: float32, one thread, no TF32, fused Adam (rate 3e-4, weight decay 5e-4), the same batch at every step, whose
making is not measured. cmkd runs in deterministic mode, as its trainings do, with the trainer's guards and sums; PyTorch
has its defaults, which are not deterministic. --wrong weight, label or rate shows that the check finds what is wrong.
"""

import argparse
import json
import math
import os
import platform
import shlex
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore", message=".*NumPy")  # it is not needed
try:
    import torch
except ImportError:
    sys.exit("train_step.py: needs the Python package torch: run it with .venv/bin/python, or pip install torch")

import turns
from train_step_peer import WEIGHTS, Peer, read_safetensors

BATCH = {"r2plus1d_18": 2, "r2plus1d_small": 8, "resnet18": 16, "mnf_csc": 48}
CHECKED_STEPS = 3
# What two float32 computations of one step may differ by, relative to the term (or to 0.01, where a term is smaller). Before
# any step only the order of sums differs: some roundings of 6e-8 in each of some twenty layers.
FIRST = 1e-5
# From the second step on roundings grow, as Adam divides a gradient by its own size, however small. By case: eager, compiled.
# Weights moved by one rounding changed the terms of three eager steps by at most 1.1e-3 (resnet18), 1e-7 (r2plus1d_small) and
# 7e-6 (mnf_csc), a rate 1.05 times as large by 8e-2, 2.8e-4 and 2.1e-4: the eager step must agree between the two. The
# compiled one, whose every sum has another order, is given more; r2plus1d_18 what resnet18 is (a rate 1.05 times: 3e-2).
LATER = {"r2plus1d_18": (1e-2, 3e-2), "r2plus1d_small": (1e-5, 1e-4), "resnet18": (1e-2, 3e-2), "mnf_csc": (3e-5, 1e-3)}
TURN_SECONDS = 1.0  # of one side, at least


def clock(device):
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def require_agreement(case, side, ours, theirs):
    """ours: the program's answer; theirs: the peer's terms of each step. The worst relative error after the first step."""
    if set(ours["terms"]) != set(theirs[0]):
        turns.stop(f"{case}, {side}: other terms: {sorted(ours['terms'])} against {sorted(theirs[0])}")
    for name, weight in zip(ours["terms"], ours["weights"]):
        if not math.isclose(weight, WEIGHTS[name], rel_tol=1e-9):
            turns.stop(f"{case}, {side}: term {name} has weight {weight} in cmkd and {WEIGHTS[name]} here")
    worst = [0.0, 0.0]
    for step, (mine, other) in enumerate(zip(ours["losses"], theirs)):
        for name, value in zip(ours["terms"], mine):
            error = abs(value - other[name]) / max(abs(value), 0.01)
            if not error <= (LATER[case][side == "compiled"] if step else FIRST):
                turns.stop(f"{case}, {side}: not the same step: {name} is {value:.7g} in cmkd and {other[name]:.7g} here at "
                           f"step {step + 1} (relative error {error:.1e}); nothing was measured")
            worst[step > 0] = max(worst[step > 0], error)
    print(f"{case}, {side}: {len(theirs)} steps agree, worst relative error {worst[0]:.1e} at the first, {worst[1]:.1e} later")
    return worst


def spoil(wrong, weights, batch, made):
    """What --wrong asks for: the check must stop this."""
    if wrong == "weight":
        weights["student.fc.weight"] = weights["student.fc.weight"] * 1.05
    elif wrong == "label":
        batch["labels"][0] = batch["labels"][1]
    elif wrong == "rate":
        made["rate"] *= 1.05


def compiled_peer(make):
    """The peer through torch.compile, after its first step; or why there is none."""
    torch._dynamo.reset()
    # The graph of the filter is gone through twice, for two sets of parameters.
    torch._functorch.config.donated_buffer = False
    try:
        peer = make(torch.compile)
        return peer, [peer.step()], ""
    except Exception as error:  # the compiler's own kinds are many
        return None, [], f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"


def terms_of(steps):
    return [{name: float(value) for name, value in terms.items()} for terms in steps]


def measure(case, options, worker, folder):
    made = worker.ask(do="make", case=case, batch=BATCH[case], device=options.device, threads=1, folder=folder)
    weights, batch = (read_safetensors(os.path.join(folder, f"{name}.safetensors")) for name in ("weights", "batch"))
    spoil(options.wrong, weights, batch, made)
    make = lambda wrap: Peer(case, weights, batch, made["rate"], made["weight_decay"], options.device, wrap)
    first = worker.ask(do="steps", count=CHECKED_STEPS)

    try:
        peers, errors = {"eager": make(lambda module: module)}, {}
    except RuntimeError as error:
        turns.stop(f"{case}: the peer does not take the program's weights: {' '.join(str(error).split())[:300]}")
    errors["eager"] = require_agreement(case, "eager", first, terms_of([peers["eager"].step() for _ in range(CHECKED_STEPS)]))
    start = time.perf_counter()
    compiled, steps, why = compiled_peer(make)
    compile_seconds = time.perf_counter() - start
    if compiled:
        peers["compiled"] = compiled
        steps += [compiled.step() for _ in range(CHECKED_STEPS - 1)]
        errors["compiled"] = require_agreement(case, "compiled", first, terms_of(steps))

    time_of = "cpu" if options.device == "cpu" else "seconds"
    count = max(1, math.ceil(TURN_SECONDS * CHECKED_STEPS / first[time_of]))

    def our_turn():
        return count * made["clips"], worker.ask(do="steps", count=count)[time_of]

    def turn_of(peer):
        start = clock(options.device)
        for _ in range(count):
            terms = peer.step()
        seconds = clock(options.device) - start
        if not all(math.isfinite(float(value)) for value in terms.values()):
            turns.stop(f"{case}: the peer's loss is not finite")
        return count * made["clips"], seconds

    rates = turns.take_turns({"cmkd": our_turn, **{name: lambda peer=peer: turn_of(peer) for name, peer in peers.items()}}, options.pairs)
    return {"case": case, "shape": list(batch["video"].shape), "steps_a_turn": count, "rates": rates, "errors": errors,
            "ratio": {name: turns.ratio(rates, "cmkd", name) for name in peers}, "compile_seconds": compile_seconds,
            "not_compiled": why, "runtime": made["runtime"]}


def print_rows(results):
    rows = []
    for result in results:
        median = {name: f"{turns.quartiles(rates)[1]:.2f}" for name, rates in result["rates"].items()}
        shape = " x ".join(str(size) for size in result["shape"])
        rows.append([result["case"], shape, median["cmkd"], median["eager"], median.get("compiled", "none"),
                     turns.shown(result["ratio"]["eager"]),
                     turns.shown(result["ratio"]["compiled"]) if "compiled" in result["ratio"] else "none"])
    turns.print_table(["case", "batch", "cmkd clips/s", "eager", "compiled", "cmkd / eager", "cmkd / compiled"], rows)
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
    if options.device == "cuda" and not torch.cuda.is_available():
        turns.stop(f"--device cuda: torch {torch.__version__} sees no CUDA device here")
    if options.pairs < 1:
        turns.stop("--pairs: at least 1")
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False

    before, worker = turns.machine(), turns.Worker(options.worker)
    versions = worker.ask(do="hello")["versions"] | {"torch": torch.__version__, "python": platform.python_version()}
    worker.close()
    results = []
    for case in cases:
        worker = turns.Worker(options.worker)  # each case in a process of its own
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(case, options, worker, folder))
        worker.close()
    print()
    print_rows(results)
    runtime = results[0]["runtime"]
    device = options.device if options.device == "cpu" else torch.cuda.get_device_name()
    print(f"\n{', '.join(f'{name} {version}' for name, version in versions.items())}; {runtime['compiler']}, {runtime['cpu_level']}; "
          f"device {device}, 1 thread, float32 without TF32\ncmkd deterministic: {runtime['deterministic']}; PyTorch: its defaults "
          f"(deterministic: {str(torch.are_deterministic_algorithms_enabled()).lower()}); {options.pairs} rounds, "
          f"{'processor' if options.device == 'cpu' else 'wall'} time\nbefore: {before}\nafter:  {turns.machine()}\n"
          "wanted: cmkd / eager at least 1.0")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"versions": versions, "device": device, "before": before, "after": turns.machine(), "results": results}, file, indent=1)


if __name__ == "__main__":
    main()

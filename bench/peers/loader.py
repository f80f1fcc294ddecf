#!/usr/bin/env python3
"""Clips for training from a PyTorch DataLoader with PyAV, beside this suite's ways to them, for comparison only:

  cmake --build build/release --target clip_reader_worker clip_cache_worker
  python bench/peers/loader.py --data DIR [--programs build/release/bench] [--rounds 5] [--json FILE]

Needs a Python with torch, av (PyAV) and numpy: pip install torch av numpy. Two environments of one Python version will do:
PYTHONPATH=A/lib/python3.11/site-packages:B/lib/python3.11/site-packages python3.11 bench/peers/loader.py …

One epoch is one window of every video file below DIR, in batches of 8: 16 frames at 8 a second from a random one of 8
starts, scaled to 171 x 128, 112 x 112 from the centre, uint8. All sides are given the same windows in the same order:

  DataLoader, 0 / 1 workers   opens, seeks, decodes (one thread), scales and collates at every epoch; its worker, if any, hands
                              batches over in shared memory
  cmkd, from the file         the same work by clip_reader_worker (no collation)
  cmkd, cache raw / JPEG      what `cmkd run` trains from: files were decoded once (ingest: hashing, decoding of whole files,
                              scaling, writing); an epoch gathers windows from the files' frames on disk, in page cache

First one window of every file is compared: cmkd's file and raw cache byte for byte, the others by their PSNR. Then all take
turns. Rates are clips a second of processor time, workers included (others may use the machine), and of wall time.
--wrong frame shows that the check finds a window that is a frame off.
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import random
import resource
import shlex
import sys
import tempfile
import time

for package, name in (("torch", "torch"), ("av", "av"), ("numpy", "numpy")):
    if importlib.util.find_spec(package) is None:
        sys.exit(f"loader.py: needs the Python packages torch, av and numpy; {name} is missing in {sys.executable} (pip install {name}, or "
                 "PYTHONPATH: see the head of this file)")
import av
import numpy
import torch
from torch.utils.data import DataLoader, Dataset

import turns

WIDTH, HEIGHT, CROP, FRAMES, FPS, WINDOWS, BATCH = 171, 128, 112, 16, 8, 8, 8
TOP, LEFT = 8, 30  # of the centre; a half is rounded to even
SLACK = 2e-6  # seconds: two times closer than this are the same instant
VIDEO = {".mp4", ".mkv", ".avi", ".mov", ".webm"}
# Two scalers and two conversions to RGB differ by a level or two of 255, JPEG by a few: 30 dB are 8 levels. The next frame
# of a moving clip is below (--wrong frame).
LEAST_PSNR = 30.0
REPEATS = {"cmkd, cache raw": 200, "cmkd, cache JPEG": 5}  # epochs of a turn: one is too short for the clock


def read_window(path, times):
    """uint8 [3, T, CROP, CROP] of the last frames shown at `times` (ascending, the container's clock)."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for seek in (True, False):  # from the start, when the key frame that was found lies after the first time
            container.seek(int((times[0] + SLACK) / stream.time_base) if seek else 0, stream=stream)
            chosen = frames_at(container.decode(stream), float(stream.time_base), times)
            if chosen:
                break
        else:
            raise RuntimeError(f"{path}: no frame at {times[0]:.3f} s")
        scaled = {}
        for frame in chosen:
            if frame.pts not in scaled:
                scaled[frame.pts] = frame.reformat(WIDTH, HEIGHT, format="rgb24", interpolation="BILINEAR").to_ndarray()
    pictures = numpy.stack([scaled[frame.pts][TOP:TOP + CROP, LEFT:LEFT + CROP] for frame in chosen])
    return torch.from_numpy(numpy.ascontiguousarray(pictures.transpose(3, 0, 1, 2)))


def frames_at(frames, base, times):
    """Empty when the first of `frames` begins after the first of `times`."""
    chosen, shown = [], None
    for frame in frames:
        while len(chosen) < len(times) and times[len(chosen)] + SLACK < frame.pts * base:
            if shown is None:
                return []
            chosen.append(shown)
        if len(chosen) == len(times):
            return chosen
        shown = frame
    return chosen + [shown] * (len(times) - len(chosen)) if shown is not None else []


def origin_of(path):
    """Time of the first picture on the container's clock."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        return float(next(container.decode(stream)).pts * stream.time_base)


class Windows(Dataset):
    def __init__(self, files, wanted):
        self.files, self.wanted = files, wanted

    def __len__(self):
        return len(self.wanted)

    def __getitem__(self, index):
        file, times = self.wanted[index]
        return read_window(self.files[file], times)


def psnr(a, b):
    error = (a.float() - b.float()).square().mean().item()
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


class Comparison:
    def __init__(self, options, files, folder):
        def program(name):
            return shlex.quote(os.path.join(options.programs, name))

        self.files, self.folder, self.wrong = files, folder, options.wrong
        self.reader = turns.Worker(program("clip_reader_worker"))
        self.caches, self.ingest = {}, {}
        request = dict(files=files, height=HEIGHT, width=WIDTH, fps=FPS, frames=FRAMES, crop=CROP, windows=WINDOWS)
        for storage in ("raw", "jpeg"):
            where = os.path.join(folder, storage)
            os.mkdir(where)
            worker = self.caches[storage] = turns.Worker(program("clip_cache_worker"))
            self.ingest[storage] = worker.ask(do="ingest", storage=storage, folder=where, **request)
        self.origins = [origin_of(file) for file in files]
        # The reader's items say the size at which frames are wanted: exactly this.
        self.items = [{"path": file, "width": WIDTH, "height": HEIGHT} for file in files]
        self.spec = {"frames": FRAMES, "short": HEIGHT, "crop": CROP}
        self.wall = {}

    def epoch(self, number):
        """[(file, window)]: one of each file, shuffled."""
        draw = random.Random(f"loader {number}")
        order = list(range(len(self.files)))
        draw.shuffle(order)
        return [(file, draw.randrange(WINDOWS)) for file in order]

    def times(self, file, window, late=0.0):
        start = self.origins[file] + self.ingest["raw"]["starts"][file][window] + late
        return [start + k / FPS for k in range(FRAMES)]

    def asked(self, drawn, late=0.0):
        return [[file, self.times(file, window, late)] for file, window in drawn]

    @staticmethod
    def draws(drawn):
        return [[file, window, TOP, LEFT] for file, window in drawn]

    def verify(self):
        """Compares a window of every file; the least PSNR by side."""
        drawn = self.epoch(0)
        out = os.path.join(self.folder, "check.npy")
        answer = self.reader.ask(do="check", items=self.items, clips=self.asked(drawn), spec=self.spec, out=out)
        if any(answer["ok"]):
            turns.stop(f"clip_reader_worker: {next(why for why in answer['ok'] if why)}")
        ours = torch.from_numpy(numpy.load(out)).transpose(1, 2)
        others = {}
        for storage, worker in self.caches.items():
            worker.ask(do="check", draws=self.draws(drawn), out=out)
            others[f"cmkd, cache {storage}"] = torch.from_numpy(numpy.load(out))
        peer = Windows(self.files, self.asked(drawn, late=1 / FPS if self.wrong == "frame" else 0.0))
        others["DataLoader"] = torch.cat(list(DataLoader(peer, batch_size=BATCH)))
        worst = {}
        for side, clips in others.items():
            of_clips = [psnr(clip, right) for clip, right in zip(clips, ours)]
            worst[side] = min(of_clips)
            least = math.inf if side == "cmkd, cache raw" else LEAST_PSNR
            if worst[side] < least:
                file = self.files[drawn[of_clips.index(worst[side])][0]]
                turns.stop(f"{side}: other frames than cmkd's from the file: PSNR {worst[side]:.1f} dB, wanted {least} ({file}); nothing "
                           "was measured")
            print(f"{side}: {len(of_clips)} windows are those of cmkd from the file, least PSNR {worst[side]:.1f} dB")
        return worst

    def loader_turn(self, side, drawn, workers):
        cpu, wall = processor_seconds(), time.perf_counter()
        count = sum(len(batch) for batch in DataLoader(Windows(self.files, self.asked(drawn)), batch_size=BATCH, num_workers=workers))
        wall, cpu = time.perf_counter() - wall, processor_seconds() - cpu
        return self.noted(side, count, wall, cpu, len(drawn))

    def worker_turn(self, side, answer, wanted):
        if answer.get("failures"):
            turns.stop(f"{side}: {answer['failures'][0]}")
        return self.noted(side, answer["count"], answer["seconds"], answer["cpu"], wanted)

    def noted(self, side, count, wall, cpu, wanted):
        if count != wanted:
            turns.stop(f"{side}: {count} clips instead of {wanted}")
        self.wall.setdefault(side, []).append(count / wall)
        return count, cpu

    def sides(self):
        """name -> a turn of it; those that decode read the same epoch in one round."""
        turn = {}

        def turn_number(side):
            turn[side] = turn.get(side, 0) + 1
            return turn[side]

        def drawn_for(side):
            return self.epoch(turn_number(side))

        def loader(side, workers):
            return lambda: self.loader_turn(side, drawn_for(side), workers)

        def from_file():
            drawn = drawn_for("cmkd, from the file")
            return self.worker_turn("cmkd, from the file", self.reader.ask(do="clips", items=self.items, clips=self.asked(drawn), spec=self.spec),
                                    len(drawn))

        def from_cache(side, worker):
            def run():
                first = 1000 * turn_number(side)
                drawn = [draw for epoch in range(first, first + REPEATS[side]) for draw in self.draws(self.epoch(epoch))]
                return self.worker_turn(side, worker.ask(do="clips", draws=drawn, batch=BATCH), len(drawn))
            return run

        return {"DataLoader, 0 workers": loader("DataLoader, 0 workers", 0), "DataLoader, 1 worker": loader("DataLoader, 1 worker", 1),
                "cmkd, from the file": from_file, "cmkd, cache raw": from_cache("cmkd, cache raw", self.caches["raw"]),
                "cmkd, cache JPEG": from_cache("cmkd, cache JPEG", self.caches["jpeg"])}


def processor_seconds():
    """Of this process and of its workers that have ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def print_results(comparison, rates):
    def middle(values):
        return turns.quartiles(values)[1]

    rows = []
    for side in rates:
        ratios = [turns.shown(turns.ratio(rates, side, peer)) if side.startswith("cmkd") else ""
                  for peer in ("DataLoader, 0 workers", "DataLoader, 1 worker")]
        rows.append([side, f"{middle(rates[side]):.1f}", f"{middle(comparison.wall[side]):.1f}"] + ratios)
    turns.print_table(["side", "clips/s a core", "wall clips/s", "/ 0 workers", "/ 1 worker"], rows)
    print()
    even = {}
    clips = len(comparison.files)
    for storage, side in (("raw", "cmkd, cache raw"), ("jpeg", "cmkd, cache JPEG")):
        ingest = comparison.ingest[storage]
        saved = clips / middle(rates["DataLoader, 0 workers"]) - clips / middle(rates[side])
        even[storage] = ingest["cpu"] / saved if saved > 0 else math.inf
        print(f"ingest, {storage}: {ingest['cpu']:.1f} s of processor for {clips} files, {ingest['bytes'] / 1e6:.0f} MB; paid back after "
              f"{even[storage]:.1f} epochs of the DataLoader without worker")
    return even


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with video files, searched recursively")
    parser.add_argument("--programs", default=os.path.join(root, "build", "release", "bench"), help="where the workers are")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="where all figures go, too")
    parser.add_argument("--wrong", choices=["frame"], help="spoil the peer: the check must stop")
    options = parser.parse_args()
    files = sorted(os.path.abspath(os.path.join(folder, name)) for folder, _, names in os.walk(options.data) for name in names
                   if os.path.splitext(name)[1].lower() in VIDEO)
    if not files:
        turns.stop(f"--data {options.data}: no video file ({', '.join(sorted(VIDEO))}) below it")
    if options.rounds < 1:
        turns.stop("--rounds: at least 1")
    torch.set_num_threads(1)
    before = turns.machine()
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(options, files, folder)
        psnrs = comparison.verify()
        ours = comparison.reader.ask(do="hello")["versions"]
        rates = turns.take_turns(comparison.sides(), options.rounds)
        print()
        even = print_results(comparison, rates)
        for worker in (comparison.reader, *comparison.caches.values()):
            worker.close()
    versions = ours | {"torch": torch.__version__, "PyAV": av.__version__, "PyAV's FFmpeg": av.ffmpeg_version_info, "python": platform.python_version()}
    print(f"\n{', '.join(f'{name} {version}' for name, version in versions.items())}\n{len(files)} files, {options.rounds} rounds, one decoding "
          f"thread\nbefore: {before}\nafter:  {turns.machine()}\nwanted: cmkd / best DataLoader at least 1.3")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"versions": versions, "before": before, "after": turns.machine(), "files": len(files), "rates": rates,
                       "wall": comparison.wall, "ingest": {name: {key: value for key, value in made.items() if key != "starts"}
                                                           for name, made in comparison.ingest.items()},
                       "break_even_epochs": even, "least_psnr_db": {name: str(value) for name, value in psnrs.items()}}, file, indent=1)


if __name__ == "__main__":
    main()

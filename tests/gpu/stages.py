"""The stages of scripts/gpu-check: what is built, run, compared and measured on the machine with the GPU."""

import glob
import json
import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

NAMES = ["build", "doctor", "conformance", "methods", "graphs", "cell", "loading", "formats", "peers", "benchmarks"]
LIMIT_S = {"build": 420, "doctor": 60, "conformance": 120, "methods": 240, "graphs": 240, "cell": 180, "loading": 180, "formats": 180,
           "peers": 240, "benchmarks": 300}

# What is carried as a clip cache: suite files with what is set of them.
QUICK = ["dataset.train_clips=240", "dataset.test_clips=80"]
SUITES = [("tests/gpu/methods.toml", []), ("tests/gpu/pretraining.toml", []), ("suites/quick.toml", QUICK)]
# One cell of the quick suite on few clips.
CELL = [*QUICK, "labels.labelled=40", "suite.seeds=1", "training.epochs=3", "teacher.training.epochs=2",
        "labels.validation_clips=0"]
CELL_METHODS = ["student", "kd", "fitnet", "mnf_csc"]
# Of a loss term's mean over an epoch: sums in another order, and six steps of an optimiser after them.
TERM_TOLERANCE = 2e-3
GRAPHS = ["training.graphs=true", "teacher.training.graphs=true"]
# Of Google Benchmark's programs: the steps of this project's small networks, and their loader.
BENCHMARKS = "method step|graph step|format step, (r2plus1d_small|image_cnn)|loader, "


def set_options(settings):
    return [word for setting in settings for word in ("--set", setting)]


class Failed(Exception):
    """A stage's own reason."""


def trainings(folder):
    """By label: fingerprint of the final weights, loss terms {(phase, epoch, name): value}."""
    found = {}
    with sqlite3.connect(f"file:{folder}/results.db?mode=ro", uri=True) as store:
        for key, label, status, reason, weights in store.execute(
            "SELECT key, label, status, reason, final_weights_fingerprint FROM training"):
            if status != "done":
                raise Failed(f"{label}: {reason}")
            terms = {row[:3]: row[3] for row in store.execute(
                "SELECT phase, epoch, name, value FROM epoch_value WHERE training_key = ? AND kind = 'term'", (key,))}
            found[label] = (weights, terms)
    return found


def require_equal_bytes(one, other, what):
    if one.keys() != other.keys():
        raise Failed(f"{what}: other trainings")
    differing = sorted(label for label in one if one[label][0] != other[label][0])
    if differing:
        raise Failed(f"{what}: other weights of {', '.join(differing)}")


def largest_deviation(one, other):
    """(relative to the larger of the value and 1, where)"""
    largest = (0.0, "")
    for label, (_, terms) in one.items():
        for at, value in terms.items():
            deviation = abs(other[label][1][at] - value) / max(abs(value), 1.0)
            if not deviation <= largest[0]:
                largest = (deviation, f"{label}, {' '.join(map(str, at))}")
    return largest


class Check:
    def __init__(self, root, work, out, device, jobs):
        self.root, self.work, self.out, self.device, self.jobs = root, work, out, device, jobs
        self.prefix = None
        self.build_folder = os.path.join(work, "build")
        self.rows = []
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(os.path.join(out, "logs"))

    @property
    def libraries(self):
        return os.path.join(self.prefix, "usr/lib", f"{platform.machine()}-linux-gnu")

    @property
    def environment(self):
        libraries = self.libraries
        searched = [libraries, os.path.join(libraries, "blas"), os.path.join(self.prefix, "lib", os.path.basename(libraries))]
        return {
            **os.environ,
            "LD_LIBRARY_PATH": ":".join([*searched, os.environ.get("LD_LIBRARY_PATH", "")]).rstrip(":"),
            "PKG_CONFIG": os.path.join(self.prefix, "usr/bin/pkgconf"),
            "PKG_CONFIG_LIBDIR": os.path.join(libraries, "pkgconfig") + ":" + os.path.join(self.prefix, "usr/share/pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": self.prefix,
            "CMKD_CACHE": os.path.join(self.work, "cache"),
        }

    def run(self, name):
        start = time.monotonic()
        allowed = LIMIT_S[name]
        if name == "build":
            allowed = max(allowed, 3000 // self.jobs)  # few cores need longer, and are not what it is for
        self.limit = start + allowed
        self.log = os.path.join(self.out, "logs", f"{name}.log")
        row = {"stage": name, "status": "passed", "numbers": {}}
        try:
            row["numbers"] = getattr(self, name)() or {}
        except Failed as error:
            row.update(status="failed", reason=str(error))
        except subprocess.TimeoutExpired:
            row.update(status="failed", reason=f"it took longer than {allowed} s")
        except Exception as error:  # a result that is not what it should be: the other stages go on
            row.update(status="failed", reason=f"{type(error).__name__}: {error}")
        row["seconds"] = round(time.monotonic() - start, 1)
        self.rows.append(row)
        print(f"  {name}: {row['status']} ({row['seconds']:.0f} s)", file=sys.stderr)

    def call(self, *command, accepted=(0,)):
        """Standard output; everything else goes to the stage's log. Another status than the accepted ones is a failure."""
        left = self.limit - time.monotonic()
        with open(self.log, "a", encoding="utf-8") as log:
            print("$", *command, file=log, flush=True)
            # A session of its own: what has taken too long ends with all that it has started.
            with subprocess.Popen(command, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
                                  start_new_session=True) as process:
                try:
                    output, _ = process.communicate(timeout=max(left, 1))
                except BaseException:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise
            log.write(output)
        if process.returncode not in accepted:
            with open(self.log, encoding="utf-8") as log:
                lines = [line.strip() for line in log if line.strip()]
            # First with the colon: a compiler's command has the word, too (-Werror).
            telling = [line for word in ("error:", "error") for line in lines if word in line.lower()] or lines[-1:]
            raise Failed(f"{os.path.basename(command[0])} {command[1]}: status {process.returncode}: {telling[0]} ({self.log})")
        return output

    def cmkd(self, *words, **options):
        program = os.path.join(self.build_folder, "apps", "cmkd")
        if not os.path.isfile(program):
            raise Failed("there is no program: the stage 'build' has not passed")
        return self.call(program, *words, **options)

    # ---- the stages ----

    def build(self):
        torch = self.call(sys.executable, "-c", "import torch; print(torch.utils.cmake_prefix_path)").strip()
        usr = os.path.join(self.prefix, "usr")
        include = os.path.join(usr, "include")
        self.call("cmake", "-S", self.root, "-B", self.build_folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                  "-DCMAKE_UNITY_BUILD=ON", "-DCMKD_FFMPEG=OFF", "-DCMKD_HDF5=OFF", "-DCMKD_TESTS=OFF", "-DCMKD_BENCH=ON",
                  f"-DCMAKE_PREFIX_PATH={usr};{torch}", f"-DTorch_DIR={torch}/Torch",
                  f"-DLIBLINEAR_INCLUDE_DIR={self.liblinear_folder(include)}",
                  f"-DLIBLINEAR_LIBRARY={self.libraries}/liblinear.so", f"-DXXHASH_INCLUDE_DIR={include}",
                  f"-DTOMLPLUSPLUS_INCLUDE_DIR={include}",
                  f"-DCMAKE_CXX_FLAGS=-isystem {include} -isystem {include}/{os.path.basename(self.libraries)}")
        self.call("cmake", "--build", self.build_folder, "--parallel", str(self.jobs), "--target", "cmkd", "cmkd_bench", "train_step_worker")
        return {"jobs": self.jobs}

    @staticmethod
    def liblinear_folder(include):
        return os.path.dirname((glob.glob(f"{include}/**/linear.h", recursive=True) or [f"{include}/linear.h"])[0])

    def doctor(self):
        # Its status is that of the codecs too, which this build does not have.
        checks = {check["check"]: check for check in json.loads(self.cmkd("doctor", "--json", accepted=(0, 1)))["checks"]}
        device = checks["device"]
        if not device["ok"] or (self.device == "cuda" and "no CUDA device" in device["detail"]):
            raise Failed(device["detail"])
        return {"device": device["detail"]}

    def conformance(self):
        """Every method against the vectors of its official code, in float64 on the device."""
        report = json.loads(self.cmkd("conformance", "tests/vectors", "--device", self.device, "--json", accepted=(0, 1, 6)))
        wrong = [f"{folder['folder']}: {folder['detail']}" for folder in report["folders"] if folder["verdict"] == "mismatch"]
        if wrong:
            raise Failed("; ".join(wrong))
        covered = [folder for folder in report["folders"] if folder["verdict"] == "pass"]
        return {"folders": len(covered), "largest_value_error": max(folder["value_error"] for folder in covered),
                "largest_gradient_error": max(folder["gradient_error"] for folder in covered)}

    def methods_by_suite(self):
        """Every registered method: those that classify by the teacher's side, and those that train both modalities."""
        found = {"methods.toml": [], "pretraining.toml": []}
        for method in json.loads(self.cmkd("list", "methods", "--json"))["methods"]:
            needs = json.loads(self.cmkd("describe", method["id"], "--json"))["needs"]
            found["pretraining.toml" if any("both modalities" in need for need in needs) else "methods.toml"].append(method["id"])
        return found

    def suite_of(self, name, methods):
        """The suite file `name` with these methods."""
        with open(os.path.join(self.root, "tests/gpu", name), encoding="utf-8") as stream:
            text = stream.read()
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text + "".join(
                f'[[methods]]\nid = "{method}"\n' for method in methods if f'id = "{method}"' not in text))
        return path

    def trained(self, suite, folder, device, *words):
        out = os.path.join(self.work, "runs", folder)
        shutil.rmtree(out, ignore_errors=True)
        self.cmkd("run", suite, "--out", out, "--device", device, "--jobs", "1", *words)
        return trainings(out)

    def methods(self):
        numbers = {"methods": 0}
        largest = (0.0, "")
        for name, methods in self.methods_by_suite().items():
            suite = self.suite_of(name, methods)
            numbers["methods"] += len(methods)
            once = self.trained(suite, f"{name}-once", self.device)
            again = self.trained(suite, f"{name}-again", self.device)
            require_equal_bytes(once, again, f"trained twice on {self.device}")
            largest = max(largest, largest_deviation(self.trained(suite, f"{name}-cpu", "cpu"), once))
        numbers.update(largest_deviation=largest[0], deviation_at=largest[1], bitwise_twice=True)
        if not largest[0] <= TERM_TOLERANCE:
            raise Failed(f"{largest[1]} deviates from the CPU's by {largest[0]:.2g}, above {TERM_TOLERANCE:g}")
        return numbers

    def graphs(self):
        """Steps that are repeated as a graph: twice the same bytes, terms beside those of steps computed one by one."""
        if self.device == "cpu":
            self.cmkd("run", "tests/gpu/methods.toml", "--out", os.path.join(self.work, "runs", "graphs-refused"),
                      "--device", "cpu", *set_options(GRAPHS), accepted=(4,))
            return {"refused_on_the_cpu": True}
        suite = self.suite_of("methods.toml", self.methods_by_suite()["methods.toml"])
        plain = self.trained(suite, "graphs-none", self.device)
        once = self.trained(suite, "graphs-once", self.device, *set_options(GRAPHS))
        again = self.trained(suite, "graphs-again", self.device, *set_options(GRAPHS))
        require_equal_bytes(once, again, "steps as graphs, twice")
        largest = largest_deviation(plain, once)
        if not largest[0] <= TERM_TOLERANCE:
            raise Failed(f"{largest[1]} deviates from steps computed one by one by {largest[0]:.2g}, above {TERM_TOLERANCE:g}")
        return {"largest_deviation": largest[0], "deviation_at": largest[1], "bitwise_twice": True}

    def benchmarks(self):
        """cmkd_bench: each figure of a verified result; graphs, formats and the loader as ratios within the run."""
        shown = "method step, (student|kd)$" if self.device == "cpu" else BENCHMARKS
        table = self.call(os.path.join(self.build_folder, "bench", "cmkd_bench"), f"--device={self.device}",
                          f"--benchmark_filter={shown}", "--benchmark_min_time=0.2")
        path = os.path.join(self.out, "benchmarks.txt")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(table)
        return {"table": path, "lines": len(table.splitlines())}

    def cell_of(self, folder, *settings):
        only = [word for method in CELL_METHODS for word in ("--only", method)]
        start = time.monotonic()
        found = self.trained("suites/quick.toml", folder, self.device, *only, *set_options([*CELL, *settings]))
        return found, round(time.monotonic() - start, 2)

    def cell(self):
        once, seconds = self.cell_of("cell-once")
        again, _ = self.cell_of("cell-again")
        require_equal_bytes(once, again, f"a cell twice on {self.device}")
        return {"trainings": len(once), "seconds_of_one": seconds, "bitwise_twice": True}

    def loading(self):
        """Threads, and clips held on the device or not: the same bytes."""
        numbers = {}
        first = None
        for name, settings in {
            "alone": ["loading.threads=0", "loading.device_cache_mib=0"],
            "ahead": ["loading.threads=1", "loading.device_cache_mib=0"],
            "ahead_by_4": ["loading.threads=4", "loading.ahead=8", "loading.device_cache_mib=0"],
            "held": ["loading.threads=1", "loading.device_cache_mib=2048"],
        }.items():
            found, numbers[f"seconds_{name}"] = self.cell_of(f"loading-{name}", "training.teacher_maps_mib=0", *settings)
            if first is None:
                first = found
            require_equal_bytes(first, found, f"loading {name}")
        return numbers

    def formats(self):
        """Every precision and memory format trains; of a CPU, those that it has."""
        numbers = {}
        wanted = [("float32", "contiguous"), ("float32", "channels_last")]
        if self.device == "cuda":
            wanted += [("tf32", "contiguous"), ("bf16", "contiguous"), ("bf16", "channels_last")]
        for precision, layout in wanted:
            settings = [f"{group}.{name}={value}" for group in ("training", "teacher.training")
                        for name, value in (("precision", precision), ("memory_format", layout))]
            _, numbers[f"seconds_{precision}_{layout}"] = self.cell_of(f"format-{precision}-{layout}", *settings)
        return numbers

    def peers(self):
        """bench/peers/train_step.py: losses compared, then turns."""
        result = os.path.join(self.out, "train_step.json")
        cases = [] if self.device == "cuda" else ["--cases", "r2plus1d_small,mnf_csc"]
        table = self.call(sys.executable, "bench/peers/train_step.py", "--worker",
                          os.path.join(self.build_folder, "bench", "train_step_worker"), "--device", self.device, "--pairs", "3",
                          "--json", result, *cases)
        with open(os.path.join(self.out, "train_step.txt"), "w", encoding="utf-8") as stream:
            stream.write(table)
        with open(result, encoding="utf-8") as stream:
            return {"train_step": json.load(stream)}

    # ---- the result ----

    def machine(self):
        found = subprocess.run([sys.executable, "-c", """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda,
                  "gpu": torch.cuda.get_device_name(0) if cuda else None}))"""], capture_output=True, text=True, check=True)
        values = json.loads(found.stdout)
        smi = shutil.which("nvidia-smi")
        if smi:
            driver = subprocess.run([smi, "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True, text=True)
            values["driver"] = driver.stdout.strip()
        revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.root, capture_output=True, text=True)
        values["revision"] = revision.stdout.strip() or "not known: no git repository here"
        values["device"] = self.device
        values["cores"] = os.cpu_count()
        values["measured_on_a_gpu"] = self.device == "cuda" and values["gpu"] is not None
        return values

    def finish(self, seconds):
        machine = self.machine()
        result = {"machine": machine, "seconds": round(seconds, 1), "stages": self.rows}
        path = os.path.join(self.out, "gpu-check.json")
        with open(path + ".new", "w", encoding="utf-8") as stream:
            json.dump(result, stream, indent=1)
        os.replace(path + ".new", path)
        where = machine["gpu"] if machine["measured_on_a_gpu"] else "no GPU was used: the CPU ran all of it"
        print(f"\n{where}; torch {machine['torch']}; {machine['revision'][:12]}; {seconds:.0f} s in all; {path}")
        print(f"{'stage':<12} {'status':<8} {'seconds':>8}  what")
        for row in self.rows:
            shown = {name: value for name, value in row["numbers"].items() if not isinstance(value, (dict, list))}
            what = row.get("reason") or ", ".join(f"{name} {value}" for name, value in shown.items())
            print(f"{row['stage']:<12} {row['status']:<8} {row['seconds']:>8.1f}  {what}")
        return 1 if any(row["status"] != "passed" for row in self.rows) else 0

"""Writes the files of this folder with PyTorch and NumPy, and expected.json: what a reader must make of each.

    python3 tests/weights/weight_files/make.py

Needs torch and numpy. The files are committed: the tests need neither.
"""
import argparse
import collections
import io
import json
import pathlib
import struct
import sys
import tarfile
import types
import zipfile

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent
expected = {}


def state_dict():
    torch.manual_seed(0)
    model = torch.nn.Sequential(collections.OrderedDict(
        conv=torch.nn.Conv2d(3, 2, 3, bias=False), bn=torch.nn.BatchNorm2d(2), fc=torch.nn.Linear(2, 3)))
    return model.state_dict()


def reads(name, tensors, **facts):
    expected[name] = {"tensors": {
        key: {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch."),
              "values": value.double().reshape(-1).tolist()[:24], "sum": value.double().sum().item()}
        for key, value in tensors.items()}, **facts}


def refused(name, *parts):
    expected[name] = {"refused": list(parts)}


def save(name, value, legacy=False, protocol=2):
    torch.save(value, FOLDER / name, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)


def rewrite(source, target, change, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(FOLDER / source) as old, zipfile.ZipFile(FOLDER / target, "w", method) as new:
        for item in old.infolist():
            data = change(item.filename, old.read(item.filename))
            if data is not None:
                new.writestr(item.filename, data)


class ModuleOfOurs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(2, 2)


def torch_files():
    state = state_dict()
    for protocol in (1, 2, 3, 4, 5):
        for kind in ("zip", "legacy"):
            name = f"protocol{protocol}_{kind}.pth"
            save(name, state, kind == "legacy", protocol)
            reads(name, state, entry="", protocol=str(protocol if protocol > 1 else 0))
    parallel = {"module." + key: value for key, value in state.items()}
    optimizer = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(2)}},
                 "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0]}]}
    for name, legacy in (("parallel.pth.tar", False), ("parallel_legacy.pth.tar", True)):
        save(name, {"epoch": 7, "arch": "resnet18", "state_dict": parallel, "best_acc1": 71.5, "optimizer": optimizer},
             legacy)
        reads(name, parallel, entry="state_dict", left_out=["epoch", "arch", "best_acc1", "optimizer"])
    save("model_entry.pth", {"model": state, "optimizer": optimizer, "epoch": 1})
    reads("model_entry.pth", state, entry="model")
    save("nested.pth", {"encoder": {"w": torch.ones(2)}, "blocks": [torch.zeros(1), torch.full((1,), 2.0)], "epoch": 3})
    reads("nested.pth", {"encoder.w": torch.ones(2), "blocks.0": torch.zeros(1), "blocks.1": torch.full((1,), 2.0)},
          entry="", left_out=["epoch"])
    save("tensor.pt", torch.arange(6).view(2, 3))
    reads("tensor.pt", {"tensor": torch.arange(6).view(2, 3)}, entry="")
    kinds = {str(t).removeprefix("torch."): torch.tensor([1, 0, 3]).to(t)
             for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
                       torch.int16, torch.int8, torch.uint8, torch.bool)}
    for name, legacy in (("types.pt", False), ("types_legacy.pt", True)):
        save(name, kinds, legacy)
        reads(name, kinds)
    rewrite("types.pt", "types_big_endian.pt", big_endian)
    reads("types_big_endian.pt", kinds, byte_order="big")
    base = torch.arange(24.0)
    views = {"base": base, "t": base.view(4, 6).t(), "step": base[1::5], "expanded": torch.ones(1, 2).expand(3, 2),
             "scalar": base[7], "empty": torch.empty(0, 3), "param": torch.nn.Parameter(base[3:5])}
    for name, legacy in (("views.pt", False), ("views_legacy.pt", True)):
        save(name, views, legacy)
        reads(name, {key: value.detach() for key, value in views.items()})
    marked = torch.nn.Parameter(torch.ones(2))
    marked.mark = "kept"
    buffer = torch.zeros(2)
    buffer.mark = 1
    save("attributes.pt", {"p": marked, "b": buffer, "device": torch.device("cuda", 1), "dtype": torch.float16,
                           "size": torch.Size([1, 2])}, protocol=4)
    reads("attributes.pt", {"p": marked.detach(), "b": buffer}, left_out=["device", "dtype", "size"])
    torch.serialization.set_crc32_options(False)
    save("no_checksums.pth", state)
    torch.serialization.set_crc32_options(True)
    reads("no_checksums.pth", state)
    rewrite("protocol2_zip.pth", "older.pth", lambda name, data: None if "byteorder" in name or "/." in name else data)
    reads("older.pth", state)
    # As an archive of more than 4 GiB: sizes and offsets stand in the zip64 records.
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 8
    rewrite("protocol2_zip.pth", "zip64.pth", lambda name, data: data)
    zipfile.ZIP64_LIMIT = limit
    assert torch.load(FOLDER / "zip64.pth").keys() == state.keys()
    reads("zip64.pth", state)
    python2_file()
    mixed = {"epoch": 1, "state_dict": {"w": torch.ones(2, dtype=torch.uint16)}}
    save("uint16.pt", mixed)
    refused("uint16.pt", "torch.uint16")
    save("rng.pt", {"model": state, "rng": torch.get_rng_state(), "scaler": {"scale": 65536.0, "big": 1 << 80},
                    "seen": {"a", "b"}, "raw": b"bytes", "nothing": None}, protocol=4)
    reads("rng.pt", state, entry="model", left_out=["rng", "scaler", "seen", "raw", "nothing"])


# What stands beside the weights and is read past: plain values, keys that are no names, tensors of other kinds.
def extras_files():
    state = {"w": torch.ones(2)}
    extras = {"history": {"loss": [1.0]}, 5: "five", (1, 2): "pair", None: 0, "größe": 1, "\x1b[31m": 2,
              "sparse": torch.eye(2).to_sparse(),
              "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
              "spectrum": torch.ones(2, dtype=torch.complex64), "ids": torch.ones(2, dtype=torch.uint16),
              "shape": torch.empty(2, 3, device="meta"), "scheme": torch.per_tensor_affine, "layout": torch.strided}
    labels = ["history", "5", "(tuple)", "(None)", "größe", "'\\x1b[31m'"]
    names = labels + list(extras)[6:]
    for name, legacy, protocol in (("extras.pth", False, 2), ("extras4.pth", False, 4), ("extras_legacy.pth", True, 2)):
        save(name, {"state_dict": state, **extras}, legacy, protocol)
        reads(name, state, entry="state_dict", left_out=names)
    save("odd_keys.pth", {"encoder": state, "meta": {(1, 2): 3, None: 4, "": 5}})
    reads("odd_keys.pth", {"encoder.w": torch.ones(2)}, entry="", left_out=["meta.(tuple)", "meta.(None)", "meta.''"])
    save("odd_keys_of_tensors.pth", {"encoder": {None: torch.ones(2)}})
    refused("odd_keys_of_tensors.pth", "a None for a key")
    # The imaginary part of a conjugate has the bit 'neg' instead of other values.
    negated = {"imag": torch.tensor([1 + 2j, 3 - 4j]).conj().imag, "minus": torch._neg_view(torch.arange(3.0))}
    for name, legacy in (("negated.pt", False), ("negated_legacy.pt", True)):
        save(name, negated, legacy)
        reads(name, negated)


def python2_file():
    # Python 2 wrote names as byte strings and an OrderedDict as a list of lists.
    tensor = (b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x02tQ"
              b"K\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n]\x85RtR")
    with zipfile.ZipFile(FOLDER / "python2.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02ccollections\nOrderedDict\n](](U\x01w" + tensor + b"ee\x85R.")
        archive.writestr("archive/data/0", struct.pack("<2f", 1, 2))
        archive.writestr("archive/version", b"3\n")
    assert torch.load(FOLDER / "python2.pth", weights_only=False)["w"].tolist() == [1, 2]
    reads("python2.pth", {"w": torch.tensor([1.0, 2.0])})


def big_endian(name, data):
    if name.endswith("byteorder"):
        return b"big"
    widths = [8, 4, 2, 2, 8, 4, 2, 1, 1, 1]
    if "/data/" not in name:
        return data
    width = widths[int(name.rsplit("/", 1)[1])]
    return b"".join(data[i:i + width][::-1] for i in range(0, len(data), width))


def refused_files():
    state = state_dict()
    save("module.pth", ModuleOfOurs())
    refused("module.pth", "ModuleOfOurs", "state_dict()")
    save("module_legacy.pth", ModuleOfOurs(), legacy=True)
    refused("module_legacy.pth", "ModuleOfOurs")
    torch.jit.script(ModuleOfOurs()).save(str(FOLDER / "script.pt"))
    refused("script.pt", "TorchScript")
    save("complex.pt", torch.ones(2, dtype=torch.complex64))
    refused("complex.pt", "ComplexFloatStorage")
    save("sparse.pt", torch.eye(2).to_sparse())
    refused("sparse.pt", "_rebuild_sparse_tensor")
    save("quantised.pt", torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8))
    save("namespace.pth", {"model": state, "args": argparse.Namespace(lr=0.1)})
    refused("namespace.pth", "argparse.Namespace", "torch.save(checkpoint['state_dict']")
    save("numpy_scalar.pth", {"state_dict": state, "best": np.float64(0.5)})
    refused("numpy_scalar.pth", "numpy", "multiarray", "float(value)")
    refused("quantised.pt", "_rebuild_qtensor", "not read")
    save("no_tensor.pt", {"epoch": 3})
    refused("no_tensor.pt", "holds no tensor")
    rewrite("protocol2_zip.pth", "deflated.pth", lambda name, data: data, zipfile.ZIP_DEFLATED)
    refused("deflated.pth", "compressed")
    rewrite("protocol2_zip.pth", "short_storage.pth", lambda name, data: data[:-4] if name.endswith("data/0") else data)
    refused("short_storage.pth", "too few")
    np.savez(FOLDER / "arrays.npz", a=np.ones(2))
    refused("arrays.npz", "data.pkl", "numpy.save")
    with tarfile.open(FOLDER / "old.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("storages"), io.BytesIO(b""))
    refused("old.tar", "tar archive")
    (FOLDER / "plain.pkl").write_bytes(b"\x80\x02}q\x00.")
    refused("plain.pkl", "not one of torch.save")
    (FOLDER / "lfs.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    refused("lfs.pth", "git lfs pull")
    (FOLDER / "page.pth").write_text("<!DOCTYPE html><html></html>")
    refused("page.pth", "a page of HTML")
    (FOLDER / "empty.pth").write_bytes(b"")
    refused("empty.pth", "empty")
    hostile_zip("os_system.pth", b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00false\x85R.", "os.system", "byte")
    hostile_zip("os_system4.pth", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x05false\x85R.", "posix.system")
    hostile_zip("eval.pth", b"\x80\x02c__builtin__\neval\nX\x01\x00\x00\x001\x85R.", "__builtin__.eval")
    hostile_zip("getattr.pth", b"\x80\x04\x8c\x05torch\x8c\x10hub.load_from_ur\x93.", "torch.hub")
    hostile_zip("inst.pth", b"\x80\x02(X\x01\x00\x00\x00aios\nsystem\n.", "opcode 0x69 ('i')")
    hostile_zip("extension.pth", b"\x80\x02\x82\x01.", "opcode 0x82")
    hostile_zip("load_from_bytes.pth", b"\x80\x02ctorch.storage\n_load_from_bytes\nC\x01a\x85R.", "_load_from_bytes")
    hostile_zip("self.pth", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", "nest too deep")
    hostile_zip("deep.pth", b"\x80\x02" + b"]" * 20000 + b"a" * 19999 + b".", "nest too deep")
    laughs = b"".join(b"q" + bytes([i]) + b"0]h" + bytes([i]) + b"h" + bytes([i]) + b"\x86a" for i in range(60))
    hostile_zip("laughs.pth", b"\x80\x02]" + laughs + b".", "nest too deep")
    hostile_zip("long_text.pth", b"\x80\x02\x8d" + struct.pack("<Q", 1 << 60) + b"a.", "cut off")


    memory_traps()
    for i, name in enumerate(("\x9b31m", "\u202ea", "\u2028a", "a\nb")):
        save(f"control_name{i}.pt", {name: torch.ones(1)})
        refused(f"control_name{i}.pt", "not printable")
    hostile_zip("beside.pth", b"\x80\x02}(" + text("model") + b"}" + text("w") + tensor() + b"s" + text("args") +
                b"ccollections\nOrderedDict\n)R}" + text("a") + b"cos\nsystem\n" + text("false") + b"\x85Rsbu.", "os.system")


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def storage(key):
    return b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + b"K\x00t"


def tensor():
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage("0") + b"QK\x00(K\x00t(K\x01t\x89NtR"


# Small files that would fill the memory of a reader that copies what their memo repeats.
def memory_traps():
    hostile_zip("long_key.pth", b"\x80\x02]" + storage("k" * 1000) + b"q\x000" + b"h\x00Q0" * 1000 + b".",
                "too long for a storage's key")
    hostile_zip("long_device.pth", b"\x80\x02]" + text("d" * 1000) + b"\x85q\x000ctorch\ndevice\nq\x010" +
                b"h\x01h\x00R0" * 1000 + b".", "no device")
    levels = b"".join(b"}(" + b"".join(text(str(key)) + b"h" + bytes([i]) for key in range(10)) + b"uq" +
                      bytes([i + 1]) + b"0" for i in range(5))
    hostile_zip("laughs_of_tensors.pth", b"\x80\x02" + tensor() + b"q\x000" + levels + b"h\x05.", "nest too deep")


def hostile_zip(name, pickle, *parts):
    with zipfile.ZipFile(FOLDER / name, "w") as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/version", b"3\n")
    refused(name, *parts)


def npy_files():
    def write(name, array, version=None):
        with open(FOLDER / name, "wb") as file:
            np.lib.format.write_array(file, array, version)
        native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("=")))
        reads(name, {"array": torch.from_numpy(native.copy()).view(array.shape)})

    grid = np.arange(24).reshape(2, 3, 4)
    for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?"):
        write(f"little_{code.replace('?', 'bool')}.npy", grid[0].astype("<" + code))
    for code in ("f2", "f4", "f8", "i2", "i8"):
        write(f"big_{code}.npy", grid[0].astype(">" + code))
    write("fortran.npy", np.asfortranarray(grid.astype("f4")))
    write("fortran_big.npy", np.asfortranarray(grid.astype(">f8")))
    write("version2.npy", grid.astype("f4"), (2, 0))
    write("version3.npy", grid.astype("f4"), (3, 0))
    write("scalar.npy", np.array(2.5))
    write("no_rows.npy", np.zeros((0, 512), "f4"))
    np.save(FOLDER / "objects.npy", np.array([1, "a"], dtype=object), allow_pickle=True)
    refused("objects.npy", "'|O' is not read")
    np.save(FOLDER / "complex.npy", np.ones(2, complex))
    refused("complex.npy", "'<c16' is not read")
    np.save(FOLDER / "records.npy", np.zeros(2, dtype=[("a", "f4")]))
    refused("records.npy", "records")
    header = lambda text: b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n"
    for name, text, part in (("huge.npy", head % "9223372036854775807, 4,", "beyond 64 bits"),
                             ("negative.npy", head % "-1,", "no number"),
                             ("too_large.npy", head % "1000000000000,", "the shape wants 4000000000000 bytes"),
                             ("no_tuple.npy", head % "2", "is missing"),
                             ("zero_byte.npy", head % "2," + "\0", "more behind"),
                             ("twice.npy", "{'descr': '<f4', 'descr': '<f8'}", "stands twice"),
                             ("no_shape.npy", "{'descr': '<f4', 'fortran_order': True}", "not all of")):
        (FOLDER / name).write_bytes(header(text.encode()) + b"\0" * 8)
        refused(name, part)


def safetensors_files():
    def write(name, header, data, *parts):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)
        if parts:
            refused(name, *parts)

    entry = lambda shape, begin, end, kind="F32": {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    data = np.arange(6, dtype="<f4")
    write("plain.safetensors", {"__metadata__": {"format": "pt"}, "a": entry([2, 2], 0, 16), "b": entry([2], 16, 24)},
          data.tobytes())
    reads("plain.safetensors", {"a": torch.arange(4.0).view(2, 2), "b": torch.tensor([4.0, 5.0])})
    write("overlap.safetensors", {"a": entry([4], 0, 16), "b": entry([4], 0, 16)}, bytes(16), "overlap")
    write("outside.safetensors", {"a": entry([8], 0, 32)}, bytes(16), "outside")
    write("overflow.safetensors", {"a": entry([1 << 62, 4], 0, 0)}, bytes(16), "impossible shape")
    write("twice.safetensors", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
          b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"\0", "stands twice")
    write("empty.safetensors", {"rows": entry([1000, 0], 0, 0), "a": entry([2], 0, 8), "none": entry([0, 3], 8, 8)},
          data.tobytes()[:8])
    reads("empty.safetensors", {"rows": torch.empty(1000, 0), "a": torch.arange(2.0), "none": torch.empty(0, 3)})
    write("hole.safetensors", {"a": entry([2], 0, 8), "b": entry([2], 16, 24)}, data.tobytes(), "no tensor")
    write("tail.safetensors", {"a": entry([2], 0, 8)}, data.tobytes(), "no tensor")
    write("part_overlap.safetensors", {"a": entry([4], 0, 16), "b": entry([3], 12, 24)}, data.tobytes(), "overlap")
    write("fraction.safetensors", {"a": entry([2.9], 0, 8)}, bytes(8), "impossible shape")
    write("truth.safetensors", {"a": entry([True], 0, 4)}, bytes(4), "impossible shape")
    write("three_offsets.safetensors", {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 8]}}, bytes(8),
          "two offsets")
    write("two_types.safetensors", b'{"a":{"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4),
          "stands twice")
    write("zero_byte.safetensors", json.dumps({"a": entry([2], 0, 8)}).encode() + b"\0x", bytes(8), "zero byte")
    write("nested.safetensors", b'{"a":' + b"[" * 5000, b"", "too deep")
    write("control_name.safetensors", {"\x1b[31m": entry([1], 0, 1, "F8")}, b"\0", "\\u001b[31m", "unknown type")
    write("unknown_type.safetensors", {"a": entry([1], 0, 1, "F8_E4M3")}, b"\0", "unknown type")


def main():
    sys.modules["cmkd_weights_example"] = types.ModuleType("cmkd_weights_example")
    ModuleOfOurs.__module__ = "cmkd_weights_example"
    sys.modules["cmkd_weights_example"].ModuleOfOurs = ModuleOfOurs
    for old in FOLDER.iterdir():
        if old.name != "make.py":
            old.unlink()
    torch_files()
    extras_files()
    refused_files()
    npy_files()
    safetensors_files()
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


main()

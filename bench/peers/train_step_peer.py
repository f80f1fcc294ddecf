"""The training steps of train_step.py in PyTorch, written from the papers, with the parameters' names of this suite. As a
program it speaks as train_step_worker does (one JSON object a line), so that each side has a process of its own:

{"do": "make", "case", "folder", "rate", "weight_decay", "device", "threads", "compile", "wrong"}  -> deterministic
{"do": "steps", "count"}  -> terms, weights, losses (of each step, by term), seconds, cpu, faults; or failed: why torch.compile did not

R(2+1)D: Tran et al. 2018, arXiv 1711.11248. ResNet: He et al. 2016, arXiv 1512.03385. MNF + CSC: Xia et al. 2023, arXiv
2304.07775 (docs/methods/mnf_csc.md). Shapes: B clips, T frames, K tokens, D width, C classes; all float32.
"""

import json
import os
import resource
import struct
import sys
import time
import warnings

warnings.filterwarnings("ignore", message=".*NumPy")  # it is not needed
import torch
from torch import nn
from torch.nn import functional as F

THRESHOLD, TAU_FLOOR, MARGIN = 0.2, 0.05, 0.2  # the method's settings (methods/mnf_csc)
TYPES = {"F32": torch.float32, "I64": torch.int64, "BOOL": torch.bool}


def read_safetensors(path):
    """name -> tensor. 8 bytes length of the header, the header (JSON), the data."""
    with open(path, "rb") as file:
        content = file.read()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8:begin]).items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        data = bytearray(content[begin + first:begin + last])
        tensors[name] = torch.frombuffer(data, dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def conv3d(inputs, outputs, kernel, stride):
    return nn.Conv3d(inputs, outputs, kernel, stride, padding=[k // 2 for k in kernel], bias=False)


def factorised(inputs, outputs, middle, stride):
    """Space, then time."""
    return nn.Sequential(conv3d(inputs, middle, (1, 3, 3), (1, stride, stride)), nn.BatchNorm3d(middle), nn.ReLU(inplace=True),
                         conv3d(middle, outputs, (3, 1, 1), (stride, 1, 1)))


class VideoBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        # As many parameters as a 3 x 3 x 3 convolution of this block (section 3.5).
        middle = inputs * outputs * 27 // (inputs * 9 + 3 * outputs)
        self.conv1 = nn.Sequential(factorised(inputs, outputs, middle, stride), nn.BatchNorm3d(outputs), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(factorised(outputs, outputs, middle, 1), nn.BatchNorm3d(outputs))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv3d(inputs, outputs, (1, 1, 1), (stride,) * 3), nn.BatchNorm3d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.conv2(self.conv1(x)) + shortcut, inplace=True)


class ImageBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)


class Network(nn.Module):
    """[B, 3, T, H, W] -> logits [B, C], embedding [B, D], last map [B, D, …]."""

    def finish(self, x):
        embedding = x.flatten(2).mean(2)
        return self.fc(embedding), embedding, x

    def add_layers(self, block):
        width = 64
        for i in range(4):
            out = 64 << i
            setattr(self, f"layer{i + 1}", nn.Sequential(block(width, out, 1 if i == 0 else 2), block(out, out, 1)))
            width = out

    def layers(self, x):
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class VideoResNet18(Network):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(conv3d(3, 45, (1, 7, 7), (1, 2, 2)), nn.BatchNorm3d(45), nn.ReLU(inplace=True),
                                  conv3d(45, 64, (3, 1, 1), (1, 1, 1)), nn.BatchNorm3d(64), nn.ReLU(inplace=True))
        self.add_layers(VideoBlock)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        return self.finish(self.layers(self.stem(x)))


class ResNet18(Network):
    """Of clips of one frame."""

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.add_layers(ImageBlock)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x.squeeze(2))), inplace=True), 3, 2, 1)
        return self.finish(self.layers(x))


class SmallStage(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        self.spatial = nn.Sequential(conv3d(inputs, outputs, (1, kernel, kernel), (1, stride, stride)), nn.BatchNorm3d(outputs),
                                     nn.ReLU(inplace=True))
        self.temporal, self.norm = conv3d(outputs, outputs, (3, 1, 1), (1, 1, 1)), nn.BatchNorm3d(outputs)

    def forward(self, x):
        x = self.spatial(x)
        return F.relu(self.norm(self.temporal(x)) + x, inplace=True)


class SmallR2Plus1d(Network):
    def __init__(self, classes, width):
        super().__init__()
        widths = [3, width // 4, width // 2, 3 * width // 4, width]
        for i in range(4):
            setattr(self, f"stage{i + 1}", SmallStage(widths[i], widths[i + 1], 5 if i == 0 else 3, 1 if i == 3 else 2))
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        return self.finish(self.stage4(self.stage3(self.stage2(self.stage1(x)))))


class NoiseFilter(nn.Module):
    """Section 3.2: gate, attention of the filtered teacher feature to the student's tokens, filtered logits."""

    def __init__(self, width, classes):
        super().__init__()
        self.gated_feature_composer = nn.Sequential(nn.Linear(2 * width, width // 2), nn.BatchNorm1d(width // 2), nn.ReLU(),
                                                    nn.Linear(width // 2, width))
        self.attn = nn.MultiheadAttention(width, 2, batch_first=True)
        self.trans_sv = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width))
        self.sv_cls_classifier = nn.Linear(width, classes)

    def forward(self, teacher, tokens):
        gate = self.gated_feature_composer(torch.cat([teacher, tokens.mean(1)], 1)).sigmoid()
        kept = gate * teacher
        seen = self.attn(kept.unsqueeze(1), tokens, tokens, need_weights=False)[0].squeeze(1)
        filtered = F.relu(self.trans_sv(seen))
        return kept, filtered, self.sv_cls_classifier(filtered)


class MnfCsc(nn.Module):
    """The terms by the program's names; student and teacher of one width, so that nothing is projected."""

    def __init__(self, width, classes):
        super().__init__()
        self.filter = NoiseFilter(width, classes)

    def forward(self, logits, embedding, tokens, batch):
        teacher, known = batch["teacher_embedding"], batch["label_known"]
        kept, filtered, filtered_logits = self.filter(teacher, tokens)
        labels = torch.where(known, batch["labels"], batch["pseudo_labels"])
        unit = F.normalize(embedding, dim=1)
        tau = ((unit @ F.normalize(kept, dim=1).t()).detach() + THRESHOLD).clamp_min(TAU_FLOOR)
        chosen = -((unit @ F.normalize(filtered, dim=1).t() / tau).softmax(1) + 1e-10).log()
        positive = (labels.unsqueeze(1) == labels).float()
        gap = F.cosine_similarity(embedding, teacher) - F.cosine_similarity(embedding, kept)
        return {"filtered_cls": F.cross_entropy(filtered_logits, labels),
                "gate_l1": self.filter.gated_feature_composer[3].weight.abs().sum(1).mean(),
                "triplet": F.relu(gap + MARGIN).mean(),
                "student_cls": F.cross_entropy(logits, batch["labels"], ignore_index=-1),
                "csc": ((chosen * positive).sum(1) / positive.sum(1)).mean()}


WEIGHTS = {"filtered_cls": 1.0, "gate_l1": 0.001, "triplet": 1.0, "student_cls": 1.0, "csc": 1.0}  # of the terms in the loss
MODULE_TERMS = ("filtered_cls", "gate_l1", "triplet")  # train the filter alone; the others the student and the filter


class Peer:
    """One training in PyTorch: `wrap` is torch.compile, or nothing. Weights and batch are those of the program."""

    def __init__(self, case, weights, batch, rate, weight_decay, device, wrap=lambda module: module):
        width = weights["student.fc.weight"].shape[1]
        classes = weights["student.fc.weight"].shape[0]
        student = {"r2plus1d_18": lambda: VideoResNet18(classes), "resnet18": lambda: ResNet18(classes)}.get(
            case, lambda: SmallR2Plus1d(classes, width))()
        self.modules, self.batch = [student], {name: value.to(device) for name, value in batch.items()}
        if case == "mnf_csc":
            self.modules.append(MnfCsc(width, classes))
        for name, module in zip(("student.", "method."), self.modules):
            module.load_state_dict({key[len(name):]: value for key, value in weights.items() if key.startswith(name)}, strict=True)
            module.to(device).train()
        # The module learns at a fifth of the student's rate (arXiv 2304.07775).
        groups = [{"params": list(module.parameters()), "lr": rate * scale} for module, scale in zip(self.modules, (1.0, 0.2))]
        self.optimizer = torch.optim.Adam(groups, lr=rate, weight_decay=weight_decay, fused=True)
        self.run = [wrap(module) for module in self.modules]

    def step(self):
        """One step on the batch; the terms, before it."""
        self.optimizer.zero_grad(set_to_none=True)
        logits, embedding, last = self.run[0](self.batch["video"])
        if len(self.run) == 1:
            terms = {"student_cls": F.cross_entropy(logits, self.batch["labels"])}
            terms["student_cls"].backward()
        else:
            terms = self.run[1](logits, embedding, last.flatten(2).transpose(1, 2), self.batch)
            own = list(self.modules[1].parameters())
            sums = [sum(WEIGHTS[name] * terms[name] for name in terms if (name in MODULE_TERMS) == module) for module in (True, False)]
            torch.autograd.backward(sums[0], inputs=own, retain_graph=True)
            torch.autograd.backward(sums[1], inputs=own + list(self.modules[0].parameters()))
        self.optimizer.step()
        return {name: term.detach() for name, term in terms.items()}


def spoil(wrong, weights, batch, request):
    """What --wrong asks for: the check must stop this."""
    if wrong == "weight":
        weights["student.fc.weight"] = weights["student.fc.weight"] * 1.05
    elif wrong == "label":
        batch["labels"][0] = batch["labels"][1]
    elif wrong == "rate":
        request["rate"] *= 1.05


def make(request):
    torch.set_num_threads(request["threads"])
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    weights, batch = (read_safetensors(os.path.join(request["folder"], f"{name}.safetensors")) for name in ("weights", "batch"))
    spoil(request["wrong"], weights, batch, request)
    if request["compile"]:
        from torch._functorch import config
        config.donated_buffer = False  # the filter's graph is gone through twice, for two sets of parameters
    return Peer(request["case"], weights, batch, request["rate"], request["weight_decay"], request["device"],
                torch.compile if request["compile"] else lambda module: module)


def steps(peer, request, count):
    def synchronise():
        if request["device"] != "cpu":
            torch.cuda.synchronize()

    def faults():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    synchronise()
    wall, cpu, had = time.perf_counter(), time.process_time(), faults()
    try:
        done = [peer.step() for _ in range(count)]
        synchronise()
    except Exception as error:  # the compiler's own kinds are many
        if not request["compile"]:
            raise
        return {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    answer = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "faults": faults() - had}
    return answer | {"terms": list(done[0]), "weights": [WEIGHTS[name] for name in done[0]],
                     "losses": [[float(value) for value in terms.values()] for terms in done]}


def serve():
    peer, made = None, None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "make":
                peer, made = make(request), request
                answer = {"deterministic": torch.are_deterministic_algorithms_enabled(), "torch": torch.__version__}
                if made["device"] != "cpu":
                    answer["device"] = torch.cuda.get_device_name()
            else:
                answer = steps(peer, made, request["count"])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()

#!/usr/bin/env python3
"""XKD's training step in PyTorch eager, for comparison only:

  .venv/bin/python bench/peers/xkd_step.py [--bench build/release/bench/cmkd_bench] [--vectors DIR] [--pairs 5]

Written from the formulas of docs/xkd.md. First its step is verified on the official vectors (float64, terms and loss
within 1e-9); then it and `cmkd_bench` take turns at the same sizes on one thread, and the ratio of their clips a second
is printed. The peer is given its views and spectrograms ready: cmkd's step makes them, so the ratio is on the peer's side.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, x, want_first_row=False):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        row = None
        if want_first_row:
            row = (q[:, :, :1] @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)[:, :, 0]
        return self.proj(out), row


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.mlp = nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, want_first_row=False):
        y, row = self.attn(self.norm1(x), want_first_row)
        x = x + y
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x)))), row


class Blocks(nn.Module):
    def __init__(self, width, depth, heads):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))

    def forward(self, x, want_first_row=False):
        row = None
        for i, block in enumerate(self.blocks):
            x, row = block(x, want_first_row and i + 1 == len(self.blocks))
        return x, row


def patches_of(x, patch):
    batch, channels, *sizes = x.shape
    shape, axes = [batch, channels], len(patch)
    for size, p in zip(sizes, patch):
        shape += [size // p, p]
    order = [0] + [2 + 2 * a for a in range(axes)] + [3 + 2 * a for a in range(axes)] + [1]
    cut = x.reshape(shape).permute(order)
    return cut.flatten(1, axes).flatten(2)


class Backbone(nn.Module):
    def __init__(self, size, patch, channels, width, depth, heads):
        super().__init__()
        self.patch = patch
        self.grid = [s // p for s, p in zip(size, patch)]
        count = values = 1
        for g, p in zip(self.grid, patch):
            count, values = count * g, values * p
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.enc_pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + count, width))
        embed = nn.Module()
        embed.proj = nn.Linear(values * channels, width)
        self.name = "cuboid_embed" if len(patch) == 3 else "patch_embed"
        setattr(self, self.name, embed)
        self.encoder = Blocks(width, depth, heads)
        self.encoder_norm = nn.LayerNorm(width)

    def places(self, grid):
        own = self.enc_pos_embed[:, 1:]
        if grid == self.grid:
            return own
        table = own.transpose(1, 2).unflatten(2, self.grid)
        scale = [(g + 0.1) / o for g, o in zip(grid, self.grid)]
        mode = "trilinear" if len(grid) == 3 else "bicubic"
        if len(grid) == 2 and grid[0] == self.grid[0]:
            scale[0] = 1.0
        return F.interpolate(table, scale_factor=scale, mode=mode).flatten(2).transpose(1, 2)

    def forward(self, x, kept=None, want_first_row=False):
        grid = [s // p for s, p in zip(x.shape[2:], self.patch)]
        patches, places = patches_of(x, self.patch), self.places(grid).expand(len(x), -1, -1)
        if kept is not None:
            patches = patches.gather(1, kept.unsqueeze(2).expand(-1, -1, patches.shape[2]))
            places = places.gather(1, kept.unsqueeze(2).expand(-1, -1, places.shape[2]))
        tokens = getattr(self, self.name).proj(patches) + places
        first = (self.cls_token + self.enc_pos_embed[:, :1]).expand(len(x), -1, -1)
        tokens, row = self.encoder(torch.cat([first, tokens], 1), want_first_row)
        return self.encoder_norm(tokens), row


class Head(nn.Module):
    def __init__(self, width, hidden, bottleneck, out):
        super().__init__()
        norm = nn.LayerNorm(hidden)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), norm, nn.GELU(), nn.Linear(hidden, hidden), norm, nn.GELU(),
                                 nn.Linear(hidden, bottleneck))
        self.last_layer = nn.Module()
        self.last_layer.weight_v = nn.Parameter(torch.randn(out, bottleneck) / bottleneck**0.5)
        self.out = out

    def forward(self, x):
        x = F.normalize(self.mlp(x), dim=1)
        v = self.last_layer.weight_v
        return F.layer_norm(F.linear(x, v / v.norm(dim=1, keepdim=True)), (self.out,))


class Decoder(nn.Module):
    def __init__(self, width, count, values, decoder):
        super().__init__()
        inner, depth, heads = decoder
        self.dec_pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + count, inner))
        self.mask_token = nn.Parameter(0.02 * torch.randn(1, 1, inner))
        self.decoder = Blocks(inner, depth, heads)
        self.mid_proj, self.out_proj = nn.Linear(width, inner), nn.Linear(inner, values)

    def forward(self, encoded, restore):
        seen = self.mid_proj(encoded)
        absent = self.mask_token.expand(len(seen), restore.shape[1] - seen.shape[1] + 1, -1)
        tokens = torch.cat([seen[:, 1:], absent], 1)
        tokens = tokens.gather(1, restore.unsqueeze(2).expand(-1, -1, tokens.shape[2]))
        return self.out_proj(self.decoder(torch.cat([seen[:, :1], tokens], 1) + self.dec_pos_embed)[0][:, 1:])


class Networks(nn.Module):
    def __init__(self, video, audio, decoder, head):
        super().__init__()
        for side, shape in (("vid", video), ("aud", audio)):
            for who in ("student", "teacher"):
                branch = nn.Module()
                branch.backbone = Backbone(**shape)
                branch.head = Head(shape["width"], *head)
                setattr(self, f"{side}_{who}", branch)
            backbone = getattr(self, f"{side}_student").backbone
            values = getattr(backbone, backbone.name).proj.weight.shape[1]
            setattr(self, f"{side}_ae",
                    Decoder(shape["width"], backbone.enc_pos_embed.shape[1] - 1, values, decoder))
            for parameter in getattr(self, f"{side}_teacher").parameters():
                parameter.requires_grad_(False)
        self.register_buffer("center_video", torch.zeros(1, head[2]))
        self.register_buffer("center_audio", torch.zeros(1, head[2]))


def discrepancy(x, y):
    def kernel(a, b):
        squared = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square().clamp_min(1e-30)
        return sum(torch.exp(-10.0**power * squared) for power in range(-3, 4))
    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


def cross_entropy(student, teacher, center, student_t, teacher_t):
    target = ((teacher - center) / teacher_t).softmax(-1).detach()
    terms = [-(target * (one / student_t).log_softmax(-1)).sum(-1).mean() for one in student.split(len(teacher))]
    return sum(terms) / len(terms)


def refine(features, attention):
    weight = attention.mean(1).unsqueeze(2)
    before, after = features.mean(1).square().sum(1), (features * weight).mean(1).square().sum(1)
    return (before / after).sqrt().view(-1, 1, 1) * weight * features


def step(networks, frames, specs, noise, hyper):
    """frames, specs: {"global", "local", "teacher"}. Returns the terms by their official names, the loss, the teachers."""
    terms, outputs, teachers, rows, features = {}, {}, {}, {}, {}
    for side, views, ratio in (("vid", frames, hyper["vid_mask_ratio"]), ("aud", specs, hyper["aud_mask_ratio"])):
        student = getattr(networks, f"{side}_student")
        order = noise[side].argsort(1)
        kept = order[:, :round(order.shape[1] * (1 - ratio))]
        restore = order.argsort(1)
        encoded, _ = student.backbone(views["global"], kept)
        said = getattr(networks, f"{side}_ae")(encoded, restore)
        target = patches_of(views["global"], student.backbone.patch)
        target = (target - target.mean(2, True)) / (target.var(2, keepdim=True) + 1e-6).sqrt()
        hidden = restore >= kept.shape[1]
        terms[f"{side}_recon_loss"] = ((said - target).square().mean(2) * hidden).sum() / hidden.sum()
        local, _ = student.backbone(views["local"])
        outputs[side] = student.head(torch.cat([encoded[:, 1:].mean(1), local[:, 1:].mean(1)]))
        with torch.no_grad():
            features[side], row = getattr(networks, f"{side}_teacher").backbone(views["teacher"], want_first_row=True)
            rows[side] = row[:, :, 1:]
    with torch.no_grad():
        video, audio = rows["vid"], rows["aud"]
        cross = {"vid": video * audio.mean(2, True) / video.mean(2, True),
                 "aud": audio * video.mean(2, True) / audio.mean(2, True)}
        if hyper.get("attention_softmax"):
            cross = {"vid": (video * audio.mean(2, True)).softmax(-1), "aud": (audio * video.mean(2, True)).softmax(-1)}
        for side in ("vid", "aud"):
            refined = refine(features[side][:, 1:], cross[side]).mean(1)
            teachers[side] = getattr(networks, f"{side}_teacher").head(refined)
    terms["as2vs_align_loss"] = discrepancy(outputs["vid"], outputs["aud"])
    terms["vt2at_align_loss"] = discrepancy(teachers["vid"], teachers["aud"])
    terms["vt2as_kd_loss"] = cross_entropy(outputs["aud"], teachers["vid"], networks.center_video,
                                           hyper["student_temp"], hyper["teacher_temp_video"])
    terms["at2vs_kd_loss"] = cross_entropy(outputs["vid"], teachers["aud"], networks.center_audio,
                                           hyper["student_temp"], hyper["teacher_temp_audio"])
    mean = lambda a, b: (terms[a] + terms[b]) / 2
    weights = (hyper["align_coeff"], hyper["cmkd_coeff"], hyper["recon_coeff"])
    means = (mean("as2vs_align_loss", "vt2at_align_loss"), mean("vt2as_kd_loss", "at2vs_kd_loss"),
             mean("vid_recon_loss", "aud_recon_loss"))
    return terms, sum(w * m for w, m in zip(weights, means)) / sum(weights), teachers


def finish(networks, optimizer, loss, teachers, clip, momentum):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for side in ("vid", "aud"):
        for parameter in getattr(networks, f"{side}_student").parameters():
            parameter.grad.mul_((clip / (parameter.grad.norm() + 1e-6)).clamp(max=1))
    optimizer.step()
    with torch.no_grad():
        networks.center_video.mul_(0.9).add_(teachers["vid"].mean(0, True), alpha=0.1)
        networks.center_audio.mul_(0.9).add_(teachers["aud"].mean(0, True), alpha=0.1)
        for side in ("vid", "aud"):
            pairs = zip(getattr(networks, f"{side}_teacher").parameters(), getattr(networks, f"{side}_student").parameters())
            for teacher, student in pairs:
                teacher.mul_(momentum).add_(student, alpha=1 - momentum)


def verify(folder):
    """The worst relative error of loss and terms on the official vectors."""
    worst = 0.0
    for name in sorted(os.listdir(folder)):
        case = torch.load(os.path.join(folder, name))
        hyper = {key[6:]: float(value) for key, value in case.items() if key.startswith("hyper.")}
        depth = lambda prefix: len({key[len(prefix):].split(".")[0] for key in case if key.startswith(prefix)})
        width = case["param.vid_student.backbone.cls_token"].shape[2]
        encoder = {"width": width, "depth": depth("param.vid_student.backbone.encoder.blocks."), "heads": int(hyper["num_heads"])}
        head = [case["param.vid_student.head.mlp.0.weight"].shape[0], case["param.vid_student.head.mlp.6.weight"].shape[0],
                case["param.vid_student.head.last_layer.weight_v"].shape[0]]
        decoder = [case["param.vid_ae.mask_token"].shape[2], depth("param.vid_ae.decoder.blocks."), int(hyper["decoder_heads"])]
        networks = Networks(dict(size=case["frames.global"].shape[2:], patch=[2, 8, 8], channels=3, **encoder),
                            dict(size=case["specs.global"].shape[2:], patch=[4, 8], channels=1, **encoder),
                            decoder, head).double()
        state = {key[6:]: value for key, value in case.items() if key.startswith("param.")}
        own = networks.state_dict()
        for key in own:
            if not key.startswith("center"):
                alias = key.replace("head.mlp.4.", "head.mlp.1.")
                own[key] = state[alias]
        networks.load_state_dict(own)
        networks.center_video.copy_(case["buffer.vt2as_ce_loss.center"])
        networks.center_audio.copy_(case["buffer.at2vs_ce_loss.center"])
        views = lambda kind: {view: case[f"{kind}.{view}"] for view in ("global", "local", "teacher")}
        noise = {"vid": case["mask_noise.video"], "aud": case["mask_noise.audio"]}
        terms, loss, _ = step(networks, views("frames"), views("specs"), noise, hyper)
        for key, value in list(terms.items()) + [("loss", loss)]:
            expected = case["expected.loss" if key == "loss" else f"expected.term.{key}"]
            worst = max(worst, float((value - expected).abs() / expected.abs().clamp_min(1.0)))
    return worst


class Peer:
    """The sizes of bench/xkd_bench.cpp."""

    def __init__(self):
        torch.manual_seed(1)
        encoder = {"width": 192, "depth": 4, "heads": 3}
        self.networks = Networks(dict(size=[8, 56, 56], patch=[2, 8, 8], channels=3, **encoder),
                                 dict(size=[80, 112], patch=[4, 16], channels=1, **encoder), [96, 4, 3], [256, 64, 1024])
        parameters = [p for p in self.networks.parameters() if p.requires_grad]
        groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.3},
                  {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), fused=True)
        self.frames = {"global": torch.randn(16, 3, 8, 56, 56), "local": torch.randn(16, 3, 2, 48, 48)}
        self.specs = {"global": torch.randn(16, 1, 80, 112), "local": torch.randn(16, 1, 80, 32)}
        for views in (self.frames, self.specs):
            views["teacher"] = views["global"]
        self.hyper = dict(vid_mask_ratio=0.85, aud_mask_ratio=0.80, student_temp=0.1, teacher_temp_video=0.1,
                          teacher_temp_audio=0.07, align_coeff=1, cmkd_coeff=1, recon_coeff=5)

    def step(self):
        noise = {"vid": torch.rand(16, self.networks.vid_student.backbone.enc_pos_embed.shape[1] - 1),
                 "aud": torch.rand(16, self.networks.aud_student.backbone.enc_pos_embed.shape[1] - 1)}
        _, loss, teachers = step(self.networks, self.frames, self.specs, noise, self.hyper)
        finish(self.networks, self.optimizer, loss, teachers, 0.3, 0.997)
        return loss

    def clips_per_second(self, seconds=3.0):
        if not torch.isfinite(self.step()):
            sys.exit("the peer's loss is not finite")
        start, steps = time.process_time(), 0
        while time.process_time() - start < seconds:
            self.step()
            steps += 1
        return 16 * steps / (time.process_time() - start)


def ours(program):
    out = subprocess.run([program, "--benchmark_filter=pretraining step.*, xkd$", "--benchmark_repetitions=1"],
                         capture_output=True, text=True, check=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("pretraining step (clips/s), xkd "))
    return float(line.split()[-1])


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=os.path.join(root, "build", "release", "bench", "cmkd_bench"))
    parser.add_argument("--vectors", default=os.path.join(root, "tests", "vectors", "xkd_step"))
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    error = verify(options.vectors)
    print(f"verified on {options.vectors}: worst error {error:.1e}")
    if error > 1e-9:
        sys.exit("the peer's step is not XKD's")
    peer, ratios = Peer(), []
    for _ in range(options.pairs):
        theirs, mine = peer.clips_per_second(), ours(options.bench)
        ratios.append(theirs / mine)
        print(f"cmkd {mine:8.1f} clips/s   PyTorch eager {theirs:8.1f} clips/s   time of cmkd / of PyTorch {ratios[-1]:.3f}")
    print(json.dumps({"torch": torch.__version__, "ratio_median": statistics.median(ratios), "wanted": "at most 1.0"}))


if __name__ == "__main__":
    main()

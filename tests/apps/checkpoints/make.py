"""Writes checkpoints as training frameworks write them, of networks with the names and shapes of image_cnn.

    python3 tests/apps/checkpoints/make.py

Needs torch. Every tensor is one number, spread over its shape with stride 0: the files stay small. They are committed:
the tests need no torch.
"""
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parent


def image_cnn(value, classes=10, first=16):
    """20 entries: three of conv, batch norm (5 tensors) each, and the head."""
    state = {}
    channels = [3, first, 32, 64]
    for stage in (1, 2, 3):
        out = channels[stage]
        shapes = {"0.weight": (out, channels[stage - 1], 3, 3), "1.weight": (out,), "1.bias": (out,),
                  "1.running_mean": (out,), "1.running_var": (out,)}
        for name, shape in shapes.items():
            state[f"stage{stage}.{name}"] = torch.tensor([value]).expand(shape)
        state[f"stage{stage}.1.num_batches_tracked"] = torch.tensor(5)
    state["fc.weight"] = torch.tensor([value]).expand(classes, 64)
    state["fc.bias"] = torch.tensor([value]).expand(classes)
    return state


def under(prefix, state):
    return {prefix + name: tensor for name, tensor in state.items()}


def main():
    # torch.compile, and it inside DistributedDataParallel.
    torch.save(under("_orig_mod.", image_cnn(1.0)), FOLDER / "compiled.pth")
    torch.save(under("_orig_mod.module.", image_cnn(1.0)), FOLDER / "compiled_parallel.pth")
    # Lightning: student and teacher in one state dict; the teacher's head has other classes.
    torch.save({"epoch": 3, "pytorch-lightning_version": "2.0.0",
                "state_dict": {**under("model.student.", image_cnn(1.0, 12)), **under("model.teacher.", image_cnn(2.0, 7)),
                               "model.projector.weight": torch.zeros(1).expand(8, 8)}}, FOLDER / "lightning.ckpt")
    # OpenMMLab: a backbone of another first width, and a head elsewhere.
    torch.save({"meta": {"epoch": 3}, "state_dict": {**under("backbone.", image_cnn(1.0, first=24)),
                                                     "cls_head.fc_cls.weight": torch.zeros(1).expand(10, 64)}},
               FOLDER / "openmmlab.pth")
    # timm: the weights and their average; and a file whose `model` is another network than its average.
    torch.save({"model": image_cnn(1.0), "model_ema": image_cnn(2.0), "epoch": 1}, FOLDER / "average.pth")
    torch.save({"model": {"logit_scale": torch.zeros(1)}, "model_ema": image_cnn(2.0)}, FOLDER / "only_average.pth")
    # A training that diverged: 16 variances and the head's 10 biases.
    diverged = image_cnn(1.0)
    diverged["stage1.1.running_var"] = torch.tensor([float("inf")]).expand(16)
    diverged["fc.bias"] = torch.tensor([float("nan")]).expand(10)
    torch.save(diverged, FOLDER / "diverged.pth")


main()

"""Per-clip outputs as NumPy writes them, for tests/weights/array_file_test.cpp: python make.py (NumPy 2.4.6)."""
import pathlib

import numpy as np

here = pathlib.Path(__file__).parent
clips = np.array(["a/0.mp4", "ä 1", "中"])
scores = np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]], dtype=np.float32)
np.savez(here / "outputs.npz", clips=clips, scores=scores, wide=scores.astype(np.float64).T, raw=np.array([b"x", b"yz"]))
np.savez_compressed(here / "outputs_compressed.npz", clips=clips, scores=scores)
np.savez(here / "outputs_objects.npz", clips=np.array(["a", None], dtype=object))
np.save(here / "outputs_texts.npy", clips)

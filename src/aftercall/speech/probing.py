"""This file multiplies matrices for a while and tells how fast that went, in a process of its own."""

import base64
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

#: Frames of a stretch of 20 s, weights going in, weights coming out: a product as Parakeet has many.
FRAMES, INPUTS, OUTPUTS = 256, 1024, 4096
#: An ONNX graph of one node, `c = MatMulInteger(a, b)`, a uint8 and b int8 of any size.
GRAPH = base64.b64decode(
    "CAkSADpiChgKAWEKAWISAWMiDU1hdE11bEludGVnZXISAXBaFQoBYRIQCg4IAhIKCgMSAW0KAxIBa1oVCgFiEhAKDggDEgoKAxIBawoDEgFuYhUK"
    "AWMSEAoOCAYSCgoDEgFtCgMSAW5CBAoAEBI="
)


def main(threads: str, seconds: str) -> None:
    """Print one JSON line."""
    method, product = _product(int(threads))
    product()  # the first one loads and plans
    began = time.perf_counter()
    count = 0
    while (past_s := time.perf_counter() - began) < float(seconds):
        product()
        count += 1
    operations = 2 * FRAMES * INPUTS * OUTPUTS * count
    sys.stdout.write(json.dumps({"method": method, "operations_per_s": operations / past_s, "took_s": past_s}) + "\n")


def _product(threads: int) -> tuple[str, Callable[[], Any]]:
    """The product as the model computes it if onnxruntime is here, else numpy's."""
    random = np.random.default_rng(1)
    try:
        import onnxruntime
    except ImportError:
        left = random.random((FRAMES, INPUTS), np.float32)
        right = random.random((INPUTS, OUTPUTS), np.float32)
        return "float32", lambda: left @ right
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])
    fed = {
        "a": random.integers(0, 256, (FRAMES, INPUTS), np.uint8),
        "b": random.integers(-128, 128, (INPUTS, OUTPUTS), np.int8),
    }
    return "int8", lambda: session.run(None, fed)

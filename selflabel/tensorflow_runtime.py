"""TensorFlow, set to say little and to give the same result every time."""

import os
from typing import Any

# Sums are added up in another order with another number of threads; fixed, it is not the number of cores that counts.
THREADS = 4


def modules() -> tuple[Any, Any]:
    """Return the modules tensorflow and keras, so set; imported here, for that takes seconds.

    Raises ``ImportError`` where they are not installed, ``RuntimeError`` where TensorFlow already runs with another
    number of threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()
    # It would turn the division by a root back into a reciprocal root.
    tensorflow.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    if tensorflow.config.threading.get_intra_op_parallelism_threads() != THREADS:
        tensorflow.config.threading.set_intra_op_parallelism_threads(THREADS)
    return tensorflow, keras

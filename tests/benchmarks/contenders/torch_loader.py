"""The usual script with PyTorch: a DataLoader of float tensors, sums and sums of squares."""

import sys

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from tests.benchmarks.contenders.shared import POOLED, answer, images

_BATCH = 32


class Images(Dataset[torch.Tensor]):
    """Images as torchvision's `ToTensor` makes them: float32, (3, height, width), 0..1."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        pixels = np.array(Image.open(self._paths[index]).convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div(255)


def stacked(batch: list[torch.Tensor]) -> list[torch.Tensor]:
    """Make one tensor of a batch where sizes allow, as the default does, else leave it a list."""
    return [torch.stack(batch)] if len({each.shape for each in batch}) == 1 else batch


def main(folder: str, workers: int) -> None:
    loader = DataLoader(
        Images(images(folder)), batch_size=_BATCH, num_workers=workers, collate_fn=stacked
    )
    count, total, squares = 0, torch.zeros(3, dtype=torch.float64), torch.zeros(3).double()
    for batch in loader:
        for part in batch:
            pixels = part.transpose(-3, 0).flatten(1)
            count += pixels.shape[1]
            total += pixels.sum(dim=1)
            squares += pixels.square().sum(dim=1)
    mean = total / count
    answer(mean.tolist(), (squares / count - mean.square()).sqrt().tolist(), POOLED)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

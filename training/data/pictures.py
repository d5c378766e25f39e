"""Pictures: a data set's pixels as they came, of any sizes, in one memory-mapped file.

`pictures.bin` holds them one behind the other and `pictures.npz` says where each begins, its
shape and its type, so that training can look at every galaxy anew through another camera.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

__all__ = ["Pictures"]

TYPES = ("uint8", "float32")  # 8-bit pictures, and linear data


class Pictures:
    """Pictures by number, each (3, H, W) or (H, W), uint8 or float32."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "pictures.npz") as index:
            self.starts, self.shapes, self.types = (index[key] for key in index.files)
        self.bytes = np.memmap(folder / "pictures.bin", np.uint8, "r")

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> np.ndarray:
        shape = [int(n) for n in self.shapes[number] if n]
        kind = np.dtype(TYPES[self.types[number]])
        start = int(self.starts[number])
        stop = start + int(np.prod(shape)) * kind.itemsize
        return np.asarray(self.bytes[start:stop]).view(kind).reshape(shape)

    @classmethod
    def write(cls, folder: Path, pictures: Iterable[np.ndarray]) -> Pictures:
        """Write pictures; linear data become float32."""
        starts, shapes, types, place = [], [], [], 0
        with open(folder / "pictures.bin", "wb") as file:
            for picture in pictures:
                kind = int(picture.dtype != np.uint8)
                values = np.ascontiguousarray(picture, TYPES[kind])
                starts.append(place)
                shapes.append([0] * (3 - values.ndim) + list(values.shape))
                types.append(kind)
                gap = -values.nbytes % 4  # floats begin where four bytes do
                file.write(values.tobytes() + bytes(gap))
                place += values.nbytes + gap
        index = {"starts": np.array(starts), "shapes": np.array(shapes), "types": np.array(types)}
        np.savez(folder / "pictures.npz", **index)
        return cls(folder)

    @staticmethod
    def there(folder: Path) -> bool:
        """Return whether a folder holds any."""
        return (folder / "pictures.npz").exists()

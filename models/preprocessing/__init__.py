"""Turn anything that shows a picture into a model's input tensor. It calls `data`."""

from models.preprocessing.camera import CameraFrame
from models.preprocessing.limits import PreprocessingError
from models.preprocessing.normalisation import Normalisation
from models.preprocessing.pipeline import decode, prepare, prepare_batch
from models.preprocessing.preparation import Preparation
from models.preprocessing.sources import Picture

__all__ = [
    "CameraFrame",
    "Normalisation",
    "Picture",
    "Preparation",
    "PreprocessingError",
    "decode",
    "prepare",
    "prepare_batch",
]

"""Deliberate faults in preparation, each with the property that `power` looks for it with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What it does, the text that stands once in a file, what takes its place, and the property."""

    what: str
    file: str
    old: str
    new: str
    property: str


ROOM, TESTS = "models/preprocessing", "tests/models/preprocessing"
FILES = f"{TESTS}/test_containers.py::test_lossless_containers_show_what_was_stored"
WIDE = f"{TESTS}/test_containers.py::test_16_bit_grey_png"
SCALED = f"{TESTS}/test_containers.py::test_jpegs_decoded_at_a_fraction"
TURNED = f"{TESTS}/test_geometry.py::test_the_tag_equals_turning_the_pixels"
FRAMES = f"{TESTS}/test_camera.py::test_frames_are_the_formula"
RESIZED = f"{TESTS}/test_geometry.py::test_antialiased_agrees_with_pillow"
ANDROID = f"{TESTS}/test_geometry.py::test_android_is_bilinear_between_the_four_nearest_pixels"
LETTERBOX = f"{TESTS}/test_geometry.py::test_letterbox_keeps_proportions_on_white"
CROP = f"{TESTS}/test_preparation.py::test_a_crop_is_torchvisions"
REGION = f"{TESTS}/test_preparation.py::test_a_region_is_what_is_cut_out_beforehand"
CHANNELS = f"{TESTS}/test_preparation.py::test_channels_are_where_the_input_has_them"
FLOATS = f"{TESTS}/test_preparation.py::test_a_float_array_is_the_same_picture"
FRACTIONS = (
    f"{TESTS}/test_preparation.py::test_a_float_array_keeps_its_fractions_when_it_is_resized"
)
LEVELS = f"{TESTS}/test_normalisation.py::test_no_level_is_cut_off_to_the_step_below"
MEAN = f"{TESTS}/test_normalisation.py::test_mean_and_std_of_a_float_input"
MEAN_8_BIT = f"{TESTS}/test_normalisation.py::test_mean_and_std_of_a_quantised_input"


def _fault(what: str, file: str, old: str, new: str, test: str) -> Fault:
    return Fault(what, f"{ROOM}/{file}.py", old, new, test)


FAULTS = (
    _fault("a quarter turn goes the other way", "geometry",
           "6: Image.Transpose.ROTATE_270", "6: Image.Transpose.ROTATE_90", TURNED),
    _fault("a mirrored orientation is taken for another", "geometry",
           "7: Image.Transpose.TRANSVERSE", "7: Image.Transpose.TRANSPOSE", TURNED),
    _fault("orientation is not applied", "sources",
           "upright(rgb, orientation_of(image) if orientation is None else orientation)",
           "rgb", FILES),
    _fault("what is clear becomes black", "colour",
           'Image.new("RGB", image.size, ground)', 'Image.new("RGB", image.size)', FILES),
    _fault("alpha beside grey is dropped", "colour",
           'if image.mode in ("RGBA", "LA"):', 'if image.mode == "RGBA":', FILES),
    _fault("a transparent colour is shown", "colour",
           "is_split = alpha is not None or not image.has_transparency_data",
           "is_split = True", FILES),
    _fault("16 bits are cut to 8, not rounded", "colour",
           "(block.astype(np.uint32) + 128) // 257", "block >> 8", WIDE),
    _fault("colour profiles are ignored", "sources",
           "applies_profile=uses_profile", "applies_profile=False", FILES),
    _fault("what shrinks is not antialiased", "geometry",
           'if resampling == "android":', "if True:", RESIZED),
    _fault("all is half a pixel too far left", "geometry",
           "box = (left, top, right, bottom)",
           "box = (min(left + 0.5, right), top, right, bottom)", RESIZED),
    _fault("the nearest pixel in place of four", "geometry",
           "Image.Transform.EXTENT, box, Image.Resampling.BILINEAR",
           "Image.Transform.EXTENT, box, Image.Resampling.NEAREST", ANDROID),
    _fault("a letterbox lies in the corner", "geometry",
           "((target[0] - size[0]) // 2, (target[1] - size[1]) // 2)", "(0, 0)", LETTERBOX),
    _fault("a letterbox covers", "geometry",
           "scale = min(target[0] / width", "scale = max(target[0] / width", LETTERBOX),
    _fault("a crop is cut from the corner", "geometry",
           "x, y = round((size[0] - target[0]) / 2), round((size[1] - target[1]) / 2)",
           "x, y = 0, 0", CROP),
    _fault("a crop is squashed", "geometry",
           "across, down = width / size[0], height / size[1]",
           "across, down = width / target[0], height / target[1]", CROP),
    _fault("a region's sides change places", "geometry",
           "left * source[0], top * source[1]", "top * source[0], left * source[1]", REGION),
    _fault("RGB is BGR", "pipeline",
           'preparation.channel_order == "BGR"', 'preparation.channel_order == "RGB"', CHANNELS),
    _fault("channels are reshaped, not moved to the front", "normalisation",
           "found.transpose(2, 0, 1)", "found.reshape(-1, *found.shape[:2])", CHANNELS),
    _fault("grey is green", "normalisation",
           'Image.fromarray(pixels).convert("L")', "pixels[..., 1]", CHANNELS),
    _fault("white of float arrays is ignored", "colour",
           "pixels * np.float32(255 / white)", "pixels", FLOATS),
    _fault("float arrays lose their fractions", "colour",
           "return np.ascontiguousarray(band)", "return np.rint(band)", FRACTIONS),
    _fault("quantisation cuts off", "tensors",
           "np.rint(values.astype(np.float64) / self.scale)",
           "np.trunc(values.astype(np.float64) / self.scale)", LEVELS),
    _fault("the zero point is forgotten", "tensors", " + self.zero_point", "", LEVELS),
    _fault("what is out of range wraps round", "tensors",
           "np.clip(np.rint(values), limits.min, limits.max)",
           "np.rint(values).astype(int)", LEVELS),
    _fault("mean and std change places", "normalisation",
           "found -= mean\n    found /= std", "found -= std\n    found /= mean + 1", MEAN),
    _fault("every channel takes the first one's mean", "normalisation",
           "look_up(pixels[..., c], table)", "look_up(pixels[..., c], tables[0])", MEAN_8_BIT),
    _fault("a JPEG is decoded too small", "jpeg",
           "DRAFT_FACTOR = 2", "DRAFT_FACTOR = 1", SCALED),
    _fault("red and blue chroma change places", "camera",
           'frame.layout in ("I420", "NV12")', 'frame.layout in ("YV12", "NV21")', FRAMES),
    _fault("a camera frame turns the other way", "camera",
           "90: Image.Transpose.ROTATE_270", "90: Image.Transpose.ROTATE_90", FRAMES),
    _fault("a limited range is taken for the full one", "camera",
           'if levels == "full"', "if True", FRAMES),
    _fault("BT.709 is taken for BT.601", "camera",
           "_RED_BLUE[standard]", '_RED_BLUE["BT.601"]', FRAMES),
    _fault("chroma is not interpolated", "camera",
           "bilinear = Image.Resampling.BILINEAR", "bilinear = Image.Resampling.NEAREST", FRAMES),
    _fault("chroma is stretched at odd sides", "camera",
           "box = (0, 0, frame.width / 2, frame.height / 2)", "box = None", FRAMES),
)  # fmt: skip
"""At least one for each module that pixels go through."""

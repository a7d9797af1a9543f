"""One frozen description: printed, stored, repeated; and what each part of it does."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import encode, images, input_spec, input_specs
from models.preprocessing import (
    Normalisation,
    Preparation,
    PreprocessingError,
    colour,
    decode,
    prepare,
    prepare_batch,
)
from models.preprocessing.preparation import parse
from models.preprocessing.tensors import TensorSpec, input_layout
from tests.proofs.icc import DISPLAY_P3, SRGB, rgb_profile

SPEC = input_spec(height=24, width=32)
RESAMPLINGS = st.sampled_from(("antialiased", "android"))
WIDE = np.random.RandomState(0).randint(0, 256, (60, 90, 3)).astype(np.uint8)


@given(
    st.builds(
        Preparation,
        region=st.sampled_from((None, (0.25, 0.0, 0.5, 1.0))),
        fit=st.sampled_from(("squash", "letterbox", "crop")),
        resampling=st.sampled_from(("antialiased", "android")),
        ground=st.tuples(*[st.integers(0, 255)] * 3),
        white=st.sampled_from((1.0, 255.0)),
        normalisation=st.sampled_from((None, Normalisation((1, 2, 3), (4, 5, 6), "card"))),
    )
)
def test_it_is_stored_as_plain_values_and_read_back(preparation):
    stored = json.dumps(preparation.as_dict())
    assert Preparation.from_dict(json.loads(stored)) == preparation
    assert "\n" not in str(preparation)
    assert hash(preparation) == hash(Preparation.from_dict(json.loads(stored)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fit=letterbox", {"fit": "letterbox"}),
        ("fit=crop, crop_from=256", {"fit": "crop", "crop_from": 256}),
        ("crop_from=40", {"crop_from": 40}),
        (
            "ground=1,2,3,region=0,0.25,1,0.5,white=1",
            {"ground": (1, 2, 3), "region": (0.0, 0.25, 1.0, 0.5), "white": 1.0},
        ),
        (
            "channel_order=BGR,resampling=android,colour_profile=ignored",
            {"channel_order": "BGR", "resampling": "android", "colour_profile": "ignored"},
        ),
    ],
)
def test_a_text_tells_what_differs(text, told):
    assert parse(text) == told


def test_every_field_can_be_told():
    texts = {"fit": "crop", "crop_from": "9", "region": "0,0,1,1", "resampling": "android",
             "ground": "0,0,0", "colour_profile": "ignored", "channel_order": "BGR",
             "white": "1", "normalisation": None}  # fmt: skip
    assert set(texts) == {field.name for field in dataclasses.fields(Preparation)}
    for name, text in texts.items():
        if text:
            assert list(parse(f"{name}={text}")) == [name]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fits=crop", "none of region, fit, crop_from"),
        ("crop", "none of region, fit, crop_from"),
        ("fit=cover", "squash or letterbox or crop"),
        ("fit=letterbox,crop_from=9", "goes with fit 'crop'"),
        ("crop_from=large", "whole number"),
        ("ground=1,2", "three levels"),
        ("region=1,0,0,1", "shares of the picture"),
        ("white=no", "above 0"),
        ("", "none of region"),
    ],
)
def test_a_text_that_cannot_be_is_refused(text, reason):
    with pytest.raises(PreprocessingError, match=reason):
        parse(text)


def test_another_fit_takes_the_crop_with_it():
    stored = Preparation(fit="crop", crop_from=40)
    assert stored.changed({"fit": "squash"}) == Preparation()
    assert stored.changed({"fit": "crop"}) == stored
    assert Preparation().changed({"crop_from": 40}) == stored


@pytest.mark.parametrize("plain", [{"fits": "crop"}, {"normalisation": {"means": 1}}])
def test_what_is_unknown_is_refused(plain):
    with pytest.raises(PreprocessingError):
        Preparation.from_dict(plain)


@given(images(channels=(3,), min_side=4), st.sampled_from((None, 32, 48)))
def test_a_crop_is_torchvisions(pixels, crop_from):
    """Written out after its rule: the shorter side made so long, the longer cut off, the middle."""
    height, width = pixels.shape[:2]
    scale = crop_from / min(height, width) if crop_from else max(32 / width, 24 / height)
    large = int(width * scale + 1e-6), int(height * scale + 1e-6)
    resized = Image.fromarray(pixels).resize(large, Image.Resampling.BILINEAR)
    left, top = round((large[0] - 32) / 2), round((large[1] - 24) / 2)
    expected = np.asarray(resized.crop((left, top, left + 32, top + 24)), int)
    actual = prepare(pixels, SPEC, Preparation(fit="crop", crop_from=crop_from))[0]
    assert np.abs(actual - expected).max() <= 2


def test_centre_crop_covers_the_input():
    pixels = np.zeros((24, 96, 3), np.uint8)
    pixels[:, 32:64] = 200
    assert (prepare(pixels, SPEC, Preparation(fit="crop")) == 200).all()
    with pytest.raises(PreprocessingError, match="choose a larger one"):
        prepare(pixels, SPEC, Preparation(fit="crop", crop_from=20))


@given(images(channels=(3,), min_side=32), RESAMPLINGS, st.data())
def test_a_region_is_what_is_cut_out_beforehand(pixels, resampling, data):
    """Of the input's size, so that nothing is interpolated; the shares are rounded, though."""
    height, width = pixels.shape[:2]
    top, left = (data.draw(st.integers(0, most)) for most in (height - 24, width - 32))
    region = (left / width, top / height, (left + 32) / width, (top + 24) / height)
    part = prepare(pixels, SPEC, Preparation(region=region, resampling=resampling))[0]
    assert np.abs(part - pixels[top : top + 24, left : left + 32]).max() <= 1


@given(images(channels=(3, 4), min_side=2), st.tuples(*[st.integers(0, 255)] * 3))
def test_the_ground_is_beside_and_behind(pixels, ground):
    alpha = np.zeros_like(pixels[..., :1])
    clear = np.concatenate([pixels[..., :3], alpha], axis=2)
    tensor = prepare(clear, SPEC, Preparation(fit="letterbox", ground=ground))
    assert (tensor == ground).all()


@given(images(), input_specs((24, 32), ("float32",), (1, 3)), st.sampled_from(("RGB", "BGR")))
def test_channels_are_where_the_input_has_them(pixels, spec, order):
    layout = input_layout(spec)
    expected = prepare(pixels, input_spec("float32", *layout.size[::-1]))[0]
    if layout.channels == 1:
        expected = expected @ np.array([[0.299], [0.587], [0.114]])
    elif order == "BGR":
        expected = expected[..., ::-1]
    if layout.is_channels_first:
        expected = expected.transpose(2, 0, 1)
    tensor = prepare(pixels, spec, Preparation(channel_order=order))
    assert tensor.shape == spec.shape
    assert np.abs(tensor[0] - expected).max() <= (layout.channels == 1)


def test_a_batch_of_channels_first():
    first = TensorSpec(0, (1, 3, 24, 32), np.dtype(np.float32))
    assert prepare_batch([WIDE, WIDE[:9]], first).shape == (2, 3, 24, 32)


@given(images(channels=(1, 3)), st.sampled_from((1.0, 255.0)), RESAMPLINGS)
def test_a_float_array_is_the_same_picture(pixels, white, resampling):
    floats = (pixels / 255 * white).astype(np.float32)
    preparation = Preparation(white=white, resampling=resampling)
    difference = prepare(floats, SPEC, preparation) - prepare(pixels, SPEC, preparation)
    assert np.abs(difference).max() <= 2


@given(st.integers(1, 90), st.sampled_from((1.0, 255.0)), RESAMPLINGS)
def test_a_float_array_keeps_its_fractions_when_it_is_resized(side, white, resampling):
    """They were rounded to whole numbers: of 0..1, nothing was left."""
    faint = np.full((side, 5, 3), 0.25, np.float32)
    tensor = prepare(faint, SPEC, Preparation(white=white, resampling=resampling))
    np.testing.assert_allclose(tensor, 0.25 * 255 / white, rtol=1e-5)


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP"])
def test_a_profile_is_converted_to_srgb(container):
    """Of one whose channels stand in another order, every colour is another."""
    pixels = np.full((16, 16, 3), (250, 120, 140), np.uint8)
    options = {"lossless": True} if container == "WEBP" else {}
    turned = encode(pixels, container, icc_profile=rgb_profile(SRGB[1:] + SRGB[:1]), **options)
    plain = encode(pixels, container, **options)
    assert np.abs(decode(turned)[5, 5].astype(int) - (140, 250, 120)).max() <= 6
    ignored = decode(turned, None, Preparation(colour_profile="ignored"))
    np.testing.assert_array_equal(ignored, decode(plain))


def test_display_p3_is_more_colourful_and_srgb_stays():
    pixels = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    wide = encode(pixels, "PNG", icc_profile=rgb_profile(DISPLAY_P3))
    red, green, blue = decode(wide)[0, 0]
    assert red > 210
    assert green < 97
    assert blue < 30
    same = encode(pixels, "PNG", icc_profile=rgb_profile(SRGB, 2.2))
    assert np.abs(decode(same)[0, 0].astype(int) - (200, 100, 50)).max() <= 5
    assert (decode(encode(pixels, "PNG", icc_profile=b"no profile")) == pixels).all()
    large = rgb_profile(DISPLAY_P3).ljust(colour._MAX_PROFILE_BYTES + 1)
    assert (decode(encode(pixels, "WEBP", lossless=True, icc_profile=large)) == pixels).all()


def test_floats_of_0_to_1_are_told_to_be_nearly_black():
    colour._warn_of_black.cache_clear()
    pixels = WIDE / np.float32(255)
    with pytest.warns(UserWarning, match=r"nearly black.*white=1") as told:
        prepare_batch([pixels, pixels, pixels], SPEC)
    assert len(told) == 1
    colour._warn_of_black.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(pixels, SPEC, Preparation(white=1))
        prepare(pixels * 255, SPEC)
        prepare(pixels * 0, SPEC)  # black is black

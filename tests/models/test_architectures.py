"""What the builders build: size, structure, names."""

import json

import pytest

from models import zoo
from models.data.fruits360 import CLASS_NAMES, SIDE

pytestmark = pytest.mark.slow
keras = pytest.importorskip("keras", reason="TensorFlow is not installed")


@pytest.fixture(scope="module")
def networks():
    return {name: row.build() for name, row in zoo.ARCHITECTURES.items()}


@pytest.fixture
def network(architecture, networks):
    return networks[architecture.name]


def _layers(network, kind):
    return [layer for layer in network.layers if type(layer) is kind]


def test_parameters_are_within_the_bound(architecture, network):
    assert network.count_params() <= architecture.bounds.parameters


def test_the_builder_is_that_of_the_committed_network(network, keras_model):
    """Layer by layer; what stands in a file is what the code says."""
    told, built = (
        [(type(layer).__name__, layer.get_config()) for layer in each.layers]
        for each in (keras_model, network)
    )
    assert json.loads(json.dumps(told, default=str)) == json.loads(json.dumps(built, default=str))


def test_one_picture_becomes_the_probabilities_of_all_classes(network):
    assert network.input_shape == (None, SIDE, SIDE, 3)
    assert network.output_shape == (None, len(CLASS_NAMES))
    assert network.layers[-1].activation is keras.activations.softmax


def test_pixels_are_scaled_in_the_graph(network):
    scaling = network.layers[1]
    assert type(scaling) is keras.layers.Rescaling
    assert (scaling.scale, scaling.offset) == (1 / 255, 0)


def test_alexnet_has_the_papers_layers(networks):
    network = networks["alexnet"]
    convolutions = _layers(network, keras.layers.Conv2D)
    assert [layer.kernel_size for layer in convolutions] == [(11, 11), (5, 5), *[(3, 3)] * 3]
    assert [layer.strides for layer in convolutions] == [(4, 4), *[(1, 1)] * 4]
    assert len(_layers(network, keras.layers.MaxPooling2D)) == 3
    assert len(_layers(network, keras.layers.Dense)) == 3


def test_alexnet_separable_differs_in_its_convolutions_and_in_nothing_else(networks):
    plain, separable = networks["alexnet"].layers, networks["alexnet_separable"].layers
    assert len(plain) == len(separable)
    shared = ("filters", "kernel_size", "strides", "padding", "use_bias", "activation", "name")
    for one, other in zip(plain, separable, strict=True):
        if type(one) is keras.layers.Conv2D:
            assert type(other) is keras.layers.SeparableConv2D
            # The replacement's own parameter: the stem has several spatial filters a colour.
            assert other.depth_multiplier == (8 if one.name == "conv1" else 1)
            assert {key: one.get_config()[key] for key in shared} == {
                key: other.get_config()[key] for key in shared
            }
        else:
            assert type(one) is type(other)
            assert one.get_config() == other.get_config()


def test_separable_convolutions_save_what_they_save_in_the_study(networks):
    plain, separable = (networks[name].count_params() for name in ("alexnet", "alexnet_separable"))
    assert 1 - separable / plain == pytest.approx(1 - 866_750 / 952_835, abs=0.015)


@pytest.mark.parametrize("side", [32, 64, 160, 224])
def test_builds_for_pictures_of_any_usual_size(architecture, network, side):
    """Small ones keep more than their share of the first layer's places: left is not right."""
    places, network = network.layers[2].output.shape[1], architecture.build((side, side, 3), 7)
    assert network.layers[2].output.shape[1] > 0.4 * places
    assert network.input_shape == (None, side, side, 3)
    assert network.output_shape == (None, 7)


def test_mobilenet_v1_is_a_stem_and_depthwise_separable_blocks(networks):
    kinds = [
        type(layer)
        for layer in networks["mobilenet_v1"].layers
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D))
    ]
    assert kinds == [keras.layers.Conv2D, *[keras.layers.DepthwiseConv2D, keras.layers.Conv2D] * 8]


def test_mobilenet_v2_has_linear_bottlenecks_and_residuals_between_them(networks):
    network = networks["mobilenet_v2"]
    for layer in network.layers:
        if layer.name.endswith("_project_norm"):
            consumers = [node.operation for node in layer._outbound_nodes]
            assert not any(isinstance(consumer, keras.layers.ReLU) for consumer in consumers)
    additions = _layers(network, keras.layers.Add)
    assert additions
    for addition in additions:
        assert len({tuple(tensor.shape) for tensor in addition.input}) == 1

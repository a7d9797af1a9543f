"""Points of the search space, and their parameters."""

from __future__ import annotations

import json

import pytest

optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
keras = pytest.importorskip("keras", reason="TensorFlow is not installed")

from models.architectures.patch_separable import Block, Shape, build  # noqa: E402
from models.search.space import Candidate, Space, parameters  # noqa: E402


@pytest.fixture
def candidates():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    space = Space()
    return [space.suggest(study.ask()) for _ in range(40)]


def test_the_count_is_that_of_the_built_network(candidates):
    for candidate in candidates[:8]:
        network = build((candidate.side, candidate.side, 3), 20, shape=candidate.shape)
        assert parameters(candidate.shape, 20) == network.count_params(), candidate


def test_no_point_has_fewer_parameters_than_the_smallest(candidates):
    fewest = parameters(Space().smallest().shape, 20)
    assert all(parameters(candidate.shape, 20) >= fewest for candidate in candidates)


def test_the_whole_space_is_explored(candidates):
    space = Space()
    assert {candidate.side for candidate in candidates} == set(space.sides)
    assert {len(candidate.shape.blocks) for candidate in candidates} == set(space.depths)
    blocks = [block for candidate in candidates for block in candidate.shape.blocks]
    assert {block.filters for block in blocks} == set(space.filters)
    assert {block.strides for block in blocks} == set(space.strides)
    assert {block.kernel_size for block in blocks} == set(space.kernel_sizes)


def test_a_candidate_survives_json(candidates):
    for candidate in candidates:
        assert Candidate.from_dict(json.loads(json.dumps(candidate.to_dict()))) == candidate


def test_a_point_can_be_asked_for_again(candidates):
    study, space = optuna.create_study(), Space()
    for candidate in candidates:
        study.enqueue_trial(space.values_of(candidate))
        assert space.suggest(study.ask()) == candidate
    assert space.values_of(Candidate(51, candidates[0].shape)) is None


def test_a_candidate_in_one_line():
    shape = Shape(5, 12, (Block(24, 2), Block(32), Block(48, 2, 5)))
    assert str(Candidate(64, shape)) == "64 px, patch 5, 12-24s2-32-48s2k5"

"""A classifier of handwritten digits with two hidden layers: NumPy for its matrices, fastact for
the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastact
from fastact.cli.common import need

Array = NDArray[Any]
Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Digits:
    """Images of 8 by 8 pixels that scikit-learn brings, their last fifth held out.

    Attributes
    ----------
    train, test : ndarray
        float32, an image per row.
    train_labels, test_labels : ndarray
    """

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array

    @classmethod
    def load(cls) -> Digits:
        """Return the images, centred.

        Returns
        -------
        Digits

        Raises
        ------
        CommandError
            Where scikit-learn is not installed.
        """
        (datasets,) = need("demo", "sklearn.datasets")
        images, labels = datasets.load_digits(return_X_y=True)
        images = (images / 8.0 - 0.6).astype(np.float32)  # of 0 to 16, about 4.8 in the mean
        count = len(images) - len(images) // 5
        return cls(images[:count], labels[:count], images[count:], labels[count:])


@dataclass(frozen=True)
class Settings:
    """How a network is trained: the same way whatever its activation.

    The noise on the images and the decay of the weights are what keeps a network of this size from
    learning the training images by heart.
    """

    hidden: tuple[int, int] = (128, 64)
    epochs: int = 30
    batch: int = 32
    rate: float = 0.01
    decay: float = 0.1
    noise: float = 0.3


class Network:
    """Weights and biases of the layers, and how to use and train them.

    Parameters
    ----------
    activation : Activation
        Of both hidden layers.
    settings : Settings
    generator : numpy.random.Generator
    """

    def __init__(
        self, activation: fastact.Activation, settings: Settings, generator: np.random.Generator
    ) -> None:
        self.activation = activation
        self.settings = settings
        self.generator = generator
        sizes = (64, *settings.hidden, 10)
        # Glorot's width: right for tanh and the identity, and near enough for the rest.
        self.weights = [
            (generator.standard_normal((n, m)) * np.sqrt(2.0 / (n + m))).astype(np.float32)
            for n, m in pairwise(sizes)
        ]
        self.biases = [np.zeros(m, np.float32) for m in sizes[1:]]

    def forward(self, images: Array, activation: Function, softmax: Function) -> Array:
        """Return the probabilities of the ten digits.

        Parameters
        ----------
        images : ndarray
        activation, softmax : callable
            fastact's or anyone's.

        Returns
        -------
        ndarray
        """
        signal = images
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            signal = activation(signal @ weight + bias)
        return softmax(signal @ self.weights[-1] + self.biases[-1])

    def gradients(self, images: Array, labels: Array) -> tuple[list[Array], list[Array]]:
        """Return the gradients of the mean cross-entropy with respect to weights and biases.

        Parameters
        ----------
        images : ndarray
        labels : ndarray

        Returns
        -------
        weights, biases : list of ndarray
        """
        signals, slopes = [images], []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            signal, slope = self.activation.value_and_derivative(signals[-1] @ weight + bias)
            signals.append(signal)
            slopes.append(slope)
        logits = signals[-1] @ self.weights[-1] + self.biases[-1]
        gradient = fastact.cross_entropy.backward(1.0, logits, labels)
        of_weights, of_biases = [signals[-1].T @ gradient], [gradient.sum(axis=0)]
        for layer in (1, 0):
            gradient = (gradient @ self.weights[layer + 1].T) * slopes[layer]
            of_weights.insert(0, signals[layer].T @ gradient)
            of_biases.insert(0, gradient.sum(axis=0))
        return of_weights, of_biases

    def train(self, images: Array, labels: Array) -> Iterator[int]:
        """Train by Adam with decoupled weight decay and a rate that falls to zero.

        Parameters
        ----------
        images : ndarray
        labels : ndarray

        Yields
        ------
        int
            The epoch that has ended.
        """
        settings = self.settings
        tensors = [*self.weights, *self.biases]
        means = [np.zeros_like(tensor) for tensor in tensors]
        squares = [np.zeros_like(tensor) for tensor in tensors]
        steps = settings.epochs * -(-len(images) // settings.batch)
        step = 0
        for epoch in range(settings.epochs):
            order = self.generator.permutation(len(images))
            for start in range(0, len(images), settings.batch):
                chosen = order[start : start + settings.batch]
                noise = self.generator.standard_normal((len(chosen), images.shape[1]), np.float32)
                noisy = images[chosen] + np.float32(settings.noise) * noise
                of_weights, of_biases = self.gradients(noisy, labels[chosen])
                rate = settings.rate * (1.0 - step / steps)
                step += 1
                for weight in self.weights:
                    weight *= np.float32(1.0 - rate * settings.decay)
                scale = np.float32(rate * np.sqrt(1.0 - 0.999**step) / (1.0 - 0.9**step))
                for tensor, gradient, mean, square in zip(
                    tensors, [*of_weights, *of_biases], means, squares, strict=True
                ):
                    mean += np.float32(0.1) * (gradient - mean)
                    square += np.float32(0.001) * (gradient * gradient - square)
                    tensor -= scale * mean / (np.sqrt(square) + np.float32(1e-8))
            yield epoch

    def accuracy(self, images: Array, labels: Array) -> float:
        """Return the part of the images whose most probable digit is the right one.

        Parameters
        ----------
        images : ndarray
        labels : ndarray

        Returns
        -------
        float
        """
        probabilities = self.forward(images, self.activation, fastact.softmax)
        return float((probabilities.argmax(axis=1) == labels).mean())

"""The activation functions one by one, in small programs: python examples/article.py."""

from __future__ import annotations

import numpy as np

import fastact as fa


def title(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'-' * len(text)}")


def table(columns: dict[str, np.ndarray]) -> None:
    """Print arrays side by side under their names."""
    width = max(12, *(len(name) + 2 for name in columns))
    print("".join(f"{name:>{width}}" for name in columns))
    for row in zip(*columns.values(), strict=True):
        print("".join(f"{value:>{width}.6g}" for value in row))


def sigmoid() -> None:
    """Show a sigmoid that has no overflow and no zeros."""
    title("sigmoid(x) = 1/(1 + exp(-x))")
    x = np.linspace(-100, 100, 10, dtype=np.float32)
    y = fa.sigmoid(x)
    table({"x": x, "sigmoid(x)": y, "derivative": fa.sigmoid.derivative(x)})
    print(f"At -100 it is {y[0]:.3g}: small, but not 0, in float32 as well.")


def tanh() -> None:
    """Show tanh, which is a sigmoid stretched."""
    title("tanh(x) = 2 sigmoid(2x) - 1")
    x = np.linspace(-10, 10, 10)
    y = fa.tanh(x)
    stretched = 2 * fa.sigmoid(2 * x) - 1
    table({"x": x, "tanh(x)": y, "2 sigmoid(2x) - 1": stretched})
    print(f"They differ by {np.abs(y - stretched).max():.1g} at most.")


def relu() -> None:
    """Show relu and relu6, which overwrite their argument if they are told to."""
    title("relu(x) = max(x, 0), relu6(x) = min(relu(x), 6)")
    x = np.linspace(-1, 1, 10)
    table({"x": x, "relu(x)": fa.relu(x), "derivative": fa.relu.derivative(x)})
    x = np.linspace(-5, 10, 20)
    fa.relu6(x, out=x)
    print("\nrelu6 of twenty points from -5 to 10, in place:")
    print(np.array2string(x, precision=2, max_line_width=78))


def leaky_relu() -> None:
    """Show leaky_relu with one slope, with several, and in its other form."""
    title("leaky_relu(x, slope) = x for x > 0, slope x elsewhere")
    print(f"leaky_relu(4.0, 2) = {fa.leaky_relu(4.0, 2)}")
    x = np.array([-3.0, -0.5, 0.0, 2.0])
    for slope in (0.2, 0.01, 2):
        by_absolute_value = 0.5 * (1 + slope) * x + 0.5 * (1 - slope) * np.abs(x)
        print(f"\nslope {slope}")
        table(
            {
                "x": x,
                "leaky_relu": fa.leaky_relu(x, slope),
                "by |x|": by_absolute_value,
                "max(x, slope x)": np.maximum(x, slope * x),
            }
        )
    print("\n(The maximum is the same for slopes up to 1.)")
    images = -np.ones((2, 3, 4, 4))
    slopes = np.array([0.1, 0.2, 0.3]).reshape(3, 1, 1)
    print("A slope per channel (PReLU), of three channels that are all -1:")
    print(fa.leaky_relu(images, slopes)[0, :, 0, 0])


def elu() -> None:
    """Show elu over a wide range."""
    title("elu(x, alpha) = x for x > 0, alpha (exp(x) - 1) elsewhere")
    x = np.linspace(-50, 50, 50)
    y = fa.elu(x, alpha=0.5)
    some = [0, 10, 22, 23, 24, 25, 26, 49]
    table({"x": x[some], "elu(x, 0.5)": y[some], "derivative": fa.elu.derivative(x, 0.5)[some]})


def swish_and_mish() -> None:
    """Show the two that are not monotonic."""
    title("swish(x) = x sigmoid(x), mish(x) = x tanh(log(1 + exp(x)))")
    x = np.linspace(-5, 5, 11)
    table({"x": x, "swish(x)": fa.swish(x), "swish(x, 5)": fa.swish(x, 5), "mish(x)": fa.mish(x)})


def softmax() -> None:
    """Show softmax of a list, of integers, and along each axis."""
    title("softmax(x) = exp(x)/sum(exp(x))")
    p = fa.softmax([3.0, 1.0, 2.0])
    print(f"softmax([3.0, 1.0, 2.0]) = {p.round(6)}, the sum is {p.sum():.15g}")
    rows = np.array([[1, 2, 3, 4], [1, 2, 3, 4]])
    print(f"\nof the integers\n{rows}\nalong the rows\n{fa.softmax(rows).round(6)}")
    print(f"and along the columns\n{fa.softmax(rows, axis=0)}")
    cube = np.arange(24.0).reshape(2, 3, 4)
    print("\nof a 2 x 3 x 4 array, sums along the axis of softmax:")
    for axis in range(3):
        sums = fa.softmax(cube, axis=axis).sum(axis)
        print(f"  axis {axis}: {sums.size} sums, from {sums.min():.15g} to {sums.max():.15g}")


if __name__ == "__main__":
    for program in (sigmoid, tanh, relu, leaky_relu, elu, swish_and_mish, softmax):
        program()

"""The catalogue: one row per activation, function of rows or gated function, the one place where
Python knows them.

Tests, documentation, stubs, benchmarks and plots walk these rows; nothing else in Python names an
activation.  The module imports nothing of fastact, so every tool can read it.

A formula is a Python expression in x, the parameters, pi and the functions abs, sqrt, exp, expm1,
log1p, tanh and erfc of an arbitrary-precision library: it is what the tests take as the truth, and
written so that nothing cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation: a scalar, or an array that broadcasts with x."""

    name: str
    default: float
    summary: str
    domain: str = "any number"  # or "positive", or "not negative"
    shown: tuple[float, ...] = ()  # to plot, the most telling first; none: the default
    measured: tuple[float, ...] = ()  # where the error is measured, besides the default

    @property
    def least(self) -> float:
        """What it may not be less than; if positive, nor equal to."""
        return -math.inf if self.domain == "any number" else 0.0

    def takes(self, value: float) -> bool:
        """Return whether a number, other than NaN, is one that it may be.

        Parameters
        ----------
        value : float

        Returns
        -------
        bool
        """
        return value > self.least if self.domain == "positive" else value >= self.least


@dataclass(frozen=True)
class Row:
    """What is to be known of one elementwise activation.

    Attributes
    ----------
    name : str
        The public name; also the stem of the C functions.
    summary : str
        One line, without a full stop at its end.
    formula : str
        f(x) as a Python expression.
    derivative : str
        f'(x) as people read it.
    at_infinity : tuple of str
        The limits of f at -inf and +inf, as expressions in the parameters.
    slope_at_infinity : tuple of str
        The limits of f'.
    source : str
        Where the function was introduced.
    max_ulp : dict
        The bound of the error, in units in the last place, by dtype and "value" or "derivative",
        on every instruction set.
    parameters : tuple of Parameter
    kinks : dict
        Points where f or f' jumps or bends, and the value that fastact gives f' there: both as
        expressions in the parameters.
    ascending : bool
        Whether a parameter may not be larger than the one after it.
    cost : str
        "cheap" or "exponential": how much arithmetic an element takes.
    keeps_integers : bool
        Whether integers come out as integers rather than as float64.
    notes : str
        What else a user should know.
    use : str
        What it is used for, and what speaks against it.
    plot_range : tuple of float
        The interval of x in which there is something to see.
    aliases : tuple of str
        Other names of the same object.
    variants : dict
        Keywords that choose another function of the catalogue: by keyword and value, the default
        first, its name.
    """

    name: str
    summary: str
    formula: str
    derivative: str
    at_infinity: tuple[str, str]
    slope_at_infinity: tuple[str, str]
    source: str
    max_ulp: dict[str, dict[str, float]]
    parameters: tuple[Parameter, ...] = ()
    kinks: dict[str, str] = field(default_factory=dict)
    ascending: bool = False
    cost: str = "exponential"
    keeps_integers: bool = False
    notes: str = ""
    use: str = ""
    plot_range: tuple[float, float] = (-6.0, 6.0)
    aliases: tuple[str, ...] = ()
    variants: dict[str, dict[str, str]] = field(default_factory=dict)

    inputs: ClassVar[tuple[str, ...]] = ("x",)

    @property
    def operations(self) -> dict[str, str]:
        """What each operation is, as people read it, by its name."""
        return {
            "value": self.formula,
            "derivative": self.derivative,
            "backward": f"grad*({self.derivative})",
            "value_and_derivative": f"({self.formula}, {self.derivative})",
        }

    def parameter_sets(self) -> list[dict[str, float]]:
        """Return the sets of parameters at which the error is measured.

        Returns
        -------
        list of dict
            The defaults, and in turn every other value that is listed for a parameter.
        """
        defaults = {p.name: p.default for p in self.parameters}
        return [defaults] + [
            {**defaults, p.name: value} for p in self.parameters for value in p.measured
        ]

    def kinks_at(self, parameters: dict[str, float]) -> dict[float, float]:
        """Return the points where f or f' jumps, and what fastact gives for f' there.

        Parameters
        ----------
        parameters : dict
            Values by name.

        Returns
        -------
        dict
        """
        return {
            self.evaluate(point, parameters): self.evaluate(slope, parameters)
            for point, slope in self.kinks.items()
        }

    @staticmethod
    def evaluate(expression: str, parameters: dict[str, float]) -> float:
        """Return the value of a limit, a kink or the slope at one.

        Parameters
        ----------
        expression : str
            As the row has it.
        parameters : dict
            Values by name.

        Returns
        -------
        float
        """
        return float(eval(expression, {"__builtins__": {}}, {**parameters, "inf": math.inf}))

    def bound(self, dtype: str, operation: str) -> float:
        """Return the bound of the error of an operation.

        Parameters
        ----------
        dtype : str
        operation : str
            "value", "derivative", "backward" or "value_and_derivative".

        Returns
        -------
        float
            A backward pass adds a rounding to its derivative's error: half a unit in float64, in
            the others that of a double.
        """
        bounds = self.max_ulp[dtype]
        if operation == "value_and_derivative":
            return max(bounds["value"], bounds["derivative"])
        if operation == "backward":
            return bounds["derivative"] + (0.5 if dtype == "float64" else 0.001)
        return bounds[operation]


# The 16-bit types have room to spare: every result is the nearest number that they have.
_HALVES = {
    "float16": {"value": 0.5, "derivative": 0.5},
    "bfloat16": {"value": 0.5, "derivative": 0.5},
}

_EXACT = {
    "float32": {"value": 0.5, "derivative": 0.5},
    "float64": {"value": 0.5, "derivative": 0.5},
    **_HALVES,
}


def _bounds(value64: float, derivative64: float) -> dict[str, dict[str, float]]:
    """Bounds of a function computed through the wider working types."""
    return {
        "float32": {"value": 0.51, "derivative": 0.51},
        "float64": {"value": value64, "derivative": derivative64},
        **_HALVES,
    }


# One operation rounds after another that is exact, or all but.
_LINEAR = {
    "float32": {"value": 0.501, "derivative": 0.501},
    "float64": {"value": 0.501, "derivative": 0.501},
    **_HALVES,
}

_GELU = "D. Hendrycks and K. Gimpel, 'Gaussian Error Linear Units (GELUs)', 2016"
_MOBILENET = "A. Howard et al., 'Searching for MobileNetV3', 2019"
_SHRINKAGE = (
    "D. L. Donoho and I. M. Johnstone, 'Ideal Spatial Adaptation by Wavelet Shrinkage', 1994"
)

CATALOGUE = (
    Row(
        name="sigmoid",
        summary="The logistic function",
        formula="1/(1 + exp(-x))",
        derivative="exp(-x)/(1 + exp(-x))**2",
        at_infinity=("0", "1"),
        slope_at_infinity=("0", "0"),
        source="P.-F. Verhulst, 'Recherches mathematiques sur la loi d'accroissement de la "
        "population', 1845",
        max_ulp=_bounds(1.0, 1.0),
        aliases=("expit",),
        use="The output of a binary or multi-label classifier, and gates, as in an LSTM. In "
        "hidden layers it has been superseded: with a slope of at most 1/4 gradients shrink "
        "from layer to layer, and values that are all positive give the gradients of the next "
        "layer's weights one common sign. For a loss do not take its logarithm: that loses "
        "what the tail has.",
    ),
    Row(
        name="tanh",
        summary="The hyperbolic tangent",
        formula="tanh(x)",
        derivative="1 - tanh(x)**2",
        at_infinity=("-1", "1"),
        slope_at_infinity=("0", "0"),
        source="Y. LeCun et al., 'Efficient BackProp', 1998",
        max_ulp=_bounds(1.0, 1.0),
        plot_range=(-4.0, 4.0),
        use="Recurrent networks and small perceptrons: values around 0, and a slope of 1 there, "
        "so that a layer starts out nearly linear. In deep networks its two flat sides let "
        "gradients vanish.",
    ),
    Row(
        name="relu",
        summary="The rectified linear unit",
        formula="x if x > 0 else 0",
        derivative="1 if x > 0 else 0",
        at_infinity=("0", "inf"),
        slope_at_infinity=("0", "1"),
        source="V. Nair and G. E. Hinton, 'Rectified Linear Units Improve Restricted Boltzmann "
        "Machines', 2010",
        max_ulp=_EXACT,
        kinks={"0": "0"},
        cost="cheap",
        keeps_integers=True,
        plot_range=(-3.0, 3.0),
        use="The first choice for convolutional networks and perceptrons: nothing is cheaper, and "
        "it does not saturate for positive x. A unit whose inputs are all negative has no "
        "gradient and may never come back, above all with a large learning rate; leaky_relu "
        "and elu have no such units.",
    ),
    Row(
        name="relu6",
        summary="The rectified linear unit, capped at 6",
        formula="6 if x > 6 else x if x > 0 else 0",
        derivative="1 if 0 < x < 6 else 0",
        at_infinity=("0", "6"),
        slope_at_infinity=("0", "0"),
        source="A. Krizhevsky, 'Convolutional Deep Belief Networks on CIFAR-10', 2010",
        max_ulp=_EXACT,
        kinks={"0": "0", "6": "0"},
        cost="cheap",
        keeps_integers=True,
        plot_range=(-3.0, 9.0),
        use="Networks that are to run in 8-bit arithmetic, such as MobileNet: a bounded range is "
        "quantised well. Units can die on either side.",
    ),
    Row(
        name="leaky_relu",
        summary="The rectified linear unit with a slope for negative x",
        formula="x if x >= 0 else negative_slope*x",
        derivative="1 if x > 0 else negative_slope",
        at_infinity=("-inf*negative_slope if negative_slope else 0", "inf"),
        slope_at_infinity=("negative_slope", "1"),
        source="A. L. Maas, A. Y. Hannun and A. Y. Ng, 'Rectifier Nonlinearities Improve Neural "
        "Network Acoustic Models', 2013",
        max_ulp=_EXACT,
        parameters=(
            Parameter(
                "negative_slope",
                0.01,
                "The slope for x < 0",
                shown=(0.2, 0.01, -0.5),
                measured=(0.0, 0.2, 2.0, -2.0),
            ),
        ),
        kinks={"0": "negative_slope"},
        cost="cheap",
        notes="With one slope per channel, as an array that broadcasts, it is the parametric "
        "ReLU (PReLU). Any slope is taken, those above 1 and below 0 too.",
        plot_range=(-3.0, 3.0),
        use="Where units of relu die, and in the discriminators of generative adversarial "
        "networks. The slope is one more number to choose; for little gain where relu works.",
    ),
    Row(
        name="elu",
        summary="The exponential linear unit",
        formula="x if x >= 0 else alpha*expm1(x)",
        derivative="1 if x > 0 else alpha*exp(x)",
        at_infinity=("-alpha", "inf"),
        slope_at_infinity=("0", "1"),
        source="D.-A. Clevert, T. Unterthiner and S. Hochreiter, 'Fast and Accurate Deep Network "
        "Learning by Exponential Linear Units', 2016",
        max_ulp=_bounds(1.0, 1.0),
        parameters=(
            Parameter(
                "alpha",
                1.0,
                "Minus the limit at -inf",
                shown=(1.0, 0.5, 2.0),
                measured=(0.5, 2.0, -2.0),
            ),
        ),
        kinks={"0": "alpha"},
        plot_range=(-5.0, 3.0),
        use="Perceptrons and convolutional networks without normalisation: the mean of its values "
        "is nearer to 0 than that of relu, which speeds up learning. Costs an exponential; "
        "flat for very negative x.",
    ),
    Row(
        name="swish",
        summary="x times the sigmoid of beta x",
        formula="x/(1 + exp(-beta*x))",
        derivative="(1 + (1 + beta*x)*exp(-beta*x))/(1 + exp(-beta*x))**2",
        at_infinity=(
            "-inf if beta < 0 else -inf/2 if beta == 0 else -0.0",
            "inf if beta > 0 else inf/2 if beta == 0 else 0.0",
        ),
        slope_at_infinity=(
            "1 if beta < 0 else 0.5 if beta == 0 else 0",
            "1 if beta > 0 else 0.5 if beta == 0 else 0",
        ),
        source="P. Ramachandran, B. Zoph and Q. V. Le, 'Searching for Activation Functions', 2017",
        max_ulp=_bounds(1.0, 1.0),
        parameters=(
            Parameter(
                "beta",
                1.0,
                "0 gives x/2, a growing beta tends to relu",
                shown=(1.0, 0.25, 5.0),
                measured=(0.5, 1.702, 10.0, -1.0, 0.0),
            ),
        ),
        use="Deep convolutional networks such as EfficientNet; a beta that is learned makes "
        "anything between a line and relu of it. Costs an exponential, and is no gain in "
        "small networks.",
    ),
    Row(
        name="silu",
        summary="The sigmoid linear unit, swish with beta = 1",
        formula="x/(1 + exp(-x))",
        derivative="(1 + (1 + x)*exp(-x))/(1 + exp(-x))**2",
        at_infinity=("-0.0", "inf"),
        slope_at_infinity=("0", "1"),
        source="S. Elfwing, E. Uchibe and K. Doya, 'Sigmoid-Weighted Linear Units for Neural "
        "Network Function Approximation in Reinforcement Learning', 2018",
        max_ulp=_bounds(1.0, 1.0),
        use="Language models (in gated layers) and detectors such as YOLO; smooth, so it suits "
        "networks whose derivatives matter. Not monotone: two inputs share a value, and below "
        "its minimum the gradient points the other way.",
    ),
    Row(
        name="identity",
        summary="x itself",
        formula="x",
        derivative="1",
        at_infinity=("-inf", "inf"),
        slope_at_infinity=("1", "1"),
        source="Linear regression; the output unit of a regression network",
        max_ulp=_EXACT,
        cost="cheap",
        plot_range=(-3.0, 3.0),
        use="The output of a regression, and the baseline that shows what the other activations "
        "are worth: layers with it amount to one linear map.",
    ),
    Row(
        name="mish",
        summary="x times the hyperbolic tangent of softplus(x)",
        formula="x*tanh(log1p(exp(x)))",
        derivative="tanh(s) + x*sigmoid(x)*(1 - tanh(s)**2), s = log1p(exp(x))",
        at_infinity=("-0.0", "inf"),
        slope_at_infinity=("0", "1"),
        source="D. Misra, 'Mish: A Self Regularized Non-Monotonic Activation Function', 2020",
        max_ulp=_bounds(1.0, 1.0),
        use="Detectors such as YOLOv4. Its curve is nearly that of silu, at a higher cost.",
    ),
    Row(
        name="softplus",
        summary="The logarithm of 1 + exp(x), a smooth relu",
        formula="x + log1p(exp(-beta*x))/beta if x >= 0 else log1p(exp(beta*x))/beta",
        derivative="1/(1 + exp(-beta*x))",
        at_infinity=("0", "inf"),
        slope_at_infinity=("0", "1"),
        source="C. Dugas et al., 'Incorporating Second-Order Functional Knowledge for Better "
        "Option Pricing', 2001",
        max_ulp=_bounds(1.0, 1.0),
        parameters=(
            Parameter(
                "beta",
                1.0,
                "How soon it is the relu; a growing beta tends to that",
                domain="positive",
                shown=(1.0, 0.5, 5.0),
                measured=(10.0,),
            ),
        ),
        notes="There is no threshold beyond which it would be x itself: it is right everywhere.",
        use="Outputs that have to be positive, such as a variance or a rate, and a smooth "
        "stand-in for relu. As a hidden activation it learns no better than relu and costs "
        "more; all its values are positive.",
    ),
    Row(
        name="log_sigmoid",
        summary="The logarithm of the logistic function",
        formula="-log1p(exp(-x)) if x >= 0 else x - log1p(exp(x))",
        derivative="1/(1 + exp(x))",
        at_infinity=("-inf", "-0.0"),
        slope_at_infinity=("1", "0"),
        source="The logarithm of a probability that a logistic regression gives, its likelihood",
        max_ulp=_bounds(1.0, 1.0),
        aliases=("logsigmoid",),
        use="The loss of a binary classifier, from its logit: -log_sigmoid(z) for a positive "
        "example, -log_sigmoid(-z) for a negative one. The logarithm of a sigmoid would be "
        "-inf where this is -104.",
    ),
    Row(
        name="gelu",
        summary="The Gaussian error linear unit, x times the normal distribution's function",
        formula="x*erfc(-x/sqrt(2))/2",
        derivative="erfc(-x/sqrt(2))/2 + x*exp(-x**2/2)/sqrt(2*pi)",
        at_infinity=("-0.0", "inf"),
        slope_at_infinity=("0", "1"),
        source=_GELU,
        max_ulp=_bounds(1.5, 1.0),
        notes="Not by way of 1 + erf(x/sqrt(2)), which is 0 where gelu(-10) is -7.6e-23.",
        plot_range=(-5.0, 4.0),
        variants={"approximate": {"none": "gelu", "tanh": "gelu_tanh"}},
        use="Transformers: BERT, ViT and the encoders after them. Smooth, and near to relu away "
        "from 0. Not monotone. A network that was trained with gelu_tanh wants that, not "
        "this.",
    ),
    Row(
        name="gelu_tanh",
        summary="The approximation of gelu by a hyperbolic tangent, as in GPT-2",
        formula="x/(1 + exp(-2*sqrt(2/pi)*x*(1 + 0.044715*x**2)))",
        derivative="s + x*s*(1 - s)*2*sqrt(2/pi)*(1 + 0.134145*x**2), s = gelu_tanh(x)/x",
        at_infinity=("-0.0", "inf"),
        slope_at_infinity=("0", "1"),
        source=_GELU,
        max_ulp=_bounds(1.0, 1.0),
        notes="x*(1 + tanh(z))/2 is the same, but loses its digits where x is negative.",
        plot_range=(-5.0, 4.0),
        use="Networks that were trained with it, as GPT-2 and Gemma were (gelu_new, "
        "gelu_pytorch_tanh), and what JAX calls gelu. It differs from gelu by up to 0.0005 "
        "and is no cheaper here.",
    ),
    Row(
        name="quick_gelu",
        summary="The approximation of gelu by a sigmoid, swish with beta = 1.702",
        formula="x/(1 + exp(-1.702*x))",
        derivative="(1 + (1 + 1.702*x)*exp(-1.702*x))/(1 + exp(-1.702*x))**2",
        at_infinity=("-0.0", "inf"),
        slope_at_infinity=("0", "1"),
        source=_GELU,
        max_ulp=_bounds(1.0, 1.0),
        plot_range=(-5.0, 4.0),
        use="Networks that were trained with it, such as CLIP. It differs from gelu by up to 0.02.",
    ),
    Row(
        name="selu",
        summary="The scaled exponential linear unit, which keeps mean 0 and variance 1",
        formula="1.0507009873554805*x if x >= 0 else "
        "1.0507009873554805*(1.6732632423543772*expm1(x))",
        derivative="1.0507009873554805 if x > 0 else "
        "1.0507009873554805*(1.6732632423543772*exp(x))",
        at_infinity=("-1.0507009873554805*1.6732632423543772", "inf"),
        slope_at_infinity=("0", "1.0507009873554805"),
        source="G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, 'Self-Normalizing Neural "
        "Networks', 2017",
        max_ulp=_bounds(1.0, 1.0),
        kinks={"0": "1.0507009873554805*1.6732632423543772"},
        plot_range=(-5.0, 3.0),
        use="Deep perceptrons without normalisation, with weights of variance 1/n and alpha "
        "dropout: mean and variance then keep themselves. With other initialisations, or "
        "with normalisation layers, elu does as well.",
    ),
    Row(
        name="celu",
        summary="The exponential linear unit whose slope does not jump",
        formula="x if x >= 0 else alpha*expm1(x/alpha)",
        derivative="1 if x >= 0 else exp(x/alpha)",
        at_infinity=("-alpha", "inf"),
        slope_at_infinity=("0", "1"),
        source="J. T. Barron, 'Continuously Differentiable Exponential Linear Units', 2017",
        max_ulp=_bounds(1.0, 1.0),
        parameters=(
            Parameter(
                "alpha",
                1.0,
                "Minus the limit at -inf",
                domain="positive",
                shown=(1.0, 0.5, 2.0),
                measured=(0.3,),
            ),
        ),
        plot_range=(-5.0, 3.0),
        use="Where elu is used with an alpha other than 1: its slope does not jump at 0.",
    ),
    Row(
        name="softsign",
        summary="x over one plus its magnitude",
        formula="x/(1 + abs(x))",
        derivative="1/(1 + abs(x))**2",
        at_infinity=("-1", "1"),
        slope_at_infinity=("0", "0"),
        source="D. L. Elliott, 'A Better Activation Function for Artificial Neural Networks', 1993",
        max_ulp=_bounds(1.0, 1.0),
        cost="cheap",
        plot_range=(-10.0, 10.0),
        use="A cheaper tanh whose tails are long: gradients fade by the square of x, not "
        "exponentially. It nears its limits so slowly that outputs of exactly 1 are out of "
        "reach.",
    ),
    Row(
        name="hard_sigmoid",
        summary="The sigmoid by three straight lines",
        formula="1 if x > width/2 else (x + width/2)/width if x > -width/2 else 0",
        derivative="1/width if -width/2 < x < width/2 else 0",
        at_infinity=("0 if width < inf else 0.5", "1 if width < inf else 0.5"),
        slope_at_infinity=("0", "0"),
        source=_MOBILENET + "; with a width of 5, M. Courbariaux, Y. Bengio and J.-P. David, "
        "'BinaryConnect', 2015",
        max_ulp=_LINEAR,
        parameters=(
            Parameter(
                "width",
                6.0,
                "The length of the interval in which it rises",
                domain="positive",
                shown=(6.0, 5.0, 2.0),
                measured=(5.0,),
            ),
        ),
        kinks={"-width/2": "0", "width/2": "0"},
        cost="cheap",
        aliases=("hardsigmoid",),
        use="Gates in networks for small processors, such as MobileNetV3 and quantised LSTMs. "
        "No gradient beyond half the width on either side. A width of 5 gives 0.2*x + 0.5, as ONNX "
        "and old versions of Keras have it.",
    ),
    Row(
        name="hard_swish",
        summary="x times hard_sigmoid(x)",
        formula="x if x > 3 else x*(x + 3)/6 if x > -3 else 0",
        derivative="1 if x >= 3 else (2*x + 3)/6 if x > -3 else 0",
        at_infinity=("0", "inf"),
        slope_at_infinity=("0", "1"),
        source=_MOBILENET,
        max_ulp=_bounds(1.0, 1.0),
        kinks={"-3": "0", "3": "1"},
        cost="cheap",
        aliases=("hardswish",),
        use="MobileNetV3 and others for small processors: nearly silu without an exponential. "
        "Units die below -3.",
    ),
    Row(
        name="hard_tanh",
        summary="x between two bounds",
        formula="max_val if x > max_val else min_val if min_val > x else x",
        derivative="1 if min_val < x < max_val else 0",
        at_infinity=("min_val", "max_val"),
        slope_at_infinity=("1 if min_val == -inf else 0", "1 if max_val == inf else 0"),
        source="R. Collobert, 'Large Scale Machine Learning', 2004",
        max_ulp=_EXACT,
        parameters=(
            Parameter("min_val", -1.0, "The lower bound", shown=(-1.0, -2.0), measured=(-2.5,)),
            Parameter("max_val", 1.0, "The upper bound, not less than the lower"),
        ),
        kinks={"min_val": "0", "max_val": "0"},
        ascending=True,
        cost="cheap",
        plot_range=(-3.0, 3.0),
        aliases=("hardtanh",),
        use="Where tanh is too dear, and to keep actions or weights within bounds. No gradient "
        "beyond the bounds.",
    ),
    Row(
        name="tanh_shrink",
        summary="x less its hyperbolic tangent",
        formula="x - tanh(x)",
        derivative="tanh(x)**2",
        at_infinity=("-inf", "inf"),
        slope_at_infinity=("1", "1"),
        source="What a shrinkage by tanh leaves, in sparse coding",
        max_ulp=_bounds(1.0, 1.5),
        plot_range=(-4.0, 4.0),
        aliases=("tanhshrink",),
        use="Sparse coding: it takes small values almost to 0 and leaves large ones almost as "
        "they are. Rare as a hidden activation, since its slope is 0 at 0.",
    ),
    Row(
        name="soft_shrink",
        summary="x drawn towards 0 by lambd",
        formula="x - lambd if x > lambd else x + lambd if -lambd > x else 0",
        derivative="1 if abs(x) > lambd else 0",
        at_infinity=("-inf", "inf"),
        slope_at_infinity=("1", "1"),
        source=_SHRINKAGE,
        max_ulp=_EXACT,
        parameters=(
            Parameter(
                "lambd", 0.5, "How far", domain="not negative", shown=(0.5, 1.5), measured=(0.1,)
            ),
        ),
        kinks={"lambd": "0", "-lambd": "0"},
        cost="cheap",
        plot_range=(-3.0, 3.0),
        aliases=("softshrink",),
        use="Sparse coding and denoising: the proximal step of an L1 penalty, as in ISTA. It "
        "moves every value towards 0, large ones too. No gradient between -lambd and lambd.",
    ),
    Row(
        name="hard_shrink",
        summary="x, or 0 where it is not beyond lambd",
        formula="x if x > lambd else x if -lambd > x else 0",
        derivative="1 if abs(x) > lambd else 0",
        at_infinity=("-inf", "inf"),
        slope_at_infinity=("1", "1"),
        source=_SHRINKAGE,
        max_ulp=_EXACT,
        parameters=(
            Parameter(
                "lambd",
                0.5,
                "The size up to which x counts as 0",
                domain="not negative",
                shown=(0.5, 1.5),
                measured=(0.1,),
            ),
        ),
        kinks={"lambd": "0", "-lambd": "0"},
        cost="cheap",
        plot_range=(-3.0, 3.0),
        aliases=("hardshrink",),
        use="Denoising by a threshold, where large values are to stay as they are. It jumps, so "
        "small changes of an input may change an output by lambd. No gradient between "
        "-lambd and lambd.",
    ),
    Row(
        name="threshold",
        summary="x where it is beyond a threshold, else a value",
        formula="x if x > threshold else value",
        derivative="1 if x > threshold else 0",
        at_infinity=("value", "inf"),
        slope_at_infinity=("0", "1"),
        source="K. Konda, R. Memisevic and D. Krueger, 'Zero-bias Autoencoders and the Benefits of "
        "Co-adapting Features', 2015",
        max_ulp=_EXACT,
        parameters=(
            Parameter(
                "threshold", 1.0, "What x has to be beyond", shown=(1.0, -1.0), measured=(-0.1,)
            ),
            Parameter("value", 0.0, "What takes the place of x elsewhere", measured=(20.0,)),
        ),
        kinks={"threshold": "0"},
        cost="cheap",
        plot_range=(-3.0, 3.0),
        use="Pruning of small activations, and relu with another point to switch at. It jumps "
        "unless the value is the threshold; no gradient below.",
    ),
    Row(
        name="squareplus",
        summary="A smooth relu without an exponential",
        formula="(x + sqrt(x**2 + b))/2 if x >= 0 else b/(sqrt(x**2 + b) - x)/2",
        derivative="(1 + x/sqrt(x**2 + b))/2",
        at_infinity=("0", "inf"),
        slope_at_infinity=("0", "1"),
        source="J. T. Barron, 'Squareplus: A Softplus-Like Algebraic Rectifier', 2021",
        max_ulp=_bounds(1.0, 1.0),
        parameters=(
            Parameter(
                "b",
                4.0,
                "How wide the bend at 0 is: f(0) = sqrt(b)/2; 0 gives the relu",
                domain="not negative",
                shown=(4.0, 1.0, 0.1),
                measured=(0.1,),
            ),
        ),
        cost="cheap",
        use="A softplus of additions and a square root, without an exponential; positive like "
        "it. Its tails near their lines as 1/x, more slowly than softplus's.",
    ),
    Row(
        name="relu_squared",
        summary="The square of the rectified linear unit",
        formula="x**2 if x > 0 else 0",
        derivative="2*x if x > 0 else 0",
        at_infinity=("0", "inf"),
        slope_at_infinity=("0", "inf"),
        source="D. R. So et al., 'Primer: Searching for Efficient Transformers for Language "
        "Modeling', 2021",
        max_ulp=_LINEAR,
        kinks={"0": "0"},
        cost="cheap",
        plot_range=(-3.0, 3.0),
        aliases=("relu2",),
        use="Language models, for sparse activations (Primer, Nemotron). It grows as the "
        "square, so normalise before it and mind the range of float16, which ends at x = "
        "255.",
    ),
)


@dataclass(frozen=True)
class RowFunction:
    """What is to be known of one function of rows, which normalises along axes.

    Attributes
    ----------
    name : str
        The public name.
    summary : str
        One line, without a full stop at its end.
    operations : dict
        What the value and each gradient is, as people read it, by the name of the operation; p is
        softmax(x) unless it says otherwise, y what the function returned.
    example : dict
        By the name of the operation, the arguments of a call that tells something.
    source : str
        Where the function was introduced.
    max_ulp : dict
        The bound of the value's error in units in the last place, by dtype.
    computed_as : str
        The function whose kernels serve it.
    notes : str
        What else a user should know.
    use : str
        What it is used for, and what speaks against it.
    shown : bool
        Whether the command line draws and times it.
    reduces : bool
        Whether the value is one element a row.
    """

    name: str
    summary: str
    operations: dict[str, str]
    example: dict[str, str]
    source: str
    max_ulp: dict[str, float]
    computed_as: str
    notes: str = ""
    use: str = ""
    shown: bool = False
    reduces: bool = False

    @property
    def formula(self) -> str:
        """The value as people read it."""
        return self.operations["value"]


_ROW_BOUNDS = {"float16": 0.51, "bfloat16": 0.51, "float32": 0.51, "float64": 4.0}

_BOLTZMANN = (
    "L. Boltzmann, 'Studien ueber das Gleichgewicht der lebendigen Kraft zwischen bewegten "
    "materiellen Punkten', 1868; J. S. Bridle, 'Probabilistic Interpretation of Feedforward "
    "Classification Network Outputs', 1990"
)

ROW_CATALOGUE = (
    RowFunction(
        name="softmax",
        summary="The exponentials of x over their sum: probabilities",
        operations={
            "value": "exp(x - max(x))/sum(exp(x - max(x)))",
            "backward": "p*(grad - sum(p*grad))",
            "backward_from_output": "y*(grad - sum(y*grad))",
        },
        example={
            "value": "[3.0, 1.0, 2.0]",
            "backward": "[1.0, 0.0], [0.0, 0.0]",
            "backward_from_output": "[1.0, 0.0], [0.5, 0.5]",
        },
        source=_BOLTZMANN,
        max_ulp=_ROW_BOUNDS,
        computed_as="softmax",
        notes="A row with NaN or +inf, or of -inf alone, gives NaN.",
        shown=True,
        use="The output of a classifier, and the weights of attention. For a loss take "
        "cross_entropy of the logits: the logarithm of a softmax loses what is improbable.",
    ),
    RowFunction(
        name="log_softmax",
        summary="The logarithm of softmax, not by way of softmax: right where that is near 1 or 0",
        operations={
            "value": "x - max(x) - log(sum(exp(x - max(x))))",
            "backward": "grad - p*sum(grad)",
            "backward_from_output": "grad - exp(y)*sum(grad)",
        },
        example={
            "value": "[20.0, 0.0]",
            "backward": "[1.0, 0.0], [0.0, 0.0]",
            "backward_from_output": "[0.0, 2.0], [-0.0, -800.0]",
        },
        source=_BOLTZMANN,
        max_ulp=_ROW_BOUNDS,
        computed_as="log_softmax",
        notes="A row with NaN or +inf, or of -inf alone, gives NaN.",
        use="Likelihoods: scores of sequences, losses, distillation.",
    ),
    RowFunction(
        name="softmin",
        summary="softmax of -x",
        operations={
            "value": "exp(min(x) - x)/sum(exp(min(x) - x))",
            "backward": "-p*(grad - sum(p*grad)), p = softmin(x)",
        },
        example={"value": "[3.0, 1.0, 2.0]", "backward": "[1.0, 0.0], [0.0, 0.0]"},
        source=_BOLTZMANN,
        max_ulp=_ROW_BOUNDS,
        computed_as="softmax",
        notes="A row with NaN or -inf, or of +inf alone, gives NaN.",
        use="Weights from distances or energies, the smaller the heavier.",
    ),
    RowFunction(
        name="logsumexp",
        summary="The logarithm of the sum of exponentials: a smooth maximum",
        operations={
            "value": "max(x) + log(sum(exp(x - max(x))))",
            "backward": "grad*p",
        },
        example={"value": "[1000.0, 1000.0]", "backward": "2.0, [0.0, 0.0]"},
        source=_BOLTZMANN,
        max_ulp=_ROW_BOUNDS,
        computed_as="logsumexp",
        reduces=True,
        notes="Of nothing, and of -inf alone, it is -inf; of a row with +inf it is +inf, unless "
        "there is a NaN. In float64 the bound is one of max(x) and the logarithm, whose sum may be "
        "nearer to 0 than both.",
        use="Normalising in logarithms, and a maximum with a gradient for every element.",
    ),
    RowFunction(
        name="sparsemax",
        summary="The nearest probabilities to x, most of them 0 where x is spread out",
        operations={
            "value": "max(x - t, 0), t such that the sum is 1",
            "backward": "grad - mean(grad where y > 0) where y > 0 else 0, y = sparsemax(x)",
            "backward_from_output": "grad - mean(grad where y > 0) where y > 0 else 0",
        },
        example={
            "value": "[2.0, 1.75, 0.0]",
            "backward": "[1.0, 0.0, 5.0], [2.0, 1.75, 0.0]",
            "backward_from_output": "[1.0, 0.0, 5.0], [0.625, 0.375, 0.0]",
        },
        source="A. F. T. Martins and R. F. Astudillo, 'From Softmax to Sparsemax: A Sparse Model "
        "of Attention and Multi-Label Classification', 2016",
        max_ulp={"float16": 0.51, "bfloat16": 0.51, "float32": 0.51, "float64": 1.0},
        computed_as="sparsemax",
        notes="A row with NaN or +inf, or of -inf alone, gives NaN. What is at the threshold t is "
        "exactly 0, and what is right above it may be off by 1e-27 more than the bound says.",
        use="Attention that is to look at a few places only, and classifiers with several labels: "
        "what is more than 1 below the maximum gets exactly 0, so that a result can be read, and "
        "stored as few numbers. What is 0 has no gradient, and so an element that should not be "
        "does not learn it; the logarithm of 0 is no loss, and training takes the sparsemax loss "
        "of the same paper instead of a cross entropy. The slope jumps where an element comes in.",
    ),
)


@dataclass(frozen=True)
class Gate:
    """What is to be known of one function of two arrays: an activation of one, times the other; or
    prelu, whose second one are weights.

    Attributes
    ----------
    name : str
        The public name; also the stem of the C functions.
    summary : str
        One line, without a full stop at its end.
    activation : str
        The function of the gate, or the one that takes the weights as its parameter.
    operations : dict
        What the value and the two gradients are, as people read it, by the name of the operation.
    example : dict
        By the name of the operation, the arguments of a call that tells something.
    source : str
        Where the function was introduced.
    max_ulp : dict
        The bound of the error of value and gradients in units in the last place, by dtype.
    arguments : str
        What it is called with.
    cost : str
        "cheap" or "exponential": how much arithmetic an element takes.
    notes : str
        What else a user should know.
    use : str
        What it is used for, and what speaks against it.
    """

    name: str
    summary: str
    activation: str
    operations: dict[str, str]
    example: dict[str, str]
    source: str
    max_ulp: dict[str, float]
    arguments: str = "gate, value"
    cost: str = "exponential"
    notes: str = ""
    use: str = ""

    # As an activation's row has them.
    inputs: ClassVar[tuple[str, ...]] = ("gate", "value")
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    variants: ClassVar[dict[str, dict[str, str]]] = {}
    ascending: ClassVar[bool] = False
    keeps_integers: ClassVar[bool] = False

    @property
    def formula(self) -> str:
        """The value as people read it."""
        return self.operations["value"]

    def bound(self, dtype: str, operation: str) -> float:
        """Return the bound of the error of an operation.

        Parameters
        ----------
        dtype : str
        operation : str
            "value" or "backward", whose bounds are the same.

        Returns
        -------
        float
        """
        return self.max_ulp[dtype]


# Of a product with a factor that is all but 1, a tie may be broken the wrong way.
_GATE_BOUNDS = {"float16": 0.501, "bfloat16": 0.501, "float32": 0.51, "float64": 1.5}
_EXACT_GATE_BOUNDS = {"float16": 0.5, "bfloat16": 0.5, "float32": 0.5, "float64": 0.5}

_SHAZEER = "N. Shazeer, 'GLU Variants Improve Transformer', 2020"

GATE_CATALOGUE = (
    Gate(
        name="glu",
        summary="The gated linear unit: the first half of x, gated by the second",
        activation="sigmoid",
        operations={
            "value": "a*sigmoid(b)",
            "backward": "(grad*sigmoid(b), grad*a*sigmoid(b)*sigmoid(-b))",
        },
        example={"value": "[1.0, 2.0, 0.0, 3.0]", "backward": "[1.0, 1.0], [1.0, 2.0, 0.0, 3.0]"},
        source="Y. N. Dauphin, A. Fan, M. Auli and D. Grangier, 'Language Modeling with Gated "
        "Convolutional Networks', 2017",
        max_ulp=_GATE_BOUNDS,
        arguments="x, axis=-1",
        notes="a and b are the first and second half of x along the axis, read where they are; the "
        "gate is the second, as in PyTorch, JAX and Keras.",
        use="Convolutional networks of sequences, and feed-forward layers: a path without a curve, "
        "on which gradients do not fade, and another that says how much of it passes. It halves "
        "the width, so the layer before it needs twice as many weights.",
    ),
    Gate(
        name="swiglu",
        summary="A value, gated by silu",
        activation="silu",
        operations={
            "value": "silu(gate)*value",
            "backward": "(grad*value*silu'(gate), grad*silu(gate))",
        },
        example={"value": "[1.0, -2.0], 3.0", "backward": "1.0, [1.0, -2.0], [3.0, 3.0]"},
        source=_SHAZEER,
        max_ulp=_GATE_BOUNDS,
        notes="A packed array has its gate in the first half in some models and in the second in "
        "others: `swiglu(x[..., :d], x[..., d:])` or `swiglu(x[..., d:], x[..., :d])`, whose views "
        "are read where they are.",
        use="The feed-forward layers of language models such as Llama, where it has taken the "
        "place of gelu. Three matrices instead of two, so at the same size a narrower layer.",
    ),
    Gate(
        name="geglu",
        summary="A value, gated by gelu",
        activation="gelu",
        operations={
            "value": "gelu(gate)*value",
            "backward": "(grad*value*gelu'(gate), grad*gelu(gate))",
        },
        example={"value": "[1.0, -2.0], 3.0", "backward": "1.0, [1.0, -2.0], [3.0, 3.0]"},
        source=_SHAZEER,
        max_ulp=_GATE_BOUNDS,
        notes="gelu is the exact one, by the normal distribution.",
        use="As swiglu, in T5 version 1.1 and in diffusion models; a little dearer.",
    ),
    Gate(
        name="reglu",
        summary="A value, gated by relu",
        activation="relu",
        operations={
            "value": "relu(gate)*value",
            "backward": "(grad*value*relu'(gate), grad*relu(gate))",
        },
        example={"value": "[1.0, -2.0], 3.0", "backward": "1.0, [1.0, -2.0], [3.0, 3.0]"},
        source=_SHAZEER,
        max_ulp=_EXACT_GATE_BOUNDS,
        cost="cheap",
        notes="Where the gate is 0 or less it is off: both gradients are 0, whatever grad and the "
        "value are, and an infinite value comes to 0.",
        use="As swiglu, without an exponential and with exact zeros; gates can die.",
    ),
    Gate(
        name="prelu",
        summary="leaky_relu with slopes that are learned, one for all or one for each channel",
        activation="leaky_relu",
        operations={
            "value": "x if x >= 0 else weight*x",
            "backward": "(grad*(1 if x > 0 else weight), sum(grad*x if x < 0 else 0))",
        },
        example={
            "value": "[[-1.0, -1.0, 2.0]], [0.5, 0.25, 0.5]",
            "backward": "1.0, [[-1.0, -2.0, 2.0]], [0.5, 0.25, 0.5]",
        },
        source="K. He, X. Zhang, S. Ren and J. Sun, 'Delving Deep into Rectifiers: Surpassing "
        "Human-Level Performance on ImageNet Classification', 2015",
        max_ulp=_EXACT_GATE_BOUNDS,
        arguments="x, weight, axis=1",
        cost="cheap",
        notes="The weights run along axis 1, that of the channels in (batch, channels, ...), "
        "unless another is named; never along the last by accident. Each weight's gradient is "
        "added up in double or better, to the same bits for any layout and number of threads.",
        use="Convolutional networks whose slopes are to be learned too, for a few more weights. "
        "Start from 0.25, and let no weight decay pull them to 0.",
    ),
)

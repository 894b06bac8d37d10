"""The catalogue: one row per activation or function of rows, the one place where Python knows them.

Tests, documentation, stubs, benchmarks and plots walk these rows; nothing else in Python names an
activation.  The module imports nothing of fastact, so every tool can read it.

A formula is a Python expression in x, the parameters and the functions exp, expm1, log1p, tanh of
an arbitrary-precision library: it is what the tests take as the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Parameter:
    """A parameter of an activation: a scalar, or an array that broadcasts with x."""

    name: str
    default: float
    summary: str
    shown: tuple[float, ...] = ()  # to plot, the most telling first; none: the default
    measured: tuple[float, ...] = ()  # where the error is measured, besides the default


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
        Points where f' jumps, and the value that fastact gives it there, as an expression.
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
    kinks: dict[float, str] = field(default_factory=dict)
    cost: str = "exponential"
    keeps_integers: bool = False
    notes: str = ""
    use: str = ""
    plot_range: tuple[float, float] = (-6.0, 6.0)
    aliases: tuple[str, ...] = ()

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
        kinks={0.0: "0"},
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
        kinks={0.0: "0", 6.0: "0"},
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
        kinks={0.0: "negative_slope"},
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
        kinks={0.0: "alpha"},
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
        softmax(x), y what the function returned.
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
)

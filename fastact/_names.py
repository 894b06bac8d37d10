"""Activations by the names that other frameworks give them, with the parameters those take."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

#: The frameworks, in the order in which names are looked for, and what they are called as well.
FRAMEWORKS = {
    "torch": ("PyTorch", ("pytorch",)),
    "transformers": ("Hugging Face", ("huggingface", "hf")),
    "keras": ("Keras", ()),
    "jax": ("JAX", ()),
    "onnx": ("ONNX", ()),
    "fastact": ("fastact", ()),
}


@dataclass(frozen=True)
class Entry:
    """A function of fastact's and what others call it.

    Attributes
    ----------
    function : str
        The function's name in fastact; "" for one that there is none of.
    names : dict of str to str
        By framework its names there, separated by spaces.
    parameters : dict of str to float
        The default values of the parameters in these frameworks.
    remark : str
        What one has to know.
    instead : str
        Of a function that fastact lacks, the expression that stands for it.
    """

    function: str
    names: dict[str, str]
    parameters: dict[str, float] = field(default_factory=dict)
    remark: str = ""
    instead: str = ""


def _of(
    function: str,
    torch: str = "",
    keras: str = "",
    jax: str = "",
    onnx: str = "",
    transformers: str = "",
    remark: str = "",
    instead: str = "",
    **parameters: float,
) -> Entry:
    names = {
        "torch": torch,
        "transformers": transformers,
        "keras": keras,
        "jax": jax,
        "onnx": onnx,
    }
    return Entry(function, {k: v for k, v in names.items() if v}, parameters, remark, instead)


# As they are in torch 2.13, transformers 5.24, Keras 3.15, JAX 0.10 and ONNX opset 28. Spellings
# that differ in capitals and underscores alone stand here once, unless they mean different things:
# then a class (Keras's LeakyReLU) has an entry of its own, and only its exact spelling finds it.
_ELSEWHERE = (
    _of("sigmoid", "sigmoid Sigmoid", "sigmoid", "sigmoid", "Sigmoid", "sigmoid"),
    _of("tanh", "tanh Tanh", "tanh", "tanh", "Tanh", "tanh"),
    _of("relu", "relu ReLU", "relu ReLU", "relu", "Relu", "relu"),
    _of("relu6", "relu6 ReLU6", "relu6", "relu6", "", "relu6"),
    _of("relu_squared", transformers="relu2"),
    _of(
        "leaky_relu",
        "leaky_relu LeakyReLU",
        jax="leaky_relu",
        onnx="LeakyRelu",
        transformers="leaky_relu",
        negative_slope=0.01,
    ),
    _of("leaky_relu", keras="leaky_relu", negative_slope=0.2),
    _of("leaky_relu", keras="LeakyReLU", negative_slope=0.3, remark="the layer's default"),
    _of("prelu", "prelu PReLU", "PReLU", "", "PRelu", "prelu", "the weight is an argument"),
    _of("elu", "elu ELU", "elu ELU", "elu", "Elu", alpha=1.0),
    _of("selu", "selu SELU", "selu", "selu", "Selu"),
    _of("celu", "celu CELU", "celu", "celu", "Celu", alpha=1.0),
    _of("gelu", "gelu GELU", "gelu", "", "Gelu", "gelu gelu_python"),
    _of(
        "gelu_tanh",
        keras="ops.gelu",
        jax="gelu",
        transformers="gelu_new gelu_fast gelu_pytorch_tanh gelu_python_tanh gelu_accurate",
        remark="the approximation by tanh, which these take by default",
    ),
    _of("quick_gelu", transformers="quick_gelu"),
    _of("silu", "silu SiLU", "silu swish", "silu swish", "", "silu swish"),
    _of("swish", onnx="Swish", beta=1.0),
    _of("mish", "mish Mish", "mish", "mish", "Mish", "mish"),
    _of(
        "softplus",
        "softplus Softplus",
        beta=1.0,
        remark="without PyTorch's threshold, from which on that returns x",
    ),
    _of("softplus", keras="softplus", jax="softplus", onnx="Softplus", beta=1.0),
    _of("softsign", "softsign Softsign", "softsign", "soft_sign", "Softsign"),
    _of("hard_sigmoid", "hardsigmoid Hardsigmoid", "hard_sigmoid", "hard_sigmoid", width=6.0),
    _of("hard_sigmoid", onnx="HardSigmoid", width=5.0, remark="0.2x + 0.5, not x/6 + 0.5"),
    _of(
        "hard_swish",
        "hardswish Hardswish",
        "hard_swish hard_silu",
        "hard_swish hard_silu",
        "HardSwish",
        "hardswish",
    ),
    _of("hard_tanh", "hardtanh Hardtanh", "hard_tanh", "hard_tanh", min_val=-1.0, max_val=1.0),
    _of("log_sigmoid", "logsigmoid LogSigmoid", "log_sigmoid", "log_sigmoid"),
    _of("tanh_shrink", "tanhshrink Tanhshrink", "tanh_shrink"),
    _of("soft_shrink", "softshrink Softshrink", "soft_shrink", lambd=0.5),
    _of("hard_shrink", "hardshrink Hardshrink", "hard_shrink", "", "Shrink", lambd=0.5),
    _of("threshold", "threshold Threshold", "threshold", remark="no defaults: both are arguments"),
    _of("threshold", onnx="ThresholdedRelu", threshold=1.0, value=0.0),
    _of("squareplus", keras="squareplus", jax="squareplus", b=4.0),
    _of("identity", "Identity", "linear", "identity", "Identity", "linear"),
    _of("glu", "glu GLU", "glu", "glu"),
    _of("swiglu", onnx="SwiGLU", remark="of two arrays, the gate first"),
    _of("softmax", "softmax Softmax", "softmax Softmax", "softmax", "Softmax"),
    _of("log_softmax", "log_softmax LogSoftmax", "log_softmax", "log_softmax", "LogSoftmax"),
    _of("softmin", "softmin Softmin"),
    _of("logsumexp", "logsumexp"),
    _of(
        "sparsemax",
        keras="sparsemax",
        remark="that of Keras 3.15 is wrong where several elements are not 0 (keras #23425)",
    ),
    _of(
        "cross_entropy",
        "cross_entropy CrossEntropyLoss",
        remark="of logits and labels; the classes lie along the last axis, in PyTorch along axis 1",
    ),
    # What there is elsewhere only.
    _of("", "rrelu RReLU", instead="fa.leaky_relu(x, 11/48)", remark="in training it is random"),
    _of("", "Softmax2d", instead="fa.softmax(x, axis=-3)"),
    _of("", jax="logsumexp", instead="fa.logsumexp(x, axis=None)"),
    _of("", keras="exponential", instead="np.exp(x)"),
    _of(
        "",
        keras="sparse_plus",
        jax="sparse_plus",
        instead="np.where(np.abs(x) < 1, (x + 1)**2/4, fa.relu(x))",
    ),
    _of(
        "",
        keras="sparse_sigmoid",
        jax="sparse_sigmoid",
        instead="np.clip((x + 1)/2, 0, 1)",
    ),
    _of("", onnx="Hardmax", remark="1 where numpy.argmax says and 0 elsewhere"),
    _of("", transformers="gelu_10", instead="np.clip(fa.gelu(x), -10, 10)"),
    _of("", transformers="sqrtsoftplus", instead="np.sqrt(fa.softplus(x))"),
    _of("", transformers="laplace", remark="the normal distribution's function, shifted"),
    _of("", transformers="xielu", remark="a function with learned parameters"),
)


def entries() -> Iterator[Entry]:
    """Yield what is known of names: in the other frameworks, and fastact's own.

    Yields
    ------
    Entry
    """
    from fastact.catalogue import CATALOGUE, GATE_CATALOGUE, ROW_CATALOGUE

    yield from _ELSEWHERE
    for row in CATALOGUE:
        given = {parameter.name: parameter.default for parameter in row.parameters}
        yield Entry(row.name, {"fastact": " ".join((row.name, *row.aliases))}, given)
    for name in (*(row.name for row in (*ROW_CATALOGUE, *GATE_CATALOGUE)), "cross_entropy"):
        yield Entry(name, {"fastact": name})


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def find(name: str, framework: str) -> Entry | None:
    """Return the entry of a name in a framework, spelt exactly so if there is one.

    Parameters
    ----------
    name : str
    framework : str

    Returns
    -------
    Entry or None
    """
    spelt_alike = None
    for entry in entries():
        spellings = entry.names.get(framework, "").split()
        if name in spellings:
            return entry
        if spelt_alike is None and _folded(name) in map(_folded, spellings):
            spelt_alike = entry
    return spelt_alike


def provided(entry: Entry) -> Any:
    """Return the function that an entry means, its parameters fixed; None where there is none yet.

    Parameters
    ----------
    entry : Entry

    Returns
    -------
    Activation, or a function of rows
    """
    import fastact

    function = getattr(fastact, entry.function, None) if entry.function else None
    if isinstance(function, fastact.Activation):
        if not entry.parameters.keys() <= function.parameters.keys():
            return None
        return function.with_parameters(**entry.parameters) if entry.parameters else function
    return function


def names_of(function: str) -> dict[str, list[str]]:
    """Return the names by which `get` finds a function.

    Parameters
    ----------
    function : str
        Its name in fastact.

    Returns
    -------
    dict of str to list of str
        By framework.
    """
    found: dict[str, list[str]] = {}
    for entry in entries():
        if entry.function == function and provided(entry) is not None:
            for framework, names in entry.names.items():
                found.setdefault(framework, []).extend(names.split())
    return found


def _framework_of(text: str) -> str:
    for framework, (_, aliases) in FRAMEWORKS.items():
        if text.lower() in (framework, *aliases):
            return framework
    known = ", ".join(FRAMEWORKS)
    raise ValueError(f"there is no framework {text!r}; get() knows the names of {known}")


def _unknown(name: str, where: list[str]) -> ValueError:
    spellings = {
        spelling: framework
        for entry in entries()
        for framework, names in entry.names.items()
        if framework in where
        for spelling in names.split()
    }
    by_folded = {_folded(spelling): spelling for spelling in reversed(spellings)}
    near = difflib.get_close_matches(_folded(name), by_folded, n=3)
    whose = FRAMEWORKS[where[0]][0] if len(where) == 1 else "any framework"
    hint = f"; did you mean {' or '.join(repr(by_folded[n]) for n in near)}?" if near else ""
    return ValueError(f"{name!r} is not the name of an activation in {whose}{hint}")


def get(name: str, framework: str = "torch") -> Any:
    """Return a function by its name in another framework, as it is there by default.

    Names are those of functions and classes in `torch.nn`, `keras.activations` and
    `keras.layers`, `jax.nn`, of ONNX's operators and of the activations in the configurations of
    Hugging Face's models, besides fastact's own. Capitals and underscores make no difference,
    unless a framework has both spellings with different defaults, as Keras has ``leaky_relu`` and
    ``LeakyReLU``.

    Parameters
    ----------
    name : str
        The name, such as ``"SiLU"``; with a framework in front, as in ``"keras:leaky_relu"``,
        it is that framework's name and no other's.
    framework : str, default "torch"
        Whose name it is: "torch", "transformers", "keras", "jax", "onnx" or "fastact". A name that
        this framework does not have is looked for in the others, in that order.

    Returns
    -------
    Activation, or a function of rows, or cross_entropy
        An activation has its parameters fixed to the framework's default values, so that it is
        called with x alone, and pickles. What has no default there, as the weight of prelu, stays
        an argument.

    Raises
    ------
    TypeError
        For a name that is not a string.
    ValueError
        For a name that nobody has, with those that are near; for one that is known but not
        provided, with what to write instead; and for a framework that is not known.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get("SiLU")
    <activation 'silu'>
    >>> fa.get("LeakyReLU")
    <activation 'leaky_relu' with negative_slope=0.01>
    >>> fa.get("keras:leaky_relu")
    <activation 'leaky_relu' with negative_slope=0.2>
    >>> fa.get("swish", framework="onnx")
    <activation 'swish' with beta=1.0>
    """
    for what, value in (("name", name), ("framework", framework)):
        if not isinstance(value, str):
            raise TypeError(f"get() takes a {what} as a string, not {type(value).__name__}")
    prefix, colon, rest = name.rpartition(":")
    first = _framework_of(prefix if colon else framework)
    name = rest.strip()
    where = [first] if colon else [first, *(other for other in FRAMEWORKS if other != first)]
    known = [(other, entry) for other in where if (entry := find(name, other)) is not None]
    if not known:
        raise _unknown(name, where)
    # That of the framework that was asked for, although another has a function of that name that
    # fastact provides: the two may differ.
    owner, entry = known[0]
    function = provided(entry)
    if function is None:
        instead = f"; write {entry.instead} instead" if entry.instead else ""
        remark = f" ({entry.remark})" if entry.remark else ""
        raise ValueError(
            f"{name!r} of {FRAMEWORKS[owner][0]} is known, but fastact does not provide it"
            f"{instead}{remark}"
        )
    return function

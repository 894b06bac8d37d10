"""`get`: the functions of other frameworks by their names there, compared with those frameworks."""

from __future__ import annotations

import importlib.metadata
import json
import pickle

import children
import numpy as np
import pytest
from instruction_sets import once

import fastact as fa
from fastact import _names
from fastact.catalogue import CATALOGUE, ROW_CATALOGUE

pytestmark = once

PAIRS = [
    (framework, name, entry)
    for entry in _names.entries()
    for framework, names in entry.names.items()
    for name in names.split()
]
PROVIDED = [pair for pair in PAIRS if _names.provided(pair[2]) is not None]
every_provided = pytest.mark.parametrize(
    ("framework", "name", "entry"), PROVIDED, ids=[f"{f}:{n}" for f, n, _ in PROVIDED]
)

# ---- what comes of a name -----------------------------------------------------------------------


@every_provided
def test_name_gives_its_function(framework, name, entry):
    found = fa.get(f"{framework}:{name}")
    assert fa.get(name, framework) == found
    assert found.__name__ == entry.function
    if isinstance(found, fa.Activation):
        assert found.fixed == entry.parameters
        assert pickle.loads(pickle.dumps(found)) == found
        x = np.linspace(-3, 3, 7)
        np.testing.assert_array_equal(found(x), getattr(fa, entry.function)(x, **entry.parameters))
        assert found.backward(1.0, 0.5) == found.derivative(0.5)


@every_provided
def test_capitals_and_underscores_make_no_difference(framework, name, entry):
    for spelling in (name.lower(), name.upper(), name.replace("_", "")):
        found = fa.get(spelling, framework)
        assert found.__name__ == entry.function


def test_a_class_and_a_function_of_different_defaults_are_told_apart():
    assert fa.get("keras:leaky_relu").fixed == {"negative_slope": 0.2}
    assert fa.get("keras:LeakyReLU").fixed == {"negative_slope": 0.3}
    assert fa.get("keras:LEAKYRELU").fixed == {"negative_slope": 0.2}


def test_framework_is_preferred_and_a_prefix_decides():
    assert fa.get("leaky_relu").fixed == {"negative_slope": 0.01}
    assert fa.get("leaky_relu", framework="keras").fixed == {"negative_slope": 0.2}
    assert fa.get("onnx:LeakyRelu", framework="keras").fixed == {"negative_slope": 0.01}
    assert fa.get("linear", framework="torch") == fa.identity  # of which Keras has the name
    assert fa.get("expit") == fa.sigmoid
    assert fa.get("PyTorch:SiLU") == fa.get("hf:silu") == fa.silu
    with pytest.raises(ValueError, match=r"'linear' is not .* PyTorch"):
        fa.get("torch:linear")


def test_every_function_of_the_catalogue_has_its_own_name():
    for row in CATALOGUE:
        for name in (row.name, *row.aliases):
            own = fa.get(f"fastact:{name}")
            assert own.fixed == {p.name: p.default for p in row.parameters}
            assert own.__name__ == row.name
    for row in ROW_CATALOGUE:
        assert fa.get(row.name) is getattr(fa, row.name)


def test_names_are_spelt_once():
    for framework in _names.FRAMEWORKS:
        own = [(name, entry) for other, name, entry in PAIRS if other == framework]
        assert len({name for name, _ in own}) == len(own)
        for name, entry in own:
            assert _names.find(name, framework) is entry or framework == "fastact"


def test_parameters_are_those_that_the_functions_have():
    lacking = []
    for entry in _names.entries():
        function = getattr(fa, entry.function or "-", None)
        if isinstance(function, fa.Activation):
            if not entry.parameters.keys() <= function.parameters.keys():
                lacking.append(entry.names)
            elif entry.parameters:
                assert entry.parameters.keys() == function.parameters.keys(), entry
    # Where the catalogue's hard_sigmoid has its slope and offset fixed, ONNX's is another function.
    assert lacking in ([], [{"onnx": "HardSigmoid"}])


# ---- what is no name ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("rrelu", r"; write fa\.leaky_relu\(x, 11/48\) instead \(in training it is random\)"),
        ("hf:gelu_10", r"; write np\.clip\(fa\.gelu\(x\), -10, 10\) instead"),
        ("xielu", r" \(a function with learned parameters\)"),
        ("keras:exponential", r"; write np\.exp\(x\) instead"),
        ("jax:logsumexp", r"; write fa\.logsumexp\(x, axis=None\) instead"),
    ],
)
def test_known_but_not_provided(name, more):
    with pytest.raises(ValueError, match=f"known, but fastact does not provide it{more}$"):
        fa.get(name)


def test_what_stands_instead_can_be_computed():
    x = np.linspace(-3, 3, 24, dtype=np.float32).reshape(4, 3, 2)
    for entry in _names.entries():
        if entry.instead:
            assert _names.provided(entry) is None
            y = eval(entry.instead, {"np": np, "fa": fa, "x": x})
            assert np.isfinite(y).all()


def test_cross_entropy_has_its_name():
    for name in ("cross_entropy", "CrossEntropyLoss", "fastact:cross_entropy"):
        assert fa.get(name) is fa.cross_entropy


def test_functions_that_the_catalogue_lacks_become_available_by_themselves(monkeypatch):
    lacking = _names.Entry("soon", {"torch": "Soon"}, {"alpha": 0.5})
    monkeypatch.setattr(_names, "_ELSEWHERE", (*_names._ELSEWHERE, lacking))
    with pytest.raises(ValueError, match="'SOON' of PyTorch is known"):
        fa.get("SOON")
    monkeypatch.setattr(fa, "soon", fa.relu, raising=False)  # which has no alpha
    with pytest.raises(ValueError, match="'soon' of PyTorch is known"):
        fa.get("soon")
    monkeypatch.setattr(fa, "soon", fa.elu)
    assert fa.get("soon") == fa.elu.with_parameters(alpha=0.5)


def test_unknown_names_give_those_that_are_near():
    with pytest.raises(ValueError, match="did you mean 'leaky_relu'"):
        fa.get("leeky_relu")
    with pytest.raises(ValueError, match=r"in ONNX; did you mean .*'LeakyRelu'"):
        fa.get("onnx:leakyrelo")
    with pytest.raises(ValueError, match="'qqqq' is not the name of an activation in any frame"):
        fa.get("qqqq")
    with pytest.raises(ValueError, match="is not the name"):
        fa.get("")


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"no framework 'caffe'.* torch, transformers, keras, jax"):
        fa.get("relu", "caffe")
    with pytest.raises(ValueError, match="no framework 'caffe'"):
        fa.get("caffe:relu")
    for wrong in (None, fa.relu, 3):
        with pytest.raises(TypeError, match="as a string"):
            fa.get(wrong)
        with pytest.raises(TypeError, match="as a string"):
            fa.get("relu", wrong)


# ---- against the frameworks themselves ----------------------------------------------------------

# What has no default there, by fastact's name: for the framework's function, and for fastact's.
AXIS = ("softmax", "log_softmax", "softmin", "logsumexp", "sparsemax")
THRESHOLD = (0.3, -2.0)
WEIGHT = 0.25

# Each defines `function(name, of)`: a framework's function by its name, `of` fastact's name.
PROGRAMS = {
    "torch": """
import torch
version = torch.__version__
def function(name, of):
    if of == "cross_entropy" or name == "Softmax2d":
        return None  # of two inputs, of three dimensions
    axis = {"dim": -1} if of in AXIS else {}
    given = THRESHOLD if of == "threshold" else ()
    if name[0].isupper():
        module = getattr(torch.nn, name)(*given, **axis).eval()
        return lambda x: module(torch.from_numpy(x)).detach().numpy()
    if of == "prelu":
        given = (torch.tensor([WEIGHT]),)
    call = getattr(torch.nn.functional, name, None) or getattr(torch, name)
    return lambda x: call(torch.from_numpy(x), *given, **axis).numpy()
""",
    "jax": """
import jax
version = jax.__version__
def function(name, of):
    call = getattr(jax.nn, name)
    return lambda x: np.asarray(call(x))
""",
    "keras": """
import os
os.environ["KERAS_BACKEND"] = "jax"
import keras
version = keras.__version__
def function(name, of):
    given = THRESHOLD if of == "threshold" else ()
    if name == "sparsemax" and sum(keras.activations.sparsemax(np.float32([[0, 0.5, 1]]))[0]) != 1:
        return None  # keras #23425
    if name.startswith("ops."):
        call = getattr(keras.ops, name[4:])
    elif name[0].isupper():
        more = {"alpha_initializer": keras.initializers.Constant(WEIGHT)} if of == "prelu" else {}
        call = getattr(keras.layers, name)(**more)
    else:
        call = getattr(keras.activations, name)
    return lambda x: np.asarray(call(x, *given))
""",
    "transformers": """
import torch, transformers
from transformers.activations import ACT2FN
version = transformers.__version__
def function(name, of):
    call = ACT2FN[name]
    return lambda x: call(torch.from_numpy(x)).detach().numpy()
""",
    # Operators without attributes have the default ones.
    "onnx": """
import onnxruntime
from fastact.cli.peers import onnx_model
version = onnxruntime.__version__
def function(name, of):
    if name in ("PRelu", "SwiGLU"):
        return None  # of two inputs
    model = onnx_model(24 if name == "Swish" else 22, ((name, ("x",), {}),), 2)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, settings, ["CPUExecutionProvider"])
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error):
            return None
        raise
    return lambda x: session.run(None, {"x": x})[0]
""",
}

COMPARE = """
import json
import numpy as np
import fastact as fa
from fastact import _names

x = np.linspace(-8, 8, 1002, dtype=np.float32).reshape(3, -1)
compared, left_out, wrong = [], [], {}
for entry in _names.entries():
    for name in entry.names.get(FRAMEWORK, "").split():
        own = fa.get(f"{FRAMEWORK}:{name}") if _names.provided(entry) is not None else None
        if own is None and entry.instead:
            own = eval(f"lambda x: {entry.instead}")
        theirs = function(name, entry.function)  # an error for a name that is not theirs
        if own is None or theirs is None:
            left_out.append(name)
            continue
        given = {"threshold": THRESHOLD, "prelu": (np.float32([WEIGHT]),)}.get(entry.function, ())
        if getattr(own, "fixed", None):
            given = ()
        expected, got = theirs(x.copy()), own(x, *given)
        assert got.dtype == expected.dtype == np.float32, name
        assert got.shape == expected.shape, name
        # ONNX Runtime's are off by so much.
        close = np.abs(got - expected) <= 4e-6 + 1e-5 * np.abs(expected)
        compared.append(name)
        if not close.all():
            at = np.argmax(np.abs(got - expected))
            wrong[name] = [float(a.flat[at]) for a in (x, got, expected) if a.size == x.size]
print(json.dumps([version, compared, left_out, wrong]))
"""


@pytest.mark.parametrize("framework", PROGRAMS)
def test_frameworks_agree(framework, tmp_path):
    module = {"onnx": "onnxruntime"}.get(framework, framework)
    try:
        importlib.metadata.distribution(module)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{module} is not installed")
    given = f"{AXIS=}; {THRESHOLD=}; {WEIGHT=}; FRAMEWORK = {framework!r}\nimport numpy as np\n"
    program = given + PROGRAMS[framework] + COMPARE
    # Keras writes its configuration there when it is imported.
    said = children.run_child(program, KERAS_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    version, compared, left_out, wrong = json.loads(said.splitlines()[-1])
    assert wrong == {}, f"{framework} {version}"
    names = [name for other, name, _ in PAIRS if other == framework]
    assert sorted(compared + left_out) == sorted(names)
    assert len(compared) > 5

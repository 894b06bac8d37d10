"""The recipes of docs/libraries.md run, and hold for more than the page shows."""

from __future__ import annotations

import pickle
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa

pytestmark = once

PAGE = Path(__file__).parent.parent / "docs" / "libraries.md"


def sections():
    """The Python blocks of the page by the title they stand under."""
    title, *parts = re.split(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert "```python" not in title
    found = {
        name: re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {name: blocks for name, blocks in found.items() if blocks}


SECTIONS = sections()

RUN = """
import doctest
exec(compile({plain!r}, "the page", "exec"))
names = dict(globals())
test = doctest.DocTestParser().get_doctest({prompts!r}, names, "the page", None, None)
failures = []
runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
runner.run(test, out=failures.append, clear_globs=False)
assert not runner.failures, "".join(failures)
{rest}
print("fine", len(test.examples))
"""


@pytest.fixture(scope="module")
def run_section(run_python):
    """Run a section of the page in a process of its own, as these libraries start threads, and
    what a test has to add."""

    def run(title, rest=""):
        blocks = SECTIONS[title]
        for name in set(re.findall(r"^(?:>>> )?(?:import|from) (\w+)", "\n".join(blocks), re.M)):
            pytest.importorskip(name)
        plain = "\n".join(block for block in blocks if ">>>" not in block)
        prompts = "\n".join(block for block in blocks if ">>>" in block)
        printed = run_python(
            RUN.format(plain=plain, prompts=prompts, rest=textwrap.dedent(rest))
        ).splitlines()
        assert printed[-1].startswith("fine")
        assert ">>>" not in prompts or not printed[-1].endswith(" 0")

    return run


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_runs(title, run_section):
    run_section(title)


# ---- what more they hold for --------------------------------------------------------------------


SAME = """
def same(got, expected):
    got = np.asarray(got)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert got.tobytes() == expected.tobytes()
"""


def test_jax_under_its_transformations(run_section):
    rest = """
        import jax.numpy as jnp
        from jax.test_util import check_grads

        jax.config.update("jax_enable_x64", True)
        for dtype in (np.float32, np.float64):
            x = np.linspace(-3, 3, 20).astype(dtype).reshape(4, 5)
            twice = lambda x: (2 * mish(x)).sum()
            expected = fa.mish.backward(np.full_like(x, 2), x)
            both = jax.jit(jax.vmap(jax.vmap(mish)))
            for function in (mish, jax.jit(mish), jax.vmap(mish), both):
                same(function(x), fa.mish(x))
            same(jax.vmap(mish, in_axes=1, out_axes=1)(x), fa.mish(x))
            for gradient in (jax.grad(twice), jax.jit(jax.grad(twice)), jax.vmap(jax.grad(twice))):
                same(gradient(x), expected)
            value, pull = jax.vjp(mish, x)
            same(pull(jnp.asarray(x))[0], fa.mish.backward(x, x))
            same(jax.jit(mish)(np.ones(1 << 21, dtype)), fa.mish(np.ones(1 << 21, dtype)))
        check_grads(mish, (x,), order=1, modes=["rev"])
        # Given itself, an array of JAX converts itself; traced, it cannot.
        direct = fa.mish(jnp.asarray(x))
        assert type(direct) is type(np.tanh(jnp.asarray(x))) is np.ndarray
        same(direct, fa.mish(x))
        try:
            jax.jit(lambda x: fa.mish(x))(x)
        except jax.errors.TracerArrayConversionError:
            pass
        else:
            raise AssertionError
    """
    run_section("JAX", SAME + textwrap.dedent(rest))


def test_torch_memory_and_gradients(run_section):
    rest = """
        import warnings
        import numpy as np
        {SAME}
        for dtype in (torch.float16, torch.float32, torch.float64):
            t = torch.linspace(-3, 3, 24).to(dtype).reshape(4, 6)
            x = t.numpy().copy()
            same(fa.mish(np.from_dlpack(t)), fa.mish(x))
            back = torch.from_dlpack(fa.mish(x))
            assert back.dtype == dtype
            out = torch.empty_like(t)
            place = out.data_ptr()
            assert fa.elu(t.numpy(), 0.5, out=out.numpy()) is not None
            assert out.data_ptr() == place
            same(out, fa.elu(x, 0.5))
            columns = torch.empty(6, 4, dtype=dtype).T  # strides and all
            fa.mish(t.numpy(), out=columns.numpy())
            same(columns, fa.mish(x))
            wide = torch.zeros(4, 12, dtype=dtype)
            fa.mish(t.numpy(), out=wide[:, ::2].numpy())
            same(wide[:, ::2], fa.mish(x))
            assert (wide[:, 1::2] == 0).all()
            fa.relu(t.numpy(), out=t.numpy())
            same(t, fa.relu(x))
            array = x.copy()
            shared = torch.from_numpy(array)
            fa.mish(array, out=array)
            same(shared, fa.mish(x))
            p = torch.empty_like(t)
            fa.softmax(x, out=p.numpy())
            same(p, fa.softmax(x))

        # Gradients that torch hands over, expanded and transposed ones among them.
        for dtype in (torch.float32, torch.float64):
            x = torch.linspace(-3, 3, 24, dtype=dtype).reshape(4, 6).T.requires_grad_()
            grad = torch.linspace(1, 2, 4, dtype=dtype).expand(6, 4)
            Mish.apply(x).backward(grad)
            same(x.grad, fa.mish.backward(grad.numpy(), x.detach().numpy()))
            layer = torch.nn.Linear(4, 3, dtype=dtype)
            Mish.apply(layer(x.detach())).square().sum().backward()
            assert layer.weight.grad.isfinite().all()

        # Given itself: as NumPy's tanh.
        def outcome(function, *arguments):
            try:
                return type(function(*arguments))
            except Exception as error:
                return type(error)

        plain, traced = torch.ones(3), torch.ones(3, requires_grad=True)
        brain = torch.ones(3, dtype=torch.bfloat16)
        refusals = [(plain, DeprecationWarning), (traced, RuntimeError), (brain, TypeError)]
        for given, expected in refusals:
            assert outcome(fa.mish, given) is outcome(np.tanh, given) is expected
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "__array_wrap__ must accept", DeprecationWarning)
            same(fa.mish(plain), fa.mish(np.ones(3, np.float32)))
            assert type(fa.mish(plain)) is torch.Tensor
    """
    run_section("PyTorch", textwrap.dedent(rest).replace("{SAME}", SAME))


def page_names(title):
    """What a section of the page defines, in this process."""
    names = {}
    for block in SECTIONS[title]:
        exec(compile(block, str(PAGE), "exec"), names)
    return names


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["two classes", "many classes", "several labels"])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations:UserWarning")
def test_a_perceptron_of_scikit_learn(activation, kind):
    network = pytest.importorskip("sklearn.neural_network")
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    x = digits.data / 16
    y = {
        "two classes": digits.target > 4,
        "many classes": digits.target,
        "several labels": (digits.target[:, None] >> np.arange(3)) & 1,
    }[kind]
    model = network.MLPClassifier(
        (30, 20), activation=activation, learning_rate_init=0.01, max_iter=8, random_state=1
    )
    model.fit(x, y)
    got = page_names("scikit-learn")["class_probabilities"](model, x)
    expected = model.predict_proba(x)
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < 1e-12
    assert np.abs(got - got[:1]).max() > 0.01  # it has learnt something


def test_a_step_of_a_pipeline():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    base = pytest.importorskip("sklearn.base")
    pipeline = pytest.importorskip("sklearn.pipeline")
    x = np.random.default_rng(5).normal(size=(8, 3))
    steps = [
        (fa.elu, {"alpha": 0.5}, fa.elu(x, 0.5)),
        (fa.swish.with_parameters(beta=1.702), None, fa.swish(x, 1.702)),
        (fa.mish.derivative, None, fa.mish.derivative(x)),
    ]
    for function, keywords, expected in steps:
        step = preprocessing.FunctionTransformer(function, kw_args=keywords)
        whole = pipeline.make_pipeline(step)
        for one in (step, base.clone(step), pickle.loads(pickle.dumps(whole)), whole):
            got = one.fit_transform(x)
            assert got.tobytes() == expected.tobytes()

"""The array and table libraries that people use with NumPy: what their objects give back.

The values are those of the plain array, bit for bit; labels, masks, units, sparsity and laziness
are the library's, as with NumPy's own ufuncs.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from instruction_sets import once

import fastact as fa

pytestmark = once

X = np.array([-1.5, 0.0, 2.0, -0.25, 7.0, -30.0])
GRAD = np.array([1.0, 2.0, -3.0, 0.5, -0.25, 4.0])

# What is called on x, by how many inputs and outputs the ufunc behind it has.
ONE_INPUT = {
    "value": fa.sigmoid,
    "derivative": fa.mish.derivative,
    "slope": fa.silu.derivative,
    "relu": fa.relu,
}
WITH_PARAMETER = {
    "positional": lambda x: fa.elu(x, 0.5),
    "named": lambda x: fa.leaky_relu(x, negative_slope=0.2),
    "default": lambda x: fa.swish(x),
    "fixed": fa.swish.with_parameters(beta=1.702),
    "derivative": lambda x: fa.elu.derivative(x, alpha=0.5),
}
FUNCTIONS = {**ONE_INPUT, **{f"parameter {name}": f for name, f in WITH_PARAMETER.items()}}
every_function = pytest.mark.parametrize(
    "function", FUNCTIONS.values(), ids=[name.replace(" ", "-") for name in FUNCTIONS]
)


def assert_same_bits(got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert got.tobytes() == expected.tobytes()


def kind_of_failure(function, *arguments):
    """The exception of a call that a library refuses."""
    with pytest.raises(Exception) as refused:
        function(*arguments)
    return type(refused.value)


# ---- pandas -------------------------------------------------------------------------------------


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


@every_function
def test_pandas_series_and_index(pandas, function, dtype):
    x = X.astype(dtype)
    series = pandas.Series(x, index=list("fedcba"), name="logits")
    got = function(series)
    assert type(got) is pandas.Series
    assert got.name == "logits"
    assert got.index.equals(series.index)
    assert_same_bits(got.to_numpy(), function(x))
    index = function(pandas.Index(x, name="logits"))
    assert type(index) is pandas.Index
    assert index.name == "logits"
    assert_same_bits(index.to_numpy(), function(x))


@every_function
def test_pandas_frame(pandas, function):
    frame = pandas.DataFrame(X.reshape(3, 2), index=list("abc"), columns=["u", "v"])
    got = function(frame)
    assert type(got) is pandas.DataFrame
    assert got.index.equals(frame.index)
    assert got.columns.equals(frame.columns)
    assert_same_bits(got.to_numpy(), function(X.reshape(3, 2)))


def test_pandas_columns_of_different_dtypes(pandas):
    columns = {"wide": X, "narrow": X.astype(np.float32), "whole": np.arange(6)}
    frame = pandas.DataFrame(columns)
    for got in (fa.mish(frame), frame.apply(fa.mish), frame.pipe(fa.mish)):
        for name, column in columns.items():
            assert_same_bits(got[name].to_numpy(), fa.mish(column))
    # Column by column; where a call on the frame makes one dtype of them, as for each of NumPy's
    # ufuncs that have two inputs and are no operator.
    applied = frame.apply(fa.elu, alpha=0.5)
    for name, column in columns.items():
        assert_same_bits(applied[name].to_numpy(), fa.elu(column, 0.5))
    called = fa.elu(frame, alpha=0.5)
    assert list(called.dtypes) == list(np.logaddexp(frame, 0.5).dtypes) == [np.float64] * 3
    assert_same_bits(called.to_numpy(), fa.elu(frame.to_numpy(), 0.5))


def test_pandas_aligns(pandas):
    grad = pandas.Series(GRAD, index=list("abcdef"))
    x = pandas.Series(X, index=list("fedcbg"))
    got = fa.silu.backward(grad, x)
    assert got.index.equals(np.add(grad, x).index)
    both = grad.index.intersection(x.index)
    assert_same_bits(got[both], fa.silu.backward(grad[both].to_numpy(), x[both].to_numpy()))
    assert got.drop(both).isna().all()
    slopes = pandas.Series(np.abs(GRAD), index=list("fedcbg"))
    assert_same_bits(fa.leaky_relu(x, slopes), fa.leaky_relu(X, np.abs(GRAD)))


def test_pandas_two_results(pandas):
    for kind in (pandas.Series, pandas.DataFrame):
        x = kind(X, index=list("abcdef"))
        results = fa.mish.value_and_derivative(x)
        for got, expected in zip(results, fa.mish.value_and_derivative(x.to_numpy()), strict=True):
            assert type(got) is kind
            assert got.index.equals(x.index)
            assert_same_bits(got.to_numpy(), expected)


def test_pandas_out_and_where(pandas):
    series = pandas.Series(X, index=list("abcdef"))
    out = np.zeros(6)
    got = fa.elu(series, 0.5, where=series > 0, out=out)
    assert type(got) is type(np.logaddexp(series, 0.5, where=series > 0, out=np.zeros(6)))
    assert_same_bits(out, fa.elu(X, 0.5, where=X > 0, out=np.zeros(6)))
    target = series.copy()
    got = fa.relu(series, out=target)
    assert type(got) is type(np.tanh(series, out=series.copy())) is pandas.Series
    assert_same_bits(got.to_numpy(), fa.relu(X))
    assert_same_bits(target.to_numpy(), fa.relu(X))


@every_function
@pytest.mark.parametrize(
    "dtype", ["Float64", "Float32", "Int64", "double[pyarrow]", "float[pyarrow]"]
)
def test_pandas_missing_values(pandas, function, dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    x = np.round(X) if dtype == "Int64" else X
    series = pandas.Series([*x, None], dtype=dtype, index=list("abcdefg"))
    got = function(series)
    assert got.index.equals(series.index)
    assert got.isna().tolist() == [False] * 6 + [True]
    plain = series.dropna().to_numpy()
    expected = function(plain)
    assert got.dropna().to_numpy().dtype == expected.dtype
    assert_same_bits(got.dropna().to_numpy(), expected)
    assert type(got.dtype) is type(series.astype(got.dtype).dtype)  # nullable as before
    assert got.dtype.kind == expected.dtype.kind
    assert got.dtype.numpy_dtype == expected.dtype


def test_pandas_two_results_of_missing_values(pandas):
    pytest.importorskip("pyarrow")
    nullable = pandas.Series([*X, None], dtype="Float64")
    results = fa.mish.value_and_derivative(nullable)
    for got, expected in zip(results, fa.mish.value_and_derivative(X), strict=True):
        assert got.isna().tolist() == [False] * 6 + [True]
        assert_same_bits(got.dropna().to_numpy(), expected)
    # pandas has no way to wrap two results in Arrow's.
    arrow = nullable.astype("double[pyarrow]")
    assert kind_of_failure(fa.mish.value_and_derivative, arrow) is kind_of_failure(np.modf, arrow)


def test_pandas_methods_that_take_a_function(pandas):
    frame = pandas.DataFrame({"key": list("aabbab"), "x": X})
    expected = fa.elu(X, 0.5)
    for got in (
        frame["x"].pipe(fa.elu, alpha=0.5),
        frame["x"].transform(fa.elu, alpha=0.5),
        frame[["x"]].transform(fa.elu, alpha=0.5)["x"],
        frame["x"].map(fa.elu.with_parameters(alpha=0.5)),
        frame.groupby("key")["x"].transform(fa.elu, alpha=0.5),
        frame.assign(y=lambda table: fa.elu(table["x"], 0.5))["y"],
    ):
        assert_same_bits(got.to_numpy(), expected)
    # By the ufunc, which apply knows for one.
    assert_same_bits(frame["x"].apply(fa.relu.ufunc).to_numpy(), fa.relu(X))


@pytest.mark.parametrize("function", [fa.softmax, fa.log_softmax])
def test_pandas_softmax_is_along_the_rows(pandas, function):
    """A gufunc alone would be given the transposed blocks of the frame."""
    table = X.reshape(2, 3)
    frame = pandas.DataFrame(table, columns=list("abc"), index=["x", "y"])
    for keywords in ({}, {"axis": 1}, {"axis": 0}):
        got = function(frame, **keywords)
        assert type(got) is pandas.DataFrame
        assert got.index.equals(frame.index)
        assert got.columns.equals(frame.columns)
        assert_same_bits(got.to_numpy(), function(table, **keywords))
    got = function(frame["a"])
    assert type(got) is pandas.Series
    assert got.index.equals(frame.index)
    assert_same_bits(got.to_numpy(), function(table[:, 0]))


# ---- Polars -------------------------------------------------------------------------------------


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


@every_function
def test_polars_series(polars, function):
    series = polars.Series("logits", [*X, None])
    got = function(series)
    assert type(got) is polars.Series
    assert got.name == "logits"
    assert got.is_null().to_list() == [False] * 6 + [True]
    assert_same_bits(got.drop_nulls().to_numpy(), function(X))


def test_polars_single_precision(polars):
    """Polars casts to the first dtype of the ufunc's list that it can cast to."""
    single = polars.Series([1.0, None, -2.0], dtype=polars.Float32)
    for function in (fa.silu, fa.relu, fa.tanh.derivative):
        got = function(single)
        assert got.dtype == polars.Float32
        assert_same_bits(got.drop_nulls().to_numpy(), function(single.drop_nulls().to_numpy()))


@every_function
def test_polars_expressions(polars, function):
    table = polars.DataFrame({"key": list("aabbab"), "x": X}).vstack(
        polars.DataFrame({"key": ["a"], "x": [None]}, schema={"key": polars.String, "x": float})
    )
    expression = function(polars.col("x"))
    assert isinstance(expression, polars.Expr)
    for got in (
        table.select(expression),
        table.lazy().select(expression).collect(),
        table.with_columns(expression),
        table.select(expression.over("key")),
    ):
        assert got["x"].is_null().to_list() == [False] * 6 + [True]
        assert_same_bits(got["x"].drop_nulls().to_numpy(), function(X))
    schema = table.lazy().select(expression).collect_schema()
    assert schema["x"] == polars.Float64


def test_polars_two_inputs(polars):
    table = polars.DataFrame({"grad": [*GRAD, 1.0], "x": [*X, None]})
    expected = fa.silu.backward(GRAD, X)
    for got in (
        fa.silu.backward(table["grad"], table["x"]),
        table.select(fa.silu.backward(polars.col("grad"), polars.col("x")))["grad"],
        table.lazy()
        .select(fa.silu.backward(polars.col("grad"), polars.col("x")))
        .collect()["grad"],
    ):
        assert got.is_null().to_list() == [False] * 6 + [True]
        assert_same_bits(got.drop_nulls().to_numpy(), expected)
    # Polars takes no ufunc with two results.
    for x in (table["x"], polars.col("x")):
        value_and_derivative = fa.mish.value_and_derivative
        if isinstance(x, polars.Series):
            assert kind_of_failure(value_and_derivative, x) is kind_of_failure(np.modf, x)


# ---- xarray -------------------------------------------------------------------------------------


@pytest.fixture
def xarray():
    return pytest.importorskip("xarray")


def labelled(xarray, x):
    return xarray.DataArray(
        x.reshape(2, 3),
        dims=("sample", "class"),
        coords={"sample": [10, 20], "class": list("abc"), "weight": ("sample", [0.5, 1.5])},
        attrs={"units": "1"},
        name="logits",
    )


@every_function
def test_xarray(xarray, function, dtype):
    x = labelled(xarray, X.astype(dtype))
    got = function(x)
    assert type(got) is xarray.DataArray
    assert got.name == "logits"
    assert got.dims == x.dims
    assert got.coords.identical(x.coords)
    assert got.attrs == np.tanh(x).attrs
    assert_same_bits(got.to_numpy(), function(x.to_numpy()))
    table = xarray.Dataset({"logits": x, "other": x.isel(sample=0, drop=True)})
    everywhere = function(table)
    assert type(everywhere) is xarray.Dataset
    assert everywhere.coords.identical(table.coords)
    for name in table:
        assert_same_bits(everywhere[name].to_numpy(), function(table[name].to_numpy()))


def test_xarray_several_inputs_and_outputs(xarray):
    x, grad = labelled(xarray, X), labelled(xarray, GRAD)
    got = fa.silu.backward(grad, x.isel(sample=[1]))  # what they have in common
    assert got.coords["sample"].to_numpy().tolist() == [20]
    assert_same_bits(got.to_numpy(), fa.silu.backward(GRAD, X).reshape(2, 3)[1:])
    slopes = xarray.DataArray([0.1, 0.2], dims="sample")  # broadcast by name
    expected = fa.leaky_relu(X.reshape(2, 3), np.array([[0.1], [0.2]]))
    assert_same_bits(fa.leaky_relu(x, slopes).to_numpy(), expected)
    results = fa.mish.value_and_derivative(x)
    for got, expected in zip(results, fa.mish.value_and_derivative(x.to_numpy()), strict=True):
        assert type(got) is xarray.DataArray
        assert got.coords.identical(x.coords)
        assert_same_bits(got.to_numpy(), expected)


@pytest.mark.parametrize("dimension", ["class", "sample"])
def test_xarray_softmax(xarray, dimension):
    x = labelled(xarray, X)
    got = xarray.apply_ufunc(
        fa.softmax, x, input_core_dims=[[dimension]], output_core_dims=[[dimension]]
    ).transpose(*x.dims)
    assert got.coords.identical(x.coords)
    expected = fa.softmax(x.to_numpy(), axis=x.get_axis_num(dimension))
    assert_same_bits(got.to_numpy(), expected)
    direct = fa.softmax(x, axis=x.get_axis_num(dimension))
    assert direct.dims == x.dims
    assert direct.coords.identical(x.coords)
    assert_same_bits(direct.to_numpy(), expected)


def test_xarray_over_dask_stays_lazy(xarray):
    array = pytest.importorskip("dask.array")
    x = labelled(xarray, X).chunk(sample=1)
    got = fa.elu(x, alpha=0.5)
    assert isinstance(got.data, array.Array)
    assert got.chunks == x.chunks
    assert_same_bits(got.compute(scheduler="synchronous").to_numpy(), fa.elu(X, 0.5).reshape(2, 3))


# ---- Dask ---------------------------------------------------------------------------------------


@pytest.fixture
def dask_array():
    dask = pytest.importorskip("dask")
    array = pytest.importorskip("dask.array")
    with dask.config.set(scheduler="synchronous"):
        yield array


@pytest.fixture
def lazy(dask_array):
    """Arrays of Dask whose chunks count how often they are computed."""
    computed = []

    def make(x, chunks=4):
        def count(block):
            computed.append(block.size)
            return block

        whole = dask_array.from_array(x, chunks=chunks)
        return whole.map_blocks(count, dtype=x.dtype, meta=x[:0])

    make.computed = computed
    return make


@every_function
def test_dask_stays_lazy(dask_array, lazy, function, dtype):
    x = np.linspace(-5, 5, 10).astype(dtype)
    got = function(lazy(x))
    assert type(got) is dask_array.Array
    assert got.chunks == ((4, 4, 2),)
    assert got.dtype == dtype
    assert lazy.computed == []
    assert_same_bits(got.compute(), function(x))
    assert sorted(lazy.computed) == [2, 4, 4]


def test_dask_several_inputs(dask_array, lazy):
    x, grad = np.linspace(-5, 5, 10), np.linspace(1, 2, 10)
    for got in (
        fa.silu.backward(lazy(grad), lazy(x, 5)),
        fa.silu.backward(grad, lazy(x)),
        fa.silu.backward(lazy(grad), x),
    ):
        assert type(got) is dask_array.Array
        assert lazy.computed == []
        assert_same_bits(got.compute(), fa.silu.backward(grad, x))
        lazy.computed.clear()
    slopes = fa.leaky_relu(lazy(x), lazy(np.abs(grad)))
    assert type(slopes) is dask_array.Array
    assert_same_bits(slopes.compute(), fa.leaky_relu(x, np.abs(grad)))
    assert_same_bits(fa.mish(lazy(np.arange(10))).compute(), fa.mish(np.arange(10)))
    # Dask takes no ufunc with two results, but for its own functions.
    with pytest.raises(TypeError, match="NotImplemented"):
        fa.mish.value_and_derivative(lazy(x))


def test_dask_out_and_dtype(dask_array, lazy):
    x = np.linspace(-5, 5, 10)
    out = dask_array.zeros(10, chunks=4)
    fa.relu(lazy(x), out=out)
    assert lazy.computed == []
    assert_same_bits(out.compute(), fa.relu(x))
    narrow = fa.mish(lazy(x), dtype=np.float32)  # Dask computes as ever, and casts
    assert narrow.dtype == np.float32
    assert_same_bits(narrow.compute(), fa.mish(x).astype(np.float32))


def test_dask_softmax(dask_array, lazy):
    x = np.random.default_rng(0).normal(size=(10, 6))
    whole_rows = lazy(x, (4, 6)).map_blocks(fa.softmax)
    assert type(whole_rows) is dask_array.Array
    assert_same_bits(whole_rows.compute(), fa.softmax(x))
    direct = fa.softmax(lazy(x, (2, 6)))
    assert isinstance(direct, dask_array.Array)
    assert_same_bits(direct.compute(), fa.softmax(x))
    with pytest.raises(ValueError, match="rechunk"):
        fa.softmax(lazy(x, (4, 2)))
    cut_rows = lazy(x, (4, 2)).rechunk({1: -1}).map_blocks(fa.softmax)
    assert_same_bits(cut_rows.compute(), fa.softmax(x))
    columns = lazy(x, (4, 2)).rechunk({0: -1}).map_blocks(fa.softmax, axis=0)
    assert_same_bits(columns.compute(), fa.softmax(x, axis=0))


def test_dask_knows_a_function_again(dask_array):
    tokenize = pytest.importorskip("dask.base").tokenize
    half = fa.elu.with_parameters(alpha=0.5)
    again = fa.elu.with_parameters(alpha=0.5)
    assert tokenize(half) == tokenize(again)
    names = {tokenize(f) for f in (half, fa.elu, fa.elu.derivative, fa.elu.backward, fa.relu)}
    assert len(names) == 5


# ---- sparse -------------------------------------------------------------------------------------


@pytest.fixture
def sparse():
    return pytest.importorskip("sparse")


@pytest.mark.parametrize("kind", ["COO", "GCXS"])
@every_function
def test_sparse(sparse, function, kind):
    x = np.zeros((3, 4))
    x.flat[[1, 4, 6, 11]] = [-1.5, 2.0, -0.25, 7.0]
    got = function(getattr(sparse, kind).from_numpy(x))
    assert type(got) is getattr(sparse, kind)
    # Where nothing is stored there is f(0): the array is as sparse as before.
    assert_same_bits(got.fill_value, function(0.0))
    assert got.nnz <= 4
    assert_same_bits(got.todense(), function(x))


def test_sparse_relu_keeps_what_is_positive(sparse):
    x = np.zeros(1000)
    x[[3, 500, 999]] = [1.0, -1.0, 2.0]
    got = fa.relu(sparse.COO.from_numpy(x))
    assert got.nnz == 2
    assert got.fill_value == 0
    assert_same_bits(got.todense(), fa.relu(x))


def test_sparse_two_inputs_and_outputs(sparse):
    x = np.array([[0.0, 1.0, 0.0], [-2.0, 0.0, 0.0]])
    grad = np.array([[0.0, 0.5, 1.0], [2.0, 0.0, 0.0]])
    got = fa.silu.backward(sparse.COO.from_numpy(grad), sparse.COO.from_numpy(x))
    assert type(got) is sparse.COO
    assert_same_bits(got.todense(), fa.silu.backward(grad, x))
    results = fa.mish.value_and_derivative(sparse.COO.from_numpy(x))
    for got, expected in zip(results, fa.mish.value_and_derivative(x), strict=True):
        assert_same_bits(got.todense(), expected)


def test_scipy_sparse_by_its_data():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    x = np.array([[0.0, 1.0, 0.0], [-2.0, 0.0, 0.0]])
    matrix = scipy_sparse.csr_array(x)
    with pytest.raises(TypeError, match="dtype object"):  # as SciPy's own expit says
        fa.relu(matrix)
    fa.relu(matrix.data, out=matrix.data)
    assert_same_bits(matrix.toarray(), fa.relu(x))


# ---- pint ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["dimensionless", "metre"])
@every_function
def test_pint_refuses(function, unit):
    pint = pytest.importorskip("pint")
    special = pytest.importorskip("scipy.special")
    quantity = pint.UnitRegistry().Quantity(X, unit)
    # Its list of functions is closed: as SciPy's sigmoid, ours are not on it.
    assert kind_of_failure(special.expit, quantity) is TypeError
    with pytest.raises(TypeError, match="returned NotImplemented"):
        function(quantity)
    assert_same_bits(function(quantity.magnitude), function(X))


def test_pint_two_inputs_and_outputs():
    pint = pytest.importorskip("pint")
    quantity = pint.UnitRegistry().Quantity(X, "")
    for call in (
        lambda: fa.silu.backward(quantity, quantity),
        lambda: fa.silu.backward(GRAD, quantity),
        lambda: fa.mish.value_and_derivative(quantity),
        lambda: fa.elu(X, quantity),
    ):
        assert kind_of_failure(call) is TypeError


# ---- NumPy's own kinds --------------------------------------------------------------------------


@every_function
def test_masked_arrays(function, dtype):
    x = np.ma.array(X.astype(dtype), mask=[0, 1, 0, 0, 1, 0], fill_value=-1)
    got = function(x)
    assert type(got) is np.ma.MaskedArray
    assert np.ma.getmaskarray(got).tolist() == np.ma.getmaskarray(x).tolist()
    assert got.fill_value == np.tanh(x).fill_value
    assert_same_bits(got.compressed(), function(x.compressed()))


def test_masked_arrays_of_several():
    x = np.ma.array(X, mask=[0, 1, 0, 0, 1, 0])
    grad = np.ma.array(GRAD, mask=[1, 0, 0, 0, 1, 0])
    for first, second in [(grad, x), (GRAD, x), (grad, X)]:
        got = fa.silu.backward(first, second)
        wanted = np.logaddexp(first, second)
        assert type(got) is type(wanted)
        assert np.ma.getmaskarray(got).tolist() == np.ma.getmaskarray(wanted).tolist()
        there = ~np.ma.getmaskarray(got)
        assert_same_bits(np.asarray(got)[there], fa.silu.backward(GRAD, X)[there])
    results = fa.mish.value_and_derivative(x)
    for got, expected in zip(results, fa.mish.value_and_derivative(X), strict=True):
        assert np.ma.getmaskarray(got).tolist() == np.ma.getmaskarray(x).tolist()
        assert_same_bits(got.compressed(), expected[~np.ma.getmaskarray(x)])


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@every_function
def test_matrices(function):
    x = np.matrix(X.reshape(2, 3))
    got = function(x)
    assert type(got) is np.matrix
    assert_same_bits(got, function(X.reshape(2, 3)))
    assert type(fa.silu.backward(x, x)) is np.matrix


# ---- PyArrow ------------------------------------------------------------------------------------


@every_function
def test_pyarrow_without_a_copy(function, dtype):
    pyarrow = pytest.importorskip("pyarrow")
    x = X.astype(dtype)
    arrow = pyarrow.array(x)
    view = arrow.to_numpy(zero_copy_only=True)
    assert not view.flags.writeable
    assert view.ctypes.data == arrow.buffers()[1].address
    got = function(view)
    assert_same_bits(got, function(x))
    assert pyarrow.array(got).to_pylist() == got.tolist()
    with pytest.raises(ValueError, match="read-only"):
        fa.relu(view, out=view)


def test_pyarrow_given_itself():
    pyarrow = pytest.importorskip("pyarrow")
    # It converts itself, nulls to NaN, and gives an ndarray.
    got = fa.sigmoid(pyarrow.array([1.0, None]))
    assert type(got) is np.ndarray
    assert_same_bits(got, fa.sigmoid(np.array([1.0, np.nan])))


# ---- joblib -------------------------------------------------------------------------------------


@pytest.fixture
def joblib():
    return pytest.importorskip("joblib")


def test_joblib_memory_maps(joblib, tmp_path, dtype):
    x = np.random.default_rng(1).normal(size=(40, 25)).astype(dtype)
    joblib.dump(x, tmp_path / "x")
    mapped = joblib.load(tmp_path / "x", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    for view, plain in [(mapped, x), (mapped.T, x.T), (mapped[::2, 3:], x[::2, 3:])]:
        for function in FUNCTIONS.values():
            got = function(view)
            assert type(got) is type(np.tanh(view))
            assert_same_bits(got, function(plain))
        assert_same_bits(fa.silu.backward(view, view), fa.silu.backward(plain, plain))
        assert_same_bits(fa.softmax(view), fa.softmax(plain))
        assert_same_bits(fa.softmax.backward(view, view), fa.softmax.backward(plain, plain))
    for call in (fa.relu, fa.softmax):
        with pytest.raises(ValueError, match="read-only"):
            call(mapped, out=mapped)
    assert_same_bits(mapped, x)
    shared = joblib.load(tmp_path / "x", mmap_mode="r+")
    fa.mish(shared, out=shared)
    shared.flush()
    assert_same_bits(joblib.load(tmp_path / "x"), fa.mish(x))


def in_worker(function, x):
    return type(x).__name__, x.flags.writeable, np.asarray(function(x))


def test_joblib_workers_read_memory_maps(joblib, tmp_path):
    x = np.random.default_rng(2).normal(size=(200, 50))
    half = fa.elu.with_parameters(alpha=0.5)
    functions = [fa.mish, fa.mish.derivative, half, half.derivative, fa.softmax]
    results = joblib.Parallel(n_jobs=2, max_nbytes=1000, temp_folder=tmp_path)(
        joblib.delayed(in_worker)(function, x) for function in functions
    )
    for function, (kind, writeable, got) in zip(functions, results, strict=True):
        assert kind == "memmap"
        assert not writeable
        assert_same_bits(got, function(x))


def test_joblib_hashes_a_function_by_what_it_is(joblib):
    half = fa.elu.with_parameters(alpha=0.5)
    again = pickle.loads(pickle.dumps(half))
    assert joblib.hash(half) == joblib.hash(again) == joblib.hash(copy.deepcopy(half))
    assert len({joblib.hash(f) for f in (half, fa.elu, half.derivative, fa.relu)}) == 4

"""fastact inside numba's ``@njit``: numba calls `init` by itself, as pyproject.toml tells it.

Each operation has a numba type whose only value it is: so calls, members and operations as
arguments and closures all work.  A call becomes one to the C core that fastact itself calls.
Compiled code knows that core by symbols, so that there is no address in what numba caches.
"""

from __future__ import annotations

import functools
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from llvmlite import ir
from numba import typeof
from numba.core import cgutils, types
from numba.core.errors import NumbaTypeError
from numba.core.imputils import lower_constant, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr, make_overload_template
from numba.extending import (
    NativeValue,
    get_cython_function_address,
    intrinsic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array
from numba.np.numpy_support import as_dtype, from_dtype

from fastact import _activation  # type: ignore[attr-defined]
from fastact._kernels import OPERATIONS  # type: ignore[import-not-found]
from fastact.catalogue import CATALOGUE

FLOATS = ("float32", "float64")  # numba itself has no float16 on the CPU
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
ROWS = {row.name: row for row in CATALOGUE}
TYPES: dict[Any, OperationType] = {}


def init() -> None:
    """Tell the linker of compiled code what it may call."""
    for name in ("apply", "apply_shaped"):
        address = get_cython_function_address("fastact._kernels", name)
        llvmlite.binding.add_symbol(f"fastact.{name}", address)
    for row in CATALOGUE:
        for kind in OPERATIONS:
            keeps_integers = row.keeps_integers and kind == "value"
            operation = _activation._find(row.name, kind, {})
            for dtype in FLOATS + (INTEGERS if keeps_integers else ()):
                llvmlite.binding.add_symbol(
                    f"fastact.{row.name}.{kind}.{dtype}",
                    _activation._address_of_call(operation, np.dtype(dtype)),
                )


# ---- types --------------------------------------------------------------------------------------


class OperationType(types.Function):
    """The type of one operation, whose only value it is."""

    def __init__(self, operation: Any) -> None:
        self.operation = operation
        self.activation, self.kind, self.fixed = operation.__reduce__()[1]
        self.arrays = ("grad", "x") if self.kind == "backward" else ("x",)
        self.names = (*self.arrays, *operation.parameters)
        # The function that chooses an implementation and the latter must have the same arguments.
        self.arguments = ", ".join(
            [
                *self.arrays,
                "/",
                *(f"{name}={value!r}" for name, value in operation.parameters.items()),
            ]
        )
        chooser = f"lambda {self.arguments}: implementation(({', '.join(self.names)},))"
        choose = eval(chooser, {"implementation": functools.partial(implementation, self)})
        super().__init__(make_overload_template(operation, choose, {}, True, "never"))

    def __reduce__(self) -> tuple[Any, ...]:
        return type_of, (self.operation,)


def type_of(operation: Any) -> OperationType:
    """Return the type of an operation, always the same."""
    if operation not in TYPES:
        TYPES[operation] = OperationType(operation)
    return TYPES[operation]


@typeof_impl.register(_activation.Operation)
def _(operation: Any, context: Any) -> OperationType:
    return type_of(operation)


# At run time the only value of a type is nothing.
register_model(OperationType)(models.OpaqueModel)


@unbox(OperationType)
def _(type_: OperationType, value: Any, context: Any) -> NativeValue:
    return NativeValue(context.context.get_dummy_value())


@lower_constant(OperationType)
def _(context: Any, builder: ir.IRBuilder, type_: OperationType, value: Any) -> ir.Value:
    return context.get_dummy_value()


@infer_getattr
class Members(AttributeTemplate):
    """The types of an operation's members."""

    key = OperationType

    def generic_resolve(self, type_, name):  # type: ignore[override]
        if name in OPERATIONS and hasattr(type_.operation, name):
            return type_of(getattr(type_.operation, name))
        return None


@lower_getattr_generic(OperationType)
def _(context, builder, type_, value, name):
    return context.get_dummy_value()


# ---- what a call becomes ------------------------------------------------------------------------


def implementation(type_: OperationType, given: tuple[Any, ...]) -> Any:
    """Return the function that numba compiles for a call with arguments of these types."""
    operation = type_.operation
    row = ROWS[type_.activation]
    inputs = (*type_.arrays, *(parameter.name for parameter in row.parameters))
    known = {parameter.name: parameter for parameter in row.parameters}
    kinds = {name: kind_of(operation, value) for name, value in type_.fixed.items()}
    for name, value in zip(type_.names, given, strict=True):
        kinds[name] = kind_of(operation, value)

    # The dtypes are NumPy's matter; a number as a parameter gives way, as a Python number does.
    wanted: list[Any] = []
    for name in inputs:
        value = kinds[name]
        if isinstance(value, types.Array):
            wanted.append(as_dtype(value.dtype))
        elif name not in type_.arrays:
            wanted.append(float)
        else:
            wanted.append(as_dtype(value))
    try:
        resolved = operation.ufunc.resolve_dtypes((*wanted, *[None] * operation.nout))
    except TypeError as error:
        raise NumbaTypeError(f"fastact.{operation.__name__}: {error}") from None
    dtype = from_dtype(resolved[-1])

    lines = [f"{name} = fixed_{name}" for name in type_.fixed]
    arrays = []
    for name in inputs:
        value = kinds[name]
        if isinstance(value, types.Array) and value.ndim:
            arrays.append(name)
            if value.dtype != dtype or not value.aligned:
                lines.append(f"{name} = {name}.astype(dtype)")
        elif isinstance(value, types.Array):
            lines.append(f"{name} = {name}[()]")
        if name not in type_.arrays and name not in arrays:
            compared = ">" if known[name].domain == "positive" else ">="
            lines += [
                f"if not {name} {compared} least_{name}:",
                "    raise ValueError(out_of_range)",
            ]
    pairs = zip(row.parameters, row.parameters[1:], strict=False) if row.ascending else ()
    for one, other in pairs:
        if not {one.name, other.name} & {*arrays}:
            lines += [f"if {one.name} > {other.name}:", "    raise ValueError(out_of_range)"]
    symbol = f"fastact.{type_.activation}.{type_.kind}.{dtype}"
    outputs = [f"out{i}" for i in range(operation.nout)]
    if not arrays:
        lines.append(f"return on_numbers(({', '.join(inputs)},))")
    elif arrays == ["x"]:
        lines += [f"{out} = np.empty_like(x)" for out in outputs]
    else:
        lines.append(f"shape = np.broadcast_shapes({', '.join(f'{n}.shape' for n in arrays)})")
        lines += [f"{name} = np.broadcast_to({name}, shape)" for name in arrays]
        lines += [f"{out} = np.empty(shape, dtype)" for out in outputs]
    if arrays:
        lines += [
            f"on_arrays(({', '.join(outputs)},), ({', '.join(inputs)},))",
            f"return {', '.join(outputs)}",
        ]
    namespace = {
        **{f"fixed_{name}": value for name, value in type_.fixed.items()},
        "np": np,
        "dtype": dtype,
        "on_numbers": on_numbers(symbol, dtype, len(type_.arrays), operation.nout),
        "on_arrays": on_arrays(symbol, dtype),
        **{f"least_{parameter.name}": parameter.least for parameter in row.parameters},
        "out_of_range": f"{operation.__name__}() got a parameter that is nan or out of its range",
    }
    source = "\n    ".join([f"def call({type_.arguments}):", *lines])
    exec(source, namespace)
    return namespace["call"]


def kind_of(operation: Any, value: Any) -> types.Type:
    """Return the numba type of an argument, which may be a default value or a fixed parameter."""
    kind = value if isinstance(value, types.Type) else typeof(value)
    kind = types.unliteral(kind.value if isinstance(kind, types.Omitted) else kind)
    if isinstance(kind, types.Array | types.Number | types.Boolean):
        return kind
    raise NumbaTypeError(f"fastact.{operation.__name__} takes numbers and arrays, not {kind}")


def on_numbers(symbol: str, dtype: types.Type, arrays: int, outputs: int) -> Any:
    """Return an intrinsic that calls on one element."""
    result = dtype if outputs == 1 else types.UniTuple(dtype, outputs)

    @intrinsic
    def call(typing_context, inputs):
        def generate(context, builder, signature, arguments):
            element = context.get_data_type(dtype)
            operands = Operands(context, builder, len(inputs) + outputs, 1)
            values = cgutils.unpack_tuple(builder, arguments[0])
            size = context.get_abi_sizeof(element)
            for i, (kind, value) in enumerate(zip(inputs, values, strict=True)):
                place = number(context, builder, value, kind, dtype)
                operands.add(place, [operands.size(size if i < arrays else 0)])
            places = [cgutils.alloca_once(builder, element) for _ in range(outputs)]
            for place in places:
                operands.add(place, [operands.size(size)])
            operands.call("fastact.apply", symbol, operands.size(1))
            made = [context.unpack_value(builder, dtype, place) for place in places]
            return made[0] if outputs == 1 else context.make_tuple(builder, result, made)

        return result(inputs), generate

    return call


def on_arrays(symbol: str, dtype: types.Type) -> Any:
    """Return an intrinsic that calls on arrays of one shape and dtype; numbers are parameters."""

    @intrinsic
    def call(typing_context, outputs, inputs):
        def generate(context, builder, signature, arguments):
            kinds = [*inputs, *outputs]
            values = [
                value
                for argument in reversed(arguments)
                for value in cgutils.unpack_tuple(builder, argument)
            ]
            dimensions = outputs[0].ndim
            operands = Operands(context, builder, len(kinds), dimensions)
            for kind, value in zip(kinds, values, strict=True):
                if isinstance(kind, types.Array):
                    array = make_array(kind)(context, builder, value)
                    operands.add(array.data, cgutils.unpack_tuple(builder, array.strides))
                else:
                    place = number(context, builder, value, kind, dtype)
                    operands.add(place, [operands.size(0)] * dimensions)
            lengths = cgutils.unpack_tuple(builder, array.shape)
            if dimensions == 1:
                operands.call("fastact.apply", symbol, *lengths)
            else:
                shape = cgutils.alloca_once(builder, operands.type, dimensions)
                for i, length in enumerate(lengths):
                    builder.store(length, cgutils.gep_inbounds(builder, shape, i))
                count = ir.Constant(ir.IntType(32), dimensions)
                operands.call("fastact.apply_shaped", symbol, count, shape)
            return context.get_dummy_value()

        return types.none(outputs, inputs), generate

    return call


def number(context, builder, value, kind, dtype):
    """Return where a number lies, converted."""
    place = cgutils.alloca_once(builder, context.get_data_type(dtype))
    value = context.cast(builder, value, types.unliteral(kind), dtype)
    context.pack_value(builder, dtype, value, place)
    return place


class Operands:
    """The pointers and strides of a call, in the frame of the compiled function."""

    def __init__(self, context, builder, count, dimensions):
        self.context = context
        self.builder = builder
        self.size = functools.partial(context.get_constant, types.intp)
        self.pointer = context.get_value_type(types.voidptr)
        self.type = context.get_value_type(types.intp)
        self.pointers = cgutils.alloca_once(builder, self.pointer, count)
        self.strides = cgutils.alloca_once(builder, self.type, count * dimensions)
        self.count = 0
        self.dimensions = dimensions

    def add(self, data, strides):
        builder = self.builder
        place = cgutils.gep_inbounds(builder, self.pointers, self.count)
        builder.store(builder.bitcast(data, self.pointer), place)
        for i, stride in enumerate(strides):
            place = cgutils.gep_inbounds(builder, self.strides, self.count * self.dimensions + i)
            builder.store(stride, place)
        self.count += 1

    def call(self, function, symbol, *how_many):
        builder = self.builder
        module = builder.module
        call = module.globals.get(symbol) or ir.GlobalVariable(module, ir.IntType(8), symbol)
        arguments = [call, *how_many, self.pointers, self.strides]
        kind = ir.FunctionType(ir.IntType(32), [argument.type for argument in arguments])
        status = builder.call(cgutils.get_or_insert_function(module, kind, function), arguments)
        # A signal has ended it, and its handler's exception is set.
        with builder.if_then(cgutils.is_not_null(builder, status), likely=False):
            self.context.call_conv.return_exc(builder)

# Written by tools/write_stubs.py from fastact/catalogue.py: `make stubs` does it.

from array import array
from typing import Any, Final, Never, Self, TypeAlias, TypeVar, overload, type_check_only

from _typeshed import ReadableBuffer, WriteableBuffer
from numpy.typing import NDArray
from typing_extensions import disjoint_base

__all__ = [
    "Function",
    "elu",
    "expit",
    "identity",
    "leaky_relu",
    "mish",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "softmax",
    "swish",
    "tanh",
]

# NumPy's stubs call an ndarray a buffer from Python 3.12 on.
_Buffer: TypeAlias = ReadableBuffer | NDArray[Any]
_Out = TypeVar("_Out", bound=WriteableBuffer | NDArray[Any])

@disjoint_base
class Function:
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @property
    def __name__(self) -> str: ...
    @property
    def derivative(self) -> Function: ...
    @property
    def backward(self) -> Function: ...
    @property
    def parameters(self) -> dict[str, float]: ...
    def with_parameters(self, **parameters: float) -> Self: ...
    # What holds of them all; each is more exact below.
    def __call__(self, *args: Any, out: Any = None, **parameters: float) -> Any: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...

@overload
def softmax(x: _Buffer, *, out: None = None) -> array[float]: ...
@overload
def softmax(x: _Buffer, *, out: _Out) -> _Out: ...

@type_check_only
class _BackwardFunction(Function):
    def with_parameters(self) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, grad: _Buffer, x: _Buffer, /, *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, grad: _Buffer, x: _Buffer, /, *, out: _Out) -> _Out: ...

@type_check_only
class _DerivativeFunction(Function):
    def with_parameters(self) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, *, out: _Out) -> _Out: ...

@type_check_only
class _Function(Function):
    @property
    def derivative(self) -> _DerivativeFunction: ...
    @property
    def backward(self) -> _BackwardFunction: ...
    def with_parameters(self) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, *, out: _Out) -> _Out: ...

@type_check_only
class _AlphaBackwardFunction(Function):
    def with_parameters(self, *, alpha: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, alpha: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, grad: _Buffer, x: _Buffer, /, alpha: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _AlphaDerivativeFunction(Function):
    def with_parameters(self, *, alpha: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, alpha: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, alpha: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _AlphaFunction(Function):
    @property
    def derivative(self) -> _AlphaDerivativeFunction: ...
    @property
    def backward(self) -> _AlphaBackwardFunction: ...
    def with_parameters(self, *, alpha: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, alpha: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, alpha: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _BetaBackwardFunction(Function):
    def with_parameters(self, *, beta: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, beta: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, grad: _Buffer, x: _Buffer, /, beta: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _BetaDerivativeFunction(Function):
    def with_parameters(self, *, beta: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, beta: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, beta: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _BetaFunction(Function):
    @property
    def derivative(self) -> _BetaDerivativeFunction: ...
    @property
    def backward(self) -> _BetaBackwardFunction: ...
    def with_parameters(self, *, beta: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, beta: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, beta: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _NegativeSlopeBackwardFunction(Function):
    def with_parameters(self, *, negative_slope: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, negative_slope: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, negative_slope: float = ..., *, out: _Out
    ) -> _Out: ...

@type_check_only
class _NegativeSlopeDerivativeFunction(Function):
    def with_parameters(self, *, negative_slope: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, x: _Buffer, /, negative_slope: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, negative_slope: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _NegativeSlopeFunction(Function):
    @property
    def derivative(self) -> _NegativeSlopeDerivativeFunction: ...
    @property
    def backward(self) -> _NegativeSlopeBackwardFunction: ...
    def with_parameters(self, *, negative_slope: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, x: _Buffer, /, negative_slope: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, negative_slope: float = ..., *, out: _Out) -> _Out: ...

sigmoid: Final[_Function]
expit: Final[_Function]
tanh: Final[_Function]
relu: Final[_Function]
relu6: Final[_Function]
leaky_relu: Final[_NegativeSlopeFunction]
elu: Final[_AlphaFunction]
swish: Final[_BetaFunction]
silu: Final[_Function]
identity: Final[_Function]
mish: Final[_Function]

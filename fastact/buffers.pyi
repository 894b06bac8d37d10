# Written by tools/write_stubs.py from fastact/catalogue.py: `make stubs` does it.

from array import array
from typing import Any, Final, Never, Self, TypeAlias, TypeVar, overload, type_check_only

from _typeshed import ReadableBuffer, WriteableBuffer
from numpy.typing import NDArray
from typing_extensions import disjoint_base

__all__ = [
    "Function",
    "celu",
    "elu",
    "expit",
    "gelu",
    "gelu_tanh",
    "hard_shrink",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "logsigmoid",
    "mish",
    "quick_gelu",
    "relu",
    "relu2",
    "relu6",
    "relu_squared",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "tanhshrink",
    "threshold",
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
class _BBackwardFunction(Function):
    def with_parameters(self, *, b: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, b: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, grad: _Buffer, x: _Buffer, /, b: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _BDerivativeFunction(Function):
    def with_parameters(self, *, b: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, b: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, b: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _BFunction(Function):
    @property
    def derivative(self) -> _BDerivativeFunction: ...
    @property
    def backward(self) -> _BBackwardFunction: ...
    def with_parameters(self, *, b: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, b: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, b: float = ..., *, out: _Out) -> _Out: ...

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
class _LambdBackwardFunction(Function):
    def with_parameters(self, *, lambd: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, lambd: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, grad: _Buffer, x: _Buffer, /, lambd: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _LambdDerivativeFunction(Function):
    def with_parameters(self, *, lambd: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, lambd: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, lambd: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _LambdFunction(Function):
    @property
    def derivative(self) -> _LambdDerivativeFunction: ...
    @property
    def backward(self) -> _LambdBackwardFunction: ...
    def with_parameters(self, *, lambd: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, lambd: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, lambd: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _MinValMaxValBackwardFunction(Function):
    def with_parameters(self, *, min_val: float = ..., max_val: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self,
        grad: _Buffer,
        x: _Buffer,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: None = None,
    ) -> array[float]: ...
    @overload
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, min_val: float = ..., max_val: float = ..., *, out: _Out
    ) -> _Out: ...

@type_check_only
class _MinValMaxValDerivativeFunction(Function):
    def with_parameters(self, *, min_val: float = ..., max_val: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, x: _Buffer, /, min_val: float = ..., max_val: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(
        self, x: _Buffer, /, min_val: float = ..., max_val: float = ..., *, out: _Out
    ) -> _Out: ...

@type_check_only
class _MinValMaxValFunction(Function):
    @property
    def derivative(self) -> _MinValMaxValDerivativeFunction: ...
    @property
    def backward(self) -> _MinValMaxValBackwardFunction: ...
    def with_parameters(self, *, min_val: float = ..., max_val: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, x: _Buffer, /, min_val: float = ..., max_val: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(
        self, x: _Buffer, /, min_val: float = ..., max_val: float = ..., *, out: _Out
    ) -> _Out: ...

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

@type_check_only
class _ThresholdValueBackwardFunction(Function):
    def with_parameters(self, *, threshold: float = ..., value: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self,
        grad: _Buffer,
        x: _Buffer,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: None = None,
    ) -> array[float]: ...
    @overload
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, threshold: float = ..., value: float = ..., *, out: _Out
    ) -> _Out: ...

@type_check_only
class _ThresholdValueDerivativeFunction(Function):
    def with_parameters(self, *, threshold: float = ..., value: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, x: _Buffer, /, threshold: float = ..., value: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(
        self, x: _Buffer, /, threshold: float = ..., value: float = ..., *, out: _Out
    ) -> _Out: ...

@type_check_only
class _ThresholdValueFunction(Function):
    @property
    def derivative(self) -> _ThresholdValueDerivativeFunction: ...
    @property
    def backward(self) -> _ThresholdValueBackwardFunction: ...
    def with_parameters(self, *, threshold: float = ..., value: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, x: _Buffer, /, threshold: float = ..., value: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(
        self, x: _Buffer, /, threshold: float = ..., value: float = ..., *, out: _Out
    ) -> _Out: ...

@type_check_only
class _WidthBackwardFunction(Function):
    def with_parameters(self, *, width: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(
        self, grad: _Buffer, x: _Buffer, /, width: float = ..., *, out: None = None
    ) -> array[float]: ...
    @overload
    def __call__(self, grad: _Buffer, x: _Buffer, /, width: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _WidthDerivativeFunction(Function):
    def with_parameters(self, *, width: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, width: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, width: float = ..., *, out: _Out) -> _Out: ...

@type_check_only
class _WidthFunction(Function):
    @property
    def derivative(self) -> _WidthDerivativeFunction: ...
    @property
    def backward(self) -> _WidthBackwardFunction: ...
    def with_parameters(self, *, width: float = ...) -> Self: ...  # type: ignore[override]
    @overload  # type: ignore[override]
    def __call__(self, x: _Buffer, /, width: float = ..., *, out: None = None) -> array[float]: ...
    @overload
    def __call__(self, x: _Buffer, /, width: float = ..., *, out: _Out) -> _Out: ...

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
softplus: Final[_BetaFunction]
log_sigmoid: Final[_Function]
logsigmoid: Final[_Function]
gelu: Final[_Function]
gelu_tanh: Final[_Function]
quick_gelu: Final[_Function]
selu: Final[_Function]
celu: Final[_AlphaFunction]
softsign: Final[_Function]
hard_sigmoid: Final[_WidthFunction]
hardsigmoid: Final[_WidthFunction]
hard_swish: Final[_Function]
hardswish: Final[_Function]
hard_tanh: Final[_MinValMaxValFunction]
hardtanh: Final[_MinValMaxValFunction]
tanh_shrink: Final[_Function]
tanhshrink: Final[_Function]
soft_shrink: Final[_LambdFunction]
softshrink: Final[_LambdFunction]
hard_shrink: Final[_LambdFunction]
hardshrink: Final[_LambdFunction]
threshold: Final[_ThresholdValueFunction]
squareplus: Final[_BFunction]
relu_squared: Final[_Function]
relu2: Final[_Function]

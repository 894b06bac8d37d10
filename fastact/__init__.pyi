# Written by tools/write_stubs.py from fastact/catalogue.py: `make stubs` does it.

from contextlib import AbstractContextManager
from inspect import Signature
from typing import (
    Any,
    Final,
    Literal,
    Never,
    Protocol,
    Self,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
    type_check_only,
)

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from typing_extensions import disjoint_base  # a type checker knows it, nothing has to have it

__all__ = [
    "Activation",
    "__version__",
    "celu",
    "cross_entropy",
    "elu",
    "expit",
    "geglu",
    "gelu",
    "gelu_tanh",
    "get",
    "get_num_threads",
    "glu",
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
    "log_softmax",
    "logsigmoid",
    "logsumexp",
    "mish",
    "num_threads",
    "prelu",
    "quick_gelu",
    "reglu",
    "relu",
    "relu2",
    "relu6",
    "relu_squared",
    "runtime_info",
    "selu",
    "set_num_threads",
    "show_runtime",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "sparsemax",
    "squareplus",
    "swiglu",
    "swish",
    "tanh",
    "tanh_shrink",
    "tanhshrink",
    "threshold",
]

__version__: Final[str]

_Shape = TypeVar("_Shape", bound=tuple[int, ...])
_Float = TypeVar("_Float", np.float16, np.float32, np.float64)
_Integer = TypeVar("_Integer", bound=np.integer[Any])
_Out = TypeVar("_Out", bound=NDArray[Any])
_Out2 = TypeVar("_Out2", bound=NDArray[Any])

# Arrays of other libraries, which answer to ufuncs themselves.
@type_check_only
class _AnswersUfuncs(Protocol):
    @property
    def __array_ufunc__(self) -> Any: ...

_Input: TypeAlias = ArrayLike | _AnswersUfuncs
_NoOut: TypeAlias = tuple[None] | None
_NoOuts: TypeAlias = tuple[None, None] | None
_FloatType: TypeAlias = type[_Float] | np.dtype[_Float]
_Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None

@type_check_only
class _Keywords(TypedDict, total=False):
    where: ArrayLike
    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"]
    subok: bool
    signature: str | tuple[str | None, ...] | None

@type_check_only
class _Operation:
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    @property
    def __signature__(self) -> Signature: ...
    @property
    def fixed(self) -> dict[str, Any]: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def nargs(self) -> int: ...
    @property
    def nin(self) -> int: ...
    @property
    def nout(self) -> int: ...
    @property
    def parameters(self) -> dict[str, Any]: ...
    @property
    def types(self) -> list[str]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...

@type_check_only
class _Derivative(_Operation):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self, x: _Float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self, x: float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _Backward(_Operation):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ValueAndDerivative(_Operation):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self, x: float, /, *, out: _NoOuts = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _AlphaDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _AlphaBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _AlphaValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        alpha: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        alpha: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        alpha: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        alpha: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        alpha: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        alpha: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _ApproximateDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ApproximateBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ApproximateValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _BDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _BBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _BValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        b: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        b: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        b: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        b: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        b: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        b: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _BetaDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _BetaBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _BetaValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        beta: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        beta: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        beta: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        beta: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        beta: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        beta: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _LambdDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _LambdBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _LambdValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        lambd: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        lambd: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        lambd: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        lambd: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        lambd: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        lambd: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _MinValMaxValDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _MinValMaxValBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _MinValMaxValValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _NegativeSlopeDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _NegativeSlopeBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _NegativeSlopeValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _ThresholdValueDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ThresholdValueBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ThresholdValueValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _WidthDerivative(_Derivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _WidthBackward(_Backward):
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Float] | float,
        x: NDArray[_Float],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> NDArray[_Float]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        x: _Float,
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        grad: float,
        x: float,
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _WidthValueAndDerivative(_ValueAndDerivative):
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        width: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        width: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        width: float = ...,
        *,
        out: _NoOuts = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        width: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        width: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[
        np.ndarray[_Shape, np.dtype[np.float64]], np.ndarray[_Shape, np.dtype[np.float64]]
    ]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        width: float = ...,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@disjoint_base
class Activation(_Operation):
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @property
    def derivative(self) -> _Derivative: ...
    @property
    def backward(self) -> _Backward: ...
    @property
    def value_and_derivative(self) -> _ValueAndDerivative: ...
    def with_parameters(self, **parameters: ArrayLike) -> Activation: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self, x: _Float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[Any]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self, x: float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> Any: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _FloatActivation(Activation):
    def with_parameters(self) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self, x: _Float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self, x: float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _IntegerActivation(Activation):
    def with_parameters(self) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self, x: _Float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Integer]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self, x: float, /, *, out: _NoOut = None, dtype: None = None, **keywords: Unpack[_Keywords]
    ) -> Any: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _NegativeSlopeFloatActivation(Activation):
    @property
    def derivative(self) -> _NegativeSlopeDerivative: ...
    @property
    def backward(self) -> _NegativeSlopeBackward: ...
    @property
    def value_and_derivative(self) -> _NegativeSlopeValueAndDerivative: ...
    def with_parameters(self, *, negative_slope: ArrayLike = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        negative_slope: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        negative_slope: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _AlphaFloatActivation(Activation):
    @property
    def derivative(self) -> _AlphaDerivative: ...
    @property
    def backward(self) -> _AlphaBackward: ...
    @property
    def value_and_derivative(self) -> _AlphaValueAndDerivative: ...
    def with_parameters(self, *, alpha: ArrayLike = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        alpha: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        alpha: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _BetaFloatActivation(Activation):
    @property
    def derivative(self) -> _BetaDerivative: ...
    @property
    def backward(self) -> _BetaBackward: ...
    @property
    def value_and_derivative(self) -> _BetaValueAndDerivative: ...
    def with_parameters(self, *, beta: ArrayLike = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        beta: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        beta: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ApproximateFloatActivation(Activation):
    @property
    def derivative(self) -> _ApproximateDerivative: ...
    @property
    def backward(self) -> _ApproximateBackward: ...
    @property
    def value_and_derivative(self) -> _ApproximateValueAndDerivative: ...
    def with_parameters(self, *, approximate: Literal["none", "tanh"] = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        approximate: Literal["none", "tanh"] = ...,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _WidthFloatActivation(Activation):
    @property
    def derivative(self) -> _WidthDerivative: ...
    @property
    def backward(self) -> _WidthBackward: ...
    @property
    def value_and_derivative(self) -> _WidthValueAndDerivative: ...
    def with_parameters(self, *, width: ArrayLike = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        width: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        width: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _MinValMaxValFloatActivation(Activation):
    @property
    def derivative(self) -> _MinValMaxValDerivative: ...
    @property
    def backward(self) -> _MinValMaxValBackward: ...
    @property
    def value_and_derivative(self) -> _MinValMaxValValueAndDerivative: ...
    def with_parameters(self, *, min_val: ArrayLike = ..., max_val: ArrayLike = ...) -> Self: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        min_val: float = ...,
        max_val: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        min_val: _Input = ...,
        max_val: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _LambdFloatActivation(Activation):
    @property
    def derivative(self) -> _LambdDerivative: ...
    @property
    def backward(self) -> _LambdBackward: ...
    @property
    def value_and_derivative(self) -> _LambdValueAndDerivative: ...
    def with_parameters(self, *, lambd: ArrayLike = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        lambd: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        lambd: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _ThresholdValueFloatActivation(Activation):
    @property
    def derivative(self) -> _ThresholdValueDerivative: ...
    @property
    def backward(self) -> _ThresholdValueBackward: ...
    @property
    def value_and_derivative(self) -> _ThresholdValueValueAndDerivative: ...
    def with_parameters(self, *, threshold: ArrayLike = ..., value: ArrayLike = ...) -> Self: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        threshold: float = ...,
        value: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        threshold: _Input = ...,
        value: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

@type_check_only
class _BFloatActivation(Activation):
    @property
    def derivative(self) -> _BDerivative: ...
    @property
    def backward(self) -> _BBackward: ...
    @property
    def value_and_derivative(self) -> _BValueAndDerivative: ...
    def with_parameters(self, *, b: ArrayLike = ...) -> Activation: ...  # type: ignore[override]
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: _FloatType[_Float],
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Integer]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.bool]],
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: float,
        /,
        b: float = ...,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: _Input,
        /,
        b: _Input = ...,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

sigmoid: Final[_FloatActivation]
expit: Final[_FloatActivation]
tanh: Final[_FloatActivation]
relu: Final[_IntegerActivation]
relu6: Final[_IntegerActivation]
leaky_relu: Final[_NegativeSlopeFloatActivation]
elu: Final[_AlphaFloatActivation]
swish: Final[_BetaFloatActivation]
silu: Final[_FloatActivation]
identity: Final[_FloatActivation]
mish: Final[_FloatActivation]
softplus: Final[_BetaFloatActivation]
log_sigmoid: Final[_FloatActivation]
logsigmoid: Final[_FloatActivation]
gelu: Final[_ApproximateFloatActivation]
gelu_tanh: Final[_FloatActivation]
quick_gelu: Final[_FloatActivation]
selu: Final[_FloatActivation]
celu: Final[_AlphaFloatActivation]
softsign: Final[_FloatActivation]
hard_sigmoid: Final[_WidthFloatActivation]
hardsigmoid: Final[_WidthFloatActivation]
hard_swish: Final[_FloatActivation]
hardswish: Final[_FloatActivation]
hard_tanh: Final[_MinValMaxValFloatActivation]
hardtanh: Final[_MinValMaxValFloatActivation]
tanh_shrink: Final[_FloatActivation]
tanhshrink: Final[_FloatActivation]
soft_shrink: Final[_LambdFloatActivation]
softshrink: Final[_LambdFloatActivation]
hard_shrink: Final[_LambdFloatActivation]
hardshrink: Final[_LambdFloatActivation]
threshold: Final[_ThresholdValueFloatActivation]
squareplus: Final[_BFloatActivation]
relu_squared: Final[_FloatActivation]
relu2: Final[_FloatActivation]

@type_check_only
class _GateBackward(_Operation):
    @overload
    def __call__(
        self,
        grad: _Input,
        gate: _Input,
        value: _Input,
        /,
        *,
        out: tuple[_Out, _Out2],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Out, _Out2]: ...
    @overload
    def __call__(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        gate: np.ndarray[_Shape, np.dtype[_Float]],
        value: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.ndarray[_Shape, np.dtype[_Float]], np.ndarray[_Shape, np.dtype[_Float]]]: ...
    @overload
    def __call__(
        self,
        grad: _Float,
        gate: _Float,
        value: _Float,
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[_Float, _Float]: ...
    @overload
    def __call__(
        self,
        grad: float,
        gate: float,
        value: float,
        /,
        *,
        out: _NoOuts = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[np.float64, np.float64]: ...
    @overload
    def __call__(
        self,
        grad: _Input,
        gate: _Input,
        value: _Input,
        /,
        *,
        out: _NoOuts = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> tuple[Any, Any]: ...

@type_check_only
class _Gate(_Operation):
    @property
    def backward(self) -> _GateBackward: ...
    @overload
    def __call__(
        self,
        gate: _Input,
        value: _Input,
        /,
        *,
        out: _Out | tuple[_Out],
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        gate: np.ndarray[_Shape, np.dtype[_Float]],
        value: np.ndarray[_Shape, np.dtype[_Float]],
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        gate: _Float,
        value: _Float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        gate: float,
        value: float,
        /,
        *,
        out: _NoOut = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        gate: _Input,
        value: _Input,
        /,
        *,
        out: _NoOut = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...

swiglu: Final[_Gate]
geglu: Final[_Gate]
reglu: Final[_Gate]

@type_check_only
class _Arrangement:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...

@type_check_only
class _Glu(_Arrangement):
    @overload
    def __call__(
        self,
        x: _Input,
        axis: SupportsIndex = -1,
        *,
        out: _Out,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: SupportsIndex = -1,
        *,
        out: None = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: SupportsIndex = -1,
        *,
        out: None = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...
    @overload
    def backward(self, grad: _Input, x: _Input, axis: SupportsIndex = -1, *, out: _Out) -> _Out: ...
    @overload
    def backward(
        self,
        grad: NDArray[_Float] | float,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: SupportsIndex = -1,
        *,
        out: None = None,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self, grad: _Input, x: _Input, axis: SupportsIndex = -1, *, out: None = None
    ) -> Any: ...

@type_check_only
class _Prelu(_Arrangement):
    @overload
    def __call__(
        self,
        x: _Input,
        weight: ArrayLike,
        axis: SupportsIndex = 1,
        *,
        out: _Out,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        weight: NDArray[_Float] | float,
        axis: SupportsIndex = 1,
        *,
        out: None = None,
        dtype: None = None,
        **keywords: Unpack[_Keywords],
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        weight: ArrayLike,
        axis: SupportsIndex = 1,
        *,
        out: None = None,
        dtype: DTypeLike | None = None,
        **keywords: Unpack[_Keywords],
    ) -> Any: ...
    def backward(
        self,
        grad: ArrayLike,
        x: ArrayLike,
        weight: ArrayLike,
        axis: SupportsIndex = 1,
        *,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] = (None, None),
    ) -> tuple[Any, Any]: ...

glu: Final[_Glu]
prelu: Final[_Prelu]

@type_check_only
class _Softmax:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: _Float,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward_from_output(
        self,
        grad: _Input,
        y: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        y: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward_from_output(
        self,
        grad: _Float,
        y: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        y: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        y: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward_from_output(
        self,
        grad: _Input,
        y: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def jacobian(
        self, x: NDArray[_Float], axis: SupportsIndex = -1, *, dtype: None = None
    ) -> NDArray[_Float]: ...
    @overload
    def jacobian(
        self, x: ArrayLike, axis: SupportsIndex = -1, *, dtype: _FloatType[_Float]
    ) -> NDArray[_Float]: ...
    @overload
    def jacobian(
        self, x: ArrayLike, axis: SupportsIndex = -1, *, dtype: DTypeLike | None = None
    ) -> NDArray[Any]: ...

softmax: Final[_Softmax]

@type_check_only
class _LogSoftmax:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: _Float,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward_from_output(
        self,
        grad: _Input,
        y: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        y: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward_from_output(
        self,
        grad: _Float,
        y: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        y: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        y: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward_from_output(
        self,
        grad: _Input,
        y: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...

log_softmax: Final[_LogSoftmax]

@type_check_only
class _Softmin:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: _Float,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...

softmin: Final[_Softmin]

@type_check_only
class _Logsumexp:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        keepdims: bool = False,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        keepdims: bool = False,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        keepdims: bool = False,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        keepdims: bool = False,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...

logsumexp: Final[_Logsumexp]

@type_check_only
class _Sparsemax:
    @property
    def __name__(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def max_ulp(self) -> dict[str, float]: ...
    @property
    def ufunc(self) -> np.ufunc: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def __call__(
        self,
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def __call__(
        self,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        x: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: _Float,
        x: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        x: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        x: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward(
        self,
        grad: _Input,
        x: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...
    @overload
    def backward_from_output(
        self,
        grad: _Input,
        y: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: _Out,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> _Out: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[_Float]],
        y: np.ndarray[_Shape, np.dtype[_Float]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward_from_output(
        self,
        grad: _Float,
        y: _Float,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> _Float: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[Any]],
        y: np.ndarray[_Shape, np.dtype[Any]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: _FloatType[_Float],
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[_Float]]: ...
    @overload
    def backward_from_output(
        self,
        grad: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        y: np.ndarray[_Shape, np.dtype[np.integer[Any] | np.bool]],
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: None = None,
        where: ArrayLike = True,
    ) -> np.ndarray[_Shape, np.dtype[np.float64]]: ...
    @overload
    def backward_from_output(
        self,
        grad: _Input,
        y: _Input,
        axis: _Axis = -1,
        *,
        temperature: float = 1.0,
        out: None = None,
        dtype: DTypeLike | None = None,
        where: ArrayLike = True,
    ) -> Any: ...

sparsemax: Final[_Sparsemax]

_Reduction: TypeAlias = Literal["mean", "sum", "none"]

@type_check_only
class _CrossEntropy:
    @property
    def __name__(self) -> str: ...
    def __call__(
        self,
        logits: ArrayLike,
        labels: ArrayLike,
        axis: SupportsIndex = -1,
        *,
        label_smoothing: float = 0.0,
        reduction: _Reduction = "mean",
        ignore_index: int | None = None,
    ) -> Any: ...
    def backward(
        self,
        grad: ArrayLike,
        logits: ArrayLike,
        labels: ArrayLike,
        axis: SupportsIndex = -1,
        *,
        label_smoothing: float = 0.0,
        reduction: _Reduction = "mean",
        ignore_index: int | None = None,
    ) -> NDArray[Any]: ...

cross_entropy: Final[_CrossEntropy]

def get(name: str, framework: str = "torch") -> Any: ...
def get_num_threads() -> int: ...
def num_threads(n: SupportsIndex) -> AbstractContextManager[None]: ...
def runtime_info() -> dict[str, Any]: ...
def set_num_threads(n: SupportsIndex | None) -> None: ...
def show_runtime() -> None: ...

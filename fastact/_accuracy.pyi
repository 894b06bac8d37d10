from typing import Any, Self

from numpy.typing import NDArray
from typing_extensions import disjoint_base

from fastact.catalogue import Row

OPERATIONS: tuple[str, ...]
BLOCK: int

def in_dtype(parameters: dict[str, float], dtype: str) -> dict[str, float]: ...
def rounded(value: float, dtype: str) -> Any: ...
def judges(dtype: str) -> bool: ...
def in_order(dtype: str, begin: int, end: int) -> NDArray[Any]: ...
def gradients(dtype: str, x: NDArray[Any]) -> NDArray[Any]: ...

@disjoint_base
class References:
    row: Row
    parameters: dict[str, float]
    dtype: str
    def __new__(cls, row: Row, parameters: dict[str, float], dtype: str) -> Self: ...
    def set_inputs(
        self, x: NDArray[Any], grad: NDArray[Any] | None = None, one_by_one: bool = False
    ) -> None: ...
    def compare(self, operation: str, results: NDArray[Any]) -> dict[str, Any]: ...
    def enclose(
        self, x: float, wide: bool = True
    ) -> tuple[tuple[float, float], tuple[float, float]]: ...
    def sweep(
        self,
        x: NDArray[Any],
        grad: NDArray[Any],
        isas: list[str],
        lead: int = 0,
        backward_every: int = 1,
    ) -> dict[str, dict[str, dict[str, Any]]]: ...

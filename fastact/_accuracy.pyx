"""How far results are from the exact values of the catalogue's formulas: what the command
``python -m fastact accuracy`` and the tests measure with.

The truth is a row's formula alone, evaluated with its slope in interval arithmetic
(src_c/accuracy).  No kernel, and no text of a derivative, has a part in it.
"""

cimport cython
from libc.math cimport INFINITY
from libc.stdint cimport uint64_t
from libc.string cimport memset

from fastact cimport _kernels

import ast

import numpy as np

cdef extern from "accuracy/accuracy.h" nogil:
    enum:
        ACCURACY_X
        ACCURACY_CONSTANT
        ACCURACY_PI
        ACCURACY_NEGATE
        ACCURACY_ADD
        ACCURACY_MULTIPLY
        ACCURACY_DIVIDE
        ACCURACY_SQUARE
        ACCURACY_ABSOLUTE
        ACCURACY_SQRT
        ACCURACY_EXP
        ACCURACY_EXPM1
        ACCURACY_LOG1P
        ACCURACY_TANH
        ACCURACY_LESS_TANH
        ACCURACY_SOFTSIGN
        ACCURACY_ERFC
        ACCURACY_GREATER
        ACCURACY_GREATER_EQUAL
        ACCURACY_CHOOSE
        ACCURACY_STEPS
        ACCURACY_KINKS
        ACCURACY_BLOCK
        ACCURACY_FLOAT16
        ACCURACY_BFLOAT16
        ACCURACY_FLOAT32
        ACCURACY_FLOAT64
        ACCURACY_OPERATIONS
        ACCURACY_PARAMETERS

    ctypedef struct accuracy_step:
        int kind
        int operands[3]
        double constant

    ctypedef struct accuracy_formula:
        int steps
        accuracy_step step[ACCURACY_STEPS]
        int kinks
        double kink[ACCURACY_KINKS]
        double kink_slope[ACCURACY_KINKS]
        double limit[2]
        double slope_limit[2]

    ctypedef struct accuracy_found:
        uint64_t compared
        uint64_t misrounded
        uint64_t undecided
        uint64_t falls
        uint64_t rises
        double max_ulp
        double smallest
        double largest
        uint64_t worst_x
        uint64_t worst_grad

    ctypedef struct accuracy_references:
        pass

    ctypedef void accuracy_kernel(Py_ssize_t n, char **operands)

    ctypedef struct accuracy_subject:
        accuracy_kernel *kernels[ACCURACY_OPERATIONS]
        accuracy_found found[ACCURACY_OPERATIONS]
        uint64_t not_odd[ACCURACY_OPERATIONS]
        uint64_t not_even[ACCURACY_OPERATIONS]
        uint64_t differ[ACCURACY_OPERATIONS]
        uint64_t most_apart[ACCURACY_OPERATIONS]

    accuracy_references *accuracy_new(const accuracy_formula *formula, int element)
    void accuracy_free(accuracy_references *r)
    int accuracy_judges(int element)
    void accuracy_set_inputs(accuracy_references *r, Py_ssize_t n, Py_ssize_t lead, const void *x,
                             const void *grad, int one_by_one)
    void accuracy_compare(const accuracy_references *r, int operation, const void *results,
                          accuracy_found *found)
    void accuracy_fill(int element, uint64_t first_place, Py_ssize_t n, void *x)
    void accuracy_fill_gradients(int element, Py_ssize_t n, const void *x, void *grad)
    void accuracy_sweep(accuracy_references *r, Py_ssize_t n, Py_ssize_t lead, const void *x,
                        const void *grad, void **parameters, int parameter_count,
                        accuracy_subject *subjects, int count)
    void accuracy_enclose(const accuracy_formula *formula, double x, int wide, double *bounds)

#: What is compared, in the order of the C core's operations.
OPERATIONS = ("value", "derivative", "backward")

#: Inputs that one call takes.
BLOCK = ACCURACY_BLOCK

cdef enum:
    SUBJECTS = 8

# By dtype: the number of the type here, in the C core, and the type of the bits.
cdef dict ELEMENTS = {
    "float16": (ACCURACY_FLOAT16, _kernels.FASTACT_FLOAT16, np.dtype(np.uint16)),
    "bfloat16": (ACCURACY_BFLOAT16, _kernels.FASTACT_BFLOAT16, np.dtype(np.uint16)),
    "float32": (ACCURACY_FLOAT32, _kernels.FASTACT_FLOAT32, np.dtype(np.uint32)),
    "float64": (ACCURACY_FLOAT64, _kernels.FASTACT_FLOAT64, np.dtype(np.uint64)),
}

cdef dict OPERATORS = {
    ast.Add: ACCURACY_ADD,
    ast.Mult: ACCURACY_MULTIPLY,
    ast.Div: ACCURACY_DIVIDE,
}
cdef dict FUNCTIONS = {
    "abs": ACCURACY_ABSOLUTE,
    "sqrt": ACCURACY_SQRT,
    "exp": ACCURACY_EXP,
    "expm1": ACCURACY_EXPM1,
    "log1p": ACCURACY_LOG1P,
    "tanh": ACCURACY_TANH,
    "erfc": ACCURACY_ERFC,
}


class _Steps(ast.NodeVisitor):
    """A formula as a list of steps (kind, operands, constant)."""

    def __init__(self, expression, parameters):
        self.expression = expression
        self.parameters = parameters
        self.steps = []
        self.visit(ast.parse(expression, mode="eval").body)

    def add(self, kind, *operands, constant=0.0):
        step = (kind, operands, constant)
        if step not in self.steps:
            self.steps.append(step)
        return self.steps.index(step)

    def generic_visit(self, node):
        raise ValueError(f"cannot evaluate {ast.unparse(node)!r} of {self.expression!r}; teach "
                         "fastact/_accuracy.pyx and src_c/accuracy/enclosure.h how to")

    def visit_Constant(self, node):
        return self.add(ACCURACY_CONSTANT, constant=float(node.value))

    def visit_Name(self, node):
        if node.id == "x":
            return self.add(ACCURACY_X)
        if node.id == "pi":
            return self.add(ACCURACY_PI)
        if node.id not in self.parameters:
            return self.generic_visit(node)
        return self.add(ACCURACY_CONSTANT, constant=float(self.parameters[node.id]))

    def visit_UnaryOp(self, node):
        if not isinstance(node.op, ast.USub):
            return self.generic_visit(node)
        return self.add(ACCURACY_NEGATE, self.visit(node.operand))

    def visit_BinOp(self, node):
        if isinstance(node.op, ast.Pow):
            if not (isinstance(node.right, ast.Constant) and node.right.value == 2):
                return self.generic_visit(node)
            return self.add(ACCURACY_SQUARE, self.visit(node.left))
        left = ast.unparse(node.left)
        # One step each: the difference of two would lose its digits where x is small, and so would
        # the slope of a quotient where x is large.
        if ast.unparse(node) == f"{left} - tanh({left})":
            return self.add(ACCURACY_LESS_TANH, self.visit(node.left))
        if ast.unparse(node) == f"{left} / (1 + abs({left}))":
            return self.add(ACCURACY_SOFTSIGN, self.visit(node.left))
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Sub):
            return self.add(ACCURACY_ADD, left, self.add(ACCURACY_NEGATE, right))
        if type(node.op) not in OPERATORS:
            return self.generic_visit(node)
        return self.add(OPERATORS[type(node.op)], left, right)

    def visit_Call(self, node):
        if node.func.id not in FUNCTIONS:
            return self.generic_visit(node)
        return self.add(FUNCTIONS[node.func.id], self.visit(node.args[0]))

    def visit_Compare(self, node):
        if len(node.ops) > 1 or type(node.ops[0]) not in (ast.Gt, ast.GtE):
            return self.generic_visit(node)
        kind = ACCURACY_GREATER if type(node.ops[0]) is ast.Gt else ACCURACY_GREATER_EQUAL
        return self.add(kind, self.visit(node.left), self.visit(node.comparators[0]))

    def visit_IfExp(self, node):
        return self.add(ACCURACY_CHOOSE, self.visit(node.test), self.visit(node.body),
                        self.visit(node.orelse))


def in_dtype(parameters, dtype):
    """Return the parameters as a loop of that dtype gets them: rounded to it."""
    return {name: float(rounded(value, dtype)) for name, value in parameters.items()}


def rounded(value, dtype):
    """Return a number as an array scalar of a dtype, given by its name."""
    if dtype == "bfloat16":
        import ml_dtypes

        return ml_dtypes.bfloat16(value)
    return np.dtype(dtype).type(value)


cdef fill(accuracy_formula *formula, row, dict parameters):
    """Write down a row's formula, with the parameters it is evaluated for."""
    steps = _Steps(row.formula, parameters).steps
    kinks = row.kinks_at(parameters)
    if len(steps) > ACCURACY_STEPS or len(kinks) > ACCURACY_KINKS:
        raise ValueError(f"the formula of {row.name} is too long: raise ACCURACY_STEPS and "
                         "ACCURACY_KINKS")
    if len(parameters) > ACCURACY_PARAMETERS:
        raise ValueError(f"{row.name} has too many parameters: raise ACCURACY_PARAMETERS")
    memset(formula, 0, sizeof(accuracy_formula))
    formula.steps = len(steps)
    for i, (kind, operands, constant) in enumerate(steps):
        formula.step[i].kind = kind
        formula.step[i].constant = constant
        for j, operand in enumerate(operands):
            formula.step[i].operands[j] = operand
    formula.kinks = len(kinks)
    for i, (kink, slope) in enumerate(kinks.items()):
        formula.kink[i] = kink
        formula.kink_slope[i] = slope
    for i in range(2):
        formula.limit[i] = row.evaluate(row.at_infinity[i], parameters)
        formula.slope_limit[i] = row.evaluate(row.slope_at_infinity[i], parameters)


cdef dict summary(const accuracy_found *found):
    return {
        "inputs": found.compared,
        "max_ulp": found.max_ulp,
        "worst_x": found.worst_x,
        "worst_grad": found.worst_grad,
        "misrounded": found.misrounded,
        "undecided": found.undecided,
        "falls": found.falls,
        "rises": found.rises,
        "smallest": found.smallest,
        "largest": found.largest,
    }


cdef start(accuracy_found *found):
    memset(found, 0, sizeof(accuracy_found))
    found.smallest = INFINITY
    found.largest = -INFINITY


def judges(dtype):
    """Return whether this build can judge results of a dtype."""
    return bool(accuracy_judges(ELEMENTS[dtype][0]))


def in_order(str dtype, begin, end):
    """Return, as bits, the elements of a dtype by their places, from `begin` on and before `end`,
    in the order from -inf to -0, 0 and inf, after which come the NaN."""
    x = np.empty(end - begin, ELEMENTS[dtype][2])
    cdef unsigned char[::1] x_bytes = x.view(np.uint8)
    cdef int element = ELEMENTS[dtype][0]
    cdef uint64_t first = begin
    cdef Py_ssize_t n = len(x)
    if n > 0:
        with nogil:
            accuracy_fill(element, first, n, &x_bytes[0])
    return x


def gradients(str dtype, x):
    """Return a finite gradient for each input, any pattern of bits as likely as any other."""
    grad = np.empty_like(x)
    cdef const unsigned char[::1] x_bytes = x.view(np.uint8)
    cdef unsigned char[::1] grad_bytes = grad.view(np.uint8)
    cdef int element = ELEMENTS[dtype][0]
    cdef Py_ssize_t n = len(x)
    if x.dtype != ELEMENTS[dtype][2]:
        raise ValueError(f"the inputs must be bits of {dtype}")
    if n > 0:
        with nogil:
            accuracy_fill_gradients(element, n, &x_bytes[0], &grad_bytes[0])
    return grad


@cython.auto_pickle(False)
cdef class References:
    """The exact values of a row, for its parameters and a dtype, at one block of inputs after the
    other. Not for two threads at once."""

    cdef accuracy_references *references
    cdef accuracy_formula formula
    cdef readonly object row
    cdef readonly dict parameters
    cdef readonly str dtype
    cdef object bits

    def __cinit__(self, row, dict parameters, str dtype):
        if not judges(dtype):
            raise NotImplementedError(
                f"{dtype} needs quadruple precision to be judged, which this build lacks: it is "
                "there on Linux with glibc and gcc")
        self.row = row
        self.dtype = dtype
        self.parameters = in_dtype(parameters, dtype)
        self.bits = ELEMENTS[dtype][2]
        fill(&self.formula, row, self.parameters)
        self.references = accuracy_new(&self.formula, ELEMENTS[dtype][0])
        if self.references == NULL:
            raise MemoryError

    def __dealloc__(self):
        accuracy_free(self.references)

    cdef object checked(self, array):
        """Bits, contiguous; not more than a block of them."""
        array = np.ascontiguousarray(array)
        if array.dtype != self.bits or array.ndim != 1 or array.size > BLOCK:
            raise ValueError(f"a block is at most {BLOCK} {self.bits} bits of {self.dtype}")
        return array

    def set_inputs(self, x, grad=None, one_by_one=False):
        """Set at most `BLOCK` inputs, as the bits of rising numbers, and gradients."""
        cdef const unsigned char[::1] x_bytes = self.checked(x).view(np.uint8)
        cdef const unsigned char[::1] grad_bytes
        cdef const void *gradients = NULL
        if len(x) == 0:
            raise ValueError("a block has at least one input")
        if grad is not None:
            if len(grad) != len(x):
                raise ValueError("there must be one gradient per input")
            grad_bytes = self.checked(grad).view(np.uint8)
            gradients = &grad_bytes[0]
        cdef Py_ssize_t n = len(x)
        cdef bint alone = one_by_one
        with nogil:
            accuracy_set_inputs(self.references, n, 0, &x_bytes[0], gradients, alone)

    def compare(self, str operation, results):
        """Return how far results, as bits, are from the exact ones at the inputs last set."""
        cdef const unsigned char[::1] results_bytes = self.checked(results).view(np.uint8)
        cdef accuracy_found found
        start(&found)
        accuracy_compare(self.references, OPERATIONS.index(operation), &results_bytes[0], &found)
        return summary(&found)

    def enclose(self, double x, bint wide=True):
        """Return the bounds of the exact value and slope at x, outwards rounded to double."""
        cdef double bounds[4]
        accuracy_enclose(&self.formula, x, wide, bounds)
        return (bounds[0], bounds[1]), (bounds[2], bounds[3])

    def sweep(self, x, grad, isas, Py_ssize_t lead=0, Py_ssize_t backward_every=1):
        """Compare the kernels of instruction sets with the exact results.

        `x` and `grad` are bits as for `set_inputs`, of any number; the first `lead` inputs are
        there as neighbours only.  The backward pass is run on one of `backward_every` blocks.
        Returns by instruction set and operation what is found.
        """
        cdef accuracy_subject subjects[SUBJECTS]
        cdef int i, operation, count = len(isas)
        cdef int element = ELEMENTS[self.dtype][1]
        cdef void *given[ACCURACY_PARAMETERS]
        cdef int parameters = len(self.parameters)
        if count > SUBJECTS:
            raise ValueError(f"at most {SUBJECTS} instruction sets at once")
        for array in (x, grad):
            if array.dtype != self.bits or array.ndim != 1 or not array.flags.c_contiguous:
                raise ValueError(f"inputs and gradients must be {self.bits} bits of {self.dtype}, "
                                 "contiguous and of one dimension")
        if len(x) != len(grad):
            raise ValueError("there must be one gradient per input")
        if not 0 <= lead < len(x):
            raise ValueError("there must be more inputs than those that lead")
        for i in range(count):
            memset(&subjects[i], 0, sizeof(accuracy_subject))
            for operation in range(ACCURACY_OPERATIONS):
                start(&subjects[i].found[operation])
                subjects[i].kernels[operation] = <accuracy_kernel *>_kernels.loop_of(
                    isas[i], self.row.name, operation, element)
        # As many as the parameters and one more: a view of nothing has no first element.
        values = np.array([rounded(value, self.dtype) for value in (*self.parameters.values(), 0)])
        cdef const unsigned char[::1] value_bytes = values.view(np.uint8)
        cdef Py_ssize_t value_size = values.itemsize
        for i in range(parameters):
            given[i] = <void *>&value_bytes[i * value_size]
        cdef const unsigned char[::1] x_bytes = x.view(np.uint8)
        cdef const unsigned char[::1] grad_bytes = grad.view(np.uint8)
        cdef Py_ssize_t begin = 0, n, all_inputs = len(x), size = self.bits.itemsize
        cdef Py_ssize_t block = 0
        cdef const void *gradients
        with nogil:
            while begin < all_inputs:
                n = min(all_inputs - begin, ACCURACY_BLOCK)
                gradients = NULL
                if block % backward_every == 0:
                    gradients = &grad_bytes[begin * size]
                accuracy_sweep(self.references, n, lead, &x_bytes[begin * size], gradients, given,
                               parameters, subjects, count)
                block += 1
                if begin + n == all_inputs:
                    break
                # The last input of a block is the first one's neighbour in the next.
                begin += n - 1
                lead = 1
        results = {}
        for i in range(count):
            results[isas[i]] = {}
            for operation in range(ACCURACY_OPERATIONS):
                results[isas[i]][OPERATIONS[operation]] = {
                    **summary(&subjects[i].found[operation]),
                    "not_odd": subjects[i].not_odd[operation],
                    "not_even": subjects[i].not_even[operation],
                    "differ": subjects[i].differ[operation],
                    "most_apart": subjects[i].most_apart[operation],
                }
        return results

"""The C core of fastact, linked once: one thread count, one fork guard, one kernel table.

Importing the module chooses the instruction set, from the environment variable ``FASTACT_ISA``
or the processor.
"""

import os

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() nogil
    int Py_AddPendingCall(int (*function)(void *) except -1, void *argument) noexcept

cdef extern from "fastact.h" nogil:
    enum:
        FASTACT_CHEAP
        FASTACT_EXPONENTIAL

    int fastact_select_isa(const char *request)
    const char *fastact_isa()
    const char *fastact_available_isa(int i)
    fastact_loop *fastact_loop_of(const char *isa, int index, int operation, int element)
    int fastact_find(const char *name)
    int fastact_activation_parameters(int i)
    int fastact_bind(fastact_call *call, int index, int operation, int x_element, int computed_in,
                     int cost)
    int fastact_apply(const fastact_call *call, Py_ssize_t n, char **operands,
                      const Py_ssize_t *strides)
    int fastact_apply_contiguous(const fastact_call *call, Py_ssize_t n, char **operands)
    int fastact_apply_shaped(const fastact_call *call, int dimensions, const Py_ssize_t *shape,
                             char **operands, const Py_ssize_t *strides)
    int fastact_apply_rows(const fastact_row_call *call)
    Py_ssize_t fastact_row_limit(int which)
    void fastact_set_row_limit(int which, Py_ssize_t value)
    void fastact_enter(fastact_environment *callers)
    void fastact_leave(const fastact_environment *callers)
    int fastact_round(int element, double x, void *out)
    Py_ssize_t fastact_parallel_threshold(int cost)
    void fastact_set_parallel_threshold(int cost, Py_ssize_t elements)
    void fastact_threads_init(int requested, int fallback_limit)
    void fastact_set_num_threads(int n)
    int fastact_get_num_threads()
    void fastact_ask_whether_to_stop(fastact_question *ask)
    void fastact_ask_for_threads(fastact_question *ask)
    long fastact_openmp_version()
    const char *fastact_compiler()
    const char *fastact_compile_flags()


#: The operations of an activation, in the order of their numbers in fastact.h.
OPERATIONS = ("value", "derivative", "backward", "value_and_derivative")

# The costs that a row of the catalogue may name.
cdef dict COSTS = {"cheap": FASTACT_CHEAP, "exponential": FASTACT_EXPONENTIAL}


# What decides between the ways through rows, in the order of the numbers in fastact.h.
cdef tuple ROW_LIMITS = ("short_row", "rows_together", "kept_exponentials", "shared_row")


cdef list available_isas():
    names = []
    while fastact_available_isa(len(names)) != NULL:
        names.append(fastact_available_isa(len(names)).decode())
    return names


def _select_isa():
    request = os.environ.get("FASTACT_ISA", "")
    if fastact_select_isa(os.fsencode(request)) < 0:
        raise ImportError(
            f"FASTACT_ISA is {request!r}, which this processor or this build of fastact cannot "
            f"run; it can be {', '.join(available_isas())}, or unset for the best of them"
        )


_select_isa()


cdef int index_of(str name) except -1:
    cdef int index = fastact_find(name.encode())
    if index < 0:
        raise ImportError(f"the catalogue has {name!r}, which src_c/activations.h does not list")
    return index


cdef int bind(fastact_call *call, row, int operation, int x_element,
              int computed_in) except -2:
    return fastact_bind(call, index_of(row.name), operation, x_element, computed_in,
                        COSTS[row.cost])


cdef fastact_loop *loop_of(str isa, str name, int operation, int element) except NULL:
    cdef fastact_loop *loop = fastact_loop_of(isa.encode(), index_of(name), operation, element)
    if loop == NULL:
        raise ValueError(f"there are no kernels for {isa!r} that this processor can run; there "
                         f"are for {', '.join(available_isas())}")
    return loop


cdef int parameter_count(str name) except -1:
    return fastact_activation_parameters(index_of(name))


cdef int apply(const fastact_call *call, Py_ssize_t n, char **operands,
               const Py_ssize_t *strides) except -1 nogil:
    return fastact_apply(call, n, operands, strides)


# What was raised during a ufunc's loop, which cannot raise: to be raised after it, in that thread.
cdef object set_aside_exception = None
cdef unsigned long set_aside_thread = 0


cdef int pass_on(int status) except -1 with gil:
    """Raise what is set as an exception already or, for a status above 0, that memory is short."""
    if status > 0:
        raise MemoryError("there is no memory for a row that has to be copied")
    return -1


cdef void set_aside(int status) noexcept with gil:
    global set_aside_exception, set_aside_thread
    try:
        pass_on(status)
    except BaseException as exception:
        set_aside_exception = exception
        set_aside_thread = PyThread_get_thread_ident()
    Py_AddPendingCall(raise_set_aside, NULL)


cdef int raise_set_aside(void *unused) except -1 with gil:
    global set_aside_exception
    if set_aside_exception is None or set_aside_thread != PyThread_get_thread_ident():
        return 0
    exception, set_aside_exception = set_aside_exception, None
    raise exception


cdef void apply_in_ufunc(const fastact_call *call, Py_ssize_t n, char **operands,
                         const Py_ssize_t *strides) noexcept nogil:
    if fastact_apply(call, n, operands, strides) < 0:
        set_aside(-1)


cdef int apply_contiguous(const fastact_call *call, Py_ssize_t n,
                          char **operands) except -1 nogil:
    return fastact_apply_contiguous(call, n, operands)


cdef int apply_shaped(const fastact_call *call, int dimensions, const Py_ssize_t *shape,
                      char **operands, const Py_ssize_t *strides) except -1 nogil:
    return fastact_apply_shaped(call, dimensions, shape, operands, strides)


cdef int apply_rows(const fastact_row_call *call) except -1 nogil:
    cdef int status = fastact_apply_rows(call)
    return pass_on(status) if status else 0


cdef void apply_rows_in_ufunc(const fastact_row_call *call) noexcept nogil:
    cdef int status = fastact_apply_rows(call)
    if status:
        set_aside(status)


cdef void enter(fastact_environment *callers) noexcept nogil:
    fastact_enter(callers)


cdef void leave(const fastact_environment *callers) noexcept nogil:
    fastact_leave(callers)


cdef bint round_to(int element, double x, void *out) noexcept nogil:
    return fastact_round(element, x, out)


cdef void threads_init(int requested, int fallback_limit) noexcept:
    fastact_threads_init(requested, fallback_limit)


cdef void set_num_threads(int n) noexcept:
    fastact_set_num_threads(n)


cdef int get_num_threads() noexcept:
    return fastact_get_num_threads()


cdef void ask_whether_to_stop(fastact_question *ask) noexcept:
    fastact_ask_whether_to_stop(ask)


cdef void ask_for_threads(fastact_question *ask) noexcept:
    fastact_ask_for_threads(ask)


cdef long openmp_version() noexcept:
    return fastact_openmp_version()


cdef str isa():
    return fastact_isa().decode()


cdef str compiler():
    return fastact_compiler().decode()


cdef str compile_flags():
    return fastact_compile_flags().decode()


cdef dict parallel_thresholds():
    return {name: fastact_parallel_threshold(cost) for name, cost in COSTS.items()}


cdef set_parallel_threshold(str cost, Py_ssize_t elements):
    fastact_set_parallel_threshold(COSTS[cost], elements)


cdef dict row_limits():
    return {name: fastact_row_limit(which) for which, name in enumerate(ROW_LIMITS)}


cdef set_row_limit(str name, Py_ssize_t value):
    fastact_set_row_limit(ROW_LIMITS.index(name), value)

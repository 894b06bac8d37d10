/* The C interface of fastact: the only header that Cython sees. */
#ifndef FASTACT_H
#define FASTACT_H

#include <stddef.h>

enum { FASTACT_VALUE, FASTACT_DERIVATIVE, FASTACT_BACKWARD, FASTACT_VALUE_AND_DERIVATIVE,
       FASTACT_OPERATIONS };

/* What an operand's memory holds. Kernels exist for the floating types and, where an activation
 * keeps integers, for the integer ones; every other pairing is converted tile by tile. */
enum { FASTACT_FLOAT16, FASTACT_BFLOAT16, FASTACT_FLOAT32, FASTACT_FLOAT64, FASTACT_FLOATS,
       FASTACT_INT8 = FASTACT_FLOATS, FASTACT_INT16, FASTACT_INT32, FASTACT_INT64, FASTACT_UINT8,
       FASTACT_UINT16, FASTACT_UINT32, FASTACT_UINT64, FASTACT_BOOL, FASTACT_ELEMENTS };

/* How much work an element is: each kind has its own threshold for going parallel. */
enum { FASTACT_CHEAP, FASTACT_EXPONENTIAL, FASTACT_COSTS };

enum { FASTACT_MAX_OPERANDS = 8, FASTACT_MAX_DIMENSIONS = 64 };

/* ---- kernels: contiguous elements, one thread; written by elementwise.h and rowwise.h ------- */

/* Operands in the order of the ufunc: [grad,] x, parameters, then the outputs; of a gated function
 * x is two arrays, gate and value. Outputs may be the inputs themselves, but may not overlap them
 * otherwise. */
typedef void fastact_loop(ptrdiff_t n, char *const *operands);

/* As many elements as a loop of one output goes through together; what is beside a multiple of them
 * costs more. */
enum { FASTACT_TOGETHER = 64 };

typedef struct {
    fastact_loop *uniform; /* each parameter operand points to one value, the same for all */
    fastact_loop *varying; /* each parameter operand is an array; NULL without parameters */
    fastact_loop *slopes;  /* of a backward pass of 16-bit elements: x, parameters -> f' as doubles */
    int chosen; /* results are chosen among numbers of the element type rather than rounded to it */
} fastact_loops;

typedef struct {
    const char *name;
    int arrays; /* that x is; a backward pass has as many outputs */
    int parameters;
    fastact_loops operations[FASTACT_OPERATIONS]; /* of a gated function value and backward alone */
} fastact_activation;

/* An activation that keeps integers: its value, by integer element type. */
typedef struct {
    const char *name;
    fastact_loop *value[FASTACT_ELEMENTS];
} fastact_integer_activation;

/* What a kernel of rows goes through: `width` rows of length n, each operand in the order x (or the
 * output y), gradient, result. For a kernel along rows, of which it takes up to FASTACT_ROWS_ALONG,
 * their elements are contiguous, and a row is `steps` bytes from the one before it; for one across
 * rows, up to FASTACT_ROW_WIDTH, rows lie side by side, and an element is `steps` bytes from the one
 * before it in its row. The second operand of FASTACT_LOGSUMEXP_BACKWARD is one double a row, and the
 * result of FASTACT_LOGSUMEXP one element. */
enum { FASTACT_ROW_OPERANDS = 3, FASTACT_ROWS_ALONG = 16, FASTACT_ROW_WIDTH = 64,
       FASTACT_ROW_CHUNK = 4096, FASTACT_ROW_FIELDS = 7, FASTACT_ROW_LANES = 16 };

typedef struct {
    ptrdiff_t n, width;
    char *operands[FASTACT_ROW_OPERANDS];
    ptrdiff_t steps[FASTACT_ROW_OPERANDS];
    double temperature, reciprocal; /* and 1/temperature */
    double *kept; /* room for (n + FASTACT_ROW_LANES) * width exponentials, or NULL */
    ptrdiff_t ahead[FASTACT_ROW_OPERANDS]; /* bytes to the tile that comes next, or 0 */
} fastact_tile;

/* The three steps that a tile takes, in this order: the second, maybe several times, chunk by chunk,
 * each of FASTACT_ROW_CHUNK elements along the axis, the others over any part of it. `state` is room
 * for FASTACT_ROW_FIELDS * width doubles, which the first step fills. */
typedef void fastact_row_step(const fastact_tile *tile, ptrdiff_t begin, ptrdiff_t end,
                              double *state);

enum { FASTACT_MAXIMA, FASTACT_SUMS, FASTACT_WRITE, FASTACT_ROW_STEPS };

typedef struct {
    fastact_row_step *steps[FASTACT_ROW_STEPS][2]; /* along rows, across rows */
    /* Takes up into a state that of another part of the same rows. The first two fields are what
     * the sums of a part have to know of the whole. */
    void (*merge)(const fastact_tile *tile, double *rows, const double *part);
    /* To be called after the first step and after each second one, of the whole rows: whether the
     * second is to be taken again, for which the state then is ready. NULL: once is enough. */
    int (*again)(const fastact_tile *tile, double *state);
} fastact_row_kernels;

enum { FASTACT_SOFTMAX, FASTACT_LOG_SOFTMAX, FASTACT_LOGSUMEXP,
       FASTACT_LOG_PARTS, /* the maximum and the logarithm of the rest, two doubles a row */
       FASTACT_SUM_BELOW_0, /* of gradient x where x < 0, a pair of doubles a row */
       FASTACT_SOFTMAX_BACKWARD, FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT,
       FASTACT_LOG_SOFTMAX_BACKWARD, FASTACT_LOG_SOFTMAX_BACKWARD_FROM_OUTPUT,
       FASTACT_LOGSUMEXP_BACKWARD, FASTACT_SPARSEMAX, FASTACT_SPARSEMAX_BACKWARD,
       FASTACT_SPARSEMAX_BACKWARD_FROM_OUTPUT, FASTACT_ROW_KERNELS };

/* All kernels of one instruction set and one floating type. */
typedef struct {
    int count;
    const fastact_activation *activations;
    const fastact_row_kernels *rows;
    int (*round)(double x, void *out); /* as fastact_round */
    fastact_loop *by_slopes; /* grad, x, f' of all 16-bit numbers as doubles -> grad f' */
} fastact_kernel_set;

/* ---- isa.c: the instruction set in use ------------------------------------------------------- */

/* Chooses the kernels; to be called once, before anything else. `request` is NULL or "" for the
 * best this processor has. Returns 0, or -1 for a name that cannot run here. */
int fastact_select_isa(const char *request);
const char *fastact_isa(void);
/* The name of the i-th instruction set that can run here, from the least to the best, or NULL. */
const char *fastact_available_isa(int i);

/* The loop of an operation over contiguous elements, with parameters that are the same for all, of an
 * instruction set that can run here by its name; NULL for any other. For whoever measures the
 * instruction sets beside each other. */
fastact_loop *fastact_loop_of(const char *isa, int index, int operation, int element);

const char *fastact_activation_name(int i);
int fastact_activation_arrays(int i);
int fastact_activation_parameters(int i);
/* The index of an activation, or -1. */
int fastact_find(const char *name);

/* ---- strided.c: any operands -> contiguous tiles -> kernel ------------------------------------ */

/* A kernel bound to what its operands' memory holds. */
typedef struct {
    fastact_loops loops;
    int inputs, parameters, outputs; /* parameters are the last of the inputs */
    int cost;
    int computed_in;                     /* the element type of the kernel itself */
    int elements[FASTACT_MAX_OPERANDS];  /* the element type of each operand's memory */
} fastact_call;

/* Binds activation `index`. `x_element` is what x, or the first array of it, holds: the floating
 * type `computed_in`, an integer type (converted to float64), or, with computed_in == x_element, an
 * integer type that the activation keeps. Returns 0, or -1 where there is no such kernel. */
int fastact_bind(fastact_call *call, int index, int operation, int x_element, int computed_in,
                 int cost);

/* Runs the call on n elements, `strides` in bytes, with as many threads as are worth it. Like the
 * other two below returns 0, or -1 where it was stopped before the end; see parallel.c. */
int fastact_apply(const fastact_call *call, ptrdiff_t n, char *const *operands,
                  const ptrdiff_t *strides);

/* The same on contiguous operands of the kernel's own type, of which an output may be an input but
 * overlaps none otherwise, and parameters that are one value each: the least that a call can cost. */
int fastact_apply_contiguous(const fastact_call *call, ptrdiff_t n, char *const *operands);

/* The same on arrays of any shape, strides[i * dimensions + d] being that of operand i along
 * dimension d. Every operand holds the kernel's own type, and no output meets an input otherwise
 * than element by element. */
int fastact_apply_shaped(const fastact_call *call, int dimensions, const ptrdiff_t *shape,
                         char *const *operands, const ptrdiff_t *strides);

ptrdiff_t fastact_element_size(int element);

/* Rounds x to a floating element type without a trace in the floating-point flags; returns whether
 * a finite x became infinite. */
int fastact_round(int element, double x, void *out);

/* ---- tables.c: 16-bit elements in great number ------------------------------------------------ */

/* fastact_apply_shaped for a call whose results can be looked up and are so many that it pays; else
 * it does nothing and returns 0. Returns 1, or -1 where the call was stopped. */
int fastact_apply_by_table(const fastact_call *call, int dimensions, const ptrdiff_t *shape,
                           char *const *operands, const ptrdiff_t *strides);

/* ---- rows.c: rows of any strides -> tiles -> kernel -------------------------------------------- */

/* The rows of arrays with three dimensions: the axis lies between an outer and an inner one. */
typedef struct {
    int kernel, element;
    ptrdiff_t outer, n, inner;
    char *operands[FASTACT_ROW_OPERANDS];           /* the second may be NULL */
    ptrdiff_t strides[FASTACT_ROW_OPERANDS][3];     /* in bytes: outer, axis, inner */
    const char *mask;                               /* bytes, 0: left out; NULL: none is */
    ptrdiff_t mask_strides[3];
    double temperature;
} fastact_row_call;

/* Runs it, with as many threads as are worth it. An output may be an input, but may not overlap it
 * otherwise. Returns 0, -1 where the call was stopped, or 1 where memory is short. */
int fastact_apply_rows(const fastact_row_call *call);

/* What decides between the ways through rows, for whoever measures them: up to which length rows are
 * brought side by side, how many longer ones are begun at once, how many exponentials of a tile are
 * kept rather than computed again, and from which length on threads share a row. */
enum { FASTACT_SHORT_ROW, FASTACT_ROWS_TOGETHER, FASTACT_KEPT_EXPONENTIALS, FASTACT_SHARED_ROW,
       FASTACT_ROW_LIMITS };
ptrdiff_t fastact_row_limit(int which);
void fastact_set_row_limit(int which, ptrdiff_t value);

/* The floating-point environment as kernels have it, until the caller's is restored. */
typedef struct {
    double room[8];
} fastact_environment;

void fastact_enter(fastact_environment *callers);
void fastact_leave(const fastact_environment *callers);

/* ---- parallel.c: threads --------------------------------------------------------------------- */

typedef void fastact_body(void *context, ptrdiff_t begin, ptrdiff_t end);

/* Calls body on ranges that make up [0, n), each at least `least` long where there is more than
 * one, and each but the first and last beginning at `lead` plus a multiple of `granule`. Returns 0,
 * or -1 where it was stopped: then some ranges are missing. */
int fastact_parallel(ptrdiff_t n, ptrdiff_t least, ptrdiff_t lead, ptrdiff_t granule,
                     fastact_body *body, void *context);

/* What only the program around fastact knows; asked in the thread of a caller, and only in calls
 * that are long enough for several threads. */
typedef int fastact_question(void);

/* Whether a call is to stop, asked every 50 ms of it. */
void fastact_ask_whether_to_stop(fastact_question *ask);

/* How many threads are asked for here and now, before set_num_threads is heard; 0: any number. */
void fastact_ask_for_threads(fastact_question *ask);

/* The number of elements of this cost below which a second thread does not pay. */
ptrdiff_t fastact_parallel_threshold(int cost);
void fastact_set_parallel_threshold(int cost, ptrdiff_t elements);

void fastact_threads_init(int requested, int fallback_limit);
void fastact_set_num_threads(int n); /* 0: back to the default */
int fastact_get_num_threads(void);
long fastact_openmp_version(void);

const char *fastact_compiler(void);
const char *fastact_compile_flags(void);

#endif

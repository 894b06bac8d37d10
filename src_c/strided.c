/* Brings any one-dimensional operands - strided, of another element type, broadcast - before a
 * kernel that knows only contiguous elements of its own type, and shares the work among threads.
 * What is contiguous already goes straight to the kernel; the rest goes through tiles that stay in
 * the first-level cache: gather and convert, compute, scatter. */
#include "isa.h"

#include <stdint.h>
#include <string.h>

#include "fp_environment.h"
#include "independent.h"

/* Elements of a tile: five operands of eight bytes are 20 KB. */
enum { TILE = 512, CACHE_LINE = 64 };

int fastact_round(int element, double x, void *out)
{
    /* A function of another file, or the compiler rounds before it enters or after it leaves. */
    fp_environment callers = fp_enter();
    int overflows = fastact_kernels(element)->round(x, out);
    fp_leave(callers);
    return overflows;
}

ptrdiff_t fastact_element_size(int element)
{
    static const signed char sizes[FASTACT_ELEMENTS] = {
        [FASTACT_FLOAT16] = 2, [FASTACT_BFLOAT16] = 2, [FASTACT_FLOAT32] = 4, [FASTACT_FLOAT64] = 8,
        [FASTACT_INT8] = 1,    [FASTACT_INT16] = 2,    [FASTACT_INT32] = 4,   [FASTACT_INT64] = 8,
        [FASTACT_UINT8] = 1,   [FASTACT_UINT16] = 2,   [FASTACT_UINT32] = 4,  [FASTACT_UINT64] = 8,
        [FASTACT_BOOL] = 1,
    };
    return sizes[element];
}

int fastact_bind(fastact_call *call, int index, int operation, int x_element, int computed_in,
                 int cost)
{
    int parameters = fastact_activation_parameters(index);
    *call = (fastact_call){
        .inputs = 1 + (operation == FASTACT_BACKWARD) + parameters,
        .parameters = parameters,
        .outputs = 1 + (operation == FASTACT_VALUE_AND_DERIVATIVE),
        .cost = cost,
        .computed_in = computed_in,
    };
    for (int i = 0; i < call->inputs + call->outputs; i++) call->elements[i] = computed_in;
    call->elements[operation == FASTACT_BACKWARD] = x_element;

    if (computed_in < FASTACT_FLOATS) {
        call->loops = fastact_kernels(computed_in)->activations[index].operations[operation];
        return 0;
    }
    if (operation != FASTACT_VALUE || x_element != computed_in) return -1;
    const fastact_integer_activation *kept = fastact_integer_kernels;
    while (kept->name && strcmp(kept->name, fastact_activation_name(index)) != 0) kept++;
    if (!kept->name) return -1;
    call->loops.uniform = kept->value[computed_in];
    return call->loops.uniform ? 0 : -1;
}

/* ---- gather and scatter ----------------------------------------------------------------------- */

#define GATHER(from, to)                                                                           \
    {                                                                                              \
        to *tile = target;                                                                         \
        if (stride == (ptrdiff_t)sizeof(from)) {                                                   \
            const from *contiguous = (const from *)source;                                         \
            INDEPENDENT                                                                            \
            for (ptrdiff_t i = 0; i < n; i++) tile[i] = (to)contiguous[i];                         \
        } else {                                                                                   \
            for (ptrdiff_t i = 0; i < n; i++) tile[i] = (to)*(const from *)(source + i * stride);  \
        }                                                                                          \
        return;                                                                                    \
    }

static void gather(int element, int computed_in, ptrdiff_t n, const char *source,
                   ptrdiff_t stride, void *target)
{
    if (element == computed_in) {
        switch (fastact_element_size(element)) {
        case 1: GATHER(uint8_t, uint8_t)
        case 2: GATHER(uint16_t, uint16_t)
        case 4: GATHER(uint32_t, uint32_t)
        default: GATHER(uint64_t, uint64_t)
        }
    }
    switch (element) { /* an integer type, computed in float64 */
    case FASTACT_INT8: GATHER(int8_t, double)
    case FASTACT_INT16: GATHER(int16_t, double)
    case FASTACT_INT32: GATHER(int32_t, double)
    case FASTACT_INT64: GATHER(int64_t, double)
    case FASTACT_UINT16: GATHER(uint16_t, double)
    case FASTACT_UINT32: GATHER(uint32_t, double)
    case FASTACT_UINT64: GATHER(uint64_t, double)
    default: GATHER(uint8_t, double) /* uint8 and bool */
    }
}

#define SCATTER(type)                                                                              \
    for (ptrdiff_t i = 0; i < n; i++) *(type *)(target + i * stride) = ((const type *)tile)[i]

static void scatter(ptrdiff_t size, ptrdiff_t n, const void *tile, char *target, ptrdiff_t stride)
{
    switch (size) {
    case 1: SCATTER(uint8_t); break;
    case 2: SCATTER(uint16_t); break;
    case 4: SCATTER(uint32_t); break;
    default: SCATTER(uint64_t); break;
    }
}

/* ---- one range of a call ---------------------------------------------------------------------- */

typedef struct {
    const fastact_call *call;
    char *const *operands;
    const ptrdiff_t *strides;
    int uniform; /* every parameter is one value for all elements */
    int direct;  /* every other operand is contiguous and of the kernel's own type */
    ptrdiff_t tile; /* elements that may be read before the first of them is written */
    int ordered;    /* an output lies over an input: nothing is used in place */
} job;

static int is_parameter(const fastact_call *call, int i)
{
    return i >= call->inputs - call->parameters && i < call->inputs;
}

/* Parameters that are one value stay where they are for the uniform kernel. */
static int stays(const job *j, int i) { return j->uniform && is_parameter(j->call, i); }

OUT_OF_LINE static void run_direct(const job *j, ptrdiff_t begin, ptrdiff_t n)
{
    const fastact_call *call = j->call;
    char *operands[FASTACT_MAX_OPERANDS];
    for (int i = 0; i < call->inputs + call->outputs; i++)
        operands[i] = j->operands[i] + begin * j->strides[i];
    (j->uniform ? call->loops.uniform : call->loops.varying)(n, operands);
}

OUT_OF_LINE static void run_tile(const job *j, ptrdiff_t begin, ptrdiff_t n)
{
    const fastact_call *call = j->call;
    double tiles[FASTACT_MAX_OPERANDS][TILE];
    char *operands[FASTACT_MAX_OPERANDS];
    ptrdiff_t size = fastact_element_size(call->computed_in);
    int all = call->inputs + call->outputs;
    for (int i = 0; i < all; i++) {
        char *start = j->operands[i] + begin * j->strides[i];
        int in_place = stays(j, i) || (!j->ordered && call->elements[i] == call->computed_in
                                       && j->strides[i] == size);
        operands[i] = in_place ? start : (char *)tiles[i];
        if (!in_place && i < call->inputs)
            gather(call->elements[i], call->computed_in, n, start, j->strides[i], tiles[i]);
    }
    (j->uniform ? call->loops.uniform : call->loops.varying)(n, operands);
    for (int i = call->inputs; i < all; i++)
        if (operands[i] == (char *)tiles[i])
            scatter(size, n, tiles[i], j->operands[i] + begin * j->strides[i], j->strides[i]);
}

static void run_range(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const job *j = context;
    fp_environment callers = fp_enter();
    if (j->direct)
        run_direct(j, begin, end - begin);
    else
        for (; begin < end; begin += j->tile)
            run_tile(j, begin, end - begin < j->tile ? end - begin : j->tile);
    fp_leave(callers);
}

/* Elements up to the first cache line boundary of the output, so that no two threads write to one
 * line. */
static ptrdiff_t elements_to_line(const char *out, ptrdiff_t stride)
{
    if (stride <= 0 || CACHE_LINE % stride) return 0;
    return (ptrdiff_t)(-(uintptr_t)out % CACHE_LINE) / stride;
}

/* Whether an input and an output share memory otherwise than element by element. */
static int meets(const job *j, ptrdiff_t n, int input, int output)
{
    const char *start[2], *end[2];
    const int both[2] = {input, output};
    if (j->strides[output] == 0) return 1;
    if (j->operands[input] == j->operands[output] && j->strides[input] == j->strides[output])
        return 0;
    for (int k = 0; k < 2; k++) {
        ptrdiff_t reach = (n - 1) * j->strides[both[k]];
        start[k] = j->operands[both[k]] + (reach < 0 ? reach : 0);
        end[k] = j->operands[both[k]] + (reach < 0 ? 0 : reach)
                 + fastact_element_size(j->call->elements[both[k]]);
    }
    return start[0] < end[1] && start[1] < end[0];
}

/* Where they do: how many elements may be read before the first of them is written. */
static ptrdiff_t safe_tile(const job *j, int input, int output)
{
    ptrdiff_t stride = j->strides[output];
    if (stride == 0 || stride != j->strides[input]) return 1;
    int behind = stride > 0 ? j->operands[output] < j->operands[input]
                            : j->operands[output] > j->operands[input];
    return behind ? TILE : 1;
}

void fastact_apply(const fastact_call *call, ptrdiff_t n, char *const *operands,
                   const ptrdiff_t *strides)
{
    job j = {call, operands, strides, 1, 1, TILE, 0};
    int first_parameter = call->inputs - call->parameters;
    for (int i = first_parameter; i < call->inputs; i++) j.uniform &= strides[i] == 0;
    ptrdiff_t size = fastact_element_size(call->computed_in);
    for (int i = 0; i < call->inputs + call->outputs; i++)
        j.direct &= stays(&j, i)
                    || (call->elements[i] == call->computed_in && strides[i] == size);
    /* NumPy copies an input that the output lies over, unless going through it from first to last
     * is safe, as in f(x[1:], out=x[:-1]), or meant, as in the ufunc methods reduce and accumulate:
     * then in one thread, tile by tile, each read before it is written. */
    for (int out = call->inputs; n > 1 && out < call->inputs + call->outputs; out++)
        for (int in = 0; in < call->inputs; in++) {
            if (!meets(&j, n, in, out)) continue;
            j.ordered = 1;
            if (safe_tile(&j, in, out) < j.tile) j.tile = 1;
        }
    if (j.ordered) {
        j.direct = 0;
        run_range(&j, 0, n);
        return;
    }
    fastact_parallel(n, fastact_parallel_threshold(call->cost) / 2,
                     elements_to_line(operands[call->inputs], strides[call->inputs]), TILE,
                     run_range, &j);
}

/* ---- arrays of any shape ---------------------------------------------------------------------- */

/* Elements count in the order of the dimensions, the last one fastest. An operand is `flat` if its
 * elements lie one after the other in that order: it needs no tile. */
typedef struct {
    const fastact_call *call;
    char *const *operands;
    int dimensions;
    ptrdiff_t shape[FASTACT_MAX_DIMENSIONS];
    ptrdiff_t strides[FASTACT_MAX_OPERANDS][FASTACT_MAX_DIMENSIONS];
    int flat[FASTACT_MAX_OPERANDS];
} shaped_job;

/* Where element `begin` of an operand is: its row, a line along the last dimension, and how much of
 * that is left. */
typedef struct {
    char *at;
    ptrdiff_t left, index[FASTACT_MAX_DIMENSIONS];
} place;

static place place_of(const shaped_job *j, int operand, ptrdiff_t begin)
{
    const ptrdiff_t *strides = j->strides[operand];
    place p = {.at = j->operands[operand]};
    for (int d = j->dimensions - 1; d >= 0; d--) {
        p.index[d] = begin % j->shape[d];
        p.at += p.index[d] * strides[d];
        begin /= j->shape[d];
    }
    p.left = j->shape[j->dimensions - 1] - p.index[j->dimensions - 1];
    return p;
}

/* From somewhere in a row to the beginning of the next one. */
static inline void to_next_row(const shaped_job *j, const ptrdiff_t *strides, place *p)
{
    int last = j->dimensions - 1;
    p->at -= p->index[last] * strides[last];
    p->index[last] = 0;
    p->left = j->shape[last];
    for (int d = last - 1; d >= 0; d--) {
        p->at += strides[d];
        if (++p->index[d] < j->shape[d]) return;
        p->at -= j->shape[d] * strides[d];
        p->index[d] = 0;
    }
}

/* Copies n elements of an operand from element `begin` on, row by row, into a tile or from it. Not by
 * gather and scatter: their call and switch per row take half as long again where rows are of three. */
#define ALONG_ROWS(type, contiguous, strided)                                                      \
    for (type *t = tile; n > 0; to_next_row(j, strides, &p)) {                                     \
        ptrdiff_t length = n < p.left ? n : p.left;                                                \
        if (stride == (ptrdiff_t)sizeof(type)) {                                                   \
            type *row = (type *)p.at;                                                              \
            INDEPENDENT                                                                            \
            for (ptrdiff_t i = 0; i < length; i++) contiguous;                                     \
        } else {                                                                                   \
            for (ptrdiff_t i = 0; i < length; i++) strided;                                        \
        }                                                                                          \
        t += length;                                                                               \
        n -= length;                                                                               \
    }

#define ELEMENT(type) (*(type *)(p.at + i * stride))
#define GATHER_ROWS(type) ALONG_ROWS(type, t[i] = row[i], t[i] = ELEMENT(type))
#define SCATTER_ROWS(type) ALONG_ROWS(type, row[i] = t[i], ELEMENT(type) = t[i])

static void gather_rows(const shaped_job *j, int operand, ptrdiff_t begin, ptrdiff_t n, void *tile)
{
    const ptrdiff_t *strides = j->strides[operand], stride = strides[j->dimensions - 1];
    place p = place_of(j, operand, begin);
    switch (fastact_element_size(j->call->computed_in)) {
    case 2: GATHER_ROWS(uint16_t) break;
    case 4: GATHER_ROWS(uint32_t) break;
    default: GATHER_ROWS(uint64_t) break;
    }
}

static void scatter_rows(const shaped_job *j, int operand, ptrdiff_t begin, ptrdiff_t n, void *tile)
{
    const ptrdiff_t *strides = j->strides[operand], stride = strides[j->dimensions - 1];
    place p = place_of(j, operand, begin);
    switch (fastact_element_size(j->call->computed_in)) {
    case 2: SCATTER_ROWS(uint16_t) break;
    case 4: SCATTER_ROWS(uint32_t) break;
    default: SCATTER_ROWS(uint64_t) break;
    }
}

/* Where n elements of an operand from element `begin` on lie, if it is one after the other: in one
 * row of contiguous elements. Else NULL. */
static char *contiguous_at(const shaped_job *j, int operand, ptrdiff_t begin, ptrdiff_t n)
{
    ptrdiff_t size = fastact_element_size(j->call->computed_in);
    if (j->flat[operand]) return j->operands[operand] + begin * size;
    if (j->strides[operand][j->dimensions - 1] != size) return NULL;
    place p = place_of(j, operand, begin);
    return n <= p.left ? p.at : NULL;
}

OUT_OF_LINE static void run_shaped_tile(const shaped_job *j, ptrdiff_t begin, ptrdiff_t n)
{
    const fastact_call *call = j->call;
    double tiles[FASTACT_MAX_OPERANDS][TILE];
    char *operands[FASTACT_MAX_OPERANDS];
    for (int i = 0; i < call->inputs + call->outputs; i++) {
        operands[i] = is_parameter(call, i) ? j->operands[i] : contiguous_at(j, i, begin, n);
        if (operands[i]) continue;
        operands[i] = (char *)tiles[i];
        if (i < call->inputs) gather_rows(j, i, begin, n, tiles[i]);
    }
    call->loops.uniform(n, operands);
    for (int i = call->inputs; i < call->inputs + call->outputs; i++)
        if (operands[i] == (char *)tiles[i]) scatter_rows(j, i, begin, n, tiles[i]);
}

static void run_shaped_range(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    fp_environment callers = fp_enter();
    for (; begin < end; begin += TILE)
        run_shaped_tile(context, begin, end - begin < TILE ? end - begin : TILE);
    fp_leave(callers);
}

static ptrdiff_t distance(ptrdiff_t stride) { return stride < 0 ? -stride : stride; }

/* Whether dimension a lies outside b in memory: as the first output has them, then the inputs. */
static int is_outside(const shaped_job *j, int a, int b)
{
    const fastact_call *call = j->call;
    int all = call->inputs + call->outputs;
    for (int k = 0; k < all; k++) {
        int i = (call->inputs + k) % all;
        if (is_parameter(call, i)) continue;
        ptrdiff_t far = distance(j->strides[i][a]), near = distance(j->strides[i][b]);
        if (far != near && far != 0 && near != 0) return far > near;
    }
    return a < b;
}

static void exchange(ptrdiff_t *list, int a, int b)
{
    ptrdiff_t kept = list[a];
    list[a] = list[b];
    list[b] = kept;
}

/* Brings the dimensions into the order of memory, and makes one of two where no operand jumps
 * between them. */
static void simplify(shaped_job *j)
{
    int all = j->call->inputs + j->call->outputs;
    for (int end = 1; end < j->dimensions; end++)
        for (int d = end; d > 0 && is_outside(j, d, d - 1); d--) {
            exchange(j->shape, d, d - 1);
            for (int i = 0; i < all; i++) exchange(j->strides[i], d, d - 1);
        }
    int last = 0;
    for (int d = 1; d < j->dimensions; d++) {
        int one = 1;
        for (int i = 0; i < all; i++)
            one &= j->strides[i][last] == j->strides[i][d] * j->shape[d];
        if (!one) last++;
        j->shape[last] = one ? j->shape[last] * j->shape[d] : j->shape[d];
        for (int i = 0; i < all; i++) j->strides[i][last] = j->strides[i][d];
    }
    j->dimensions = last + 1;
}

void fastact_apply_shaped(const fastact_call *call, int dimensions, const ptrdiff_t *shape,
                          char *const *operands, const ptrdiff_t *strides)
{
    shaped_job j;
    ptrdiff_t n = 1, size = fastact_element_size(call->computed_in);
    int all = call->inputs + call->outputs;
    j.call = call;
    j.operands = operands;
    j.dimensions = 0;
    for (int d = 0; d < dimensions; d++) {
        n *= shape[d];
        if (shape[d] == 1) continue;
        j.shape[j.dimensions] = shape[d];
        for (int i = 0; i < all; i++)
            j.strides[i][j.dimensions] =
                is_parameter(call, i) ? 0 : strides[i * dimensions + d];
        j.dimensions++;
    }
    if (n == 0) return;
    if (j.dimensions == 0) {
        j.shape[0] = 1;
        for (int i = 0; i < all; i++) j.strides[i][0] = is_parameter(call, i) ? 0 : size;
        j.dimensions = 1;
    }
    simplify(&j);
    if (j.dimensions == 1) {
        ptrdiff_t along[FASTACT_MAX_OPERANDS];
        for (int i = 0; i < all; i++) along[i] = j.strides[i][0];
        fastact_apply(call, n, operands, along);
        return;
    }
    for (int i = 0; i < all; i++) {
        ptrdiff_t expected = size;
        j.flat[i] = 1;
        for (int d = j.dimensions - 1; d >= 0; d--) {
            j.flat[i] &= j.strides[i][d] == expected;
            expected *= j.shape[d];
        }
    }
    ptrdiff_t lead = j.flat[call->inputs] ? elements_to_line(operands[call->inputs], size) : 0;
    fastact_parallel(n, fastact_parallel_threshold(call->cost) / 2, lead, TILE, run_shaped_range,
                     &j);
}

/* Brings any operands - strided, of another element type, broadcast - before a kernel that knows only
 * contiguous elements of its own type, and shares the work among threads. What is contiguous already
 * goes straight to the kernel; the rest goes through tiles that stay in the first-level cache: gather
 * and convert, compute, scatter. */
#include "isa.h"

#include <stdint.h>
#include <string.h>

#include "fp_environment.h"
#include "independent.h"

/* Five operands' tiles are 20 KB. Inputs that the second cache holds in any case are not asked for. Of
 * rows in place, the last AHEAD elements are computed while as many of the next row are on their way,
 * the others before, in whole groups of as many as a kernel goes through together. */
enum { TILE_BYTES = 4096, NEAR_BYTES = 1 << 18, AHEAD = 256, FAR_AHEAD = 4 * AHEAD };

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
    int arrays = fastact_activation_arrays(index);
    *call = (fastact_call){
        .inputs = arrays + (operation == FASTACT_BACKWARD) + parameters,
        .parameters = parameters,
        .outputs = operation == FASTACT_BACKWARD               ? arrays
                   : operation == FASTACT_VALUE_AND_DERIVATIVE ? 2
                                                               : 1,
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

/* The loop with a `step` of so many bytes. Where that is to each element, to every second one or
 * backwards, it is a number that the compiler knows, and vectors are made of it. */
#define WITH_STEP(type, stride, ...)                                                               \
    do {                                                                                           \
        if ((stride) == (ptrdiff_t)sizeof(type)) {                                                 \
            const ptrdiff_t step = sizeof(type);                                                   \
            INDEPENDENT                                                                            \
            __VA_ARGS__                                                                            \
        } else if ((stride) == 2 * (ptrdiff_t)sizeof(type)) {                                      \
            const ptrdiff_t step = 2 * sizeof(type);                                               \
            INDEPENDENT                                                                            \
            __VA_ARGS__                                                                            \
        } else if ((stride) == -(ptrdiff_t)sizeof(type)) {                                         \
            const ptrdiff_t step = -(ptrdiff_t)sizeof(type);                                       \
            INDEPENDENT                                                                            \
            __VA_ARGS__                                                                            \
        } else {                                                                                   \
            const ptrdiff_t step = (stride);                                                       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

#define GATHER(from, to)                                                                           \
    {                                                                                              \
        to *tile = target;                                                                         \
        WITH_STEP(from, stride, for (ptrdiff_t i = 0; i < n; i++) tile[i] =                        \
                                    (to)*(const from *)(source + i * step););                      \
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
    WITH_STEP(type, stride, for (ptrdiff_t i = 0; i < n; i++) *(type *)(target + i * step) =       \
                                ((const type *)tile)[i];)

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

/* Whether an operand with so many bytes from element to element is as a kernel takes it. */
static int is_as_taken(const fastact_call *call, int i, ptrdiff_t stride)
{
    return call->elements[i] == call->computed_in
           && stride == fastact_element_size(call->computed_in);
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
    double tiles[FASTACT_MAX_OPERANDS][TILE_BYTES / sizeof(double)];
    char *operands[FASTACT_MAX_OPERANDS];
    ptrdiff_t size = fastact_element_size(call->computed_in);
    int all = call->inputs + call->outputs;
    for (int i = 0; i < all; i++) {
        char *start = j->operands[i] + begin * j->strides[i];
        int in_place = stays(j, i) || (!j->ordered && is_as_taken(call, i, j->strides[i]));
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
    return behind ? j->tile : 1;
}

int fastact_apply(const fastact_call *call, ptrdiff_t n, char *const *operands,
                  const ptrdiff_t *strides)
{
    ptrdiff_t size = fastact_element_size(call->computed_in);
    job j = {call, operands, strides, 1, 1, TILE_BYTES / size, 0};
    int first_parameter = call->inputs - call->parameters;
    for (int i = first_parameter; i < call->inputs; i++) j.uniform &= strides[i] == 0;
    for (int i = 0; i < call->inputs + call->outputs; i++)
        j.direct &= stays(&j, i) || is_as_taken(call, i, strides[i]);
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
        return 0;
    }
    int by_table = j.uniform ? fastact_apply_by_table(call, 1, &n, operands, strides) : 0;
    if (by_table) return by_table < 0 ? -1 : 0;
    return fastact_parallel(n, fastact_parallel_threshold(call->cost) / 2,
                            elements_to_line(operands[call->inputs], strides[call->inputs]), j.tile,
                            run_range, &j);
}

int fastact_apply_contiguous(const fastact_call *call, ptrdiff_t n, char *const *operands)
{
    if (n < fastact_parallel_threshold(call->cost)) {
        fp_environment callers = fp_enter();
        call->loops.uniform(n, operands);
        fp_leave(callers);
        return 0;
    }
    ptrdiff_t strides[FASTACT_MAX_OPERANDS];
    for (int i = 0; i < call->inputs + call->outputs; i++)
        strides[i] = is_parameter(call, i) ? 0 : fastact_element_size(call->computed_in);
    return fastact_apply(call, n, operands, strides);
}

/* ---- arrays of any shape ---------------------------------------------------------------------- */

/* Elements count in the order of the dimensions, the last one fastest. The work is cut into boxes of
 * two dimensions, each of at most a tile: an operand whose box is not contiguous is gathered
 * into a tile, or scattered from it, along whichever of the two its memory runs; but along the last
 * if it is of another element type. */
typedef struct {
    const fastact_call *call;
    char *const *operands;
    int uniform; /* every parameter is one value for all elements or, row by row, for those of a row */
    int dimensions, across; /* boxes are made of the last dimension and this one */
    int fastest;            /* the dimension along which one box follows the other */
    int row_by_row;         /* no operand needs a tile if the kernel is given single rows */
    int tails_apart;        /* what these have beside whole groups is gathered all the same */
    int is_far;             /* so much is read that it may have to come from memory */
    ptrdiff_t shape[FASTACT_MAX_DIMENSIONS], box[FASTACT_MAX_DIMENSIONS];
    ptrdiff_t strides[FASTACT_MAX_OPERANDS][FASTACT_MAX_DIMENSIONS];
} shaped_job;

/* What a box is of one operand. */
typedef struct {
    char *at;
    ptrdiff_t rows, columns, row_stride, column_stride;
} part;

static ptrdiff_t distance(ptrdiff_t stride) { return stride < 0 ? -stride : stride; }
static ptrdiff_t less(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Rows of fewer elements are gone through column by column. */
enum { NARROW = 8 };

#define COPY_PART(type, copy)                                                                      \
    {                                                                                              \
        type *t = tile;                                                                            \
        if (distance(p.row_stride) < distance(p.column_stride) || p.columns < NARROW) {            \
            const ptrdiff_t step = p.column_stride;                                                \
            for (ptrdiff_t c = 0; c < p.columns; c++)                                              \
                for (ptrdiff_t r = 0; r < p.rows; r++) copy(type);                                 \
        } else {                                                                                   \
            for (ptrdiff_t r = 0; r < p.rows; r++)                                                 \
                WITH_STEP(type, p.column_stride,                                                   \
                          for (ptrdiff_t c = 0; c < p.columns; c++) copy(type););                  \
        }                                                                                          \
    }

#define OF_TILE t[r * p.columns + c]
#define OF_ARRAY(type) (*(type *)(p.at + r * p.row_stride + c * step))
#define FROM_ARRAY(type) OF_TILE = OF_ARRAY(type)
#define TO_ARRAY(type) OF_ARRAY(type) = OF_TILE

static void gather_part(int element, int computed_in, part p, void *tile)
{
    ptrdiff_t size = fastact_element_size(computed_in);
    if (element != computed_in) {
        for (ptrdiff_t r = 0; r < p.rows; r++)
            gather(element, computed_in, p.columns, p.at + r * p.row_stride, p.column_stride,
                   (char *)tile + r * p.columns * size);
        return;
    }
    switch (size) {
    case 1: COPY_PART(uint8_t, FROM_ARRAY) break;
    case 2: COPY_PART(uint16_t, FROM_ARRAY) break;
    case 4: COPY_PART(uint32_t, FROM_ARRAY) break;
    default: COPY_PART(uint64_t, FROM_ARRAY) break;
    }
}

static void scatter_part(ptrdiff_t size, part p, void *tile)
{
    switch (size) {
    case 1: COPY_PART(uint8_t, TO_ARRAY) break;
    case 2: COPY_PART(uint16_t, TO_ARRAY) break;
    case 4: COPY_PART(uint32_t, TO_ARRAY) break;
    default: COPY_PART(uint64_t, TO_ARRAY) break;
    }
}

static int is_contiguous(ptrdiff_t size, const part *p)
{
    return (p->column_stride == size || p->columns == 1)
           && (p->row_stride == p->columns * size || p->rows == 1);
}

static ptrdiff_t boxes_along(const shaped_job *j, int d)
{
    return (j->shape[d] + j->box[d] - 1) / j->box[d];
}

static void find_parts(const shaped_job *j, ptrdiff_t number, part *parts)
{
    int last = j->dimensions - 1, across = j->across;
    ptrdiff_t start[FASTACT_MAX_DIMENSIONS];
    for (int k = last; k >= 0; k--) {
        int d = k == last ? j->fastest : k == j->fastest ? last : k;
        start[d] = number % boxes_along(j, d) * j->box[d];
        number /= boxes_along(j, d);
    }
    for (int i = 0; i < j->call->inputs + j->call->outputs; i++) {
        const ptrdiff_t *strides = j->strides[i];
        char *at = j->operands[i];
        for (int d = 0; d <= last; d++) at += start[d] * strides[d];
        parts[i] = (part){at, less(j->box[across], j->shape[across] - start[across]),
                          less(j->box[last], j->shape[last] - start[last]), strides[across],
                          strides[last]};
    }
}

/* Asks for the memory of a part, to arrive while the part before is computed: a tile is too short
 * for the processor to see by itself where things are going. */
static void prefetch(part p)
{
    int along_rows = distance(p.row_stride) < distance(p.column_stride);
    ptrdiff_t stride = along_rows ? p.row_stride : p.column_stride;
    ptrdiff_t bytes = (along_rows ? p.rows : p.columns) * distance(stride);
    ptrdiff_t lines = along_rows ? p.columns : p.rows;
    ptrdiff_t to_next = along_rows ? p.column_stride : p.row_stride;
    ptrdiff_t step = distance(stride) < CACHE_LINE ? CACHE_LINE : distance(stride);
    for (ptrdiff_t line = 0; line < lines; line++)
        for (ptrdiff_t b = 0; b < bytes; b += step)
            FETCH(p.at + line * to_next + (stride < 0 ? -b : b));
}

/* The same of so many elements of rows in place, `from` elements on from the start of this one, as
 * far as they are in another row: within this one the processor sees by itself. */
static void prefetch_ahead(part p, ptrdiff_t from, ptrdiff_t elements, int to_second)
{
    if (p.row_stride == 0 || from + elements <= p.columns) return;
    for (ptrdiff_t n; elements > 0; from += n, elements -= n) {
        ptrdiff_t row = from / p.columns, column = from % p.columns;
        n = less(elements, p.columns - column);
        const char *at = p.at + row * p.row_stride + column * p.column_stride;
        if (row > 0) fetch_all(at, n * p.column_stride, to_second);
    }
}

/* Rows that no operand has to be gathered for, as far as `columns`; what lies beside these is asked
 * for with them. */
static void run_rows(const shaped_job *j, fastact_loop *loop, const part *parts, ptrdiff_t columns)
{
    const fastact_call *call = j->call;
    char *operands[FASTACT_MAX_OPERANDS];
    part at[FASTACT_MAX_OPERANDS];
    int all = call->inputs + call->outputs;
    /* Where much is read in little time it is too much for the first cache, and has to be asked for
     * sooner: of 8,192 rows of 256 that are apart swiglu takes 1.1 ns an element rather than 2.1, relu
     * .22 rather than .44. Likewise of long rows, of which all that is asked for comes at once; but
     * sigmoid of 128 takes .94 if it finds them in the first cache, 1.2 in the second. */
    int to_second = call->cost == FASTACT_CHEAP || call->inputs - call->parameters > 1
                    || parts->columns > AHEAD;
    ptrdiff_t ahead = to_second ? FAR_AHEAD : AHEAD;
    for (int i = 0; i < all; i++) at[i] = parts[i];
    for (ptrdiff_t r = 0; r < parts->rows; r++) {
        for (ptrdiff_t c = 0, n; c < columns; c += n) {
            n = columns - c;
            if (n > AHEAD) n += FASTACT_TOGETHER - 1 - AHEAD, n -= n % FASTACT_TOGETHER;
            ptrdiff_t asked = c + n == columns ? parts->columns - c : n;
            for (int i = 0; i < all; i++) operands[i] = at[i].at + c * at[i].column_stride;
            for (int i = 0; j->is_far && i < call->inputs; i++)
                prefetch_ahead(at[i], c + ahead, asked, to_second);
            loop(n, operands);
        }
        for (int i = 0; i < all; i++) at[i].at += at[i].row_stride;
    }
}

typedef double tile_room[FASTACT_MAX_OPERANDS][TILE_BYTES / sizeof(double)];

/* A box whose operands are gathered where they are not contiguous, while those of the next one, if
 * there is one, are on their way. */
static void run_box(const shaped_job *j, fastact_loop *loop, const part *now, const part *next,
                    tile_room tiles)
{
    const fastact_call *call = j->call;
    char *operands[FASTACT_MAX_OPERANDS];
    ptrdiff_t size = fastact_element_size(call->computed_in);
    int all = call->inputs + call->outputs;
    for (int i = 0; i < all; i++) {
        int stays_there = (j->uniform && is_parameter(call, i))
                          || (call->elements[i] == call->computed_in
                              && is_contiguous(size, &now[i]));
        operands[i] = stays_there ? now[i].at : (char *)tiles[i];
        if (stays_there || i >= call->inputs) continue;
        gather_part(call->elements[i], call->computed_in, now[i], tiles[i]);
        if (next) prefetch(next[i]);
    }
    loop(now->rows * now->columns, operands);
    for (int i = call->inputs; i < all; i++)
        if (operands[i] == (char *)tiles[i]) scatter_part(size, now[i], tiles[i]);
}

/* Single rows of a box, but for what they have beside whole groups: so few elements cost a kernel as
 * much as a group each time, so those of all rows are gathered. */
static void run_box_by_rows(const shaped_job *j, fastact_loop *loop, part *parts, tile_room tiles)
{
    ptrdiff_t columns = parts->columns, beside = j->tails_apart ? columns % FASTACT_TOGETHER : 0;
    run_rows(j, loop, parts, columns - beside);
    if (!beside) return;
    for (int i = 0; i < j->call->inputs + j->call->outputs; i++) {
        parts[i].at += (columns - beside) * parts[i].column_stride;
        parts[i].columns = beside;
    }
    run_box(j, loop, parts, NULL, tiles);
}

static void run_boxes(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const shaped_job *j = context;
    fp_environment callers = fp_enter();
    tile_room tiles;
    part parts[2][FASTACT_MAX_OPERANDS], *now = parts[0], *next = parts[1], *kept;
    fastact_loop *loop = j->uniform ? j->call->loops.uniform : j->call->loops.varying;
    find_parts(j, begin, now);
    for (; begin < end; begin++, kept = now, now = next, next = kept) {
        if (begin + 1 < end) find_parts(j, begin + 1, next);
        if (j->row_by_row) run_box_by_rows(j, loop, now, tiles);
        else run_box(j, loop, now, begin + 1 < end ? next : NULL, tiles);
    }
    fp_leave(callers);
}

/* Whether dimension a lies outside b in memory: as the first output has them, then the inputs. */
static int is_outside(const shaped_job *j, int a, int b)
{
    const fastact_call *call = j->call;
    int all = call->inputs + call->outputs;
    for (int k = 0; k < all; k++) {
        int i = (call->inputs + k) % all;
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

/* Chooses the boxes. Long rows that no operand has to be gathered for are boxes by themselves. Beside
 * an operand that runs along another dimension, as x.T does beside a C-ordered output, a box is a
 * cache line wide and HEIGHT high: along one row it would take a cache line for each element. Else
 * the rows of a box are as long as they are, and as many as there is room for. */
static void choose_boxes(shaped_job *j)
{
    enum { HEIGHT = 64, LONG = 64, LONGEST = 4096 };
    int all = j->call->inputs + j->call->outputs, last = j->dimensions - 1, contiguous = 1;
    ptrdiff_t size = fastact_element_size(j->call->computed_in), height = 1;
    ptrdiff_t tile = TILE_BYTES / size;
    int uniform_in_rows = 1;
    for (int i = 0; i < all; i++)
        uniform_in_rows &= !is_parameter(j->call, i) || j->strides[i][last] == 0;
    j->across = last - 1;
    for (int i = 0; i < all; i++) {
        if (uniform_in_rows && is_parameter(j->call, i)) continue;
        contiguous &= is_as_taken(j->call, i, j->strides[i][last]);
        for (int d = 0; d < last; d++) {
            ptrdiff_t stride = distance(j->strides[i][d]);
            if (stride == 0 || stride >= distance(j->strides[i][height > 1 ? j->across : last]))
                continue;
            j->across = d;
            height = less(HEIGHT, j->shape[d]);
        }
    }
    j->fastest = height > 1 ? j->across : last;
    for (int d = 0; d < last; d++) {
        j->box[d] = 1;
        if (height == 1 && j->shape[last] * j->shape[j->across] < LONG
            && j->shape[d] > j->shape[j->across])
            j->across = d;
    }
    int one_for_all = j->uniform;
    j->row_by_row = contiguous && j->shape[last] >= LONG;
    if (j->row_by_row) tile = LONGEST, j->uniform = uniform_in_rows;
    j->box[last] = less(j->shape[last], tile / height);
    j->box[j->across] = less(j->shape[j->across], tile / j->box[last]);
    /* Where elements go together (elementwise.h) and each takes longer than to be gathered. */
    int go_together = size > 2 && j->call->outputs == 1 && j->call->cost != FASTACT_CHEAP;
    ptrdiff_t tail = go_together ? j->box[last] % FASTACT_TOGETHER : 0;
    j->tails_apart = j->row_by_row && one_for_all && tail > 0 && j->box[j->across] > 1;
    if (j->tails_apart) j->box[j->across] = less(j->box[j->across], TILE_BYTES / size / tail);
}

int fastact_apply_shaped(const fastact_call *call, int dimensions, const ptrdiff_t *shape,
                         char *const *operands, const ptrdiff_t *strides)
{
    shaped_job j; /* not initialised: most of it is for dimensions that are not there */
    ptrdiff_t n = 1;
    j.call = call;
    j.operands = operands;
    j.uniform = 1;
    j.dimensions = 0;
    int all = call->inputs + call->outputs;
    for (int d = 0; d < dimensions; d++) {
        n *= shape[d];
        if (shape[d] == 1) continue;
        j.shape[j.dimensions] = shape[d];
        for (int i = 0; i < all; i++) {
            j.strides[i][j.dimensions] = strides[i * dimensions + d];
            j.uniform &= !is_parameter(call, i) || strides[i * dimensions + d] == 0;
        }
        j.dimensions++;
    }
    if (n == 0) return 0;
    if (j.dimensions > 1) simplify(&j);
    if (j.dimensions <= 1) {
        ptrdiff_t along[FASTACT_MAX_OPERANDS];
        for (int i = 0; i < all; i++)
            along[i] = j.dimensions ? j.strides[i][0]
                       : is_parameter(call, i) ? 0 : fastact_element_size(call->elements[i]);
        return fastact_apply(call, n, operands, along);
    }
    int by_table = j.uniform ? fastact_apply_by_table(call, dimensions, shape, operands, strides) : 0;
    if (by_table) return by_table < 0 ? -1 : 0;
    choose_boxes(&j);
    ptrdiff_t arrays = call->inputs - call->parameters;
    j.is_far = n * arrays * fastact_element_size(call->computed_in) > NEAR_BYTES;
    ptrdiff_t boxes = 1, elements = 1;
    for (int d = 0; d < j.dimensions; d++) {
        boxes *= boxes_along(&j, d);
        elements *= j.box[d];
    }
    ptrdiff_t least = fastact_parallel_threshold(call->cost) / 2 / elements;
    return fastact_parallel(boxes, least > 0 ? least : 1, 0, 1, run_boxes, &j);
}
